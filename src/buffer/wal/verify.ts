import { setTimeout as delay } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import { codeOf, type Fs } from './fs.ts';
import type { Quarantine } from './quarantine.ts';
import { type SegmentFile, scanSegment } from './scan.ts';

/** Read so far ahead between two pauses. */
const stepBytes = 4 * 1024 * 1024;

export type VerifyOptions = {
  fs: Fs;
  quarantine: Quarantine;
  /** Whether the log still has this segment. */
  kept: (segment: number) => boolean;
  /** Milliseconds until it begins. */
  afterMs: number;
  bytesPerSecond: number;
  signal: AbortSignal;
};

/**
 * Read and verify, payloads too, the segments of which a start has only read the summaries: what the disk has damaged there is set aside, counted and told now instead of at the start. Slowly, so that nobody else
 * waits for the disk; ends when `signal` aborts. Never rejects.
 */
export async function verifySegments(files: readonly SegmentFile[], options: VerifyOptions): Promise<void> {
  const { kept, afterMs, bytesPerSecond, signal } = options;
  const pause = (millis: number): Promise<void> =>
    delay(millis, undefined, { ref: false, signal }).catch(() => undefined);
  if (files.length === 0) return;
  await pause(afterMs);
  const done = { segments: 0, bytes: 0, damaged: 0 };
  for (const file of files) {
    if (signal.aborted) return;
    if (!kept(file.segment)) continue;
    try {
      done.damaged += await verify(file, options, bytes => pause((bytes / bytesPerSecond) * 1000));
      done.segments += 1;
      done.bytes += file.end;
    } catch (error) {
      // Retention takes a segment out of the list before it removes the file.
      if (kept(file.segment))
        log.error({ segment: file.segment, code: codeOf(error) }, 'a segment of the log cannot be verified');
    }
  }
  if (!signal.aborted) log.info(done, 'the log was verified');
}

/** Damaged places of one segment. */
async function verify(
  file: SegmentFile,
  { fs, quarantine, signal }: VerifyOptions,
  pause: (bytes: number) => Promise<void>,
): Promise<number> {
  const opened = await fs.open(file.path, 'read-direct');
  let damaged = 0;
  let paused = 0;
  try {
    for await (const step of scanSegment(opened, file, true)) {
      if (signal.aborted) break;
      if (step.kind === 'damage') {
        damaged += 1;
        await quarantine.keep(opened, file.segment, step);
      }
      const read = step.offset - paused;
      if (read < stepBytes) continue;
      paused = step.offset;
      await pause(read);
    }
  } finally {
    await opened.close();
  }
  return damaged;
}
