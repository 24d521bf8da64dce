import { expect, test } from 'vitest';
import type { HistogramAnswer } from '../../../query/contract.ts';
import { histogramOf, stacked } from './histogram-data.ts';

const answer = (over: Partial<HistogramAnswer>): HistogramAnswer => ({
  step: 10,
  start: '1000000000000',
  end: '1040000000000',
  total: 9,
  buckets: [],
  partial: false,
  reason: null,
  elapsedMs: 1,
  ...over,
});

test('fills empty buckets and stacks the gravest first', () => {
  const histogram = histogramOf(
    answer({
      buckets: [
        { t: 1000, counts: { info: 3, error: 1 } },
        { t: 1030, counts: { info: 4, odd: 1 } },
      ],
    }),
  );
  expect(histogram.times).toEqual([1000, 1010, 1020, 1030]);
  expect(histogram.levels.map(level => [level.name, level.counts, level.total])).toEqual([
    ['error', [1, 0, 0, 0], 1],
    ['info', [3, 0, 0, 4], 7],
    ['unknown', [0, 0, 0, 1], 1],
  ]);
  expect(stacked(histogram)).toEqual([
    [1, 0, 0, 0],
    [4, 0, 0, 4],
    [4, 0, 0, 5],
  ]);
});

test('steps below a second stay exact, ranges need not start on a step', () => {
  const histogram = histogramOf(
    answer({
      step: 0.1,
      start: '1000050000000',
      end: '1000350000000',
      buckets: [
        { t: 1000.0, counts: { info: 1 } },
        { t: 1000.3, counts: { info: 2 } },
      ],
    }),
  );
  expect(histogram.times).toEqual([1000, 1000.1, 1000.2, 1000.3]);
  expect(histogram.levels[0]?.counts).toEqual([1, 0, 0, 2]);
});
