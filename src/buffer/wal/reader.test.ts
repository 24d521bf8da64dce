import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { limits } from '../../base/limits.ts';
import { openBuffer } from '../buffer.ts';

const directory = mkdtempSync(join(tmpdir(), 'weir-reader-'));
let buffer: Awaited<ReturnType<typeof openBuffer>> | undefined;
afterEach(async () => {
  await buffer?.close();
  rmSync(directory, { recursive: true, force: true });
});

// Sizes at which frames straddle the ends of windows and of what is asked for.
it.each([700_000, 1_100_000, 5_000_000])(
  'who lags behind gets all frames of a tick in memory that the next tick uses again: frames of %i bytes',
  async bytes => {
    buffer = await openBuffer({ directory, keepMs: 0, keepBytes: 0, segmentBytes: 2 ** 30 });
    const text = Buffer.alloc(bytes, 'x');
    const header = { tenant: 't', door: 'text', format: 'text', records: 1, received: '1' } as const;
    const count = Math.ceil((limits.walRecentBytesMax + 2 * limits.tickBytes) / bytes) + 2;
    const accepted: { seq: bigint }[] = [];
    for (let k = 0; k < count; k++) {
      text[0] = k;
      text[bytes - 1] = 10;
      accepted.push(await buffer.accept({ header, payload: [text] }));
    }
    const memories = new Set<ArrayBufferLike>();
    let from = accepted[0]?.seq ?? 0n;
    for (let ticks = 0, k = 0; ticks < 2; ticks++) {
      const frames = await buffer.source.take(from, limits.tickBytes);
      expect(frames).toHaveLength(Math.ceil(limits.tickBytes / bytes));
      for (const { payload } of frames) {
        expect([payload.length, payload[0]]).toEqual([bytes, k++]);
        memories.add(payload.buffer);
      }
      from = (frames.at(-1)?.seq ?? 0n) + 1n;
    }
    expect(memories.size).toBe(1);
  },
);
