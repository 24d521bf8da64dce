import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Addresses, positions and lengths of direct I/O are multiples of this: enough for every disk and file system we know of. */
export const blockBytes = 4096;
/** Bytes that go to the disk, or come from it, in one call. */
const stepBytes = 4 * 1024 * 1024;

const blockEnd = (bytes: number): number => Math.ceil(bytes / blockBytes) * blockBytes;

const aligned = new WeakSet<ArrayBufferLike>();

/** Zeros at an address that direct I/O takes as it is. WebAssembly's memory begins at a page, which no other buffer of JavaScript promises. */
export function alignedMemory(bytes: number): Buffer {
  const pages = Math.ceil(bytes / 65536);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  aligned.add(buffer);
  return Buffer.from(buffer, 0, bytes);
}

const isAligned = (bytes: Uint8Array): boolean =>
  aligned.has(bytes.buffer) && bytes.byteOffset % blockBytes === 0 && bytes.length % blockBytes === 0;

/** Memory that is not in use by a call; there are as many as ever ran at once. */
const free: Buffer[] = [];

async function withMemory<T>(work: (memory: Buffer) => Promise<T>): Promise<T> {
  const memory = free.pop() ?? alignedMemory(stepBytes);
  try {
    return await work(memory);
  } finally {
    free.push(memory);
  }
}

/** Copies of pieces, one after the other, as much at a time as is asked for. */
function copier(pieces: readonly Uint8Array[]): (into: Buffer, at: number) => number {
  let index = 0;
  let from = 0;
  return (into, at) => {
    let end = at;
    for (let piece = pieces[index]; piece && end < into.length; piece = pieces[index]) {
      const part = piece.subarray(from, from + into.length - end);
      into.set(part, end);
      end += part.length;
      from += part.length;
      if (from < piece.length) break;
      index += 1;
      from = 0;
    }
    return end;
  };
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/**
 * A file whose bytes go to the disk and come from it without the page cache, which has no second use for them and whose fresh pages cost more CPU than all
 * else that the log does for a byte (docs/decisions/0019). Undefined where the system or the file system has no direct I/O.
 *
 * It is for appending: a write sends whole blocks, the first with the bytes that the file has before it, the last filled up with zeros whatever the file had
 * there. So the file's length is a multiple of a block after a write; a reader must know where it ends.
 */
export async function openDirect(path: string, flags: number, opening = open): Promise<DirectFile | undefined> {
  if (!constants.O_DIRECT) return undefined;
  try {
    return new DirectFile(
      await opening(path, flags | constants.O_DIRECT),
      flags & (constants.O_RDWR | constants.O_WRONLY),
    );
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
    return undefined;
  }
}

export class DirectFile {
  /** Direct until the file system refuses that, which some do not when the file is opened. */
  private direct: FileHandle | undefined;
  private plain: FileHandle | undefined;
  /** The bytes of the block in which the last write ended, up to that end. */
  private readonly rest = Buffer.alloc(blockBytes);
  private end = -1;
  private readonly access: number;

  constructor(handle: FileHandle, access: number) {
    this.direct = handle;
    this.access = access;
  }

  async writev(pieces: Uint8Array[], position: number): Promise<number> {
    const { direct } = this;
    if (direct) {
      try {
        const [only] = pieces;
        if (only && pieces.length === 1 && isAligned(only) && position % blockBytes === 0)
          return (await direct.write(only, 0, only.length, position)).bytesWritten;
        return await withMemory(memory => this.append(direct, memory, pieces, position));
      } catch (error) {
        if (codeOf(error) !== 'EINVAL') throw error;
        await this.giveUp();
      }
    }
    return (await this.handle.writev(pieces, position)).bytesWritten;
  }

  private async append(direct: FileHandle, memory: Buffer, pieces: Uint8Array[], position: number): Promise<number> {
    let before = position % blockBytes;
    if (before > 0) {
      if (this.end === position) this.rest.copy(memory);
      else {
        const { bytesRead } = await direct.read(memory, 0, blockBytes, position - before);
        memory.fill(0, bytesRead, blockBytes);
      }
    }
    this.end = -1;
    const copy = copier(pieces);
    for (let at = position; ; before = 0) {
      const filled = copy(memory, before);
      const length = blockEnd(filled);
      memory.fill(0, filled, length);
      const { bytesWritten } = length > 0 ? await direct.write(memory, 0, length, at - before) : { bytesWritten: 0 };
      at += Math.max(0, Math.min(bytesWritten, filled) - before);
      if (bytesWritten < length) return at - position;
      if (filled < memory.length) {
        if (length > 0) memory.copy(this.rest, 0, length - blockBytes, length);
        this.end = at;
        return at - position;
      }
    }
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const { direct } = this;
    if (direct) {
      try {
        return await withMemory(memory => fill(direct, memory, into, position));
      } catch (error) {
        if (codeOf(error) !== 'EINVAL') throw error;
        await this.giveUp();
      }
    }
    return readFully(this.handle, into, position);
  }

  datasync(): Promise<void> {
    return this.handle.datasync();
  }

  async truncate(length: number): Promise<void> {
    this.end = -1;
    await this.handle.truncate(length);
  }

  async close(): Promise<void> {
    await this.direct?.close();
    await this.plain?.close();
  }

  private get handle(): FileHandle {
    const handle = this.plain ?? this.direct;
    if (!handle) throw new Error('the file is closed');
    return handle;
  }

  /** Go on through the page cache. The same file, whatever its name is by now. */
  private async giveUp(): Promise<void> {
    const { direct } = this;
    if (!direct) return;
    this.plain = await open(`/proc/self/fd/${direct.fd}`, this.access);
    this.direct = undefined;
    await direct.close();
  }
}

async function fill(direct: FileHandle, memory: Buffer, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const before = (position + done) % blockBytes;
    const wanted = Math.min(memory.length, blockEnd(before + into.length - done));
    const { bytesRead } = await direct.read(memory, 0, wanted, position + done - before);
    const part = memory.subarray(before, Math.min(bytesRead, before + into.length - done));
    into.set(part, done);
    done += part.length;
    if (bytesRead < wanted) break;
  }
  return done;
}

/** Fill `into` from `position`; fewer bytes only at the end of the file. */
export async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
