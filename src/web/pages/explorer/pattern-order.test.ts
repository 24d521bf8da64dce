import { expect, test } from 'vitest';
import { markNew, newFirst } from './pattern-order.ts';

const step = 60;
const minutes = 60;

/** A pattern with so many records in each minute from one on; its first record is half a minute in. */
const pattern = (name: string, perMinute: number, from: number, to = minutes) => ({
  pattern: name,
  mined: true,
  total: perMinute * (to - from),
  levels: {},
  first: `${from * step + 30}000000000`,
  last: `${to * step}000000000`,
  series: Array.from({ length: to - from }, (_, i) => [(from + i) * step, perMinute] as [number, number]),
});
const mark = (patterns: Parameters<typeof markNew>[0]['patterns']) =>
  markNew({ patterns, step, end: `${minutes * step}000000000` });
const newOf = (...patterns: ReturnType<typeof pattern>[]): string[] =>
  newFirst(mark(patterns))
    .filter(each => each.isNew)
    .map(each => each.pattern);

test('what began in the range stands first, in the order in which it began', () => {
  const ordered = newFirst(
    mark([pattern('request', 100, 0), pattern('effect', 20, 22), pattern('health', 10, 0), pattern('cause', 5, 20)]),
  );
  expect(ordered.map(each => [each.pattern, each.isNew])).toEqual([
    ['cause', true],
    ['effect', true],
    ['request', false],
    ['health', false],
  ]);
});

test('what is rare may come late by chance', () => {
  expect(newOf(pattern('request', 100, 0), pattern('once', 1, 59), pattern('thrice', 1, 57))).toEqual([]);
  // Half of all records had none: 2^-13 is a chance, 2^-14 is none.
  const half = (total: number) => ({ ...pattern(`${total}`, 0, 30), total, series: [] });
  expect(newOf(pattern('request', 100, 0), half(13), half(14))).toEqual(['14']);
});

test('a failure that there had been once does not come before its cause', () => {
  const effect = pattern('effect', 20, 22);
  const early = {
    ...effect,
    total: effect.total + 1,
    first: `${18 * step + 30}000000000`,
    series: [[18 * step, 1] as [number, number], ...effect.series],
  };
  expect(newOf(pattern('request', 100, 0), early, pattern('cause', 5, 20))).toEqual(['cause', 'effect']);
  // One and twenty of 761 are less than a twentieth; one of a few is no chance.
  const rare = {
    ...early,
    total: 19,
    series: [
      [18 * step, 1],
      [40 * step, 18],
    ] as [number, number][],
  };
  expect(mark([early, rare]).map(each => each.began)).toEqual([`${23 * step}000000000`, early.first]);
});

test('lines of the last minute that are of no template yet are not taken for new', () => {
  const late = { ...pattern('late', 30, 59), mined: false };
  expect(newOf(pattern('request', 100, 0), late)).toEqual([]);
  expect(newOf(pattern('request', 100, 0), { ...late, mined: true })).toEqual(['late']);
  expect(newOf(pattern('request', 100, 0), { ...pattern('loaded', 30, 50), mined: false })).toEqual(['loaded']);
});

test('a quiet time makes nothing new', () => {
  const night = pattern('request', 1, 0, 55);
  const day = { ...pattern('request', 1_000, 55), series: [...night.series, ...pattern('', 1_000, 55).series] };
  expect(newOf({ ...day, first: night.first, total: 5_055 }, pattern('browser', 10, 55))).toEqual([]);
});

test('no records, nothing new', () => {
  expect(mark([])).toEqual([]);
});
