import { join } from 'node:path';
import type { Config } from '../base/config.ts';
import { log } from '../base/log.ts';
import type { Engine } from '../flow.ts';
import type { StoreClient } from '../store/client.ts';
import { memoryBudget } from '../store/engine/memory-budget.ts';
import { embeddedEngine } from '../store/engine/supervisor.ts';

/** The engine of this process: our child, or a server named by `store.url`. */
export type OpenEngine = {
  engine: Engine;
  client: Pick<StoreClient, 'stream' | 'raw'>;
  /** Where the embedded engine keeps its data; undefined for a server. */
  directory: string | undefined;
  version(): string;
  start(): Promise<void>;
  stop(): Promise<void>;
};

export function openEngine(config: Config): OpenEngine {
  const budget = memoryBudget({ engine: config.memory, query: config.limits.query_memory });
  log.info({ reasons: budget.reasons }, 'memory budget');
  const directory = join(config.data, 'store');
  const embedded = embeddedEngine({ data: directory, budget, userSettings: { max_memory_usage: budget.query } });
  let version = '';
  embedded.onStart(async () => {
    const [row] = await embedded.run({ sql: 'SELECT version() AS version' });
    version = String(row?.version ?? '');
  });
  return {
    engine: embedded,
    client: embedded.client,
    directory,
    version: () => version,
    start: () => embedded.start(),
    stop: () => embedded.stop(),
  };
}
