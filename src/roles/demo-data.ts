import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { receiveTimeNs } from '../base/clock.ts';
import { log } from '../base/log.ts';
import { loadDemo } from '../demo/load.ts';
import { startTrickle } from '../demo/trickle.ts';
import type { AcceptBatch } from '../flow.ts';

export type Demo = {
  /** Load the sample day into a fresh directory, then keep a trickle going. Resolves at once; both go on in the background. */
  start(): Promise<void>;
  stop(): void;
  /** True when this directory holds sample data. */
  present(): boolean;
};

/** Sample data belongs to directories that were empty when it was first wanted; a marker file tells them from a user's own. */
export function openDemo(options: { accept: AcceptBatch; wanted: boolean; fresh: boolean; directory: string }): Demo {
  const marker = join(options.directory, 'sample-data');
  const abort = new AbortController();
  const { signal } = abort;
  const run = async (): Promise<void> => {
    const now = receiveTimeNs();
    if (options.fresh) {
      writeFileSync(marker, 'This directory was started with sample data. Start an empty one with --no-demo.\n');
      const { records } = await loadDemo({ accept: options.accept, now, signal });
      log.info({ records }, 'sample data loaded');
    }
    await startTrickle({ accept: options.accept, signal, start: now });
  };
  return {
    async start() {
      if (!options.wanted || !(options.fresh || existsSync(marker))) return;
      run().catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'sample data stopped');
      });
    },
    stop: () => abort.abort(),
    present: () => existsSync(marker),
  };
}
