import type { Config } from '../base/config.ts';
import { WeirError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import type { Engine } from '../flow.ts';
import {
  addCopiedIdIndex,
  addIdIndexes,
  createDeletes,
  createExpired,
  createLedger,
  createMigrations,
  createQuarantine,
  createRecords,
  createStreams,
  createTemplates,
  dropCopiedIdIndex,
  materializeIdIndexes,
  setBuckets,
  type TableNames,
} from './schema.ts';

/** Version n is reached by running the statements of `migrations[n - 1]`. Only ever append; a released entry never changes. */
const migrations: readonly ((names: TableNames, config: Config) => string[])[] = [
  (names, config) => [
    createRecords(names.records, config.store),
    createRecords(names.staging, config.store),
    createQuarantine(names.quarantine),
    createQuarantine(names.quarantineStaging),
    createStreams(names.streams),
    createStreams(names.streamsStaging),
    createLedger(names.ledger),
    createExpired(names.expired),
  ],
  names => [
    createTemplates(names.templates),
    ...[names.records, names.staging].map(
      table => `ALTER TABLE ${table} MODIFY COLUMN template LowCardinality(String) CODEC(Default)`,
    ),
  ],
  (names, config) => (config.store.id_index ? [names.records, names.staging].map(addCopiedIdIndex) : []),
  names => [createDeletes(names.deletes)],
  names => [setBuckets(names.records)],
  // The staging tables are made anew from `records` after this.
  ({ records }, config) => [
    dropCopiedIdIndex(records),
    ...(config.store.id_index ? [addIdIndexes(records), materializeIdIndexes(records)] : []),
  ],
];

/**
 * Bring the tables to the newest version. Resolves with true when something was changed (the caller then syncs the file system: DDL is not
 * fsynced by the engine). Refuses a store that a newer Weir has written, and never drops a table that holds data.
 */
export async function migrate(engine: Engine, names: TableNames, config: Config): Promise<boolean> {
  await engine.run({ sql: `CREATE DATABASE IF NOT EXISTS ${names.database}` });
  await engine.run({ sql: createMigrations(names.migrations) });
  const [row] = await engine.run({ sql: `SELECT max(version) AS version FROM ${names.migrations}` });
  const current = Number(row?.version ?? 0);
  if (current > migrations.length)
    throw new WeirError('config_invalid', {
      reason: `the store is of version ${current}, this Weir knows up to ${migrations.length}; start the newer Weir again or another data directory`,
    });
  for (let version = current + 1; version <= migrations.length; version++) {
    for (const sql of migrations[version - 1]?.(names, config) ?? []) await engine.run({ sql });
    await engine.run({ sql: `INSERT INTO ${names.migrations} (version) VALUES (${version})` });
  }
  if (current < migrations.length)
    log.info({ from: current, to: migrations.length }, current === 0 ? 'store: tables made' : 'store: schema migrated');
  return current < migrations.length;
}
