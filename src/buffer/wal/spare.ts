import { join } from 'node:path';
import { log } from '../../base/log.ts';
import { alignedMemory } from './direct-file.ts';
import { codeOf, type Fs, type LogFile } from './fs.ts';
import type { DiskSpace } from './space.ts';

/** The file that is being made ready; it gets the name of its segment when that begins. */
const spareName = 'next.spare';
/** Zeros written per byte appended, so that a segment is ready long before the one in use is full, and never in one burst. */
const aheadFactor = 4;
/** The first spare of a run is a part of a segment, so that it is ready soon, and is followed by whole ones. */
const firstPart = 4;
/** Zeros written and synced at a time. */
const stepBytes = 2 * 1024 * 1024;
/** A spare is made only while the disk could hold this many of them above its reserve. */
const roomFactor = 4;

/**
 * The next segment's file, its blocks written with zeros and on disk before it is used. An append into such blocks changes neither the length nor the
 * blocks of the file, so its fdatasync needs no commit of the file system's journal, which would wait for the data of every other file that
 * grew meanwhile: parts, merges, other programs (docs/decisions/0009).
 *
 * Nothing depends on a spare: without one, or on a disk that is getting full, the log appends as ever.
 */
export class Spare {
  private readonly fs: Fs;
  private readonly path: string;
  private readonly segmentBytes: number;
  /** Of the one that is being made. */
  private size: number;
  private readonly space: DiskSpace;
  private file: LogFile | undefined;
  private written = 0;
  private wanted = 0;
  private growing: Promise<void> | undefined;
  private zeros: Buffer | undefined;
  private closed = false;

  constructor(fs: Fs, directory: string, segmentBytes: number, space: DiskSpace) {
    this.fs = fs;
    this.path = join(directory, spareName);
    this.segmentBytes = segmentBytes;
    this.size = Math.ceil(segmentBytes / firstPart);
    this.space = space;
  }

  get ready(): boolean {
    return this.file !== undefined && this.growing === undefined && this.written === this.size;
  }

  /** `bytes` were appended: go on making the next segment ready, in the background. */
  appended(bytes: number): void {
    this.wanted = Math.min(this.size, this.wanted + bytes * aheadFactor);
    if (this.closed || this.growing || this.due === 0) return;
    // The first one of a run waits for some traffic: a start alone writes nothing.
    if (!this.file && this.wanted < this.segmentBytes / 16) return;
    this.growing = this.grow()
      .catch(async (error: unknown) => {
        log.debug(
          { code: codeOf(error) },
          'the next segment of the log cannot be made ready; it will grow as it is written',
        );
        await this.drop();
      })
      .finally(() => {
        this.growing = undefined;
      });
  }

  /** Bytes of the next step when all of them are wanted, else 0: whole steps are whole blocks, which direct I/O takes as they are. */
  private get due(): number {
    const step = Math.min(stepBytes, this.size - this.written);
    return this.wanted - this.written >= step ? step : 0;
  }

  private async grow(): Promise<void> {
    if (!this.file) {
      if (!(await this.space.has(roomFactor * this.segmentBytes))) {
        this.wanted = 0;
        return;
      }
      await this.removeFile();
      this.file = await this.fs.open(this.path, 'create-direct');
    }
    this.zeros ??= alignedMemory(stepBytes);
    const { zeros } = this;
    for (let { due } = this; due > 0; { due } = this) {
      const piece = zeros.subarray(0, due);
      const taken = await this.file.writev([piece], this.written);
      if (taken !== piece.length) throw new Error(`the disk took ${taken} of ${piece.length} bytes`);
      await this.file.datasync();
      this.written += taken;
      this.space.used(taken);
    }
  }

  /**
   * The ready file, how many bytes of it are written ahead, with this header in it and under this name; the name is not durable yet. Undefined when no file is ready, or this one turns out to be of
   * no use. Rejects with EEXIST when the name is taken, and keeps the file for the next number.
   */
  async take(path: string, header: Buffer): Promise<{ file: LogFile; ahead: number } | undefined> {
    const { file, size } = this;
    if (!this.ready || !file) return undefined;
    try {
      if ((await file.writev([header], 0)) !== header.length) throw new Error('the disk took a part of a header only');
      await file.datasync();
      await this.fs.link(this.path, path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw error;
      log.debug({ code: codeOf(error) }, 'the file made ready for the next segment is of no use; going on without');
      await this.release();
      return undefined;
    }
    this.forget();
    // Nobody waits for the old name to go, but the next one to be made.
    this.growing = this.removeFile()
      .catch(() => undefined)
      .finally(() => {
        this.growing = undefined;
      });
    this.size = this.segmentBytes;
    return { file, ahead: size };
  }

  private forget(): void {
    this.file = undefined;
    this.written = 0;
    this.wanted = 0;
  }

  private async removeFile(): Promise<void> {
    await this.fs.unlink(this.path).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }

  private async drop(): Promise<void> {
    const { file } = this;
    this.forget();
    await file?.close().catch(() => undefined);
    await this.removeFile().catch(() => undefined);
  }

  /** Give the room back; also what an earlier run of the program left. The next appends begin anew. */
  async release(): Promise<void> {
    this.wanted = 0;
    await this.growing;
    await this.drop();
  }

  /** Leave nothing behind. */
  async close(): Promise<void> {
    this.closed = true;
    await this.release();
  }
}
