import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WeirError } from '../base/errors.ts';

/** writev takes at most IOV_MAX (1024) buffers. */
const buffersMax = 1_000;

const nameless = process.platform === 'linux';

type SpoolFile = { handle: FileHandle; path: string };

/**
 * Files the engine reads a tick's payloads from. Never fsynced: the log has the bytes. A file is written over and over, because fresh pages
 * cost more than the bytes in them. On Linux it has no name: the engine, a child of ours, reaches it through /proc, and nothing is left behind
 * however this process ends.
 */
export class Spool {
  readonly #directory: string;
  readonly #free: SpoolFile[] = [];
  #made = 0;

  /** Empties the directory of what an earlier run left, where files have names. */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    if (nameless) return;
    for (const name of readdirSync(directory))
      if (name.endsWith('.spool')) rmSync(join(directory, name), { force: true });
  }

  async #open(): Promise<SpoolFile> {
    const path = join(this.#directory, `weir-${process.pid}-${++this.#made}.spool`);
    const handle = await open(path, 'w+');
    if (!nameless) return { handle, path };
    await rm(path);
    return { handle, path: `/proc/${process.pid}/fd/${handle.fd}` };
  }

  /**
   * Write the buffers one after the other and run `work` with the path of the file, which is good until then. Each list is written before the next is asked for.
   * Rejects with `disk_full` when not all bytes were taken.
   */
  async with<T>(lists: Iterable<readonly Uint8Array[]>, work: (path: string) => Promise<T>): Promise<T> {
    const file = this.#free.pop() ?? (await this.#open());
    try {
      let position = 0;
      for (const list of lists)
        for (let i = 0; i < list.length; i += buffersMax) {
          const buffers = list.slice(i, i + buffersMax);
          const wanted = buffers.reduce((sum, b) => sum + b.byteLength, 0);
          if (wanted === 0) continue;
          const { bytesWritten } = await file.handle.writev(buffers, position);
          if (bytesWritten !== wanted)
            throw new WeirError('disk_full', { reason: `spool file took ${bytesWritten} of ${wanted} bytes` });
          position += wanted;
        }
      await file.handle.truncate(position);
      return await work(file.path);
    } finally {
      this.#free.push(file);
    }
  }

  /** Give the files back. Nothing may be using them any more. */
  async close(): Promise<void> {
    for (const { handle, path } of this.#free.splice(0)) {
      await handle.close();
      if (!nameless) await rm(path, { force: true });
    }
  }
}
