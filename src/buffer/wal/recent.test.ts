import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchHeader } from '../../base/record.ts';
import { Recent } from './recent.ts';

const header = (records: number): BatchHeader => {
  return { tenant: 't', door: 'text', format: 'text', records, received: '1' };
};
const payloadOf = (seq: bigint, bytes: number): Buffer => Buffer.alloc(bytes, Number(seq % 251n));

describe('the newest frames in memory', () => {
  it('are given in order, each whole, and never with one missing between what was asked for and what is given', () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 700 }), records: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 900 }), back: fc.integer({ min: 0, max: 3 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const recent = new Recent(1000, 7n);
        const added: { seq: bigint; end: bigint; bytes: number }[] = [];
        let end = 7n;
        let cursor = 7n;
        for (const each of steps) {
          if ('add' in each) {
            const payload = payloadOf(end, each.add);
            recent.add(end, header(each.records), 100, [payload.subarray(0, 5), payload.subarray(5)], each.add);
            added.push({ seq: end, end: end + BigInt(each.records), bytes: each.add });
            end += BigInt(each.records);
            continue;
          }
          const from = cursor - BigInt(each.back) < 7n ? 7n : cursor - BigInt(each.back);
          const frames = recent.take(from, each.take, bytes => Buffer.alloc(bytes));
          const wanted = added.filter(frame => frame.seq >= from);
          expect(frames.map(frame => frame.seq)).toEqual(wanted.slice(0, frames.length).map(frame => frame.seq));
          for (const [index, { seq, payload }] of frames.entries())
            expect(Buffer.from(payload).equals(payloadOf(seq, wanted[index]?.bytes ?? 0))).toBe(true);
          const before = wanted.slice(0, Math.max(0, frames.length - 1)).reduce((sum, frame) => sum + frame.bytes, 0);
          expect(before).toBeLessThan(each.take);
          // Who was not given anything reads the disk.
          cursor = wanted.at(Math.max(frames.length, 1) - 1)?.end ?? cursor;
        }
      }),
    );
  });

  it('are all there for who takes them at once, however many went through', () => {
    const recent = new Recent(1000, 0n);
    for (let seq = 0n; seq < 50n; seq++) {
      recent.add(seq, header(1), 100, [payloadOf(seq, 400)], 400);
      expect(recent.take(seq, 1, bytes => Buffer.alloc(bytes)).map(frame => frame.seq)).toEqual([seq]);
    }
  });

  it('give way to younger ones, to one that is too large, and to headers that are', () => {
    const recent = new Recent(1000, 0n);
    const room = (bytes: number): Buffer => Buffer.alloc(bytes);
    for (let seq = 0n; seq < 4n; seq++) recent.add(seq, header(1), 100, [payloadOf(seq, 400)], 400);
    expect(recent.take(0n, 1, room)).toEqual([]);
    expect(recent.take(2n, 1, room)).toHaveLength(1);
    recent.add(4n, header(1), 100, [payloadOf(4n, 600)], 600);
    expect(recent.take(3n, 1, room)).toEqual([]);
    recent.add(5n, header(1), 1_500_000, [payloadOf(5n, 10)], 10);
    recent.add(6n, header(1), 1_500_000, [payloadOf(6n, 10)], 10);
    expect(recent.take(5n, 1, room)).toEqual([]);
    expect(recent.take(6n, 1, room)).toHaveLength(1);
  });
});
