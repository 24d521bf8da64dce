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
    [{ gte: '2026' }, ['2026-01-01T00:00:00.000Z', undefined]],
    [{ gte: '1778851530500000000' }, ['2026-05-15T13:25:30.500Z', undefined]],
  ])('%j', (range, wanted) => {
    expect(bounds(range)).toEqual(wanted);
  });

  it.each([
    // A time without a zone, and the days of `/d`, are of the zone; a time with one is not moved.
    [{ gte: '2026-05-01', time_zone: '+02:00' }, ['2026-04-30T22:00:00.000Z', undefined]],
    [{ gte: '2026-05-01T10:00:00Z', time_zone: '+02:00' }, ['2026-05-01T10:00:00.000Z', undefined]],
    [{ gte: 'now/d', time_zone: '-05:00' }, ['2026-05-15T05:00:00.000Z', undefined]],
    [{ lte: 'now/d', time_zone: '+14:00' }, [undefined, '2026-05-16T09:59:59.999Z']],
    [
      { gte: '01/05/2026', lt: '2027', format: 'dd/MM/yyyy||yyyy' },
      ['2026-05-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ],
    [{ gte: '2026.05.01 07:08', format: 'yyyy.MM.dd HH:mm' }, ['2026-05-01T07:08:00.000Z', undefined]],
    [{ gte: '2026.05.01||+1d/d', format: 'yyyy.MM.dd' }, ['2026-05-02T00:00:00.000Z', undefined]],
    [{ gte: '1778851530', format: 'epoch_second' }, ['2026-05-15T13:25:30.000Z', undefined]],
    [{ gte: 1_778_851_530, format: 'epoch_second' }, ['2026-05-15T13:25:30.000Z', undefined]],
    [{ gte: '1778851530', format: 'epoch_millis' }, ['1970-01-21T14:07:31.530Z', undefined]],
    [{ gte: '2026-05-01', format: 'strict_date_optional_time||epoch_millis' }, ['2026-05-01T00:00:00.000Z', undefined]],
  ])('%j', (range, wanted) => {
    expect(bounds(range)).toEqual(wanted);
  });

  it('are written to the last digit for fields that are texts', () => {
    expect(readFilter({ range: { 'file.created': { gte: 'now-1h' } } }, '@timestamp', now).condition).toMatchObject({
      operator: '>=',
      right: { value: '2026-05-15T12:45:30.500000000Z' },
    });
    expect(readFilter({ range: { version: { gte: 'nowhere' } } }, '@timestamp', now).condition).toMatchObject({
      right: { value: 'nowhere' },
    });
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
  [{ bool: { should: [{ match_all: {} }], minimum_should_match: 'most' } }, 'minimum_should_match'],
  [{ range: { a: {} } }, 'one of gt, gte, lt, lte'],
  [{ range: { a: { form: 1 } } }, 'no member [form]'],
  [{ range: { '@timestamp': { gte: 'now-1x' } } }, 'is no time'],
  [{ range: { '@timestamp': { gte: 'now', time_zone: 'Europe/Berlin' } } }, 'time_zone'],
  [{ range: { '@timestamp': { gte: '2026-05-01', format: 'basic_date' } } }, 'format "basic_date"'],
  [{ range: { '@timestamp': { gte: '2026-05-01', format: 'dd/MM/yyyy' } } }, 'of the format dd/MM/yyyy'],
  [{ ids: {} }, 'ids values must be a string'],
  [{ match: { a: { query: 'x', fuzziness: 'AUTO' } } }, 'fuzziness is not supported'],
  [{ match_phrase: { a: { query: 'x y', slop: 2 } } }, 'slop is not supported'],
  [{ match: { a: { query: 'x', operator: 'xor' } } }, 'operator'],
  [{ multi_match: { query: 'x', fields: ['proc*'] } }, 'wildcards in names'],
  [
    { nested: { path: 'p', query: { bool: { must: [{ term: { 'p.a': 1 } }, { term: { 'p.b': 2 } }] } } } },
    'nested with several',
  ],
  [{ query_string: { query: '(a OR b' } }, 'not closed, at 8'],
  [{ query_string: { query: 'a) b' } }, 'never opened, at 2'],
  [{ query_string: { query: 'a AND' } }, 'AND needs something on both sides'],
  [{ query_string: { query: 'roam~1' } }, 'fuzzy terms (roam~1)'],
  [{ query_string: { query: '"a b"~2' } }, 'words at a distance'],
  [{ query_string: { query: 'user.*:ann' } }, 'wildcards in the name'],
  [{ query_string: { query: '>5' } }, 'needs the name of a field'],
  [{ simple_query_string: { query: 'roam~1' } }, 'fuzzy terms'],
  [{ regexp: { a: '(' } }, 'regexp [a] "("'],
  [{ constant_score: {} }, 'must be an object'],
  [{ geo_shape: {} }, 'unknown query [geo_shape]'],
  [JSON.parse('{"bool":{"must":'.repeat(60) + '{"match_all":{}}' + '}}'.repeat(60)) as unknown, 'nested deeper'],
])('refuses %j', (filter, reason) => {
  expect(() => readFilter(filter, '@timestamp', now)).toThrow(reason);
});
