import { codeOf, type LogFile } from './fs.ts';

const blockBytes = 4096;

const newMemory = (bytes: number): Buffer => Buffer.allocUnsafeSlow(bytes);

/**
 * The bytes of a file up to `end`, read in pieces of `size` or more. Slices handed out stay valid: a new piece is a new buffer.
 * Blocks that the disk cannot read (EIO) come as zeros, which no checksum matches, so that one bad sector costs only its frame.
 */
export class FileWindow {
  readonly end: number;
  /** Bytes of the next piece at least; the owner may change it as it learns how much it needs. */
  size: number;
  private readonly file: LogFile;
  private readonly room: typeof newMemory;
  private start = 0;
  private bytes: Buffer = Buffer.alloc(0);

  /** `room` gives the memory of each piece. */
  constructor(file: LogFile, end: number, size: number, room = newMemory) {
    this.file = file;
    this.end = end;
    this.size = size;
    this.room = room;
  }

  /** `length` bytes from `position`; fewer when the file, or the part of it that counts, ends before. */
  async at(position: number, length: number): Promise<Buffer> {
    const stop = Math.min(position + length, this.end);
    if (position >= stop) return Buffer.alloc(0);
    if (position < this.start || stop > this.start + this.bytes.length) {
      const into = this.room(Math.min(Math.max(length, this.size), this.end - position));
      this.bytes = into.subarray(0, await this.fill(into, position));
      this.start = position;
    }
    return this.bytes.subarray(position - this.start, stop - this.start);
  }

  /** What is at hand from `position` on, or a new piece when that is little; for searches. */
  async from(position: number): Promise<Buffer> {
    const atHand = this.start + this.bytes.length - position;
    return this.at(position, position >= this.start && atHand > blockBytes ? atHand : this.size);
  }

  private async fill(into: Buffer, position: number): Promise<number> {
    try {
      return await this.file.read(into, position);
    } catch (error) {
      if (codeOf(error) !== 'EIO') throw error;
    }
    into.fill(0);
    for (let at = 0; at < into.length; ) {
      const block = into.subarray(at, at + blockBytes - ((position + at) % blockBytes));
      try {
        const read = await this.file.read(block, position + at);
        if (read < block.length) return at + read;
      } catch (error) {
        if (codeOf(error) !== 'EIO') throw error;
        block.fill(0);
      }
      at += block.length;
    }
    return into.length;
  }
}
