import { describe, expect, it } from 'vitest';
import { type Body, fieldsOf, isoTime, sourceOf, type TimeFormat, valueAt } from './source.ts';

const body = (more: Partial<Body>): Body => ({
  s: '1',
  t: '1700000000000000000',
  message: '',
  labels: { service_name: 'unknown_service' },
  attributes: {},
  trace_id: '',
  span_id: '',
  door: 'json',
  ...more,
});

describe('the object of an event', () => {
  it('is the message where that is all that was sent', () => {
    const sent = { '@timestamp': 'x', service: 'web', 'a.b': 1.5, c: { d: [1, null] }, e: null, trace_id: 'AB' };
    const stored = {
      labels: { service: 'web', service_name: 'web' },
      attributes: { a_b: '1.5', c: '{"d":[1,null]}' },
      trace_id: 'ab',
    };
    expect(sourceOf(body({ message: JSON.stringify(sent), ...stored }))).toEqual(sent);
  });

  it.each([
    ['a message that looks like an object', { message: '{"a":1}' }],
    ['with other attributes than its keys', { message: '{"a":1}', attributes: { a: '1', b: '2' } }],
    ['of another door', { message: '{"a":1}', attributes: { a: '1' }, door: 'loki' }],
    ['not valid', { message: '{"a":1', attributes: { a: '1' } }],
  ])('is put together for %s', (_, more) => {
    const found = sourceOf(body(more));
    expect(found).toMatchObject({ '@timestamp': '2023-11-14T22:13:20.000Z', message: more.message });
  });

  it('has the time that the sender calls @timestamp, where another became the column', () => {
    const sent = '2026-03-01T10:00:02.000Z';
    expect(sourceOf(body({ message: 'm', attributes: { _timestamp: sent, id: '2' } }))).toEqual({
      '@timestamp': sent,
      timestamp: '2023-11-14T22:13:20.000Z',
      message: 'm',
      id: 2,
    });
  });

  it('has the likely types of what is stored as text', () => {
    const attributes = {
      n: '12',
      f: '-0.5',
      b: 'true',
      o: '{"a":1}',
      l: '[1]',
      zero: '007',
      big: '9007199254740993',
      e: '1e3',
      bad: '[x',
    };
    expect(
      sourceOf(
        body({
          message: 'm',
          attributes,
          trace_id: 'ab',
          span_id: 'cd',
          labels: { service: 'web', service_name: 'web' },
        }),
      ),
    ).toEqual({
      '@timestamp': '2023-11-14T22:13:20.000Z',
      message: 'm',
      service: 'web',
      'trace.id': 'ab',
      'span.id': 'cd',
      ...attributes,
      n: 12,
      f: -0.5,
      b: true,
      o: { a: 1 },
      l: [1],
    });
  });
});

it('finds values by dotted names', () => {
  const source = { 'a.b': { c: 1 }, a: { 'x.y': 2, z: { q: 3 } }, p_q: 4 };
  expect(['a.b.c', 'a.x.y', 'a.z.q', 'p.q', 'a.z.none', 'none'].map(name => valueAt(source, name))).toEqual([
    1,
    2,
    3,
    4,
    undefined,
    undefined,
  ]);
});

it('lists fields by patterns', () => {
  const source = { process: { name: 'x', pid: 1, parent: { pid: 2 } }, tags: ['a', 'b'], none: null };
  const patterns = (...names: string[]) => names.map(pattern => ({ pattern }));
  expect(fieldsOf(source, patterns('process.*pid', 'tags', 'none'))).toEqual({
    'process.pid': [1],
    'process.parent.pid': [2],
    tags: ['a', 'b'],
  });
  expect(Object.keys(fieldsOf(source, patterns('*')))).toHaveLength(4);
  const several = { event: [{ category: 'a' }, { category: ['b', 'c'], none: null }, { type: 1 }] };
  expect(fieldsOf(several, patterns('event.*'))).toEqual({ 'event.category': ['a', 'b', 'c'], 'event.type': [1] });
});

it('writes the times of fields as asked', () => {
  const source = { '@timestamp': 1_700_000_000_123, seen: '2026-05-01T10:00:00Z', pid: 5, name: 'x' };
  const times = (pattern: string, format?: TimeFormat) => fieldsOf(source, [{ pattern, ...(format && { format }) }]);
  expect(times('@timestamp')).toEqual({ '@timestamp': ['2023-11-14T22:13:20.123Z'] });
  expect(times('@timestamp', 'epoch_millis')).toEqual({ '@timestamp': ['1700000000123'] });
  expect(times('seen')).toEqual({ seen: ['2026-05-01T10:00:00Z'] });
  expect(times('seen', 'epoch_second')).toEqual({ seen: ['1777629600'] });
  expect(times('seen', 'date_time')).toEqual({ seen: ['2026-05-01T10:00:00.000Z'] });
  expect(times('*', 'epoch_millis')).toMatchObject({ pid: [5], name: ['x'] });
});

it('keeps the digits of large numbers', () => {
  const message = '{"big":9007199254740993,"list":[12345678901234567890],"ticks":116444736010000000,"half":0.5}';
  const attributes = {
    big: '9007199254740993',
    list: '[12345678901234567890]',
    ticks: '116444736010000000',
    half: '0.5',
  };
  const source = sourceOf(body({ message, attributes }));
  expect(JSON.stringify(source)).toBe(message);
  expect(JSON.stringify(valueAt(source, 'big'))).toBe('9007199254740993');
});

it('finds the values of objects in arrays', () => {
  const source = { event: [{ category: 'a', n: { m: 1 } }, { category: ['b'] }, 'x', null], empty: [{}] };
  expect(valueAt(source, 'event.category')).toEqual(['a', 'b']);
  expect(valueAt(source, 'event.n.m')).toEqual([1]);
  expect(valueAt(source, 'empty.a')).toBeUndefined();
});

it('writes times with the digits they need', () => {
  expect([0n, 1_500_000n, 1_700_000_000_123_456_789n, -1n].map(isoTime)).toEqual([
    '1970-01-01T00:00:00.000Z',
    '1970-01-01T00:00:00.0015Z',
    '2023-11-14T22:13:20.123456789Z',
    '1969-12-31T23:59:59.999999999Z',
  ]);
});
