/** Dates of a search text: `2026-05-01`, RFC 3339, seconds or milliseconds since 1970, and Elasticsearch's date math (`now-1h/d`, `2026-05-01||+1M`). UTC. */

const ns = 1_000_000n;
/** The last moment that fits 64 bits of ns. */
const latest = 9_223_372_036_854_775_807n;

type Unit = 'y' | 'M' | 'w' | 'd' | 'h' | 'm' | 's';
/** A stretch of time: what was written may name a day or a second. ns since 1970, end exclusive. */
export type Stretch = { start: bigint; end: bigint };

const fixed: Partial<Record<Unit, number>> = { w: 7 * 86400e3, d: 86400e3, h: 3600e3, m: 60e3, s: 1e3 };

function plus(ms: number, amount: number, unit: Unit): number {
  const size = fixed[unit];
  if (size !== undefined) return ms + amount * size;
  const date = new Date(ms);
  const months = unit === 'y' ? amount * 12 : amount;
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  return date.getTime();
}

function floor(ms: number, unit: Unit): number {
  const date = new Date(ms);
  if (unit === 'y') return Date.UTC(date.getUTCFullYear(), 0);
  if (unit === 'M') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  // Weeks begin on Monday; 1970 began on a Thursday.
  if (unit === 'w') return Math.floor((ms - 4 * 86400e3) / (7 * 86400e3)) * 7 * 86400e3 + 4 * 86400e3;
  const size = fixed[unit] ?? 1;
  return Math.floor(ms / size) * size;
}

const date =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$/i;

function readDate(text: string): Stretch | undefined {
  if (/^\d{13}$/.test(text)) return { start: BigInt(text) * ns, end: (BigInt(text) + 1n) * ns };
  if (/^\d{10}$/.test(text)) return { start: BigInt(text) * 1000n * ns, end: (BigInt(text) + 1n) * 1000n * ns };
  const found = date.exec(text);
  if (!found) return undefined;
  const [, year = '', month = '01', day = '01', hour = '00', minute = '00', seconds = '00', fraction = '', zone = 'Z'] =
    found;
  const offset = zone.toUpperCase() === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${seconds}${offset}`);
  const real = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (Number.isNaN(ms) || real.getUTCDate() !== Number(day)) return undefined;
  if (fraction !== '') {
    const start = BigInt(ms) * ns + BigInt(fraction.padEnd(9, '0'));
    return { start, end: start + 10n ** BigInt(9 - fraction.length) };
  }
  const unit = (['y', 'M', 'd', 'h', 'm', 's'] as const)[
    found.slice(1, 7).filter(part => part !== undefined).length - 1
  ];
  return { start: BigInt(ms) * ns, end: BigInt(plus(ms, 1, unit ?? 's')) * ns };
}

/**
 * The time that `text` names, or undefined when it is none. `now` in ns; a text that needs it is none without it.
 * Rounding (`/d`) names the whole unit, so that `<=now/d` takes in today, as in Elasticsearch.
 */
export function readTime(text: string, now: bigint | undefined): Stretch | undefined {
  const relative = /^now(.*)$/i.exec(text);
  const [, anchor = '', math = ''] = relative ? ['', 'now', relative[1]] : (/^(.*?)(?:\|\|(.*))?$/.exec(text) ?? []);
  let stretch: Stretch | undefined;
  if (!relative) stretch = readDate(anchor);
  else if (now !== undefined) stretch = { start: now, end: now + 1n };
  if (stretch === undefined) return undefined;
  if (math === '') return inside(stretch);
  if (!/^(?:[+-]\d{0,6}[yMwdhHms]|\/[yMwdhHms])+$/.test(math)) return undefined;
  let ms = Number(stretch.start / ns);
  let unit: Unit | undefined;
  for (const [, sign, amount, plusUnit, roundUnit] of math.matchAll(/([+-])(\d*)([yMwdhHms])|\/([yMwdhHms])/g)) {
    if (roundUnit !== undefined) {
      unit = roundUnit.replace('H', 'h') as Unit;
      ms = floor(ms, unit);
    } else {
      unit = undefined;
      ms = plus(ms, Number(amount || 1) * (sign === '-' ? -1 : 1), plusUnit?.replace('H', 'h') as Unit);
    }
  }
  if (!Number.isFinite(ms)) return undefined;
  const start = BigInt(Math.round(ms)) * ns;
  return inside({ start, end: unit === undefined ? start + 1n : BigInt(plus(ms, 1, unit)) * ns });
}

const inside = (stretch: Stretch): Stretch | undefined =>
  stretch.start < -latest || stretch.end > latest ? undefined : stretch;

/** RFC 3339 with as many digits as the time has. */
export function writeTime(time: bigint): string {
  const seconds = time / 1_000_000_000n - (time % 1_000_000_000n < 0n ? 1n : 0n);
  const rest = time - seconds * 1_000_000_000n;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`}Z`;
}
