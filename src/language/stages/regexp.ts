import { quote } from '../go-string.ts';
import { extract } from '../extract.ts';
import { type Found, missing, namedValues } from '../row.ts';
import { readRegex } from '../regex.ts';
import { checkRegex } from '../selector.ts';
import { quoteString } from '../sql-writer.ts';
import type { Regexp } from '../tree.ts';
import { lineRegex, type StageDefinition } from './stage.ts';

/** `regexp "(?P<name>re)"`: on a match every named group is set, optional ones that took no part with the empty value. */
export const regexp: StageDefinition<Regexp> = {
  parse(reader) {
    const token = reader.string('a regular expression, as a string');
    const { groups } = checkRegex(reader, token.value, token);
    if (!groups.some(name => name !== undefined))
      throw reader.rule('at least one named capture must be supplied', token);
    return { kind: 'regexp', regex: token.value };
  },

  print: stage => `regexp ${quote(stage.regex)}`,

  apply(stage, row) {
    const { scope } = row;
    const values = new Map<string, Found>();
    const groups = scope.bind(`extractGroups(${row.line}, ${quoteString(lineRegex(stage.regex))})`);
    const present = scope.bind(`notEmpty(${groups})`);
    readRegex(stage.regex).groups.forEach((name, i) => {
      if (name !== undefined) values.set(name, { value: `${groups}[${i + 1}]`, present });
    });
    return {
      row: extract(row, {
        raw: name => values.get(name) ?? missing,
        rawMap: () => namedValues(values),
        error: "''",
        details: "''",
        cleanWhenFound: '0',
      }),
    };
  },
};
