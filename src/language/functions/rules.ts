import type { RangeFunction } from '../tree.ts';

/** What the grammar allows for each aggregation over a range. */
export type RangeRule = {
  /** `never`: counts lines; `always`: needs values; `either`: both meanings exist. */
  unwrap: 'never' | 'always' | 'either';
  /** `fn(0.99, ...)`. */
  parameter: boolean;
  /** `fn(..) by (..)`. */
  grouping: boolean;
};

export const rangeRules: Record<RangeFunction, RangeRule> = {
  rate: { unwrap: 'either', parameter: false, grouping: false },
  rate_counter: { unwrap: 'always', parameter: false, grouping: false },
  count_over_time: { unwrap: 'never', parameter: false, grouping: false },
  bytes_rate: { unwrap: 'never', parameter: false, grouping: false },
  bytes_over_time: { unwrap: 'never', parameter: false, grouping: false },
  absent_over_time: { unwrap: 'either', parameter: false, grouping: false },
  sum_over_time: { unwrap: 'always', parameter: false, grouping: false },
  avg_over_time: { unwrap: 'always', parameter: false, grouping: true },
  min_over_time: { unwrap: 'always', parameter: false, grouping: true },
  max_over_time: { unwrap: 'always', parameter: false, grouping: true },
  stddev_over_time: { unwrap: 'always', parameter: false, grouping: true },
  stdvar_over_time: { unwrap: 'always', parameter: false, grouping: true },
  quantile_over_time: { unwrap: 'always', parameter: true, grouping: true },
  first_over_time: { unwrap: 'always', parameter: false, grouping: true },
  last_over_time: { unwrap: 'always', parameter: false, grouping: true },
};

export const rangeFunctionNames = Object.keys(rangeRules) as RangeFunction[];
