import { bytesOf, durationOf } from './convert.ts';
import { choose } from './row.ts';
import { withNames } from './scope.ts';
import { mathFunctions, type TemplateFunction } from './template-math.ts';
import { isLiteral, regexOf, regexReplaced, replaceSome } from './template-replace.ts';
import { either, print, printf, println, truthOf } from './template-print.ts';
import { date, toDate, unixEpoch, unixEpochMillis, unixEpochNanos, unixToTime } from './template-time.ts';
import {
  bool,
  intParameter,
  nothing,
  number,
  stringParameter,
  type TemplateContext,
  type TemplateValue,
  text,
  typeName,
} from './template-values.ts';

type Kind = 's' | 'i';
type Write<T> = (args: string[], context: TemplateContext) => T;

const isNumber = (sql: string): boolean => /^toInt64\(\(?-?\d+\)?\)$/.test(sql);

/** Arguments heavier than this are bound by a lambda instead of a name: the engine would write them out at each use. */
const weightMax = 3000;

/** A function whose parameters are strings (`s`) and ints (`i`), as SQL that may be used more than once. */
function typed(kinds: string, write: Write<TemplateValue>): TemplateFunction {
  return {
    arity: [kinds.length, kinds.length],
    write(args, context) {
      const values = args.map((arg, i) => {
        if ((kinds[i] as Kind | undefined) === 'i') return intParameter(arg, context);
        const sql = stringParameter(arg, context);
        return isLiteral(sql) ? sql : `toString(${sql})`;
      });
      const heavy = values.filter(value => context.weight(value) >= weightMax);
      if (heavy.length === 0)
        return write(
          values.map(value => (isNumber(value) ? value : context.bind(value))),
          context,
        );
      const failures: { condition: string; details: string }[] = [];
      let result: TemplateValue = nothing;
      const inner: TemplateContext = {
        ...context,
        fault: context.fault,
        bind: sql => sql,
        fail: (condition, details) => failures.push({ condition, details }),
      };
      const sql = withNames(heavy, (...names) => {
        const named = new Map(heavy.map((value, i) => [value, names[i] ?? value]));
        const known = values.map(value => named.get(value) ?? value);
        result = write(known, inner);
        return result.sql;
      });
      for (const { condition, details } of failures)
        context.fail(
          withNames(heavy, () => condition),
          details,
        );
      return { ...result, sql: context.bind(sql) };
    },
  };
}
const string = (kinds: string, write: Write<string>): TemplateFunction => typed(kinds, (a, c) => text(write(a, c)));
const test = (write: Write<string>): TemplateFunction => typed('ss', (a, c) => bool(write(a, c)));

const trimPrefix = (prefix?: string, s?: string): string =>
  `if(startsWith(${s}, ${prefix}), substring(${s}, length(${prefix}) + 1), ${s})`;
const trimSuffix = (suffix?: string, s?: string): string =>
  `if(endsWith(${s}, ${suffix}), substring(${s}, 1, length(${s}) - length(${suffix})), ${s})`;
const trimSpace = ([s]: string[]): string =>
  `replaceRegexpAll(${s}, '^[\\\\s\\\\x0b\\\\x{85}\\\\x{a0}]+|[\\\\s\\\\x0b\\\\x{85}\\\\x{a0}]+$', '')`;
const upperFirst = (w: string): string => `concat(upperUTF8(substringUTF8(${w}, 1, 1)), substringUTF8(${w}, 2))`;
/** What one call can make of a text, in bytes. */
const madeMax = 1_048_576;

/** `n` where that many pieces of `size` bytes (SQL, above 0) are no more than a text may have, else 0 and the template fails; so it does below zero. */
function times(n: string, size: string, name: string, context: TemplateContext): string {
  const most = `intDiv(${madeMax}, ${size})`;
  context.fail(`${n} < 0`, `error calling ${name}: strings: negative Repeat count`);
  context.fail(`${n} > ${most}`, `error calling ${name}: the text would be longer than 1 MiB`);
  return `if(${n} < 0 OR ${n} > ${most}, 0, ${n})`;
}

function indent(n: string, s: string, name: string, context: TemplateContext): string {
  const blanks = `repeat(' ', ${times(n, `(1 + countSubstrings(${s}, '\\n'))`, name, context)})`;
  return `concat(${blanks}, replaceAll(${s}, '\\n', concat('\\n', ${blanks})))`;
}

/** The width of `alignLeft` and `alignRight`; the text stays as it is below zero. */
function width(n: string, name: string, context: TemplateContext): string {
  context.fail(`${n} > ${madeMax}`, `error calling ${name}: the text would be longer than 1 MiB`);
  return `least(${madeMax}, greatest(${n}, 0))`;
}

const converted = (name: string, convert: (value: string) => string): TemplateFunction =>
  typed('s', ([s = ''], context) => {
    const value = context.bind(convert(s));
    context.fail(`isNull(${value})`, `error calling ${name}`);
    return number(`ifNull(${value}, 0.)`, 'float64');
  });

/** Cuts characters off; the engine's own functions want to know them beforehand. */
function trimmed(side: 'trimLeft' | 'trimRight' | 'trimBoth') {
  return ([s = "''", cut = "''"]: string[]): string => {
    if (isLiteral(cut)) return `${side}(${s}, ${cut})`;
    const characters = `extractAll(${s}, '(?s).')`;
    const kept = `c -> position(${cut}, c) = 0`;
    const from = side === 'trimRight' ? '1' : `greatest(1, arrayFirstIndex(${kept}, ${characters}))`;
    const to = side === 'trimLeft' ? `length(${characters})` : `arrayLastIndex(${kept}, ${characters})`;
    const slice = `arrayStringConcat(arraySlice(${characters}, ${from}, greatest(0, ${to} - ${from} + 1)))`;
    return `if(arrayExists(${kept}, ${characters}), ${slice}, '')`;
  };
}

function index([collection = nothing, ...keys]: TemplateValue[], context: TemplateContext): TemplateValue {
  return keys.reduce((value, key) => {
    if (value.type === 'labels') return text(`${value.sql}[${stringParameter(key, context)}]`);
    if (value.type === 'json' && key.isKey) {
      const [j, k] = [value.sql, key.sql];
      const named = `JSONExtractRaw(${j}, JSONExtractString(${k}))`;
      const placed = `JSONExtractRaw(${j}, toInt64OrZero(${k}) + 1)`;
      return { sql: context.bind(choose(`startsWith(${k}, '"')`, named, placed)), type: 'json' };
    }
    if (value.type === 'json') {
      const step =
        key.type === 'int' || key.type === 'int64'
          ? `toInt64(${key.sql}) + 1`
          : `toString(${stringParameter(key, context)})`;
      return { sql: context.bind(`JSONExtractRaw(${value.sql}, ${step})`), type: 'json' };
    }
    if (value.type === 'string' || value.type === 'any') {
      const s = context.bind(`toString(${value.sql})`);
      const at = context.bind(intParameter(key, context));
      context.fail(`${at} < 0 OR ${at} >= length(${s})`, 'error calling index: index out of range');
      return number(`reinterpretAsUInt8(substring(${s}, ${at} + 1, 1))`, 'int');
    }
    context.fail('1', `error calling index: can't index item of type ${typeName(value)}`);
    return nothing;
  }, collection);
}

function length([value = nothing]: TemplateValue[], context: TemplateContext): TemplateValue {
  switch (value.type) {
    case 'string':
    case 'any':
      return number(`toInt64(length(${value.sql}))`, 'int');
    case 'labels':
      return number(`toInt64(length(${value.sql}))`, 'int');
    case 'json': {
      const j = context.bind(value.sql);
      context.fail(`NOT match(${j}, '^[\\\\[{"]')`, 'error calling len');
      return number(`toInt64(if(startsWith(${j}, '"'), length(JSONExtractString(${j})), JSONLength(${j})))`, 'int');
    }
    default:
      context.fail('1', `error calling len: len of type ${typeName(value)}`);
      return number('0', 'int');
  }
}

const timeArgument = (name: string, write: (value: TemplateValue) => TemplateValue): TemplateFunction => ({
  arity: [1, 1],
  write([value = nothing], context) {
    if (value.type === 'time') return write(value);
    context.fail('1', `wrong type for value; expected time.Time; got ${typeName(value)} (${name})`);
    return text("''");
  },
});

const alphabet = "'[^A-Za-z0-9+/]'";

/** By name. Arguments come in Go's order; the piped value is the last. */
export const templateFunctions: Record<string, TemplateFunction> = {
  ...mathFunctions,
  ToLower: string('s', ([s]) => `lowerUTF8(${s})`),
  ToUpper: string('s', ([s]) => `upperUTF8(${s})`),
  lower: string('s', ([s]) => `lowerUTF8(${s})`),
  upper: string('s', ([s]) => `upperUTF8(${s})`),
  title: string(
    's',
    ([s]) =>
      `arrayStringConcat(arrayMap(w -> ${upperFirst('w')}, extractAll(${s}, '[0-9A-Za-z_\\\\x{80}-\\\\x{10ffff}]+|[^0-9A-Za-z_\\\\x{80}-\\\\x{10ffff}]+')))`,
  ),
  Replace: string('sssi', args => replaceSome(args)),
  replace: string('sss', ([old = "''", fresh = "''", s = "''"]) => replaceSome([s, old, fresh, '-1'])),
  Trim: string('ss', trimmed('trimBoth')),
  TrimLeft: string('ss', trimmed('trimLeft')),
  TrimRight: string('ss', trimmed('trimRight')),
  trimAll: string('ss', ([cut = "''", s = "''"]) => trimmed('trimBoth')([s, cut])),
  TrimPrefix: string('ss', ([s, prefix]) => trimPrefix(prefix, s)),
  TrimSuffix: string('ss', ([s, suffix]) => trimSuffix(suffix, s)),
  trimPrefix: string('ss', ([prefix, s]) => trimPrefix(prefix, s)),
  trimSuffix: string('ss', ([suffix, s]) => trimSuffix(suffix, s)),
  TrimSpace: string('s', trimSpace),
  trim: string('s', trimSpace),
  contains: test(([part, s]) => `position(${s}, ${part}) > 0`),
  hasPrefix: test(([prefix, s]) => `startsWith(${s}, ${prefix})`),
  hasSuffix: test(([suffix, s]) => `endsWith(${s}, ${suffix})`),
  repeat: string(
    'is',
    ([n = '0', s = "''"], context) => `repeat(${s}, ${times(n, `greatest(1, length(${s}))`, 'repeat', context)})`,
  ),
  trunc: string(
    'is',
    ([n, s]) =>
      `multiIf(${n} >= 0, substring(${s}, 1, greatest(${n}, 0)), length(${s}) + ${n} > 0, substring(${s}, if(${n} = 0, 1, ${n})), ${s})`,
  ),
  substr: string('iis', ([from, to, s], context) => {
    const end = context.bind(`if(${to} < 0 OR ${to} > length(${s}), toInt64(length(${s})), toInt64(${to}))`);
    context.fail(`${from} > ${end} OR (${from} < 0 AND ${to} < 0)`, 'error calling substr: slice bounds out of range');
    return `if(${from} < 0, substring(${s}, 1, greatest(${end}, 0)), substring(${s}, ${from} + 1, greatest(${end} - ${from}, 0)))`;
  }),
  alignLeft: string('is', ([n = '0', s], context) => {
    const wide = width(n, 'alignLeft', context);
    return `if(${n} < 0, ${s}, rightPadUTF8(substringUTF8(${s}, 1, ${wide}), ${wide}, ' '))`;
  }),
  alignRight: string('is', ([n = '0', s], context) => {
    const wide = width(n, 'alignRight', context);
    return `if(${n} < 0, ${s}, leftPadUTF8(if(lengthUTF8(${s}) > ${wide}, substringUTF8(${s}, lengthUTF8(${s}) - ${wide} + 1), ${s}), ${wide}, ' '))`;
  }),
  indent: string('is', ([n = '0', s = "''"], context) => indent(n, s, 'indent', context)),
  nindent: string('is', ([n = '0', s = "''"], context) => `concat('\\n', ${indent(n, s, 'nindent', context)})`),
  default: {
    arity: [1, 2],
    write: ([fallback = nothing, given], context) => {
      if (!given) return fallback;
      // sprig: structs, so times too, are never empty; numbers are where they are 0.
      return either(context.bind(truthOf(given)), given, fallback, context);
    },
  },
  urldecode: string('s', ([s], context) => {
    context.fail(
      `match(${s}, '%(?:[^0-9A-Fa-f]|[0-9A-Fa-f](?:[^0-9A-Fa-f]|$)|$)')`,
      'error calling urldecode: invalid URL escape',
    );
    return `decodeURLFormComponent(${s})`;
  }),
  urlencode: string('s', ([s]) => `encodeURLFormComponent(${s})`),
  urlquery: { arity: [1, 64], write: (args, context) => text(`encodeURLFormComponent(${print(args, context).sql})`) },
  html: {
    arity: [1, 64],
    write: (args, context) =>
      text(
        [
          ['&', '&amp;'],
          ["\\'", '&#39;'],
          ['<', '&lt;'],
          ['>', '&gt;'],
          ['"', '&#34;'],
        ].reduce((sql, [from, to]) => `replaceAll(${sql}, '${from}', '${to}')`, print(args, context).sql),
      ),
  },
  js: {
    arity: [1, 64],
    write: (args, context) =>
      text(
        [
          ['\\\\', '\\\\\\\\'],
          ["\\'", "\\\\\\'"],
          ['"', '\\\\"'],
          ['<', '\\\\u003C'],
          ['>', '\\\\u003E'],
          ['&', '\\\\u0026'],
          ['=', '\\\\u003D'],
          ['\\n', '\\\\u000A'],
          ['\\t', '\\\\u0009'],
          ['\\r', '\\\\u000D'],
        ].reduce((sql, [from, to]) => `replaceAll(${sql}, '${from}', '${to}')`, print(args, context).sql),
      ),
  },
  b64enc: string('s', ([s]) => `base64Encode(${s})`),
  b64dec: string('s', ([s], context) => {
    const clean = context.bind(`replaceRegexpAll(${s}, '[\\\\r\\\\n]', '')`);
    const bad = `replaceRegexpOne(${clean}, '={1,2}$', '')`;
    const broken = `length(${clean}) % 4 != 0 OR match(${bad}, ${alphabet})`;
    const at = `if(match(${bad}, ${alphabet}), length(extract(${bad}, '^[A-Za-z0-9+/]*')), intDiv(length(${clean}), 4) * 4)`;
    return `if(${broken}, concat('illegal base64 data at input byte ', toString(${at})), tryBase64Decode(${clean}))`;
  }),
  regexReplaceAll: regexReplaced('regexReplaceAll', false),
  regexReplaceAllLiteral: regexReplaced('regexReplaceAllLiteral', true),
  count: {
    arity: [2, 2],
    write([regex, s = nothing], context) {
      const found = regexOf(regex, 'count', context);
      if (found === undefined) return number('0', 'int');
      return number(`toInt64(countMatches(toString(${stringParameter(s, context)}), ${found.sql}))`, 'int');
    },
  },
  len: { arity: [1, 1], write: length },
  index: { arity: [1, 16], write: index },
  slice: {
    arity: [1, 3],
    write: ([s = nothing, from, to], context) => {
      const whole = context.bind(`toString(${stringParameter(s, context)})`);
      const start = context.bind(from ? intParameter(from, context) : '0');
      const end = context.bind(to ? intParameter(to, context) : `toInt64(length(${whole}))`);
      context.fail(
        `${start} < 0 OR ${end} > length(${whole}) OR ${start} > ${end}`,
        'error calling slice: index out of range',
      );
      return text(`substring(${whole}, greatest(${start}, 0) + 1, greatest(${end} - ${start}, 0))`);
    },
  },
  fromJson: typed('s', ([s]) => ({
    sql: `if(isValidJSON(${s}), JSONExtractRaw(concat('[', ${s}, ']'), 1), '')`,
    type: 'json',
  })),
  bytes: converted('bytes', bytesOf),
  duration: converted('duration', durationOf),
  duration_seconds: converted('duration_seconds', durationOf),
  now: { arity: [0, 0], write: () => ({ sql: "now64(9, 'UTC')", type: 'time' }) },
  date: { arity: [2, 2], write: ([layout = nothing, value = nothing], context) => date(layout, value, context) },
  toDate: {
    arity: [2, 2],
    write: ([layout = nothing, value = nothing], context) =>
      toDate(layout, context.bind(`toString(${stringParameter(value, context)})`), undefined, context),
  },
  toDateInZone: {
    arity: [3, 3],
    write: ([layout = nothing, zone = nothing, value = nothing], context) =>
      toDate(layout, context.bind(`toString(${stringParameter(value, context)})`), zone, context),
  },
  unixToTime: typed('s', ([s = ''], context) => unixToTime(s, context)),
  unixEpoch: timeArgument('unixEpoch', unixEpoch),
  unixEpochMillis: timeArgument('unixEpochMillis', unixEpochMillis),
  unixEpochNanos: timeArgument('unixEpochNanos', unixEpochNanos),
  print: { arity: [0, 64], write: (args, context) => print(args, context) },
  println: { arity: [0, 64], write: (args, context) => println(args, context) },
  printf: { arity: [1, 64], write: (args, context) => printf(args, context) },
  call: {
    arity: [1, 64],
    write: ([value = nothing], context) => {
      context.fail('1', `error calling call: non-function of type ${typeName(value)}`);
      return nothing;
    },
  },
  __line__: { arity: [0, 0], write: (_, context) => text(context.line) },
  __timestamp__: { arity: [0, 0], write: () => ({ sql: 'timestamp', type: 'time' }) },
};
