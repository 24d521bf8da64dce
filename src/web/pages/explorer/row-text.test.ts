import { expect, test } from 'vitest';
import type { QueryRow } from '../../../query/contract.ts';
import { countMatches, nextIndex, rowHas } from './find.ts';
import { cursorAt, cursorOf, fieldValue, plainLine, rowTail } from './row-text.ts';

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
  expect(rowTail(row())).toBe('status=500 path="/a b"');
  expect(rowTail(row({ message: '{"status":500}' }))).toBe('');
  expect(rowTail(row({ attributes: { big: 'x'.repeat(2_000) } }))).toHaveLength(601);
  expect(
    ['service', 'env', 'status', 'none'].map(name => fieldValue(row({ parsed: { status: '502' } }), name)),
  ).toEqual(['api', 'prod', '502', '']);
  expect(plainLine(row(), '14:30:00.123')).toBe(
    '14:30:00.123 ERROR api Timeout while calling db status=500 path="/a b"',
  );
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
