import { join } from 'node:path';
import { limits } from '../../base/limits.ts';
import { log } from '../../base/log.ts';
import { codeOf, type Fs } from './fs.ts';
import type { SegmentFile } from './scan.ts';
import type { DiskSpace } from './space.ts';
import { decodeSummary, encodeSummary, isOf, type Summary, segmentOfSummaryName, summaryFileName } from './summary.ts';

/** A sealed segment that is whole, and where its file is. */
export type WholeSegment = Omit<Summary, 'salt' | 'modified'> & { path: string; salt: number | undefined };

/**
 * The summaries (summary.ts) in the directory of the log. What fails here is told at level debug and costs the next start the reading of a segment: no append waits for a summary, and nothing is refused for
 * one.
 */
export class Summaries {
  private readonly fs: Fs;
  private readonly directory: string;
  private readonly space: DiskSpace;
  /** Segments that must have none: removed, damaged, or not known to be on the disk as they are read. */
  private readonly forgotten = new Set<number>();
  private writing: Promise<void> = Promise.resolve();
  private closing = false;

  constructor(fs: Fs, directory: string, space: DiskSpace) {
    this.fs = fs;
    this.directory = directory;
    this.space = space;
  }

  /** What a summary says of the segment, when it is to be believed. */
  async of(file: SegmentFile): Promise<Summary | undefined> {
    if (!file.header || !file.expected) return undefined;
    const summary = decodeSummary((await this.read(file.segment)) ?? Buffer.alloc(0));
    return summary && isOf(summary, file) ? summary : undefined;
  }

  /** Put down what is true of a sealed segment whose bytes are all durable. To be called when nothing changes its file any more. */
  async write(whole: WholeSegment): Promise<void> {
    const { segment } = whole;
    try {
      await this.tryWrite(whole);
    } catch (error) {
      log.debug({ segment, code: codeOf(error) }, 'a segment of the log has no summary; a start will read it');
      await this.unlink(`${this.pathOf(segment)}.new`);
    }
    if (this.forgotten.has(segment)) await this.unlink(this.pathOf(segment));
  }

  /** The same for segments that a start has read, in the background. */
  writeAll(wholes: readonly WholeSegment[]): void {
    this.writing = (async () => {
      for (const whole of wholes) {
        if (this.closing) return;
        await this.write(whole);
      }
    })();
  }

  /** The segment is to be read by each start, or is being removed: no summary from now on. */
  async forget(segment: number): Promise<void> {
    this.forgotten.add(segment);
    await this.unlink(this.pathOf(segment));
  }

  /** Remove what has no segment any more, and what was not finished. */
  async sweep(segments: ReadonlySet<number>): Promise<void> {
    for (const name of await this.fs.list(this.directory)) {
      const segment = segmentOfSummaryName(name);
      if (segment === undefined || (segments.has(segment) && !name.endsWith('.new'))) continue;
      await this.unlink(join(this.directory, name));
    }
  }

  /** Write no more of those that a start has read. */
  async close(): Promise<void> {
    this.closing = true;
    await this.writing;
  }

  private pathOf(segment: number): string {
    return join(this.directory, summaryFileName(segment));
  }

  private async read(segment: number): Promise<Buffer | undefined> {
    try {
      const path = this.pathOf(segment);
      const { bytes } = await this.fs.stat(path);
      if (bytes > limits.walSummaryBytesMax) return undefined;
      const file = await this.fs.open(path, 'read');
      try {
        const found = Buffer.allocUnsafeSlow(bytes);
        return found.subarray(0, await file.read(found, 0));
      } finally {
        await file.close();
      }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT')
        log.debug({ segment, code: codeOf(error) }, 'the summary of a segment of the log cannot be read');
      return undefined;
    }
  }

  private async tryWrite({ segment, path, salt, bytes, rows, frames, marks, batches }: WholeSegment): Promise<void> {
    if (salt === undefined || this.forgotten.has(segment)) return;
    const found = await this.fs.stat(path);
    if (found.bytes !== bytes) return;
    const { modified } = found;
    const text = encodeSummary({ segment, salt, bytes, modified, rows, frames, marks, batches });
    if (text.length > limits.walSummaryBytesMax || !(await this.space.has(text.length))) return;
    if ((await this.read(segment))?.equals(text)) return;
    const name = this.pathOf(segment);
    await this.unlink(`${name}.new`);
    const file = await this.fs.open(`${name}.new`, 'create');
    try {
      const written = await file.writev([text], 0);
      if (written !== text.length) throw new Error(`the disk took ${written} of ${text.length} bytes`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await this.fs.rename(`${name}.new`, name);
    this.space.used(text.length);
    await this.fs.syncDirectory(this.directory);
  }

  private async unlink(path: string): Promise<void> {
    await this.fs.unlink(path).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT')
        log.debug({ path, code: codeOf(error) }, 'a summary of the log cannot be removed');
    });
  }
}
