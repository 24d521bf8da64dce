import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { log } from '../../base/log.ts';

/** Time between two syncs. Must stay far below `old_parts_lifetime` (480 s), after which the sources of a merge are gone. */
const syncMillis = 5_000;
/** Merges go on after the last write, and their sources live for 480 s: until then the disk is still worth syncing. */
const quietMillis = 600_000;

/**
 * `sync -f` of a directory's file system every few seconds while there is something to make durable. Parts are fsynced by the engine, but not every
 * file of a merged part is (text indexes: refs/reliability.md D, D2) and not the metadata of tables. Node has no syncfs; a spawned `sync` costs
 * about 3 CPU-ms.
 */
export class DiskSync {
  readonly #directory: string;
  readonly #timer: NodeJS.Timeout;
  #dirtyAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  /** Syncs that failed; the first is logged. */
  failures = 0;

  constructor(directory: string) {
    this.#directory = directory;
    this.#timer = setInterval(() => {
      if (performance.now() - this.#dirtyAt < quietMillis && !this.#running) void this.now().catch(() => {});
    }, syncMillis);
    this.#timer.unref();
  }

  /** Say that something was written. */
  dirty(): void {
    this.#dirtyAt = performance.now();
  }

  /** Resolves when everything written before the call is durable; rejects when the sync failed. */
  async now(): Promise<void> {
    // one that runs already may have begun before the caller's write
    await this.#running?.catch(() => {});
    this.#running = this.#sync().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #sync(): Promise<void> {
    try {
      await promisify(execFile)('sync', process.platform === 'linux' ? ['-f', this.#directory] : []);
    } catch (error) {
      if (this.failures++ === 0)
        log.error(
          { err: error, directory: this.#directory },
          'sync of the store failed; after a power cut merged parts may have to be rebuilt from their sources',
        );
      throw error;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
