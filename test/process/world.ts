import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, parseConfig } from '../../src/base/config.ts';
import type { Question } from '../../src/flow.ts';
import { numberColumnDefinitions } from '../../src/language/number-column.ts';
import { startWorker, type Worker, type WorkerBounds } from '../../src/process/worker.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { type EngineDouble, openDouble } from './engine-double.ts';
import { type LogDouble, openLogDouble } from './log-double.ts';

export type World = {
  database: string;
  engine: EngineDouble;
  log: LogDouble;
  store: Store;
  worker: Worker;
  /** Rows of a question over all sources of records. */
  ask(select: string, where?: string): Promise<Record<string, unknown>[]>;
  askQuarantine(select: string): Promise<Record<string, unknown>[]>;
  /** Every record below is visible, as the worker told; undefined when it told nothing yet. */
  border(): bigint | undefined;
  /** Resolves when everything in the log is visible. */
  settled(): Promise<void>;
  /** A new store and worker on the same engine directory and log, as after a start of the program. */
  restart(options?: WorldOptions): Promise<World>;
  close(): Promise<void>;
};

export type WorldOptions = {
  config?: string;
  bounds?: Partial<WorkerBounds>;
  compileCondition?: (logql: string) => string;
};

type Kept = { database: string; log: LogDouble };

// The embedded engine takes one directory per process, so the tests of a file share it, each with a database of its own.
const directory = mkdtempSync(join(tmpdir(), 'weir-process-'));
const engine = openDouble(join(directory, 'engine'));
let worlds = 0;
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

export const union = (tables: readonly string[], select: string, where = '1'): string =>
  tables.map(t => `SELECT ${select} FROM ${t} WHERE ${where}`).join(' UNION ALL ');

export async function openWorld(options: WorldOptions = {}, kept?: Kept): Promise<World> {
  const log = kept?.log ?? openLogDouble();
  const database = kept?.database ?? `weir_${++worlds}`;
  const parsed: Config = parseConfig(options.config ?? '');
  const config: Config = { ...parsed, store: { ...parsed.store, database } };
  engine.reset();
  const compileCondition = options.compileCondition ?? (text => text);
  const store = openStore({
    engine,
    streams: engine,
    config,
    compileCondition,
    numberColumnsOf: numberColumnDefinitions,
    directory: join(directory, 'engine'),
  });
  const worker = startWorker({
    source: log,
    engine,
    store,
    config,
    compileCondition,
    spoolDirectory: join(directory, 'spool'),
    bounds: { tickMillisMin: 20, tickMillisBusy: 20, sealMillis: 600_000, ...options.bounds },
  });
  let border: bigint | undefined;
  worker.onVisible((_, to) => {
    border = to;
  });
  await engine.start();
  await worker.ready;

  const rowsOf = async (question: Question): Promise<Record<string, unknown>[]> => {
    const answer = await store.runQuery(question);
    const rows: Record<string, unknown>[] = [];
    for await (const batch of answer.rows) rows.push(...batch);
    return rows;
  };
  return {
    database,
    engine,
    log,
    store,
    worker,
    ask: (select, where) =>
      rowsOf({ sql: ({ records }) => `SELECT ${select} FROM (${union(records, '*', where)}) ORDER BY 1` }),
    askQuarantine: select =>
      rowsOf({ sql: ({ quarantine }) => `SELECT ${select} FROM (${union(quarantine, '*')}) ORDER BY seq` }),
    border: () => border,
    async settled() {
      for (let i = 0; i < 2_000 && worker.lag().records > 0; i++) await new Promise(resolve => setTimeout(resolve, 10));
    },
    restart: next => openWorld(next ?? options, { database, log }),
    async close() {
      await worker.stop();
      await store.close();
      await engine.run({ sql: `DROP DATABASE IF EXISTS ${database} SYNC` });
    },
  };
}
