import { limits } from '../../base/limits.ts';
import { log } from '../../base/log.ts';
import { rowOfSeq, segmentOfSeq, seqOf } from '../../base/record.ts';
import type { Frame } from '../../flow.ts';
import { codeOf, type Fs, type LogFile } from './fs.ts';
import type { Quarantine } from './quarantine.ts';
import type { Recent } from './recent.ts';
import type { RetainedSegments, Segment } from './retained.ts';
import { firstPlace } from './scan.ts';
import { type Place, walk } from './walk.ts';
import { FileWindow } from './window.ts';

/** Bytes read ahead at most; one frame may be longer. */
const windowBytesMax = 16 * 1024 * 1024;
/** Room for heads and batch headers beside the payload that is asked for. */
const windowBytesExtra = 64 * 1024;

/**
 * Memory for what one take gives, used again by the next: a tick and a frame that straddles its end, or is read twice because it straddled the end of a window. Rare takes of more get memory of
 * their own, whose pages are new and whose end V8 learns only by collecting its whole heap (docs/decisions/0032).
 */
const arenaBytes = limits.tickBytes + limits.batchBytesMax;

const windowBytes = (wanted: number): number => Math.min(wanted + windowBytesExtra, windowBytesMax);

type Waiter = { from: bigint; wake: () => void };

/** Gives durable frames, from memory or back from the segment files. Holds no position of its own but a hint where the last take ended. */
export class Reader {
  private readonly fs: Fs;
  private readonly segments: RetainedSegments;
  private readonly quarantine: Quarantine;
  private readonly recent: Recent;
  private readonly waiters = new Set<Waiter>();
  private arena: Buffer | undefined;
  private arenaUsed = 0;
  private ended: { segment: number; place: Place } | undefined;
  /** A take from `from` gave nothing though the log had grown up to `newest`: those frames are damaged, do not wake for them. */
  private barren: { from: bigint; newest: bigint } | undefined;

  constructor(fs: Fs, segments: RetainedSegments, quarantine: Quarantine, recent: Recent) {
    this.fs = fs;
    this.segments = segments;
    this.quarantine = quarantine;
    this.recent = recent;
  }

  /** See FrameSource.take. */
  async take(from: bigint, bytesMax: number): Promise<Frame[]> {
    this.arenaUsed = 0;
    const atHand = this.recent.take(from, bytesMax, size => this.room(size));
    if (atHand.length > 0) return atHand;
    const frames: Frame[] = [];
    const newest = this.segments.end;
    let bytes = 0;
    // A list of its own: retention may shorten the other meanwhile.
    const segments = this.segments.list.filter(({ segment }) => segment >= segmentOfSeq(from));
    for (const segment of segments) {
      const row = segment.segment === segmentOfSeq(from) ? rowOfSeq(from) : 0;
      bytes += await this.takeFrom(segment, row, bytesMax - bytes, frames);
      if (frames.length > 0 && bytes >= bytesMax) break;
    }
    if (frames.length === 0) this.barren = { from, newest };
    return frames;
  }

  /** See FrameSource.waitFor. */
  waitFor(from: bigint, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.ready(from) || signal?.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.waiters.delete(waiter);
        resolve();
      };
      const waiter: Waiter = { from, wake };
      const timer = setTimeout(wake, timeoutMs);
      signal?.addEventListener('abort', wake);
      this.waiters.add(waiter);
    });
  }

  /** More has become durable. */
  grown(): void {
    for (const waiter of this.waiters) if (this.ready(waiter.from)) waiter.wake();
  }

  /** Wake everybody; the log is closing. */
  close(): void {
    for (const waiter of this.waiters) waiter.wake();
  }

  private ready(from: bigint): boolean {
    const newest = this.segments.end;
    const barren = this.barren && from >= this.barren.from && newest === this.barren.newest;
    return newest > from && !barren;
  }

  /** Add the frames of one segment from `row` on; bytes of payload added. */
  private async takeFrom(segment: Segment, row: number, bytesMax: number, frames: Frame[]): Promise<number> {
    const { bytes: end, salt } = segment;
    const start = this.placeBefore(segment, row);
    if (salt === undefined || start.offset >= end || row >= segment.rows) return 0;
    const opened = await this.openFor(segment);
    if (!opened) return 0;
    let bytes = 0;
    try {
      const window = new FileWindow(opened, end, windowBytes(bytesMax), size => this.room(size));
      for await (const step of walk(window, { segment: segment.segment, salt }, start, true)) {
        if (step.kind === 'damage') {
          await this.quarantine.keep(opened, segment.segment, { ...step, rows: step.rows ?? segment.rows - step.row });
          continue;
        }
        if (step.edge.row < row) continue;
        frames.push({ seq: seqOf(segment.segment, step.edge.row), header: step.header, payload: step.payload });
        bytes += step.payload.length;
        this.ended = { segment: segment.segment, place: step.next };
        if (bytes >= bytesMax) break;
        window.size = windowBytes(bytesMax - bytes);
      }
    } finally {
      await opened.close();
    }
    return bytes;
  }

  private room(bytes: number): Buffer {
    if (this.arenaUsed + bytes > arenaBytes) return Buffer.allocUnsafeSlow(bytes);
    this.arena ??= Buffer.allocUnsafeSlow(arenaBytes);
    this.arenaUsed += bytes;
    return this.arena.subarray(this.arenaUsed - bytes, this.arenaUsed);
  }

  private placeBefore(segment: Segment, row: number): Place {
    if (this.ended?.segment === segment.segment && this.ended.place.row === row) return this.ended.place;
    return segment.marks.findLast(place => place.row <= row) ?? firstPlace;
  }

  private async openFor(segment: Segment): Promise<LogFile | undefined> {
    try {
      return await this.fs.open(segment.path, 'read-direct');
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      // Retention takes a segment out of the list before it removes the file.
      if (this.segments.list.includes(segment))
        log.error(
          { segment: segment.segment, rows: segment.rows },
          'a segment of the log was removed by somebody else',
        );
      return undefined;
    }
  }
}
