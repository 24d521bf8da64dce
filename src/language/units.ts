/** Durations and sizes as LogQL writes them. */

const ns: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86400e9,
  w: 7 * 86400e9,
  y: 365 * 86400e9,
};

/** Powers of 1000, and of 1024 with `i`: `KB`, `KiB`, `K`, `Ki`. Case-sensitive in queries, but for the k. */
const sizeLetters = ' KMGTP';

function bytesOfUnit(unit: string): number {
  const power = Math.max(0, sizeLetters.indexOf(unit.charAt(0).toUpperCase()));
  return (unit.includes('i') ? 1024 : 1000) ** power;
}

const prometheus = /(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?/y;
const go = /(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+/y;
const size = /(\d+\.?\d*|\.\d+)(B|[kKMGTP]i?B?)/y;

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|[smhdwy])/g;

export const durationStart = (text: string, at: number): boolean => /^(?:\d|\.\d)/.test(text.slice(at, at + 2));

/** Makes up for what a product of a fraction lacks: 0.57s is not one ns short. */
export const fractionFactor = 1 + 2 ** -51;

/** Whole ns of each part, as in data. */
function sum(text: string): number {
  let total = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(part)) {
    const product = Number(amount) * (ns[unit] ?? 0);
    total += Math.floor(amount.includes('.') ? product * fractionFactor : product);
  }
  return total;
}

/** The longest duration at `at`: Prometheus style (`1d2h30m`) or Go style (`1.5h`). Length 0 when there is none. */
export function readDuration(text: string, at: number): { length: number; ns: number } {
  prometheus.lastIndex = at;
  go.lastIndex = at;
  const found = [prometheus.exec(text)?.[0] ?? '', go.exec(text)?.[0] ?? ''].reduce((a, b) =>
    b.length > a.length ? b : a,
  );
  return { length: found.length, ns: sum(found) };
}

/** The duration in `[..]` and after `offset`: Prometheus style only. */
export function isPrometheusDuration(text: string): boolean {
  prometheus.lastIndex = 0;
  return text !== '' && prometheus.exec(text)?.[0] === text;
}

export function readBytes(text: string, at: number): { length: number; bytes: number } {
  size.lastIndex = at;
  const [found = '', amount, unit = ''] = size.exec(text) ?? [];
  return { length: found.length, bytes: Math.trunc(Number(amount ?? 0) * bytesOfUnit(unit)) };
}

/** Shortest Prometheus-style text of a whole number of ns; ns and us are written the Go way. */
export function writeDuration(amount: bigint): string {
  if (amount === 0n) return '0s';
  if (amount < 0n) return `-${writeDuration(-amount)}`;
  let rest = amount;
  let text = '';
  // Go's style, which has the small units, has no days.
  const style = amount % 1_000000n === 0n ? ([['d', 86400_000000000n]] as const) : [];
  for (const [unit, value] of [
    ...style,
    ['h', 3600_000000000n],
    ['m', 60_000000000n],
    ['s', 1_000000000n],
    ['ms', 1_000000n],
    ['us', 1000n],
    ['ns', 1n],
  ] as const) {
    if (rest < value) continue;
    text += `${rest / value}${unit}`;
    rest %= value;
  }
  return text;
}
