import { parseIpRange } from '../ip.ts';
import { quoteString } from '../sql-writer.ts';
import { arithmetic } from './arithmetic.ts';
import { asBoolean, asNumber, asText, unknownBoolean, type Value, whenKnown } from './value.ts';
import type { ArithmeticOperator } from './tree.ts';

export type ValueType = 'string' | 'number' | 'boolean' | 'any';

/** Makes a name for an expression that is used more than once; the identity where names cannot be. */
export type Bind = (sql: string) => string;

export type EqlFunction = {
  usage: string;
  least: number;
  most: number;
  /** Types of the arguments by position; the last holds for all that follow. */
  takes: readonly ValueType[];
  returns: Exclude<ValueType, 'any'>;
  /** Has a case-insensitive form `name~`. */
  tilde: boolean;
  /** Arguments that must be literal strings, by position: why a value is refused, or undefined. */
  literal?: (value: string) => string | undefined;
  sql(args: readonly Value[], insensitive: boolean, bind: Bind): Value;
};

const text = (value: Value | undefined): string => asText(value ?? { type: 'null' });
const number = (value: Value | undefined): string => `toInt64(${asNumber(value ?? { type: 'null' }).sql})`;
/** `greatest` of the engine passes over NULL; here what is missing stays missing. */
const notNegative = (sql: string): string => `if(${sql} < 0, 0, ${sql})`;
const isNull = (value: Value | undefined): boolean => value === undefined || value.type === 'null';

const fold = (sql: string, insensitive: boolean): string => (insensitive ? `lowerUTF8(${sql})` : sql);

/** Two texts to one truth. */
function textTest(name: string, test: (source: string, part: string) => string): EqlFunction {
  return {
    usage: `${name}(source, substring)`,
    least: 2,
    most: 2,
    takes: ['string', 'string'],
    returns: 'boolean',
    tilde: true,
    sql([source, part], insensitive) {
      if (isNull(source) || isNull(part)) return { type: 'boolean', sql: unknownBoolean };
      return { type: 'boolean', sql: test(fold(text(source), insensitive), fold(text(part), insensitive)) };
    },
  };
}

function calculation(name: string, operator: ArithmeticOperator): EqlFunction {
  return {
    usage: `${name}(a, b)`,
    least: 2,
    most: 2,
    takes: ['number', 'number'],
    returns: 'number',
    tilde: false,
    sql: ([a, b], _, bind) => arithmetic(operator, a ?? { type: 'null' }, b ?? { type: 'null' }, bind),
  };
}

const between: EqlFunction = {
  usage: 'between(source, left, right[, greedy[, case_sensitive]])',
  least: 3,
  most: 5,
  takes: ['string', 'string', 'string', 'boolean', 'boolean'],
  returns: 'string',
  tilde: true,
  sql([source, left, right, greedy, sensitive], anyCase, bind) {
    if ([source, left, right].some(isNull)) return { type: 'null' };
    // Elasticsearch up to 7.10 and Endgame's language have a fifth argument where there is `between~` now.
    const insensitive = anyCase || (sensitive?.type === 'boolean' && sensitive.sql === '0');
    const [s, l, r] = [bind(text(source)), bind(text(left)), bind(text(right))];
    const found = bind(`positionUTF8(${fold(s, insensitive)}, ${fold(l, insensitive)})`);
    const rest = bind(`substringUTF8(${s}, ${found} + lengthUTF8(${l}))`);
    const folded = fold(rest, insensitive);
    const end = fold(r, insensitive);
    const first = bind(`positionUTF8(${folded}, ${end})`);
    const last = bind(`positionUTF8(reverseUTF8(${folded}), reverseUTF8(${end}))`);
    const shortest = `if(${first} = 0, '', substringUTF8(${rest}, 1, ${first} - 1))`;
    const longest = `if(${last} = 0, '', substringUTF8(${rest}, 1, toUInt64(greatest(0, toInt64(lengthUTF8(${rest})) - toInt64(${last}) + 1 - toInt64(lengthUTF8(${r}))))))`;
    const chosen = greedy === undefined ? shortest : `if(ifNull(${asBoolean(greedy)}, 0), ${longest}, ${shortest})`;
    // Where something is missing no comparison holds, and the last branch is missing too.
    return { type: 'string', sql: `if(${found} = 0, '', ${chosen})` };
  },
};

const cidrMatch: EqlFunction = {
  usage: 'cidrMatch(address, "10.0.0.0/8"[, ...])',
  least: 2,
  most: Number.POSITIVE_INFINITY,
  takes: ['string', 'string'],
  returns: 'boolean',
  tilde: false,
  literal: block =>
    !block.includes('-') && parseIpRange(block) !== undefined
      ? undefined
      : `"${block.slice(0, 100)}" is no CIDR block such as 10.0.0.0/8 or fe80::/10`,
  sql([address, ...blocks], _, bind) {
    if (isNull(address) || blocks.some(isNull)) return { type: 'boolean', sql: unknownBoolean };
    const ip = bind(`toIPv6OrNull(${text(address)})`);
    const ranges = blocks.map(block => {
      const range = parseIpRange(block.type === 'string' ? unquoted(block.sql) : '');
      if (range === undefined) throw new Error('BUG: unchecked CIDR block');
      return `${ip} BETWEEN toIPv6(${quoteString(range.low)}) AND toIPv6(${quoteString(range.high)})`;
    });
    const inside = `ifNull(${ranges.map(r => `(${r})`).join(' OR ')}, 0)`;
    return { type: 'boolean', sql: whenKnown([text(address)], inside) };
  },
};

/** CIDR blocks hold no character that needs an escape. */
const unquoted = (sql: string): string => sql.slice(1, -1);

const indexOf: EqlFunction = {
  usage: 'indexOf(source, substring[, start])',
  least: 2,
  most: 3,
  takes: ['string', 'string', 'number'],
  returns: 'number',
  tilde: true,
  sql(args, insensitive, bind) {
    const [source, part, start] = args;
    if (args.some(isNull)) return { type: 'null' };
    const [s, p] = [bind(fold(text(source), insensitive)), bind(fold(text(part), insensitive))];
    const from = start === undefined ? '0' : bind(notNegative(number(start)));
    const found = bind(`positionUTF8(${s}, ${p}, toUInt64(ifNull(${from}, 0) + 1))`);
    // The engine finds the empty text nowhere past the first byte.
    const at = `multiIf(${from} > lengthUTF8(${s}), NULL, ${p} = '', ${from}, ${found} = 0, NULL, ${found} - 1)`;
    return { type: 'number', sql: whenKnown([s, p, from], `toFloat64(${at})`), integer: '1' };
  },
};

const length: EqlFunction = {
  usage: 'length(text)',
  least: 1,
  most: 1,
  takes: ['string'],
  returns: 'number',
  tilde: false,
  sql: ([source]) =>
    isNull(source) ? { type: 'null' } : { type: 'number', sql: `toFloat64(lengthUTF8(${text(source)}))`, integer: '1' },
};

const toNumber: EqlFunction = {
  usage: 'number(text[, base])',
  least: 1,
  most: 2,
  takes: ['any', 'number'],
  returns: 'number',
  tilde: false,
  sql([source, base], _, bind) {
    if (source === undefined || source.type === 'null') return { type: 'null' };
    if (source.type === 'number') return source;
    const s = bind(`trimBoth(ifNull(${text(source)}, ''))`);
    const plain = asNumber({ type: 'string', sql: `if(startsWith(${s}, '+'), substring(${s}, 2), ${s})` });
    const inBase = (digits: string, radix: string): string =>
      `arrayFold((sum, digit) -> sum * ${radix} + (position('0123456789abcdefghijklmnopqrstuvwxyz', digit) - 1), ngrams(${digits}, 1), toFloat64(0))`;
    const signed = (pattern: string, radix: string): string => {
      const digits = `lower(extract(${s}, ${quoteString(pattern)}))`;
      return `if(${digits} = '', NULL, if(startsWith(${s}, '-'), -1, 1) * ${inBase(digits, radix)})`;
    };
    const hex = signed('^[+-]?0[xX]([0-9a-fA-F]{1,64})$', '16');
    const isHex = `match(${s}, '^[+-]?0[xX]')`;
    if (base === undefined || base.type === 'null')
      return { type: 'number', sql: `if(${isHex}, ${hex}, ${plain.sql})`, integer: `(${isHex} OR ${plain.integer})` };
    const radix = Number(/^toFloat64\((\d+)\)$/.exec(asNumber(base).sql)?.[1] ?? 10);
    const highest = (n: number): string =>
      n <= 10 ? `0-${n - 1}` : `0-9a-${(n - 1).toString(36)}A-${(n - 1).toString(36).toUpperCase()}`;
    if (radix === 16)
      return {
        type: 'number',
        sql: `if(${isHex}, ${hex}, ${signed('^[+-]?([0-9a-fA-F]{1,64})$', '16')})`,
        integer: '1',
      };
    return { type: 'number', sql: signed(`^[+-]?([${highest(radix)}]{1,64})$`, String(radix)), integer: '1' };
  },
};

const substring: EqlFunction = {
  usage: 'substring(source, start[, end])',
  least: 2,
  most: 3,
  takes: ['string', 'number', 'number'],
  returns: 'string',
  tilde: false,
  sql([source, start, end], _, bind) {
    if (isNull(source)) return { type: 'null' };
    const s = bind(text(source));
    if (isNull(start)) return { type: 'string', sql: s };
    const [low, high] = [wholeLiteral(start), isNull(end) ? undefined : wholeLiteral(end)];
    // Written once, the source may be nested deeply; the engine spells out every use of a name.
    if (low !== undefined && (isNull(end) || high !== undefined)) {
      if (high === undefined) return { type: 'string', sql: `substringUTF8(${s}, ${low + 1})` };
      return { type: 'string', sql: `substringUTF8(${s}, ${low + 1}, ${Math.max(0, high - low)})` };
    }
    const size = `toInt64(lengthUTF8(${s}))`;
    const from = (value: Value | undefined): string => {
      const at = number(value);
      return notNegative(`if(${at} < 0, ${at} + ${size}, ${at})`);
    };
    const first = bind(from(start));
    const stop = isNull(end) ? size : bind(from(end));
    const last = isNull(end) ? size : bind(`if(${stop} > ${size}, ${size}, ${stop})`);
    return {
      type: 'string',
      sql: whenKnown(
        [s, first, last],
        `if(${first} >= ${last}, '', substringUTF8(${s}, ${first} + 1, ${last} - ${first}))`,
      ),
    };
  },
};

/** A whole number from 0, written out. */
const wholeLiteral = (value: Value | undefined): number | undefined => {
  const digits = value?.type === 'number' ? /^toFloat64\((\d{1,9})\)$/.exec(value.sql)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
};

const concat: EqlFunction = {
  usage: 'concat(value[, ...])',
  least: 1,
  most: Number.POSITIVE_INFINITY,
  takes: ['any'],
  returns: 'string',
  tilde: false,
  sql(args) {
    if (args.some(isNull)) return { type: 'null' };
    const texts = args.map(asText);
    return { type: 'string', sql: texts.length === 1 ? (texts[0] ?? '') : `concat(${texts.join(', ')})` };
  },
};

/** Every function of EQL. Rules: Elasticsearch's function reference; a missing argument makes the answer missing. */
export const functions: ReadonlyMap<string, EqlFunction> = new Map(
  Object.entries({
    add: calculation('add', '+'),
    between,
    cidrMatch,
    concat,
    divide: calculation('divide', '/'),
    endsWith: textTest('endsWith', (source, part) => `endsWith(${source}, ${part})`),
    indexOf,
    length,
    modulo: calculation('modulo', '%'),
    multiply: calculation('multiply', '*'),
    number: toNumber,
    startsWith: textTest('startsWith', (source, part) => `startsWith(${source}, ${part})`),
    string: { ...concat, usage: 'string(value)', most: 1 },
    // The empty text is in no text.
    stringContains: textTest('stringContains', (source, part) => `position(${source}, ${part}) > 0 AND ${part} != ''`),
    substring,
    subtract: calculation('subtract', '-'),
  } satisfies Record<string, EqlFunction>),
);

export const functionNames: readonly string[] = [...functions.keys()];

/** A boolean function whose second argument is a text that is not empty cannot hold for an empty source. */
export const needsText: ReadonlySet<string> = new Set(['cidrMatch', 'endsWith', 'startsWith', 'stringContains']);
