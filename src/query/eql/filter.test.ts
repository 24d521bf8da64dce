import { describe, expect, it } from 'vitest';
import { readFilter } from './filter.ts';

const now = BigInt(Date.parse('2026-05-15T13:45:30.500Z')) * 1_000_000n;
const iso = (ns: bigint | undefined): string | undefined =>
  ns === undefined ? undefined : new Date(Number(ns / 1_000_000n)).toISOString();
const bounds = (range: object, more: object = {}): (string | undefined)[] => {
  const { start, end } = readFilter({ range: { '@timestamp': { ...range, ...more } } }, '@timestamp', now).range;
  return [iso(start), iso(end)];
};

describe('times of a range', () => {
  it.each([
    [{ gte: '2026-05-01' }, ['2026-05-01T00:00:00.000Z', undefined]],
    [
      { gte: '2026-05-01T10:00:00+02:00', lt: '2026-05-02T00:00:00Z' },
      ['2026-05-01T08:00:00.000Z', '2026-05-02T00:00:00.000Z'],
    ],
    [{ gte: 1_700_000_000_000 }, ['2023-11-14T22:13:20.000Z', undefined]],
    [{ gte: '1700000000000' }, ['2023-11-14T22:13:20.000Z', undefined]],
    [{ gte: 'now-1h' }, ['2026-05-15T12:45:30.500Z', undefined]],
    [{ gte: 'now-1d/d', lt: 'now/d' }, ['2026-05-14T00:00:00.000Z', '2026-05-15T00:00:00.000Z']],
    [{ lte: 'now/d' }, [undefined, '2026-05-15T23:59:59.999Z']],
    [{ gt: 'now/M' }, ['2026-05-31T23:59:59.999Z', undefined]],
    [{ gte: 'now/w' }, ['2026-05-11T00:00:00.000Z', undefined]],
    [{ gte: 'now/y' }, ['2026-01-01T00:00:00.000Z', undefined]],
    [{ gte: '2026-05-01||+1M-1d' }, ['2026-05-31T00:00:00.000Z', undefined]],
    [{ gte: '2026-05-01||/y' }, ['2026-01-01T00:00:00.000Z', undefined]],
  ])('%j', (range, wanted) => {
    expect(bounds(range)).toEqual(wanted);
  });

  it('bound the whole only where every event must meet them', () => {
    const range = { range: { '@timestamp': { gte: 'now-1h' } } };
    const start = (filter: object) => iso(readFilter(filter, '@timestamp', now).range.start);
    expect(start({ bool: { filter: [range, { term: { a: 1 } }] } })).toBe('2026-05-15T12:45:30.500Z');
    expect(start({ bool: { must: { bool: { must: [range] } } } })).toBe('2026-05-15T12:45:30.500Z');
    expect(start({ bool: { should: [range] } })).toBeUndefined();
    expect(start({ bool: { must_not: [range] } })).toBeUndefined();
    expect(start({ range: { other: { gte: 'now-1h' } } })).toBeUndefined();
  });
});

it.each([
  [[], 'must be an object'],
  [{}, 'one member'],
  [{ term: { a: 1 }, match: { b: 1 } }, 'combine several by bool'],
  [{ term: { a: { valu: 1 } } }, 'must have a member "value"'],
  [{ term: { a: [1] } }, 'string, number or boolean'],
  [{ terms: { a: 1 } }, 'must be an array'],
  [{ exists: {} }, '"field"'],
  [{ bool: { shuold: [] } }, 'no member [shuold]'],
  [
    { bool: { should: [{ match_all: {} }, { match_all: {} }, { match_all: {} }], minimum_should_match: 2 } },
    'minimum_should_match 2 of 3',
  ],
  [{ range: { a: {} } }, 'one of gt, gte, lt, lte'],
  [{ range: { a: { form: 1 } } }, 'no member [form]'],
  [{ range: { '@timestamp': { gte: 'now-1x' } } }, 'is no time'],
  [{ range: { '@timestamp': { gte: 'now', time_zone: '+01:00' } } }, 'time_zone'],
  [{ ids: {} }, 'array "values"'],
  [{ regexp: { a: '(' } }, 'regexp [a] "("'],
  [{ constant_score: {} }, 'must be an object'],
  [{ geo_shape: {} }, 'unknown query [geo_shape]'],
  [JSON.parse('{"bool":{"must":'.repeat(60) + '{"match_all":{}}' + '}}'.repeat(60)) as unknown, 'nested deeper'],
])('refuses %j', (filter, reason) => {
  expect(() => readFilter(filter, '@timestamp', now)).toThrow(reason);
});
