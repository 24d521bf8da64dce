const iso =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?)?)?)?([Zz]|[+-]\d\d(?::?\d\d)?)?$/;

/** A point in time of Elasticsearch's `strict_date_optional_time || epoch_millis`: ns since 1970. Undefined when the text is none. */
export function timeOf(text: string): bigint | undefined {
  if (/^-?\d{5,17}$/.test(text)) return BigInt(text) * 1_000_000n;
  const found = iso.exec(text.trim());
  if (found === null) return undefined;
  const [, year = '', month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    found;
  const offset = /^[+-]\d\d$/.test(zone)
    ? `${zone}:00`
    : /^[+-]\d{4}$/.test(zone)
      ? `${zone.slice(0, 3)}:${zone.slice(3)}`
      : zone.toUpperCase();
  const millis = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  return Number.isNaN(millis) ? undefined : BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
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
 * A time, or Elasticsearch's date math: `now-1d/d`, `2026-05-01||+1M`. Rounding goes down, with `up` to the last millisecond, as for
 * `>` and `<=`. ns since 1970; undefined when the text is none.
 */
export function readTimeMath(text: string, up: boolean, nowNs: bigint): bigint | undefined {
  const [, base, math = ''] = /^(now|.+?)(?:\|\|)?((?:[+-]\d+[yMwdhHms])*(?:\/[yMwdhHms])?)$/.exec(text) ?? [];
  if (base === undefined || (base !== 'now' && math !== '' && !text.includes('||'))) return timeOf(text);
  const start = base === 'now' ? nowNs : timeOf(base);
  if (start === undefined || math === '') return start;
  const date = new Date(Number(start / 1_000_000n));
  for (const [, sign, amount, unit = ''] of math.matchAll(/([+-])(\d+)([yMwdhHms])/g))
    shift(date, Number(`${sign}${amount}`), unit);
  const rounded = /\/([yMwdhHms])$/.exec(math)?.[1];
  if (rounded !== undefined) {
    floor(date, rounded);
    if (up) {
      shift(date, 1, rounded);
      date.setTime(date.getTime() - 1);
    }
  }
  return Number.isNaN(date.getTime()) ? undefined : BigInt(date.getTime()) * 1_000_000n;
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
