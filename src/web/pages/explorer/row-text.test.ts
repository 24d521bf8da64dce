import { expect, test } from 'vitest';
import type { QueryRow } from '../../../query/contract.ts';
import { countMatches, nextIndex, rowHas } from './find.ts';
import { cursorAt, cursorOf, fieldValue, plainLine, rowText } from './row-text.ts';

const row = (over: Partial<QueryRow> = {}): QueryRow => ({
  ts: '1788445800123456789',
  seq: '4294967297',
  received: '1788445800200000000',
  service: 'api',
  level: 'error',
  severity: 17,
  message: 'Timeout while calling db',
  labels: { service_name: 'api', env: 'prod' },
  attributes: { status: '500', path: '/a b', level: 'error' },
  door: 'json',
  ...over,
});

test('tail, columns and copied line', () => {
  expect(rowText(row(), false).tail).toBe('status=500 path="/a b"');
  expect(rowText(row({ message: '{"status":500}' }), false)).toEqual({
    message: '{"status":500}',
    tail: '',
    json: false,
  });
  expect(rowText(row({ attributes: { big: 'x'.repeat(2_000) } }), false).tail).toHaveLength(601);
  expect(
    ['service', 'env', 'status', 'none'].map(name => fieldValue(row({ parsed: { status: '502' } }), name)),
  ).toEqual(['api', 'prod', '502', '']);
  expect(plainLine(row(), '14:30:00.123')).toBe(
    '14:30:00.123 ERROR api Timeout while calling db status=500 path="/a b"',
  );
});

test('a JSON message shows what it says first, and is found and copied as it is', () => {
  const message = '{"level":50,"msg":"payment failed","peer":"payments"}';
  const json = row({ message, attributes: { peer: 'payments', pod: 'a' } });
  expect(rowText(json, false)).toEqual({ message: 'payment failed', tail: 'peer=payments', json: true });
  expect(rowText(json, true)).toEqual({ message, tail: '', json: false });
  // What the query's stages made stands behind it, the fields of the record with it.
  expect(rowText(row({ ...json, parsed: { peer: 'changed' } }), false).tail).toBe('peer=payments pod=a peer=changed');
  expect(['"level":50', 'peer=payments', 'nothing'].map(text => rowHas(json, text))).toEqual([true, true, false]);
  expect(plainLine(json, '14:30:00.123')).toBe(`14:30:00.123 ERROR api ${message}`);
});

test('cursors', () => {
  expect(cursorOf(row())).toBe('1788445800123456789,4294967297');
  expect(cursorAt('5,4294967297', 'forward')).toBe('5,4294967296');
  expect(cursorAt('5,4294967297', 'backward')).toBe('5,4294967298');
  expect(cursorAt('5,0', 'forward')).toBe('4,18446744073709551615');
  expect(cursorAt('5,18446744073709551615', 'backward')).toBe('6,0');
});

test('find goes round and counts in slices', async () => {
  const rows = Array.from({ length: 10_000 }, (_, i) =>
    row({ message: i % 1_000 === 7 ? 'Needle' : 'hay', attributes: {} }),
  );
  const has = (r: QueryRow) => rowHas(r, 'needle');
  expect(nextIndex(rows, -1, 1, has)).toBe(7);
  expect(nextIndex(rows, 7, 1, has)).toBe(1_007);
  expect(nextIndex(rows, 9_500, 1, has)).toBe(7);
  expect(nextIndex(rows, 7, -1, has)).toBe(9_007);
  expect(nextIndex(rows, -1, -1, has)).toBe(9_007);
  expect(nextIndex([], 0, 1, has)).toBe(-1);
  expect(nextIndex(rows, 0, 1, () => false)).toBe(-1);
  expect(await countMatches(rows, 'needle', () => false)).toBe(10);
  expect(await countMatches(rows, 'needle', () => true)).toBeNull();
});
