import { quote } from '../go-string.ts';
import { parsePattern } from '../pattern-text.ts';
import { extract, type Found, missing, namedValues } from '../row.ts';
import { and, quoteString } from '../sql-writer.ts';
import type { Pattern } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

/**
 * `pattern "<ip> <_> text"`. The text before the first capture must open the line. Each capture ends at the next occurrence of the literal
 * after it; where that is missing the capture takes the rest and the ones after it are not set.
 */
export const pattern: StageDefinition<Pattern> = {
  parse(reader) {
    const token = reader.string('a pattern, as a string');
    const { fault } = parsePattern(token.value, { named: true });
    if (fault !== undefined) throw reader.rule(`invalid pattern ${token.text}: ${fault}`, token);
    return { kind: 'pattern', pattern: token.value };
  },

  print: stage => `pattern ${quote(stage.pattern)}`,

  apply(stage, row) {
    const { scope } = row;
    const { parts } = parsePattern(stage.pattern, { named: true });
    const values = new Map<string, Found>();
    let rest = row.line;
    let matched = `${row.line} != ''`;
    parts.forEach((part, i) => {
      if ('literal' in part) {
        if (i > 0) return;
        const literal = quoteString(part.literal);
        matched = `startsWith(${rest}, ${literal})`;
        rest = scope.bind(`substring(${rest}, length(${literal}) + 1)`);
        return;
      }
      const next = parts[i + 1];
      let value = rest;
      let present = scope.bind(matched);
      if (next && 'literal' in next) {
        const literal = quoteString(next.literal);
        const at = scope.bind(`position(${rest}, ${literal})`);
        value = scope.bind(`if(${at} = 0, ${rest}, substring(${rest}, 1, ${at} - 1))`);
        rest = scope.bind(`substring(${rest}, ${at} + length(${literal}))`);
        matched = and([present, `${at} > 0`]);
      }
      if (part.capture !== '_')
        values.set(part.capture, { value: scope.bind(`if(${present}, ${value}, '')`), present });
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
