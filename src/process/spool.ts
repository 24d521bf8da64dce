import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WeirError } from '../base/errors.ts';
import type { Piece } from './frame-groups.ts';

/** writev takes at most IOV_MAX (1024) buffers. */
const buffersMax = 1_000;

/** Files the engine reads a tick's payloads from. Never fsynced: the log has the bytes. */
export class Spool {
  readonly #directory: string;
  #made = 0;

  /** Empties the directory of what an earlier run left. */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    for (const name of readdirSync(directory))
      if (name.endsWith('.spool')) rmSync(join(directory, name), { force: true });
  }

  /** Write the payloads one after the other, run `work` with the path, remove the file. Rejects with `disk_full` when not all bytes were taken. */
  async with<T>(pieces: readonly Piece[], work: (path: string) => Promise<T>): Promise<T> {
    const path = join(this.#directory, `${++this.#made}.spool`);
    try {
      const file = await open(path, 'w');
      try {
        for (let i = 0; i < pieces.length; i += buffersMax) {
          const buffers = pieces.slice(i, i + buffersMax).map(p => p.payload);
          const wanted = buffers.reduce((sum, b) => sum + b.byteLength, 0);
          if (wanted === 0) continue;
          const { bytesWritten } = await file.writev(buffers);
          if (bytesWritten !== wanted)
            throw new WeirError('disk_full', { reason: `spool file took ${bytesWritten} of ${wanted} bytes` });
        }
      } finally {
        await file.close();
      }
      return await work(path);
    } finally {
      await rm(path, { force: true });
    }
  }
}
