import { WeirError } from '../../base/errors.ts';
import { log } from '../../base/log.ts';
import { codeOf, type Fs } from './fs.ts';

const askAgainMs = 1000;

/** Keeps a reserve of the disk free, so that recovery, retention and the store can still work when producers would fill it. */
export class DiskSpace {
  private readonly fs: Fs;
  private readonly directory: string;
  private readonly reserve: number;
  private free = 0;
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor(fs: Fs, directory: string, reserve: number) {
    this.fs = fs;
    this.directory = directory;
    this.reserve = reserve;
  }

  /** Whether `bytes` more leave the reserve untouched. Asks the file system once a second, and each time when it looks full. */
  async has(bytes: number): Promise<boolean> {
    const now = performance.now();
    if (now - this.askedAt > askAgainMs || this.free - bytes < this.reserve) {
      try {
        this.free = await this.fs.freeBytes(this.directory);
      } catch (error) {
        log.warn({ code: codeOf(error) }, 'free space of the log disk is unknown; its reserve is not kept');
        this.free = Number.POSITIVE_INFINITY;
      }
      this.askedAt = now;
    }
    return this.free - bytes >= this.reserve;
  }

  /** Throws WeirError `disk_full` unless the disk {@link has} room for `bytes`. */
  async require(bytes: number): Promise<void> {
    if (await this.has(bytes)) return;
    throw new WeirError(
      'disk_full',
      {
        reason: `the disk has ${this.free} bytes free, ${bytes} and a reserve of ${this.reserve} are needed; free space or shorten retention`,
      },
      { retryAfter: 5 },
    );
  }

  used(bytes: number): void {
    this.free -= bytes;
  }
}
