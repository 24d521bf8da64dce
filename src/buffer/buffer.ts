import { dirname, resolve } from 'node:path';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { log } from '../base/log.ts';
import { appendRefused } from '../base/telemetry.ts';
import type { AcceptBatch, FrameSource } from '../flow.ts';
import { BatchIds } from './wal/batch-ids.ts';
import { codeOf, type Fs, nodeFs } from './wal/fs.ts';
import { lockDirectory } from './wal/lock.ts';
import { Quarantine } from './wal/quarantine.ts';
import { Reader } from './wal/reader.ts';
import { Recent } from './wal/recent.ts';
import { type Recovered, recover } from './wal/recover.ts';
import { RetainedSegments } from './wal/retained.ts';
import { DiskSpace } from './wal/space.ts';
import { Spare } from './wal/spare.ts';
import { Summaries } from './wal/summaries.ts';
import { verifySegments } from './wal/verify.ts';
import { prepare, Writer } from './wal/writer.ts';

export type BufferOptions = {
  /** The log's own directory, usually `<data>/wal`. Created when absent. */
  directory: string;
  /** Stored segments are kept this long after their last append ... */
  keepMs: number;
  /** ... and as long as all segments together have no more bytes than this. Unstored ones are always kept. */
  keepBytes: number;
  /** A segment that has grown to this size is followed by a new one. A batch is never split, so a single larger one makes a larger segment. */
  segmentBytes: number;
  /** Free bytes on the disk below which appends are refused. */
  reserveBytes?: number;
  /** When and how fast segments are verified of which the start has only read the summaries. */
  verify?: { afterMs: number; bytesPerSecond: number };
  fs?: Fs;
};

export type BufferStats = {
  segments: number;
  bytes: number;
  /** Bytes of batches that wait for their sync. */
  pendingBytes: number;
  /** Agent batch ids known, that is the size of the dedup window. */
  batchIds: number;
  /** Damaged places met since the start. */
  damaged: number;
  /** Last append, ms since 1970; undefined for an empty log. */
  lastAppend: number | undefined;
  /** Why the log refuses, undefined when the last group was written. */
  failing: string | undefined;
};

export type WeirBuffer = {
  accept: AcceptBatch;
  source: FrameSource;
  /** Finish what was taken in, refuse the rest with `shutting_down`, give the directory back. */
  close(): Promise<void>;
  stats(): BufferStats;
};

const retainEveryMs = 60_000;

/**
 * Open the write-ahead log in a directory: lock it, recover, serve. Throws WeirError `log_unusable` when another process has it, when it cannot be
 * created, or when it was written by a newer format. Damage never keeps it from opening.
 */
export async function openBuffer(options: BufferOptions): Promise<WeirBuffer> {
  const { fs = nodeFs } = options;
  const directory = resolve(options.directory);
  await makeDurableDirectory(fs, directory);
  const unlock = lockDirectory(directory);
  const space = new DiskSpace(fs, directory, options.reserveBytes ?? limits.walReserveBytes);
  const summaries = new Summaries(fs, directory, space);
  const segments = new RetainedSegments(fs, directory, summaries, options.keepMs, options.keepBytes);
  const quarantine = new Quarantine(fs, directory, summaries);
  const ids = new BatchIds();
  let recovered: Recovered;
  try {
    recovered = await recover(fs, directory, segments, ids, quarantine, summaries);
  } catch (error) {
    unlock();
    throw unusable(directory, error);
  }

  const recent = new Recent(limits.walRecentBytesMax, segments.end);
  const reader = new Reader(fs, segments, quarantine, recent);
  const spare = new Spare(fs, directory, options.segmentBytes, space);
  await spare.release();
  const writer = new Writer(fs, directory, options.segmentBytes, segments, space, spare, summaries, recent, () =>
    reader.grown(),
  );
  summaries.writeAll(recovered.unsummarised);
  const verifying = new AbortController();
  const verified = verifySegments(recovered.unread, {
    fs,
    quarantine,
    kept: number => segments.list.some(({ segment }) => segment === number),
    ...(options.verify ?? { afterMs: limits.walVerifyAfterMillis, bytesPerSecond: limits.walVerifyBytesPerSecond }),
    signal: verifying.signal,
  });
  const inFlight = new Map<string, Promise<bigint>>();
  let closing: Promise<void> | undefined;

  const retain = async (): Promise<void> => ids.forgetBefore(await segments.retain(Date.now()));
  const timer = setInterval(() => void retain(), retainEveryMs);
  timer.unref();

  /** Append, unless the same batch is in the log or on its way into it. */
  async function append(batch: Parameters<AcceptBatch>[0]): Promise<bigint> {
    if (closing) throw new WeirError('shutting_down');
    const prepared = prepare(batch);
    const { key } = prepared;
    if (key === undefined) return writer.append(prepared);
    const known = ids.seqOf(key) ?? inFlight.get(key);
    if (known !== undefined) return known;
    const appended = writer.append(prepared);
    inFlight.set(key, appended);
    try {
      const seq = await appended;
      ids.add(key, seq);
      return seq;
    } finally {
      inFlight.delete(key);
    }
  }

  async function close(): Promise<void> {
    clearInterval(timer);
    verifying.abort();
    await Promise.all([verified, summaries.close()]);
    await writer.close();
    await retain();
    reader.close();
    unlock();
  }

  return {
    async accept(batch) {
      try {
        return { seq: await append(batch) };
      } catch (error) {
        if (error instanceof WeirError) appendRefused(error.code);
        throw error;
      }
    },
    source: {
      take: (from, bytesMax) => reader.take(from, bytesMax),
      waitFor: (from, timeoutMs, signal) => reader.waitFor(from, timeoutMs, signal),
      segments: () =>
        segments.list.map(({ segment, rows, bytes, sealed }) => {
          return { segment, rows, bytes, sealed, lost: quarantine.lostRows(segment) };
        }),
      stored(seq) {
        segments.stored(seq);
        void retain();
      },
    },
    close() {
      closing ??= close();
      return closing;
    },
    stats: () => ({
      segments: segments.list.length,
      bytes: segments.bytes,
      pendingBytes: writer.pendingBytes,
      batchIds: ids.size,
      damaged: quarantine.count,
      lastAppend: segments.newest?.modified,
      failing: writer.failing,
    }),
  };
}

/**
 * Create the directory with its parents, and make their names durable up to the first parent that was there. The data directory around the log counts as
 * new in any case, since the role makes it first; a parent that we may not read is not ours to sync.
 */
async function makeDurableDirectory(fs: Fs, directory: string): Promise<void> {
  try {
    const created = await fs.makeDirectory(directory);
    const until = dirname(created ?? directory);
    for (let at = dirname(directory); ; at = dirname(at)) {
      await fs.syncDirectory(at);
      if (at === until || at === dirname(at)) break;
    }
  } catch (error) {
    throw unusable(directory, error);
  }
  await fs.syncDirectory(dirname(dirname(directory))).catch((error: unknown) => {
    log.debug({ code: codeOf(error) }, 'the directory above the data directory could not be synced');
  });
}

function unusable(directory: string, error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  const reason = `${directory}: ${(error as Error).message}`;
  return new WeirError('log_unusable', { reason }, { cause: error });
}
