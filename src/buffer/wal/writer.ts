import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert, WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { log } from '../../base/log.ts';
import { type Batch, type BatchHeader, seqOf } from '../../base/record.ts';
import { logAppended } from '../../base/telemetry.ts';
import { BatchIds } from './batch-ids.ts';
import { codeOf, type Fs, type LogFile } from './fs.ts';
import type { Recent } from './recent.ts';
import { mark, type RetainedSegments, type Segment } from './retained.ts';
import {
  edgeBytes,
  encodeEdges,
  encodeSegmentHeader,
  newSalt,
  nextSegmentNumber,
  segmentFileName,
  segmentHeaderBytes,
} from './segment.ts';
import type { DiskSpace } from './space.ts';
import type { Spare } from './spare.ts';
import type { Summaries } from './summaries.ts';
import type { KnownBatch } from './summary.ts';
import type { Place } from './walk.ts';

const rowsMax = 0xffff_ffff;

/** A batch on its way: checksums are computed when it arrives, numbers are given when its group is written. */
type Waiting = {
  header: BatchHeader;
  /** Room for the head, then the batch header. */
  head: Buffer;
  /** See BatchIds. */
  key: string | undefined;
  payload: Uint8Array[];
  payloadBytes: number;
  headerCrc: number;
  payloadCrc: number;
  records: number;
  /** The whole frame. */
  bytes: number;
  resolve: (seq: bigint) => void;
  reject: (error: WeirError) => void;
};

/** `ahead`: so many bytes of the file were written before it was used (spare.ts). */
type OpenSegment = { file: LogFile; segment: Segment; ahead: number; batches: KnownBatch[] };

export type PreparedBatch = Omit<Waiting, 'resolve' | 'reject'>;

/** Checksum a batch and serialise its header. Throws WeirError `bad_request` when the header passes its limit. */
export function prepare(batch: Batch): PreparedBatch {
  const { records } = batch.header;
  assert(Number.isInteger(records) && records > 0 && records <= rowsMax, `a batch of ${records} records`);
  const text = JSON.stringify(batch.header);
  const headerBytes = Buffer.byteLength(text);
  if (headerBytes > limits.walHeaderBytesMax)
    throw new WeirError('bad_request', {
      reason: `the names of fields and labels of this batch take ${headerBytes} bytes, the limit is ${limits.walHeaderBytesMax}; send smaller batches or fewer distinct keys`,
    });
  const head = Buffer.allocUnsafe(edgeBytes + headerBytes);
  head.write(text, edgeBytes);
  let payloadBytes = 0;
  let payloadCrc = 0;
  for (const piece of batch.payload) {
    payloadBytes += piece.length;
    payloadCrc = crc32(piece, payloadCrc);
  }
  const bytes = head.length + payloadBytes + edgeBytes;
  const headerCrc = crc32(head.subarray(edgeBytes));
  const { header, payload } = batch;
  const key = BatchIds.key(header, payloadBytes, payloadCrc);
  return { header, head, key, payload, payloadBytes, headerCrc, payloadCrc, records, bytes };
}

/**
 * Appends batches to the newest segment, in the order of the calls. Batches that arrive while a group is being written and synced form the next group:
 * one writev, one fdatasync. A batch is acknowledged, and visible to readers, only after that.
 *
 * When the disk is full the file is cut back to its last durable byte and goes on to be used. After a failed sync, or a write that failed in any
 * other way, the segment is sealed as it was at its last good sync and the next group opens a new one. Either way the group is refused, and the
 * next append tries again: there is no state to reset.
 */
export class Writer {
  private readonly fs: Fs;
  private readonly directory: string;
  private readonly segmentBytes: number;
  private readonly segments: RetainedSegments;
  private readonly space: DiskSpace;
  private readonly spare: Spare;
  private readonly summaries: Summaries;
  private readonly recent: Recent;
  private readonly onDurable: () => void;
  private open: OpenSegment | undefined;
  private closing: Promise<void> = Promise.resolve();
  private waiting: Waiting[] = [];
  private running: Promise<void> | undefined;
  /** The highest number that a file was made for, whether or not it became a segment. */
  private numberTried = 0;
  pendingBytes = 0;
  /** Why the last group was refused; undefined when it was written. */
  failing: string | undefined;

  constructor(
    fs: Fs,
    directory: string,
    segmentBytes: number,
    segments: RetainedSegments,
    space: DiskSpace,
    spare: Spare,
    summaries: Summaries,
    recent: Recent,
    onDurable: () => void,
  ) {
    this.fs = fs;
    this.directory = directory;
    this.segmentBytes = segmentBytes;
    this.segments = segments;
    this.space = space;
    this.spare = spare;
    this.summaries = summaries;
    this.recent = recent;
    this.onDurable = onDurable;
  }

  /** Resolves to the seq of the batch's first record when it is durable; rejects with WeirError `disk_full`, `log_failed` or `overloaded` when nothing of it was accepted. */
  append(batch: PreparedBatch): Promise<bigint> {
    if (this.pendingBytes > 0 && this.pendingBytes + batch.bytes > limits.pendingAppendBytesMax)
      return Promise.reject(
        new WeirError('overloaded', { reason: `${this.pendingBytes} bytes are waiting for the disk`, seconds: 1 }),
      );
    this.pendingBytes += batch.bytes;
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...batch, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Write what is waiting and close the file. No append may follow. */
  async close(): Promise<void> {
    await this.running;
    this.seal();
    await this.spare.close();
    await this.closing;
  }

  private async run(): Promise<void> {
    // The other requests of this turn of the event loop join the first group.
    await new Promise(resolve => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const { group, bytes, fresh } = this.nextGroup();
      try {
        const frames = await this.commit(group, bytes, fresh);
        if (this.failing !== undefined) log.warn('the log can be written again');
        this.failing = undefined;
        this.onDurable();
        for (const [index, batch] of group.entries()) batch.resolve(frames[index] ?? 0n);
      } catch (error) {
        const refusal = refusalOf(error);
        if (this.failing === undefined) log.error({ reason: refusal.message }, 'the log cannot be written');
        this.failing = refusal.message;
        for (const batch of group) batch.reject(refusal);
      } finally {
        this.pendingBytes -= bytes;
      }
    }
    this.running = undefined;
  }

  /** Batches from the front of the queue that fit one segment and one sync; at least one. `fresh`: they need a new segment. */
  private nextGroup(): { group: Waiting[]; bytes: number; fresh: boolean } {
    const segment = this.open?.segment;
    const first = this.waiting[0];
    const fits = (batch: Waiting, bytes: number, rows: number): boolean =>
      bytes + batch.bytes <= this.segmentBytes && rows + batch.records <= rowsMax;
    // A segment that would grow as it is written is left for one made ready as soon as there is one.
    const left = this.spare.ready && (segment?.bytes ?? 0) + (first?.bytes ?? 0) > (this.open?.ahead ?? 0);
    const fresh =
      !segment || (first !== undefined && segment.frames > 0 && (left || !fits(first, segment.bytes, segment.rows)));
    const used = segment && !fresh ? segment : { bytes: segmentHeaderBytes, rows: 0 };
    let bytes = 0;
    let rows = 0;
    let count = 0;
    for (const batch of this.waiting) {
      const joins = fits(batch, used.bytes + bytes, used.rows + rows) && bytes + batch.bytes <= limits.walGroupBytesMax;
      if (count > 0 && !joins) break;
      bytes += batch.bytes;
      rows += batch.records;
      count += 1;
    }
    return { group: this.waiting.splice(0, count), bytes, fresh };
  }

  /** The seqs of the group's batches, all durable. */
  private async commit(group: Waiting[], bytes: number, fresh: boolean): Promise<bigint[]> {
    await this.space.require(bytes).catch(async (error: unknown) => {
      await this.spare.release();
      throw error;
    });
    const { file, segment, ahead, batches } = fresh || !this.open ? await this.openSegment() : this.open;
    let place: Place = { offset: segment.bytes, row: segment.rows, frame: segment.frames };
    const places: Place[] = [];
    const pieces: Uint8Array[] = [];
    for (const batch of group) {
      const { records, payloadBytes, headerCrc, payloadCrc, head } = batch;
      const tail = Buffer.allocUnsafe(edgeBytes);
      const numbers = { frame: place.frame, row: place.row, records, headerBytes: head.length - edgeBytes };
      const identity = { segment: segment.segment, salt: segment.salt ?? 0 };
      encodeEdges(identity, { ...numbers, payloadBytes, headerCrc, payloadCrc }, head, tail);
      pieces.push(head);
      for (const piece of batch.payload) pieces.push(piece);
      pieces.push(tail);
      places.push(place);
      place = { offset: place.offset + batch.bytes, row: place.row + records, frame: place.frame + 1 };
    }
    const syncSeconds = await this.write(file, pieces, bytes);
    if (place.offset > ahead) this.space.used(bytes);
    this.spare.appended(bytes);
    for (const at of places) mark(segment, at);
    segment.bytes = place.offset;
    segment.rows = place.row;
    segment.frames = place.frame;
    segment.modified = Date.now();
    logAppended(group.length, bytes, syncSeconds);
    return group.map(({ header, head, key, payload, payloadBytes }, index) => {
      const row = places[index]?.row ?? 0;
      if (key !== undefined) batches.push({ row, key });
      const seq = seqOf(segment.segment, row);
      this.recent.add(seq, header, head.length - edgeBytes, payload, payloadBytes);
      return seq;
    });
  }

  /** Append to the open segment and sync; seconds of the sync. Throws when the bytes are not durable; the file then ends where it did, or is sealed. */
  private async write(file: LogFile, pieces: Uint8Array[], bytes: number): Promise<number> {
    const end = this.open?.segment.bytes ?? 0;
    const cutTo = async (length: number): Promise<void> => {
      await file.truncate(length);
      if (this.open) this.open.ahead = 0;
    };
    try {
      const written = await file.writev(pieces, end);
      if (written !== bytes) throw shortWrite(written, bytes);
    } catch (error) {
      const cutBack =
        isFull(error) &&
        (await cutTo(end).then(
          () => true,
          () => false,
        ));
      if (!cutBack) await this.abandon(end);
      throw error;
    }
    const started = performance.now();
    try {
      await file.datasync();
    } catch (error) {
      await this.abandon(end);
      throw error;
    }
    return (performance.now() - started) / 1000;
  }

  /**
   * Create the next segment, durable with its name. The one before is sealed first and for good: a header that states its length may
   * come back after a power cut even when its creation failed here.
   */
  private async openSegment(): Promise<OpenSegment> {
    this.seal();
    const newest = this.segments.newest;
    const salt = newSalt();
    const previous = newest && {
      segment: newest.segment,
      bytes: newest.bytes,
      rows: newest.rows,
      frames: newest.frames,
    };
    const { number, path, file, ahead } = await this.createFile(newest?.segment ?? 0, number =>
      encodeSegmentHeader({ segment: number, created: Date.now(), salt, previous }),
    );
    try {
      await this.fs.syncDirectory(this.directory);
    } catch (error) {
      await this.discard(file, path);
      throw error;
    }
    const segment: Segment = {
      segment: number,
      path,
      salt,
      bytes: segmentHeaderBytes,
      rows: 0,
      frames: 0,
      sealed: false,
      modified: Date.now(),
      marks: [],
    };
    this.segments.add(segment);
    this.open = { file, segment, ahead, batches: [] };
    return this.open;
  }

  /**
   * A file with a new number and a durable header, and nothing else but zeros. Numbers of files that could not be finished, or that somebody copied
   * here, are passed over.
   */
  private async createFile(
    newest: number,
    headerOf: (number: number) => Buffer,
  ): Promise<{ number: number; path: string; file: LogFile; ahead: number }> {
    for (;;) {
      const number = nextSegmentNumber(Math.max(newest, this.numberTried));
      this.numberTried = number;
      const path = join(this.directory, segmentFileName(number));
      const header = headerOf(number);
      try {
        const ready = await this.spare.take(path, header);
        if (ready) return { number, path, ...ready };
        const file = await this.fs.open(path, 'create-direct');
        try {
          const written = await file.writev([header], 0);
          if (written !== header.length) throw shortWrite(written, header.length);
          await file.datasync();
        } catch (error) {
          await this.discard(file, path);
          throw error;
        }
        return { number, path, file, ahead: 0 };
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  private async discard(file: LogFile, path: string): Promise<void> {
    await file.close().catch(() => undefined);
    await this.fs.unlink(path).catch(() => undefined);
  }

  /** Everything in the open segment is durable, and its successor states its length: what fails from here on loses nothing, and nobody waits for it. */
  private seal(): void {
    const { open } = this;
    this.open = undefined;
    if (!open) return;
    const { file, segment, batches } = open;
    segment.sealed = true;
    const close = async (): Promise<void> => {
      try {
        // Behind them are zeros: blocks written ahead, or the end of the last block.
        await file.truncate(segment.bytes);
      } finally {
        await file.close();
      }
      await this.summaries.write({ ...segment, batches });
    };
    this.closing = Promise.all([this.closing, close()]).then(
      () => undefined,
      (error: unknown) => {
        log.warn({ segment: segment.segment, code: codeOf(error) }, 'closing a sealed segment failed');
      },
    );
  }

  /** Seal after a failure. What was not synced is cut off if the file lets us; if not, the next segment's header says that it does not count. */
  private async abandon(end: number): Promise<void> {
    const { open } = this;
    // What its last block is on the disk is not known.
    if (open) await this.summaries.forget(open.segment.segment);
    await open?.file.truncate(end).catch(() => undefined);
    this.seal();
  }
}

const fullCodes = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const isFull = (error: unknown): boolean =>
  fullCodes.includes(codeOf(error)) || (error instanceof WeirError && error.code === 'disk_full');

function shortWrite(written: number, bytes: number): WeirError {
  return new WeirError('disk_full', { reason: `the disk took ${written} of ${bytes} bytes` }, { retryAfter: 5 });
}

/** The answer for a failed group. Only errors of the operating system are answered; a mistake of ours is thrown on. */
function refusalOf(error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  if (!(error instanceof Error) || !('syscall' in error || 'errno' in error)) throw error;
  const reason = error.message.replace(/, \w+ '.*$/, '');
  return isFull(error)
    ? new WeirError('disk_full', { reason }, { cause: error, retryAfter: 5 })
    : new WeirError('log_failed', { reason }, { cause: error });
}
