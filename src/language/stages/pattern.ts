import { quote } from '../go-string.ts';
import { parsePattern } from '../pattern-text.ts';
import { extract } from '../extract.ts';
import { type Found, missing, namedValues } from '../row.ts';
import { quoteString } from '../sql-writer.ts';
import type { Pattern } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

/** A position that no line has: they are shorter. */
const beyond = 2 ** 32;

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
    const { scope, line } = row;
    const { parts } = parsePattern(stage.pattern, { named: true });
    const values = new Map<string, Found>();
    // Positions in the line, each of which uses the one before once. Behind a text that is missing all are beyond every line, and so nothing is found there.
    let start = '1';
    let present = `${line} != ''`;
    parts.forEach((part, i) => {
      if ('literal' in part) {
        if (i > 0) return;
        const literal = quoteString(part.literal);
        present = `startsWith(${line}, ${literal})`;
        start = `if(${present}, length(${literal}) + 1, ${beyond})`;
        return;
      }
      const next = parts[i + 1];
      const [from, there] = [start, present];
      let length = String(beyond);
      if (next && 'literal' in next) {
        const literal = quoteString(next.literal);
        const at = scope.bind(`position(${line}, ${literal}, ${from})`);
        // Of 0, where the text is missing, this makes the largest UInt32.
        const before = `toUInt32(${at} - 1)`;
        length = `${before} + 1 - ${from}`;
        start = scope.bind(`${before} + 1 + length(${literal})`);
        present = `${at} > 0`;
      }
      if (part.capture !== '_') {
        const value = scope.bind(`if(${there}, substring(${line}, ${from}, ${length}), '')`);
        values.set(part.capture, { value, present: there });
      }
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
