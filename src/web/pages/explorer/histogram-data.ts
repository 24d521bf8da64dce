import type { HistogramAnswer } from '../../../query/contract.ts';
import type { LevelName } from '../../parts/level.ts';
import { levelOf, levelOrder } from '../../parts/level.ts';

export type Histogram = {
  /** Starts of all buckets of the range, empty ones too, seconds since 1970. */
  times: number[];
  /** Seconds. */
  step: number;
  /** Levels that occur, gravest first: the gravest is drawn nearest to the axis. */
  levels: { name: LevelName; counts: number[]; total: number }[];
};

/** The answer on an unbroken grid of buckets. */
export function histogramOf(answer: HistogramAnswer): Histogram {
  const { step } = answer;
  // In ms, because sums of fractions of a second drift.
  const stepMs = Math.max(1, Math.round(step * 1000));
  const startMs = Math.floor(Number(BigInt(answer.start) / 1_000_000n) / stepMs) * stepMs;
  const endMs = Math.ceil(Number(BigInt(answer.end)) / 1e6);
  const size = Math.min(2_000, Math.max(1, Math.ceil((endMs - startMs) / stepMs)));
  const times = Array.from({ length: size }, (_, i) => (startMs + i * stepMs) / 1000);
  const byLevel = new Map<LevelName, number[]>();
  for (const bucket of answer.buckets) {
    const index = Math.round((bucket.t * 1000 - startMs) / stepMs);
    if (index < 0 || index >= size) continue;
    for (const [level, count] of Object.entries(bucket.counts)) {
      const name = levelOf(level);
      const counts = byLevel.get(name) ?? Array.from({ length: size }, () => 0);
      counts[index] = (counts[index] ?? 0) + count;
      byLevel.set(name, counts);
    }
  }
  const levels = levelOrder.flatMap(name => {
    const counts = byLevel.get(name);
    return counts ? [{ name, counts, total: counts.reduce((sum, count) => sum + count, 0) }] : [];
  });
  return { times, step, levels };
}

/** Running sums per level, so that bars drawn from zero, the last first, lie as a stack. */
export function stacked(histogram: Histogram): number[][] {
  let below = Array.from(histogram.times, () => 0);
  return histogram.levels.map(level => {
    below = below.map((sum, i) => sum + (level.counts[i] ?? 0));
    return below;
  });
}
