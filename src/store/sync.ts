import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { log } from '../base/log.ts';

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
  // One shell for all syncs: starting a process from one of our size costs 15 CPU-ms each time.
  const script = `while read -r line; do ${process.platform === 'linux' ? 'sync -f "$0"' : 'sync'} && echo done || echo failed; done`;
  let shell: ChildProcessByStdio<Writable, Readable, null> | undefined;
  let waiting: PromiseWithResolvers<void> | undefined;

  function openShell(): ChildProcessByStdio<Writable, Readable, null> {
    const opened = spawn('sh', ['-c', script, directory ?? ''], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = (reason: string): void => {
      if (shell === opened) shell = undefined;
      waiting?.reject(new Error(`the file system of ${directory} cannot be synced: ${reason}`));
    };
    opened.once('error', error => ended(error.message));
    opened.once('exit', () => ended('the shell that does it ended'));
    opened.stdin.on('error', error => ended(error.message));
    createInterface({ input: opened.stdout }).on('line', line => {
      if (line === 'done') waiting?.resolve();
      else waiting?.reject(new Error(`sync -f ${directory} failed`));
    });
    return opened;
  }

  const sync = async (): Promise<void> => {
    shell ??= openShell();
    waiting = Promise.withResolvers();
    shell.stdin.write('sync\n');
    await waiting.promise;
  };
  // One after the other, since a sync that began before a call does not cover what was written until the call.
  let last: Promise<void> = Promise.resolve();
  const now = (): Promise<void> => {
    last = last.then(sync, sync);
    return last;
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
    stop() {
      clearInterval(timer);
      shell?.stdin.end();
      shell = undefined;
    },
  };
}
