import { readTimeMath, timeOf } from '../../language/eql/times.ts';

/** How a range reads its times: `format` and `time_zone`, as Query DSL has them. */
export type TimeReading = { formats: readonly string[]; zone: bigint };

/** Formats that are names, and what `timeOf` reads. Elasticsearch's `strict_` forms are the same times. */
const plain = new Set([
  'date_optional_time',
  'date_time',
  'date_time_no_millis',
  'date',
  'date_hour_minute_second',
  'date_hour_minute_second_millis',
  'date_optional_time_nanos',
  'iso8601',
  'epoch_millis',
  'year',
  'year_month',
  'year_month_day',
]);

const tokens: Record<string, string> = {
  yyyy: '(?<year>\\d{4})',
  uuuu: '(?<year>\\d{4})',
  MM: '(?<month>\\d{2})',
  M: '(?<month>\\d{1,2})',
  dd: '(?<day>\\d{2})',
  d: '(?<day>\\d{1,2})',
  HH: '(?<hour>\\d{2})',
  H: '(?<hour>\\d{1,2})',
  mm: '(?<minute>\\d{2})',
  ss: '(?<second>\\d{2})',
  SSS: '(?<fraction>\\d{3})',
  ['X'.repeat(3)]: '(?<zone>Z|[+-]\\d{2}:\\d{2})',
  Z: '(?<zone>Z|[+-]\\d{4})',
};

/** A pattern of Java's DateTimeFormatter such as `dd/MM/yyyy HH:mm` as an expression without repetitions; undefined for signs that it does not know. */
function patternOf(format: string): RegExp | undefined {
  const seen = new Set<string>();
  let source = '';
  for (const [part] of format.matchAll(/'[^']*'|([A-Za-z])\1*|[^A-Za-z']/g)) {
    if (part.startsWith("'")) source += escape(part.slice(1, -1));
    else if (!/[A-Za-z]/.test(part)) source += escape(part);
    else {
      const token = Object.hasOwn(tokens, part) ? tokens[part] : undefined;
      const name = /<(\w+)>/.exec(token ?? '')?.[1];
      if (token === undefined || name === undefined || seen.has(name)) return undefined;
      seen.add(name);
      source += token;
    }
  }
  return new RegExp(`^${source}$`);
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');

/** True for a format that times can be read by. */
export const isTimeFormat = (format: string): boolean =>
  format.length <= 100 &&
  (plain.has(format.replace(/^strict_/, '')) || format === 'epoch_second' || patternOf(format) !== undefined);

function readBy(format: string, text: string, zone: bigint, up: boolean): bigint | undefined {
  if (format === 'epoch_second') return /^-?\d{1,11}$/.test(text) ? BigInt(text) * 1_000_000_000n : undefined;
  if (format === 'epoch_millis') return /^-?\d{1,14}$/.test(text) ? BigInt(text) * 1_000_000n : undefined;
  if (plain.has(format.replace(/^strict_/, ''))) return timeOf(text, zone, up);
  const found = patternOf(format)?.exec(text)?.groups;
  if (found === undefined) return undefined;
  const { year = '1970', month = '1', day = '1' } = found;
  const [lastHour, last, lastFraction] = up ? ['23', '59', '999999999'] : ['0', '00', '000'];
  const { hour = lastHour, minute = last, second = last, fraction = lastFraction } = found;
  const two = (digits: string): string => digits.padStart(2, '0');
  return timeOf(
    `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${second}.${fraction}${found.zone ?? ''}`,
    zone,
  );
}

/** A bound of a range on the time: ns since 1970, or undefined. `up`: a rounded time is the last of its day, month ..., and so is what is not written out. */
export function timeOfBound(
  value: unknown,
  up: boolean,
  { formats, zone }: TimeReading,
  nowNs: bigint,
): bigint | undefined {
  if (typeof value === 'number')
    return BigInt(Math.round(value * (formats[0] === 'epoch_second' ? 1000 : 1))) * 1_000_000n;
  if (typeof value !== 'string') return undefined;
  const read = (text: string, last: boolean): bigint | undefined => {
    for (const format of formats) {
      const found = readBy(format, text, zone, last);
      if (found !== undefined) return found;
    }
    return formats.length === 0 ? timeOf(text, zone, last) : undefined;
  };
  return readTimeMath(value, up, nowNs, read, zone);
}
