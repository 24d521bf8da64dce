import { choose, extract, type Extractor, missing, namedValues, type Row } from '../row.ts';
import { quoteString } from '../sql-writer.ts';
import type { Logfmt } from '../tree.ts';
import { firstOfEach, parseExtractions, printExtractions, sanitized } from './extraction.ts';
import type { StageDefinition } from './stage.ts';

const space = '[\\x00-\\x20]';
const quoted = '"(?:[^"\\\\]|\\\\.)*"';
const bare = '[^\\x00-\\x20"=]*';
const key = '[^\\x00-\\x20"=]+';
/** A well-formed `key`, `key=` or `key=value`; groups: key, quoted value, bare value. */
const pair = `(${key})(?:=(?:(${quoted})|(${bare})))?`;
/** Well-formed pairs, or anything else up to the next blank (skipped, or an error with --strict). */
const token = `(?s)(?:${pair}(?:${space}|$))|([^\\x00-\\x20]+)`;

const unquote = (value: string): string =>
  `if(startsWith(${value}, '"'), if(position(${value}, '\\\\') > 0, JSONExtractString(${value}), substring(${value}, 2, length(${value}) - 2)), ${value})`;

/** Array of (key as written, value, broken pair) in order of the line. */
function tokens(row: Row): string {
  const groups = row.scope.bind(`extractAllGroupsVertical(${row.line}, ${quoteString(token)})`);
  return row.scope.bind(`arrayMap(g -> (g[1], ${unquote('concat(g[2], g[3])')}, g[4]), ${groups})`);
}

/**
 * One label straight from the line, where that is certain to be what reading all pairs would give: the key is spelled as the label and an even
 * number of quotes (none of them escaped) stands before it. `doubtful`: all other lines.
 */
function firstValue(row: Row, name: string): { value: string; doubtful: string } {
  const { scope, line } = row;
  const key = quoteString(`${name}=`);
  const at = scope.bind(`if(startsWith(${line}, ${key}), 1, position(${line}, ${quoteString(` ${name}=`)}) + 1)`);
  const found = `(${at} > 1 OR startsWith(${line}, ${key}))`;
  const before = scope.bind(`left(${line}, ${at} - 1)`);
  const rest = scope.bind(`substring(${line}, ${at} + length(${key}))`);
  const inQuotes = `extract(${rest}, ${quoteString(`(?s)^(${quoted})(?:${space}|$)`)})`;
  const raw = scope.bind(`if(startsWith(${rest}, '"'), ${inQuotes}, substringIndex(${rest}, ' ', 1))`);
  const odd = `countSubstrings(${before}, '"') % 2 = 1 OR position(${before}, '\\\\') > 0`;
  const unclear = `${raw} IN ('', '""') OR (NOT startsWith(${raw}, '"') AND match(${raw}, ${quoteString('["=\\x00-\\x1f]')}))`;
  // For a_b other spellings (a-b, a.b) may come first.
  const spelled = quoteString(`${name.replaceAll('_', '[^A-Za-z0-9]')}=`);
  const anySpelling = name.includes('_') ? `match(${line}, ${spelled})` : `position(${line}, ${key}) > 0`;
  const others = name.includes('_') ? ` OR countMatches(${line}, ${spelled}) > 1` : '';
  const doubtful = scope.bind(`if(${found}, ${odd} OR ${unclear}${others}, ${anySpelling})`);
  return { value: `if(${found}, ${unquote(raw)}, '')`, doubtful };
}

function extractor(row: Row, stage: Logfmt): Extractor {
  const { scope } = row;
  const pairs = (): string => {
    const named = `arrayMap(t -> (${sanitized('t.1')}, t.2), arrayFilter(t -> t.1 != '', ${tokens(row)}))`;
    return scope.bind(stage.keepEmpty ? named : `arrayFilter(p -> p.2 != '', ${named})`);
  };
  const broken = (): string => scope.bind(`arrayFirst(t -> t.3 != '', ${tokens(row)}).3`);
  return {
    raw(name) {
      const slow = (): string => `arrayFirst(p -> p.1 = ${quoteString(name)}, ${pairs()})`;
      if (stage.keepEmpty) {
        const found = scope.bind(slow());
        return { value: `${found}.2`, present: `${found}.1 != ''` };
      }
      // A label name that opens with `_` may stand for a key that opens with a digit or another character.
      if (name.startsWith('_') || stage.strict) {
        const value = scope.bind(`${slow()}.2`);
        return { value, present: `${value} != ''` };
      }
      const fast = firstValue(row, name);
      const value = scope.bind(choose(fast.doubtful, `${slow()}.2`, fast.value));
      return { value, present: `${value} != ''` };
    },
    rawMap: () => scope.bind(firstOfEach(pairs())),
    error: stage.strict ? `if(${broken()} != '', 'LogfmtParserErr', '')` : "''",
    details: stage.strict ? `concat('logfmt syntax error at ', ${broken()})` : "''",
    cleanWhenFound: false,
  };
}

/** With expressions only the named keys are taken, and a missing key gives the label with an empty value. */
function selected(row: Row, stage: Logfmt): Extractor {
  const all = extractor(row, { ...stage, keepEmpty: false });
  const values = new Map(
    stage.extractions.map(({ name, path }) => [
      name,
      {
        value: row.scope.bind(`arrayFirst(t -> t.1 = ${quoteString(path)} AND t.2 != '', ${tokens(row)}).2`),
        present: '1',
      },
    ]),
  );
  return { ...all, raw: name => values.get(name) ?? missing, rawMap: () => namedValues(values) };
}

/** `logfmt [--strict] [--keep-empty] [label="key", ...]`. */
export const logfmt: StageDefinition<Logfmt> = {
  parse(reader) {
    let strict = false;
    let keepEmpty = false;
    while (reader.peek().type === 'flag') {
      if (reader.next().text === '--strict') strict = true;
      else keepEmpty = true;
    }
    return { kind: 'logfmt', strict, keepEmpty, extractions: parseExtractions(reader).map(e => e.extraction) };
  },

  print: stage =>
    `logfmt${stage.strict ? ' --strict' : ''}${stage.keepEmpty ? ' --keep-empty' : ''}${printExtractions(stage.extractions)}`,

  apply: (stage, row) => ({
    row: extract(row, stage.extractions.length > 0 ? selected(row, stage) : extractor(row, stage)),
  }),
};
