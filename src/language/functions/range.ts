import type { RangeAggregation, RangeFunction } from '../tree.ts';
import { quoteNumber } from '../sql-writer.ts';

/**
 * How an aggregation over a window is computed. `aggregates` are engine functions over the columns of a leg: `v` (the value), `ts`
 * (ns) and `seq`; `finish` makes the value from their results. Each must also work as `-State`/`-Merge`, since wide windows are put together from slices.
 */
export type RangeDefinition = {
  /** What `v` is. */
  input: 'nothing' | 'bytes' | 'unwrapped';
  aggregates: { fn: string; parameters?: string; args: string }[];
  /** `seconds`: length of the window; `end`: its end, SQL, in ns. */
  finish(results: string[], seconds: number, end: string): string;
  /** The function of a vector that gives the same over all series at once, so that `sum(count_over_time(..))` needs no series. */
  fusesWith?: 'sum' | 'min' | 'max';
};

const count = { fn: 'count', args: '' };
const sum = { fn: 'sum', args: 'v' };
const value = ([result]: string[]): string => `toFloat64(${result})`;
const perSecond = ([result]: string[], seconds: number): string => `toFloat64(${result}) / ${quoteNumber(seconds)}`;

/** NaN counts only when there is nothing else. */
const extreme = (fn: 'min' | 'max'): RangeDefinition => ({
  input: 'unwrapped',
  aggregates: [
    { fn: `${fn}If`, args: 'v, NOT isNaN(v)' },
    { fn: 'countIf', args: 'NOT isNaN(v)' },
  ],
  finish: ([result, numbers]) => `if(${numbers} = 0, nan, ${result})`,
  fusesWith: fn,
});
const unwrapped = (fn: string): RangeDefinition => ({
  input: 'unwrapped',
  aggregates: [{ fn, args: 'v' }],
  finish: value,
});

/**
 * Loki's rate of a counter: the increase, corrected for resets, per second of the window. Loki means to extrapolate to the edges as Prometheus does, but
 * counts the window in ms and samples in ns, so what is left of it is a factor of about 1.000001 (measured against Loki 3.7.8): with S = the time
 * between the first and last sample in µs, the increase grows by d / S, where d = the length of the window in s, at most S times first value / increase.
 */
const rateCounter: RangeDefinition = {
  input: 'unwrapped',
  aggregates: [{ fn: 'groupArray', args: 'tuple(ts, seq, v)' }],
  finish([samples], seconds) {
    const x = `arraySort(${samples})`;
    const v = `arrayMap(s -> s.3, ${x})`;
    const gain = `(${v}[-1] - ${v}[1] + arraySum(arrayMap((a, b) -> if(b < a, a, 0.), arrayPopBack(${v}), arrayPopFront(${v}))))`;
    const sampled = `((${x}[-1].1 - ${x}[1].1) / 1000)`;
    const gap = `(${sampled} / (length(${x}) - 1))`;
    const window = quoteNumber(seconds);
    const toZero = `if(${gain} > 0 AND ${v}[1] >= 0, least(${window}, ${sampled} * (${v}[1] / ${gain})), ${window})`;
    const edge = `if(${toZero} < ${gap} * 1.1, ${toZero}, ${gap} / 2)`;
    return `if(length(${samples}) < 2 OR ${sampled} = 0, 0., ${gain} * ((${sampled} + ${edge}) / ${sampled}) / ${window})`;
  },
};

/** NaN is below all numbers: it is the quantile when the rank falls on one, and never interpolated. */
function quantile(q: number): RangeDefinition {
  if (q > 1) return { input: 'unwrapped', aggregates: [count], finish: () => 'inf' };
  return {
    input: 'unwrapped',
    aggregates: [
      { fn: 'quantileExactInclusive', parameters: `(${q})`, args: 'if(isNaN(v), -inf, v)' },
      { fn: 'countIf', args: 'isNaN(v)' },
      count,
    ],
    finish: ([result = '', nans = '', all = '']) =>
      `if(${nans} > 0 AND floor(${quoteNumber(q)} * (${all} - 1)) < ${nans}, nan, toFloat64(${result}))`,
  };
}

/**
 * Equal values have no variance: merging partial results would leave some 1e-34 of rounding. NaN and infinities give NaN, also alone, where the
 * engine says 0.
 */
const deviation = (fn: 'stddevPopStable' | 'varPopStable'): RangeDefinition => ({
  input: 'unwrapped',
  aggregates: [
    { fn, args: 'v' },
    { fn: 'min', args: 'v' },
    { fn: 'max', args: 'v' },
  ],
  finish: ([result = '', least = '', most = '']) =>
    `multiIf(NOT isFinite(${least}) OR isInfinite(${most}), nan, ${least} = ${most} AND NOT isNaN(${result}), 0., toFloat64(${result}))`,
});

const definitions: Record<
  Exclude<RangeFunction, 'rate' | 'quantile_over_time' | 'absent_over_time'>,
  RangeDefinition
> = {
  count_over_time: { input: 'nothing', aggregates: [count], finish: value, fusesWith: 'sum' },
  bytes_over_time: { input: 'bytes', aggregates: [sum], finish: value, fusesWith: 'sum' },
  bytes_rate: { input: 'bytes', aggregates: [sum], finish: perSecond, fusesWith: 'sum' },
  rate_counter: rateCounter,
  sum_over_time: { ...unwrapped('sum'), fusesWith: 'sum' },
  avg_over_time: unwrapped('avg'),
  min_over_time: extreme('min'),
  max_over_time: extreme('max'),
  stddev_over_time: deviation('stddevPopStable'),
  stdvar_over_time: deviation('varPopStable'),
  first_over_time: { input: 'unwrapped', aggregates: [{ fn: 'argMin', args: 'v, tuple(ts, seq)' }], finish: value },
  last_over_time: { input: 'unwrapped', aggregates: [{ fn: 'argMax', args: 'v, tuple(ts, seq)' }], finish: value },
};

export function rangeDefinition({ fn, parameter, range }: RangeAggregation): RangeDefinition {
  if (fn === 'rate') {
    return range.unwrap
      ? { input: 'unwrapped', aggregates: [sum], finish: perSecond, fusesWith: 'sum' }
      : { input: 'nothing', aggregates: [count], finish: perSecond, fusesWith: 'sum' };
  }
  if (fn === 'quantile_over_time') return quantile(parameter ?? 0);
  if (fn === 'absent_over_time')
    return { input: range.unwrap ? 'unwrapped' : 'nothing', aggregates: [count], finish: value };
  return definitions[fn];
}
