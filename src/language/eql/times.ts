import { timeMagnitudes } from '../../base/fields.ts';

/** Larger numbers would be milliseconds beyond the year 2262. */
const millisMax = 9_223_372_036_854;

const iso =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?)?)?)?([Zz]|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * A point in time of Elasticsearch's `strict_date_optional_time || epoch_millis`: ns since 1970. Undefined when the text is none. Numbers too large for milliseconds
 * are micro- or nanoseconds, as where records are received. `zone`: ns that a time without a zone of its own is ahead of UTC. `up`: of what is not written from the hour on
 * the last is meant, as for `>` and `<=`; month and day are the first all the same (Elasticsearch: "Missing date components").
 */
export function timeOf(text: string, zone = 0n, up = false): bigint | undefined {
  if (/^-?\d{5,19}$/.test(text)) {
    const number = BigInt(text);
    const size = number < 0n ? -number : number;
    const digits = Number(size) <= millisMax ? 6 : (timeMagnitudes.find(({ max }) => size <= max)?.digits ?? 0);
    return number * 10n ** BigInt(digits);
  }
  const found = iso.exec(text.trim());
  if (found === null) return undefined;
  const last = up ? '59' : '00';
  const [, year = '', month = '01', day = '01', hour = up ? '23' : '00', minute = last, second = last, digits, own] =
    found;
  const fraction = digits ?? (up ? '999999999' : '');
  const offset = own === undefined ? zone : zoneOffset(own);
  const millis = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(millis) || offset === undefined) return undefined;
  return BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, '0')) - offset;
}

/** A time as a number: milliseconds, or micro- or nanoseconds where it is too large for these. `text`: all its digits. */
export function timeOfNumber(value: number, text: string): bigint | undefined {
  return Math.abs(value) <= millisMax ? BigInt(Math.round(value * 1000)) * 1000n : timeOf(text);
}

/** ns that a zone such as `Z`, `UTC`, `+02:00`, `-0330` or `+01` is ahead of UTC; undefined when the text is none. */
export function zoneOffset(zone: string): bigint | undefined {
  if (/^(?:z|utc|gmt)$/i.test(zone)) return 0n;
  const [, sign, hours, minutes = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (hours === undefined) return undefined;
  const offset = (BigInt(hours) * 60n + BigInt(minutes)) * 60_000_000_000n;
  return sign === '-' ? -offset : offset;
}

/**
 * Windows writes times as 100 ns since 1601. Such a number, from 1970 to 2107, is taken for nanoseconds where it is read by its magnitude, and so for a time between
 * September 1973 and January 1975, of which there are no logs. Its order is right and its distances are not, so spans are measured between these.
 */
export function instantOf(ns: bigint): bigint {
  const start = 116_444_736_000_000_000n;
  return ns < start || ns > 160_000_000_000_000_000n ? ns : (ns - start) * 100n;
}

const unitMillis: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  H: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/**
 * A time, or Elasticsearch's date math: `now-1d/d`, `2026-05-01||+1M`. Rounding goes down, with `up` to the last nanosecond, as for
 * `>` and `<=`. ns since 1970; undefined when the text is none. `read` gives the times that are written out (with `up` as timeOf has it), `zone` is the offset (ns ahead of UTC)
 * whose days and months are counted.
 */
export function readTimeMath(
  text: string,
  up: boolean,
  nowNs: bigint,
  read: (text: string, up: boolean) => bigint | undefined = (written, last) => timeOf(written, 0n, last),
  zone = 0n,
): bigint | undefined {
  if (text.length > 200) return undefined;
  const [, base, math = ''] = /^(now|.+?)(?:\|\|)?((?:[+-]\d+[yMwdhHms])*(?:\/[yMwdhHms])?)$/.exec(text) ?? [];
  if (base === undefined || (base !== 'now' && math !== '' && !text.includes('||'))) return read(text, up);
  const start = base === 'now' ? nowNs : read(base, up && !text.includes('||'));
  if (start === undefined || math === '') return start;
  const date = new Date(Number((start + zone) / 1_000_000n));
  for (const [, sign, amount, unit = ''] of math.matchAll(/([+-])(\d+)([yMwdhHms])/g))
    shift(date, Number(`${sign}${amount}`), unit);
  const rounded = /\/([yMwdhHms])$/.exec(math)?.[1];
  const toEnd = rounded !== undefined && up;
  if (rounded !== undefined) floor(date, rounded);
  if (toEnd) shift(date, 1, rounded);
  return Number.isNaN(date.getTime()) ? undefined : BigInt(date.getTime()) * 1_000_000n - zone - (toEnd ? 1n : 0n);
}

function shift(date: Date, amount: number, unit: string): void {
  if (unit === 'y') date.setUTCFullYear(date.getUTCFullYear() + amount);
  else if (unit === 'M') date.setUTCMonth(date.getUTCMonth() + amount);
  else date.setTime(date.getTime() + amount * (unitMillis[unit] ?? 0));
}

function floor(date: Date, unit: string): void {
  if (unit === 'y') date.setUTCMonth(0, 1);
  if (unit === 'M') date.setUTCDate(1);
  // Weeks begin on Monday.
  if (unit === 'w') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  if ('yMwd'.includes(unit)) date.setUTCHours(0, 0, 0, 0);
  else date.setTime(Math.floor(date.getTime() / (unitMillis[unit] ?? 1)) * (unitMillis[unit] ?? 1));
}
