import fc from 'fast-check';
import type {
  BinaryOperator,
  Grouping,
  LogQuery,
  LogRange,
  MetricQuery,
  RangeFunction,
  VectorFunction,
  VectorMatching,
} from '../../../src/language/tree.ts';
import { noErrors, selector, stages, unwrap } from './random-stages.ts';

const ms = 1_000_000n;
const labels = fc.uniqueArray(fc.constantFrom('app', 'env', 'x', 'w', 'status', 'nope'), { maxLength: 2 });
const grouping: fc.Arbitrary<Grouping> = fc.record({ without: fc.boolean(), labels });
const maybeGrouping = fc.option(grouping, { nil: undefined });

export const logQuery: fc.Arbitrary<LogQuery> = fc
  .tuple(selector, stages)
  .map(([matchers, list]) => ({ kind: 'logs', selector: matchers, stages: list }));

const window = fc.record({
  rangeNs: fc.constantFrom(1000n, 5000n, 7000n, 10_000n, 30_000n, 60_000n, 1500n, 500n).map(amount => amount * ms),
  offsetNs: fc.constantFrom(0n, 0n, 0n, 5000n, -5000n, 500n).map(amount => amount * ms),
});
const pipeline = fc
  .tuple(stages, fc.constantFrom(true, true, true, true, false))
  .map(([list, clean]) => (clean ? [...list, noErrors] : list));
const lineRange: fc.Arbitrary<LogRange> = fc
  .tuple(selector, pipeline, window)
  .map(([matchers, list, size]) => ({ selector: matchers, stages: list, ...size }));
const valueRange: fc.Arbitrary<LogRange> = fc
  .tuple(lineRange, unwrap)
  .map(([range, unwrapped]) => ({ ...range, unwrap: unwrapped }));

/** Functions whose results do not depend on how sums are rounded, so that they can be compared and ranked. */
const exactLines = fc.constantFrom<RangeFunction>('count_over_time', 'bytes_over_time', 'absent_over_time');
const exactValues = fc.constantFrom<RangeFunction>(
  'sum_over_time',
  'min_over_time',
  'max_over_time',
  'first_over_time',
  'last_over_time',
);
const groupable = new Set<RangeFunction>([
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'first_over_time',
  'last_over_time',
]);

const overLines = (fn: fc.Arbitrary<RangeFunction>): fc.Arbitrary<MetricQuery> =>
  fc.tuple(fn, lineRange).map(([name, range]): MetricQuery => ({ kind: 'range', fn: name, range }));
const overValues = (fn: fc.Arbitrary<RangeFunction>): fc.Arbitrary<MetricQuery> =>
  fc.tuple(fn, valueRange, maybeGrouping).map(
    ([name, range, by]): MetricQuery => ({
      kind: 'range',
      fn: name,
      range,
      ...(by && groupable.has(name) && { grouping: by }),
    }),
  );
const quantile = fc.tuple(fc.constantFrom(0, 0.25, 0.5, 0.9, 1, 1.5), valueRange, maybeGrouping).map(
  ([parameter, range, by]): MetricQuery => ({
    kind: 'range',
    fn: 'quantile_over_time',
    parameter,
    range,
    ...(by && { grouping: by }),
  }),
);

const exactRange = fc.oneof(overLines(exactLines), overValues(exactValues));
const anyRange = fc.oneof(
  exactRange,
  overLines(fc.constantFrom('rate', 'bytes_rate')),
  overValues(fc.constantFrom('rate', 'rate_counter', 'avg_over_time', 'stddev_over_time', 'stdvar_over_time')),
  quantile,
);

const aggregation = (fn: fc.Arbitrary<VectorFunction>, inner: fc.Arbitrary<MetricQuery>): fc.Arbitrary<MetricQuery> =>
  fc.tuple(fn, inner, maybeGrouping).map(
    ([name, query, by]): MetricQuery => ({
      kind: 'vector_aggregation',
      fn: name,
      ...(by && { grouping: by }),
      inner: query,
    }),
  );
const exactVector: fc.Arbitrary<MetricQuery> = fc.oneof(
  exactRange,
  aggregation(fc.constantFrom('sum', 'min', 'max', 'count'), exactRange),
  fc.constantFrom(0, 1, 5).map((value): MetricQuery => ({ kind: 'vector', value })),
);
const ranked = fc
  .tuple(fc.constantFrom<VectorFunction>('topk', 'bottomk'), fc.integer({ min: 1, max: 3 }), maybeGrouping, exactVector)
  .map(
    ([fn, parameter, by, inner]): MetricQuery => ({
      kind: 'vector_aggregation',
      fn,
      parameter,
      ...(by && { grouping: by }),
      inner,
    }),
  );
const sorted = fc
  .tuple(fc.constantFrom<VectorFunction>('sort', 'sort_desc'), fc.oneof(exactVector, ranked))
  .map(([fn, inner]): MetricQuery => ({ kind: 'vector_aggregation', fn, inner }));
const replaced = fc
  .tuple(
    exactVector,
    fc.constantFrom('fresh', 'other'),
    fc.constantFrom('app', 'env', 'nope', 'x'),
    fc.constantFrom<[string, string]>(
      ['(.*)', 'r-$1'],
      ['(?P<all>.+)', '${all}$$'],
      ['a|b', 'ab'],
      ['', 'none'],
      ['(.)(.)?', '$2'],
    ),
  )
  .map(
    ([inner, target, source, [regex, replacement]]): MetricQuery => ({
      kind: 'label_replace',
      inner,
      target,
      replacement,
      source,
      regex,
    }),
  );

const matching: fc.Arbitrary<VectorMatching | undefined> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.record({ on: fc.boolean(), labels, include: fc.constant<string[]>([]) }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.boolean(),
        labels,
        fc.constantFrom('left', 'right'),
        fc.uniqueArray(fc.constantFrom('env', 'x', 'w'), { maxLength: 1 }),
      )
      .map(
        ([on, by, group, include]): VectorMatching => ({
          on,
          labels: by,
          group,
          include: include.filter(label => !(on && by.includes(label))),
        }),
      ),
  },
);
const setOps = fc.constantFrom<BinaryOperator>('and', 'or', 'unless');
const otherOps = fc.constantFrom<BinaryOperator>('+', '-', '*', '/', '%', '^', '==', '!=', '<', '<=', '>', '>=');
const small = aggregation(fc.constantFrom('sum', 'min', 'max', 'count'), exactRange);

const betweenVectors = fc
  .tuple(
    fc.oneof({ weight: 1, arbitrary: setOps }, { weight: 2, arbitrary: otherOps }),
    fc.boolean(),
    matching,
    fc.oneof(small, exactVector),
    fc.oneof(small, exactVector),
  )
  .map(([op, bool, match, left, right]): MetricQuery => {
    const isSet = ['and', 'or', 'unless'].includes(op);
    const { group: _, ...plain } = match ?? { on: false, labels: [], include: [] };
    const used = isSet && match ? { ...plain, include: [] } : match;
    return { kind: 'binary', op, bool: bool && !isSet, ...(used && { matching: used }), left, right };
  });
const withNumber = fc
  .tuple(otherOps, fc.boolean(), exactVector, fc.constantFrom(0, 1, 2, 5, -1, 2.5), fc.boolean())
  .map(([op, bool, vector, value, numberFirst]): MetricQuery => {
    const literal: MetricQuery = { kind: 'literal', value };
    const [left, right] = numberFirst ? [literal, vector] : [vector, literal];
    return { kind: 'binary', op, bool, left, right };
  });

export const metricQuery: fc.Arbitrary<MetricQuery> = fc.oneof(
  { weight: 4, arbitrary: anyRange },
  {
    weight: 4,
    arbitrary: aggregation(fc.constantFrom('sum', 'avg', 'min', 'max', 'count', 'stddev', 'stdvar'), anyRange),
  },
  {
    weight: 1,
    arbitrary: aggregation(fc.constantFrom('sum', 'max', 'count'), fc.oneof(betweenVectors, replaced, ranked)),
  },
  { weight: 2, arbitrary: ranked },
  { weight: 1, arbitrary: sorted },
  { weight: 1, arbitrary: replaced },
  { weight: 3, arbitrary: betweenVectors },
  { weight: 2, arbitrary: withNumber },
);

export const instantTime = fc.integer({ min: 0, max: 140 }).map(halves => BigInt(halves) * 500n * ms);
export const times = fc
  .tuple(
    instantTime,
    fc.constantFrom(500n, 1000n, 2500n, 5000n, 7000n, 30_000n),
    fc.integer({ min: 1, max: 6 }),
    fc.constantFrom(0n, 499n),
  )
  .map(([startNs, step, steps, rest]) => ({
    startNs,
    stepNs: step * ms,
    endNs: startNs + (BigInt(steps) * step + rest) * ms,
  }));
