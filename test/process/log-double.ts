import type { BatchHeader } from '../../src/base/record.ts';
import { seqOf } from '../../src/base/record.ts';
import type { Frame, FrameSource } from '../../src/flow.ts';

/** A log in memory that outlives the worker, so that restarts can be tested without files. */
export type LogDouble = FrameSource & {
  append(payload: string | Uint8Array, header?: Partial<BatchHeader>): bigint;
  /** Start a new segment. */
  roll(): void;
  storedUntil(): bigint;
  frames: Frame[];
};

let clock = BigInt(Date.now()) * 1_000_000n;

export function openLogDouble(firstSegment = 1): LogDouble {
  const frames: Frame[] = [];
  const waiters = new Set<() => void>();
  let segment = firstSegment;
  let row = 0;
  const sizes = new Map<number, { rows: number; bytes: number }>([[segment, { rows: 0, bytes: 0 }]]);
  let stored = 0n;
  return {
    frames,
    append(payload, header = {}) {
      const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
      let records = header.records ?? 0;
      if (header.records === undefined) for (const byte of bytes) if (byte === 10) records++;
      const seq = seqOf(segment, row);
      clock += 1_000n;
      const full: BatchHeader = {
        tenant: 'default',
        door: 'json',
        format: 'json',
        records,
        received: String(clock),
        ...header,
      };
      frames.push({ seq, header: full, payload: bytes });
      row += records;
      sizes.set(segment, { rows: row, bytes: (sizes.get(segment)?.bytes ?? 0) + bytes.byteLength });
      for (const wake of waiters) wake();
      return seq;
    },
    roll() {
      segment++;
      row = 0;
      sizes.set(segment, { rows: 0, bytes: 0 });
    },
    storedUntil: () => stored,
    async take(from, bytesMax) {
      const taken: Frame[] = [];
      let bytes = 0;
      for (const frame of frames) {
        if (frame.seq < from) continue;
        if (taken.length > 0 && bytes + frame.payload.byteLength > bytesMax) break;
        taken.push(frame);
        bytes += frame.payload.byteLength;
      }
      return taken;
    },
    waitFor(from, timeoutMs, signal) {
      return new Promise(resolve => {
        const done = (): void => {
          clearTimeout(timer);
          waiters.delete(done);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        waiters.add(done);
        signal?.addEventListener('abort', done, { once: true });
        if (signal?.aborted || frames.some(f => f.seq >= from)) done();
      });
    },
    segments: () => [...sizes].map(([number, size]) => ({ segment: number, ...size, sealed: number !== segment })),
    stored(seq) {
      stored = seq;
    },
  };
}
