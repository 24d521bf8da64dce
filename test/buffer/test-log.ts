import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type BufferOptions, openBuffer, type WeirBuffer } from '../../src/buffer/buffer.ts';
import { nodeFs } from '../../src/buffer/wal/fs.ts';

/** A log for each test of a file, in a directory of its own, which is removed after the test. */
export type TestLog = {
  directory: string;
  open: (options?: Partial<BufferOptions> & { freeBytes?: number }) => Promise<WeirBuffer>;
};

/**
 * To be called once by a file. Unless told otherwise there is too little room to write blocks ahead: tests of what is in files know which frames a segment has. Logs that a test leaves
 * open are closed after it.
 */
export function testLog(name: string, segmentBytes: number): TestLog {
  const opened: WeirBuffer[] = [];
  const testedLog: TestLog = {
    directory: '',
    async open({ freeBytes = 15_000, ...options } = {}) {
      const { directory } = testedLog;
      const settings = { directory, keepMs: 1e9, keepBytes: 1e9, segmentBytes, reserveBytes: 0 };
      const fs = { ...(options.fs ?? nodeFs), freeBytes: () => Promise.resolve(freeBytes) };
      const buffer = await openBuffer({ ...settings, ...options, fs });
      opened.push(buffer);
      return buffer;
    },
  };
  beforeEach(() => {
    testedLog.directory = mkdtempSync(join(tmpdir(), `weir-${name}-`));
  });
  afterEach(async () => {
    for (const buffer of opened.splice(0)) await buffer.close();
    rmSync(testedLog.directory, { recursive: true, force: true });
  });
  return testedLog;
}

/** What a log still gives of frames `frame <number> ...`: their numbers, taken some bytes at a time. */
export async function frameNumbers({ source }: WeirBuffer, bytesAtATime: number): Promise<number[]> {
  const found: number[] = [];
  for (let from = 0n; ; ) {
    const frames = await source.take(from, bytesAtATime);
    if (frames.length === 0) return found;
    for (const { seq, payload } of frames) {
      found.push(Number(/frame (\d+) /.exec(Buffer.from(payload).toString())?.[1]));
      from = seq + 1n;
    }
  }
}
