import { log } from '../../base/log.ts';
import { seqOf } from '../../base/record.ts';
import { logSize } from '../../base/telemetry.ts';
import { codeOf, type Fs } from './fs.ts';
import type { Summaries } from './summaries.ts';
import type { Place } from './walk.ts';

/** A segment of the log while the program runs. */
export type Segment = {
  segment: number;
  path: string;
  salt: number | undefined;
  /** Durable bytes, rows and frames; nothing behind them is ever read. */
  bytes: number;
  rows: number;
  frames: number;
  sealed: boolean;
  /** Last append, ms since 1970. */
  modified: number;
  /** Places about every `markBytes`, ascending, so that a reader can start in the middle. */
  marks: Place[];
};

const markBytes = 1024 * 1024;

/** Note where a frame begins when the last mark is far enough behind. */
export function mark(segment: Segment, place: Place): void {
  if (place.offset - (segment.marks.at(-1)?.offset ?? Number.NEGATIVE_INFINITY) >= markBytes) segment.marks.push(place);
}

/** The segments that the log holds, oldest first, and the rule by which they leave. */
export class RetainedSegments {
  readonly list: Segment[] = [];
  private readonly fs: Fs;
  private readonly directory: string;
  private readonly summaries: Summaries;
  private readonly keepMs: number;
  private readonly keepBytes: number;
  private storedBefore = 0n;
  private removing: Promise<void> | undefined;

  constructor(fs: Fs, directory: string, summaries: Summaries, keepMs: number, keepBytes: number) {
    this.fs = fs;
    this.directory = directory;
    this.summaries = summaries;
    this.keepMs = keepMs;
    this.keepBytes = keepBytes;
  }

  get newest(): Segment | undefined {
    return this.list.at(-1);
  }

  /** The seq behind the newest durable row. */
  get end(): bigint {
    const newest = this.list.findLast(segment => segment.rows > 0);
    return newest ? seqOf(newest.segment, newest.rows) : 0n;
  }

  get bytes(): number {
    return this.list.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  add(segment: Segment): void {
    this.list.push(segment);
    logSize(this.list.length, this.bytes);
  }

  stored(seq: bigint): void {
    if (seq > this.storedBefore) this.storedBefore = seq;
  }

  /**
   * Remove the oldest segments that are stored as a whole and older than `keepMs`, or stored and beyond `keepBytes` together with all younger ones. Stops at the first that
   * must stay, so that the log never has a hole; the newest always stays, because it says which number comes next. Resolves to the seq of the oldest row left.
   */
  async retain(now: number): Promise<bigint> {
    this.removing ??= this.remove(now).finally(() => {
      this.removing = undefined;
    });
    await this.removing;
    return seqOf(this.list[0]?.segment ?? 0, 0);
  }

  private async remove(now: number): Promise<void> {
    let total = this.bytes;
    let removed = 0;
    for (;;) {
      const oldest = this.list[0];
      if (!oldest || this.list.length === 1 || !oldest.sealed) break;
      const needed = seqOf(oldest.segment, oldest.rows) > this.storedBefore;
      if (needed || (now - oldest.modified <= this.keepMs && total <= this.keepBytes)) break;
      this.list.shift();
      await this.summaries.forget(oldest.segment);
      try {
        await this.fs.unlink(oldest.path);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') {
          this.list.unshift(oldest);
          log.error({ segment: oldest.segment, code: codeOf(error) }, 'a stored segment of the log cannot be removed');
          break;
        }
      }
      total -= oldest.bytes;
      removed += 1;
    }
    if (removed === 0) return;
    logSize(this.list.length, this.bytes);
    await this.fs.syncDirectory(this.directory).catch((error: unknown) => {
      log.warn({ code: codeOf(error) }, 'the directory of the log could not be synced after removing segments');
    });
  }
}
