import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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

/** A load that was broken off: the time its sample day ends at (ns since 1970), and the records that are written. */
type Begun = { now: bigint; records: number };

const markerText = 'This directory was started with sample data. Start an empty one with --no-demo.\n';

/** The second line of the marker, which is there while the sample day is being written. */
function begunOf(marker: string): Begun | undefined {
  const [, now, records] = /^loading day=(\d+) records=(\d+)$/m.exec(readFileSync(marker, 'utf8')) ?? [];
  return now === undefined ? undefined : { now: BigInt(now), records: Number(records) };
}

/**
 * Sample data belongs to directories that were empty when it was first wanted; a marker file tells them from a user's own. Stopped while it is written, it goes
 * on with the next start: half a day of it would lack its incident.
 */
export function openDemo(options: { accept: AcceptBatch; wanted: boolean; fresh: boolean; directory: string }): Demo {
  const marker = join(options.directory, 'sample-data');
  const abort = new AbortController();
  const { signal } = abort;
  const load = async ({ now, records: done }: Begun): Promise<void> => {
    const mark = (records: number): void =>
      writeFileSync(marker, `${markerText}loading day=${now} records=${records}\n`);
    mark(done);
    const { records } = await loadDemo({ accept: options.accept, now, signal, done, onLoaded: mark });
    if (signal.aborted) return;
    writeFileSync(marker, markerText);
    log.info({ records }, 'sample data loaded');
  };
  const run = async (): Promise<void> => {
    const now = receiveTimeNs();
    const begun = options.fresh ? { now, records: 0 } : begunOf(marker);
    if (begun) await load(begun);
    await startTrickle({ accept: options.accept, signal, start: begun?.now ?? now });
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
