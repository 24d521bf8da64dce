import type { WeirError } from '../base/errors.ts';
import { bytesOf, durationOf } from './convert.ts';
import { readRegex } from './regex.ts';
import { quoteString } from './sql-writer.ts';

export type TemplateValue = { sql: string; type: 'string' | 'number' | 'bool' | 'time'; constant?: string };
/** Conditions under which the template fails at run time. */
export type Failures = string[];
type Context = { failures: Failures; fault: (reason: string) => WeirError };
type TemplateFunction = { arity: [number, number]; write(args: TemplateValue[], context: Context): TemplateValue };

/** How Go prints a value. */
export function printed({ sql, type }: TemplateValue): string {
  if (type === 'string') return sql;
  if (type === 'bool') return `if(${sql}, 'true', 'false')`;
  return type === 'time' ? `concat(formatDateTime(${sql}, '%Y-%m-%d %H:%i:%S.%f'), ' +0000 UTC')` : `toString(${sql})`;
}

const text = (sql: string): TemplateValue => ({ sql, type: 'string' });
const number = (sql: string): TemplateValue => ({ sql, type: 'number' });
const bool = (sql: string): TemplateValue => ({ sql, type: 'bool' });
const str = (value: TemplateValue | undefined): string => (value ? printed(value) : "''");
const int = (value: TemplateValue | undefined): string => {
  if (!value) return '0';
  return value.type === 'string'
    ? `ifNull(toInt64OrNull(toString(${value.sql})), toInt64(ifNull(toFloat64OrNull(toString(${value.sql})), 0)))`
    : `toInt64(${value.sql})`;
};
const float = (value: TemplateValue | undefined): string => {
  if (!value) return '0.';
  return value.type === 'string' ? `ifNull(toFloat64OrNull(toString(${value.sql})), 0.)` : `toFloat64(${value.sql})`;
};

function constantOf(value: TemplateValue | undefined, what: string, context: Context): string {
  if (value?.constant === undefined) throw context.fault(`${what} must be a constant`);
  return value.constant;
}

function regexOf(value: TemplateValue | undefined, context: Context): { sql: string; names: (string | undefined)[] } {
  const regex = constantOf(value, 'the regular expression', context);
  try {
    return { sql: quoteString(`(?-s)${regex}`), names: readRegex(regex).groups };
  } catch (error) {
    throw context.fault(error instanceof Error ? error.message : String(error));
  }
}

/** A function of strings. */
const plain = (arity: number, write: (...args: string[]) => string): TemplateFunction => ({
  arity: [arity, arity],
  write: args => text(write(...args.map(str))),
});
const test = (arity: number, write: (...args: string[]) => string): TemplateFunction => ({
  arity: [arity, arity],
  write: args => bool(write(...args.map(str))),
});
const fold = (convert: typeof int, operator: string): TemplateFunction => ({
  arity: [1, 16],
  write: args => number(`(${args.map(convert).join(` ${operator} `)})`),
});
const pick = (convert: typeof int, fn: string): TemplateFunction => ({
  arity: [1, 16],
  write: args => number(args.map(convert).reduce((a, b) => `${fn}(${a}, ${b})`)),
});

function divide(convert: typeof int, fn: string): TemplateFunction {
  return {
    arity: [2, 2],
    write([a, b], { failures }) {
      const divisor = convert(b);
      if (fn !== 'divide') failures.push(`${divisor} = 0`);
      return number(`${fn}(${convert(a)}, if(${divisor} = 0, ${fn === 'divide' ? 'toFloat64(0)' : '1'}, ${divisor}))`);
    },
  };
}

const converted = (convert: (value: string) => string): TemplateFunction => ({
  arity: [1, 1],
  write([value], { failures }) {
    const sql = convert(str(value));
    failures.push(`isNull(${sql})`);
    return number(`ifNull(${sql}, 0)`);
  },
});

/** Go's replacement text (`$1`, `${name}`) for RE2 in the engine (`\1`). */
function replacementOf(goText: string, names: readonly (string | undefined)[]): string {
  return goText
    .replaceAll('\\', '\\\\')
    .replace(/\$\$|\$(?:\{(\w+)\}|(\w+))/g, (found, braced?: string, bareName?: string) => {
      const name = braced ?? bareName;
      if (found === '$$' || name === undefined) return '$';
      const group = /^\d+$/.test(name) ? Number(name) : names.indexOf(name) + 1;
      return (group > 0 || name === '0') && group <= Math.min(9, names.length) ? `\\${group}` : '';
    });
}

const trimPrefix = (prefix: string, s: string): string =>
  `if(startsWith(${s}, ${prefix}), substring(${s}, length(${prefix}) + 1), ${s})`;
const trimSuffix = (suffix: string, s: string): string =>
  `if(endsWith(${s}, ${suffix}), substring(${s}, 1, length(${s}) - length(${suffix})), ${s})`;
const trimSpace = (s: string): string => `replaceRegexpAll(${s}, '^\\\\s+|\\\\s+$', '')`;
const title = (s: string): string =>
  `arrayStringConcat(arrayMap(w -> concat(upperUTF8(substringUTF8(w, 1, 1)), substringUTF8(w, 2)), splitByChar(' ', ${s})), ' ')`;

function compare(operator: string): TemplateFunction {
  return {
    arity: [2, 2],
    write([a, b]) {
      const numeric = a?.type === 'number' || b?.type === 'number';
      return numeric ? bool(`${float(a)} ${operator} ${float(b)}`) : bool(`${str(a)} ${operator} ${str(b)}`);
    },
  };
}

/** By name. Arguments come in Go's order; the piped value is the last. */
export const templateFunctions: Record<string, TemplateFunction> = {
  ToLower: plain(1, s => `lowerUTF8(${s})`),
  ToUpper: plain(1, s => `upperUTF8(${s})`),
  lower: plain(1, s => `lowerUTF8(${s})`),
  upper: plain(1, s => `upperUTF8(${s})`),
  title: plain(1, title),
  Replace: {
    arity: [4, 4],
    write([s, old, fresh, count], context) {
      const times = Number(constantOf(count, 'the count', context));
      if (times === 0) return text(str(s));
      if (times > 1) throw context.fault('only the counts -1 (all), 0 and 1 are supported');
      return text(`${times < 0 ? 'replaceAll' : 'replaceOne'}(${str(s)}, ${str(old)}, ${str(fresh)})`);
    },
  },
  replace: plain(3, (old, fresh, s) => `replaceAll(${s}, ${old}, ${fresh})`),
  Trim: plain(2, (s, cut) => `trimBoth(${s}, ${cut})`),
  TrimLeft: plain(2, (s, cut) => `trimLeft(${s}, ${cut})`),
  TrimRight: plain(2, (s, cut) => `trimRight(${s}, ${cut})`),
  trimAll: plain(2, (cut, s) => `trimBoth(${s}, ${cut})`),
  TrimPrefix: plain(2, (s, prefix) => trimPrefix(prefix, s)),
  TrimSuffix: plain(2, (s, suffix) => trimSuffix(suffix, s)),
  trimPrefix: plain(2, trimPrefix),
  trimSuffix: plain(2, trimSuffix),
  TrimSpace: plain(1, trimSpace),
  trim: plain(1, trimSpace),
  contains: test(2, (part, s) => `position(${s}, ${part}) > 0`),
  hasPrefix: test(2, (prefix, s) => `startsWith(${s}, ${prefix})`),
  hasSuffix: test(2, (suffix, s) => `endsWith(${s}, ${suffix})`),
  repeat: { arity: [2, 2], write: ([count, s]) => text(`repeat(${str(s)}, least(1000, greatest(0, ${int(count)})))`) },
  trunc: {
    arity: [2, 2],
    write([count, s], context) {
      const n = Number(constantOf(count, 'the length', context));
      return text(
        n >= 0
          ? `substring(${str(s)}, 1, ${n})`
          : `if(length(${str(s)}) > ${-n}, substring(${str(s)}, ${n}), ${str(s)})`,
      );
    },
  },
  substr: {
    arity: [3, 3],
    write: ([from, to, s]) => text(`substring(${str(s)}, ${int(from)} + 1, greatest(0, ${int(to)} - ${int(from)}))`),
  },
  alignLeft: {
    arity: [2, 2],
    write: ([count, s]) => text(`rightPadUTF8(substringUTF8(${str(s)}, 1, ${int(count)}), ${int(count)}, ' ')`),
  },
  alignRight: {
    arity: [2, 2],
    write: ([count, s]) =>
      text(
        `leftPadUTF8(if(lengthUTF8(${str(s)}) > ${int(count)}, substringUTF8(${str(s)}, lengthUTF8(${str(s)}) - ${int(count)} + 1), ${str(s)}), ${int(count)}, ' ')`,
      ),
  },
  indent: {
    arity: [2, 2],
    write: ([count, s]) =>
      text(
        `concat(repeat(' ', ${int(count)}), replaceAll(${str(s)}, '\\n', concat('\\n', repeat(' ', ${int(count)}))))`,
      ),
  },
  nindent: {
    arity: [2, 2],
    write: ([count, s]) =>
      text(
        `concat('\\n', repeat(' ', ${int(count)}), replaceAll(${str(s)}, '\\n', concat('\\n', repeat(' ', ${int(count)}))))`,
      ),
  },
  default: plain(2, (fallback, s) => `if(${s} = '', ${fallback}, ${s})`),
  urldecode: plain(1, s => `decodeURLFormComponent(${s})`),
  urlencode: plain(1, s => `encodeURLFormComponent(${s})`),
  b64enc: plain(1, s => `base64Encode(${s})`),
  b64dec: plain(1, s => `tryBase64Decode(${s})`),
  regexReplaceAll: {
    arity: [3, 3],
    write([regex, s, fresh], context) {
      const { sql, names } = regexOf(regex, context);
      return text(
        `replaceRegexpAll(${str(s)}, ${sql}, ${quoteString(replacementOf(constantOf(fresh, 'the replacement', context), names))})`,
      );
    },
  },
  regexReplaceAllLiteral: {
    arity: [3, 3],
    write([regex, s, fresh], context) {
      return text(
        `replaceRegexpAll(${str(s)}, ${regexOf(regex, context).sql}, ${quoteString(constantOf(fresh, 'the replacement', context).replaceAll('\\', '\\\\'))})`,
      );
    },
  },
  count: {
    arity: [2, 2],
    write: ([regex, s], context) => number(`countMatches(${str(s)}, ${regexOf(regex, context).sql})`),
  },
  len: { arity: [1, 1], write: ([s]) => number(`length(${str(s)})`) },
  bytes: converted(bytesOf),
  duration: converted(durationOf),
  duration_seconds: converted(durationOf),
  unixEpoch: { arity: [1, 1], write: ([t]) => text(`toString(toUnixTimestamp(${t?.sql ?? 'timestamp'}))`) },
  unixEpochMillis: {
    arity: [1, 1],
    write: ([t]) => text(`toString(toUnixTimestamp64Milli(${t?.sql ?? 'timestamp'}))`),
  },
  unixEpochNanos: { arity: [1, 1], write: ([t]) => text(`toString(toUnixTimestamp64Nano(${t?.sql ?? 'timestamp'}))`) },
  int: { arity: [1, 1], write: ([v]) => number(int(v)) },
  float64: { arity: [1, 1], write: ([v]) => number(float(v)) },
  add: fold(int, '+'),
  sub: fold(int, '-'),
  mul: fold(int, '*'),
  div: divide(int, 'intDiv'),
  mod: divide(int, 'modulo'),
  addf: fold(float, '+'),
  subf: fold(float, '-'),
  mulf: fold(float, '*'),
  divf: divide(float, 'divide'),
  max: pick(int, 'greatest'),
  min: pick(int, 'least'),
  maxf: pick(float, 'greatest'),
  minf: pick(float, 'least'),
  ceil: { arity: [1, 1], write: ([v]) => number(`ceil(${float(v)})`) },
  floor: { arity: [1, 1], write: ([v]) => number(`floor(${float(v)})`) },
  round: {
    arity: [2, 3],
    write: ([v, digits]) => number(`(floor(${float(v)} * pow(10, ${int(digits)}) + 0.5) / pow(10, ${int(digits)}))`),
  },
  eq: compare('='),
  ne: compare('!='),
  lt: compare('<'),
  le: compare('<='),
  gt: compare('>'),
  ge: compare('>='),
  not: { arity: [1, 1], write: ([v]) => bool(v?.type === 'string' ? `${v.sql} = ''` : `NOT (${v?.sql ?? '0'})`) },
  and: {
    arity: [1, 16],
    write: args =>
      args.every(a => a.type === 'bool')
        ? bool(`(${args.map(a => a.sql).join(' AND ')})`)
        : text(args.map(str).reduceRight((rest, s) => `if(${s} = '', ${s}, ${rest})`)),
  },
  or: {
    arity: [1, 16],
    write: args =>
      args.every(a => a.type === 'bool')
        ? bool(`(${args.map(a => a.sql).join(' OR ')})`)
        : text(args.map(str).reduceRight((rest, s) => `if(${s} != '', ${s}, ${rest})`)),
  },
};

/** Functions of LogQL that are not written yet; named so that the error is not "unknown". */
export const knownFunctions = new Set([
  'toDateInZone',
  'unixToTime',
  'fromJson',
  'date',
  'toDate',
  'now',
  'printf',
  'print',
  'println',
  'index',
  'slice',
  'html',
  'js',
  'call',
  'urlquery',
]);
