/** What is looked at: the last so many seconds, or a fixed stretch (ms since 1970, end exclusive). */
export type TimeRange = { kind: 'relative'; seconds: number } | { kind: 'absolute'; from: number; to: number };

/** A range pinned to the clock, ms since 1970. */
export type Span = { from: number; to: number };

export const presets: readonly { label: string; seconds: number }[] = [
  { label: '5m', seconds: 300 },
  { label: '15m', seconds: 900 },
  { label: '1h', seconds: 3_600 },
  { label: '6h', seconds: 21_600 },
  { label: '24h', seconds: 86_400 },
  { label: '3d', seconds: 259_200 },
  { label: '7d', seconds: 604_800 },
];

const shortestMs = 1;
/** Year 2262, the end of 64-bit nanoseconds. */
const lastMs = 9_223_372_036_854;

export const spanOf = (range: TimeRange, now: number): Span =>
  range.kind === 'absolute' ? { from: range.from, to: range.to } : { from: now - range.seconds * 1000, to: now };

/** An absolute range within what 64-bit nanoseconds can say and never empty. */
export function absolute(from: number, to: number): TimeRange {
  const start = Math.min(Math.max(0, Math.round(from)), lastMs - shortestMs);
  return { kind: 'absolute', from: start, to: Math.min(lastMs, Math.max(start + shortestMs, Math.round(to))) };
}

/** Three times as much around the same middle, the future left out when the range ended before it. */
export function zoomOut(range: TimeRange, now: number): TimeRange {
  const { from, to } = spanOf(range, now);
  const length = to - from;
  if (range.kind === 'relative') return { kind: 'relative', seconds: range.seconds * 2 };
  return absolute(from - length, to <= now ? Math.min(now, to + length) : to + length);
}

/** Half a range earlier (-1) or later (1). */
export function shift(range: TimeRange, direction: -1 | 1, now: number): TimeRange {
  const { from, to } = spanOf(range, now);
  const by = ((to - from) / 2) * direction;
  return absolute(from + by, to + by);
}

/** Milliseconds as the API's decimal nanoseconds. */
export const nanosOf = (ms: number): string => String(BigInt(Math.round(ms)) * 1_000_000n);

/** Decimal nanoseconds as milliseconds, the fraction cut off. */
export const millisOf = (ns: string): number => Number(BigInt(ns) / 1_000_000n);

/** `90` seconds as `90s`, `3600` as `1h`: the shortest exact text, which the time parser reads back. */
export function durationText(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const) {
    if (seconds % size === 0 && !(unit === 'd' && seconds === size)) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}
