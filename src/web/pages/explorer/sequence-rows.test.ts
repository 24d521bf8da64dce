import { expect, test } from 'vitest';
import type { QueryRow } from '../../../query/contract.ts';
import { groupPx, sequenceRows } from './sequence-rows.ts';

const event = (seconds: number): QueryRow => ({
  ts: String(1_788_445_800_000_000_000n + BigInt(seconds * 1e9)),
  seq: String(seconds),
  received: '0',
  service: 's',
  level: 'info',
  severity: 9,
  message: `at ${seconds}`,
  labels: {},
  attributes: {},
  door: 'json',
});

test('the first record has the head, and missing events are said where they are', () => {
  const rows = sequenceRows({
    type: 'sequence',
    keys: [
      { name: 'user.name', value: 'ann' },
      { name: 'note', value: 'two words' },
      { name: 'host', value: null },
    ],
    events: [null, event(0), null, null, event(4), event(3), null],
  });
  expect(rows.map(row => [row.message, row.group])).toEqual([
    [
      'at 0',
      {
        head: { keys: 'user.name=ann  note="two words"  host=(none)', span: '3 events in 4 s' },
        missingBefore: 1,
        missingAfter: 0,
      },
    ],
    ['at 4', { missingBefore: 2, missingAfter: 0 }],
    ['at 3', { missingBefore: 0, missingAfter: 1 }],
  ]);
  expect(rows.map(row => groupPx(row.group))).toEqual([
    { above: 48, below: 0 },
    { above: 20, below: 0 },
    { above: 0, below: 20 },
  ]);
});

test('one event has no span, and no keys are no keys', () => {
  const [row] = sequenceRows({ type: 'sequence', keys: [], events: [event(1), null] });
  expect(row?.group).toEqual({ head: { keys: '', span: '1 event' }, missingBefore: 0, missingAfter: 1 });
  expect(groupPx(undefined)).toEqual({ above: 0, below: 0 });
});
