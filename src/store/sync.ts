import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { log } from '../base/log.ts';

const run = promisify(execFile);

/** Well below `old_parts_lifetime`: merged parts must be on disk before their sources are removed. */
const periodMillis = 5_000;
/** Merges of what was written go on for a while after the last seal. */
const afterWriteMillis = 600_000;

export type FileSystemSync = {
  /** Resolves when everything written to the file system of the store before the call is on disk. */
  now(): Promise<void>;
  /** Something was written: sync every few seconds for a while. */
  wrote(): void;
  stop(): void;
};

/** `directory` absent: the store is a server elsewhere and cares for its own disk. */
export function fileSystemSync(directory: string | undefined): FileSystemSync {
  if (directory === undefined) return { now: async () => {}, wrote: () => {}, stop: () => {} };
  let lastWrite = 0;
  let running: Promise<void> | undefined;
  const now = async (): Promise<void> => {
    await running?.catch(() => {});
    running = run('sync', process.platform === 'linux' ? ['-f', directory] : []).then(() => {});
    await running;
  };
  const timer = setInterval(() => {
    if (performance.now() - lastWrite > afterWriteMillis || lastWrite === 0) return;
    now().catch((error: unknown) => log.error({ err: error }, 'store: file system sync failed'));
  }, periodMillis);
  timer.unref();
  return {
    now,
    wrote: () => {
      lastWrite = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}
