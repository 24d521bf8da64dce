import { extract, type Extractor } from '../extract.ts';
import { missing, namedValues, not, type Row, storedHas } from '../row.ts';
import { withNames } from '../scope.ts';
import { or, quoteString } from '../sql-writer.ts';
import type { Logfmt } from '../tree.ts';
import { firstOfEach, parseExtractions, printExtractions, sanitized, labelText } from './extraction.ts';
import type { StageDefinition } from './stage.ts';

const space = '[\\x00-\\x20]';
const key = '[^\\x00-\\x20"=]+';
const bare = '[^\\x00-\\x20"=]*';
const inside = '(?:[^"\\\\]|\\\\.)*';
const quoted = `"${inside}"`;
/**
 * One pair or what is none. Groups: key, quoted value, bare value, a pair whose quote never closes (it takes the rest of the line), anything
 * else up to the next blank. A quoted value ends with its quote, whatever follows.
 */
const token = `(?s)(${key})(?:=(?:(${quoted})|(${bare})(?:${space}|$))|(?:${space}|$))|(${key}="${inside}\\\\?$)|([^\\x00-\\x20]+)`;

const unquote = (value: string): string =>
  labelText(
    `if(startsWith(${value}, '"'), if(position(${value}, '\\\\') > 0, JSONExtractString(${value}), substring(${value}, 2, length(${value}) - 2)), ${value})`,
  );

/** A quoted value with an escape that is none. */
const badQuote = `position(g[2], '\\\\') > 0 AND NOT isValidJSON(g[2])`;

/** Array of (key as written, value, text of what is no pair) in order of the line; with --strict it ends before what is no pair. */
function tokens(row: Row, strict: boolean): string {
  const bind = (sql: string): string => (row.few ? row.scope.bind(sql) : row.scope.bindRare(sql));
  const groups = bind(`extractAllGroupsVertical(${row.line}, ${quoteString(token)})`);
  const pair = `(g[1], ${unquote('concat(g[2], g[3])')}, concat(g[4], g[5]))`;
  const all = bind(`arrayMap(g -> if(${badQuote}, ('', '', g[2]), ${pair}), ${groups})`);
  if (!strict) return all;
  const first = `arrayFirstIndex(t -> t.3 != '', list)`;
  return bind(
    `arrayMap(list -> arraySlice(list, 1, if(${first} = 0, toInt64(length(list)), toInt64(${first}) - 1)), [${all}])[1]`,
  );
}

/** Why the first text that is no pair is none, in go-logfmt's words. */
function syntaxError(row: Row): { error: string; details: string } {
  const { scope, line } = row;
  const broken = scope.bind(`arrayFirst(t -> t.3 != '', ${tokens(row, false)}).3`);
  const reason = withNames([broken], text => {
    // The first byte that cannot stand where it stands: a quote in the key, no key, or a quote or another = in the value.
    const fault = `multiIf(match(${text}, '^[^"=]*"'), length(extract(${text}, '^[^"=]*')), startsWith(${text}, '='), 0, length(extract(${text}, '^[^=]*=[^"=]*')))`;
    const start = `position(${line}, ${text})`;
    const open = `match(${text}, ${quoteString(`(?s)^${key}="${inside}\\\\?$`)})`;
    const badEscape = `startsWith(${text}, '"') AND isValidJSON(${text}) = 0 AND endsWith(${text}, '"') AND position(${text}, '\\\\') > 0`;
    return `multiIf(${badEscape}, concat(toString(${start} + length(${text})), ' : invalid quoted value'), ${open}, concat(toString(length(${line}) + 1), ' : unterminated quoted value'), concat(toString(${start} + ${fault}), ' : unexpected \\'', substring(${text}, ${fault} + 1, 1), '\\''))`;
  });
  return {
    error: `if(${broken} != '', 'LogfmtParserErr', '')`,
    details: `concat('logfmt syntax error at pos ', ${reason})`,
  };
}

/**
 * One label straight from the line, where that is certain to be what reading all pairs would give: the key is spelled as the label and an even
 * number of quotes (none of them escaped) stands before it. Nullable(String): '' where the label is missing, NULL on all other lines.
 */
function firstValue(row: Row, name: string): string {
  const { scope, line } = row;
  const key = quoteString(`${name}=`);
  // Of the key itself, 0 where it is missing.
  const at = scope.bind(`position(concat(' ', ${line}), ${quoteString(` ${name}=`)})`);
  const before = `left(${line}, ${at} - 1)`;
  const rest = `substring(${line}, ${at} + length(${key}))`;
  const inQuotes = `extract(${rest}, ${quoteString(`(?s)^(${quoted})`)})`;
  const raw = `if(startsWith(${rest}, '"'), ${inQuotes}, substringIndex(${rest}, ' ', 1))`;
  const odd = `countSubstrings(${before}, '"') % 2 = 1 OR position(${before}, '\\\\') > 0`;
  // For a_b other spellings (a-b, a.b) may come first.
  const spelled = quoteString(`${name.replaceAll('_', '[^A-Za-z0-9]')}=`);
  const anySpelling = name.includes('_') ? `match(${line}, ${spelled})` : `position(${line}, ${key}) > 0`;
  const others = name.includes('_') ? ` OR countMatches(${line}, ${spelled}) > 1` : '';
  // A pair may stand directly after a closing quote.
  const glued = `position(${line}, ${quoteString(`"${name}=`)}) > 0`;
  const plain = withNames([raw], value => {
    const unclear = `${value} IN ('', '""') OR (NOT startsWith(${value}, '"') AND match(${value}, ${quoteString('["=\\x00-\\x1f]')}))`;
    return `if(${unclear}, NULL, ${unquote(value)})`;
  });
  return scope.bind(`multiIf(${at} = 0, if(${anySpelling}, NULL, ''), ${odd} OR ${glued}${others}, NULL, ${plain})`);
}

const noError = { error: "''", details: "''" };

function extractor(row: Row, stage: Logfmt): Extractor {
  const { scope } = row;
  const pairs = (): string => {
    const named = `arrayMap(t -> (${sanitized('t.1')}, t.2), arrayFilter(t -> t.1 != '', ${tokens(row, stage.strict)}))`;
    const bind = (sql: string): string => (row.few ? scope.bind(sql) : scope.bindRare(sql));
    return bind(stage.keepEmpty ? named : `arrayFilter(p -> p.2 != '', ${named})`);
  };
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
      const value = scope.bind(`if(isNull(${fast}), ${slow()}.2, assumeNotNull(${fast}))`);
      return { value, present: `${value} != ''`, optional: `nullIf(${value}, '')` };
    },
    rawMap: () => scope.bind(firstOfEach(pairs())),
    ...(stage.strict ? syntaxError(row) : noError),
    cleanWhenFound: '0',
  };
}

/** A key as an expression names it: a word, or any text in quotes. */
const keyExpression = /^\s*(?:([a-zA-Z_]\w*)|"([^"]*)"?)\s*$/;

/**
 * With expressions only the named keys are taken, of equal keys the last one; a missing key gives an empty value, unless the record has a label of that
 * name. Keys are compared as the label names that they would become.
 */
function selected(row: Row, stage: Logfmt): Extractor {
  const list = tokens(row, stage.strict);
  const values = new Map(
    stage.extractions.map(({ name, path }) => {
      const [, word, quotedKey] = keyExpression.exec(path) ?? [];
      const key = quoteString(word ?? quotedKey ?? '');
      const pairs = row.scope.bind(`arrayFilter(t -> t.1 != '' AND ${sanitized('t.1')} = ${key}, ${list})`);
      // What becomes `<name>_extracted` is the first.
      const value = row.scope.bind(`${pairs}[if(${storedHas(name)}, 1, -1)].2`);
      return [name, { value, present: or([`notEmpty(${pairs})`, not(storedHas(name))]) }];
    }),
  );
  return {
    ...extractor(row, stage),
    raw: name => values.get(name) ?? missing,
    rawMap: () => namedValues(values),
    replaces: true,
  };
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
    const extractions = parseExtractions(reader).map(({ extraction, at }) => {
      if (!keyExpression.test(extraction.path))
        reader.cannotRun(
          `cannot parse expression [${extraction.path}]: a key of logfmt is a word of letters, digits and _, or in quotes`,
          at,
        );
      return extraction;
    });
    return { kind: 'logfmt', strict, keepEmpty, extractions };
  },

  print: stage =>
    `logfmt${stage.strict ? ' --strict' : ''}${stage.keepEmpty ? ' --keep-empty' : ''}${printExtractions(stage.extractions)}`,

  apply: (stage, row) => ({
    row: extract(row, stage.extractions.length > 0 ? selected(row, stage) : extractor(row, stage)),
  }),
};
