import { join } from 'node:path';
import type { Config } from '../base/config.ts';
import { log } from '../base/log.ts';
import type { Engine, SqlSettings } from '../flow.ts';
import type { StoreClient } from '../store/client.ts';
import { memoryBudget } from '../store/engine/memory-budget.ts';
import { remoteEngine } from '../store/engine/remote.ts';
import { embeddedEngine, type StoreEngine } from '../store/engine/supervisor.ts';

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

/** Not started yet: listeners of `onStart` have to be there before. */
function makeEngine(config: Config): { engine: StoreEngine; directory: string | undefined } {
  if (config.store.url !== undefined) {
    const limit = config.limits.query_memory;
    const userSettings: SqlSettings = limit > 0 ? { max_memory_usage: limit } : {};
    const { url, user, password } = config.store;
    return { engine: remoteEngine({ url, user, password, userSettings }), directory: undefined };
  }
  const budget = memoryBudget({ engine: config.memory, query: config.limits.query_memory });
  log.info({ reasons: budget.reasons }, 'memory budget');
  const directory = join(config.data, 'store');
  const { database } = config.store;
  return { engine: embeddedEngine({ data: directory, budget, database, rowFilters: config.sql.enabled }), directory };
}

export function openEngine(config: Config): OpenEngine {
  const { engine, directory } = makeEngine(config);
  let version = '';
  engine.onStart(async () => {
    const [row] = await engine.run({ sql: 'SELECT version() AS version' });
    version = typeof row?.version === 'string' ? row.version : '';
  });
  return {
    engine,
    client: engine.client,
    directory,
    version: () => version,
    start: () => engine.start(),
    stop: () => engine.stop(),
  };
}
