import type { Config } from '../base/config.ts';
import { log } from '../base/log.ts';
import { gaugeFrom } from '../base/telemetry.ts';
import type { Deletes, Engine, NumberColumnsOf, PartsView, RunBytes, RunQuery, Tail, TailStore } from '../flow.ts';
import { quoteString } from '../language/sql-writer.ts';
import { type CompileCondition, DeleteRequests } from './deletes.ts';
import { DetachedParts } from './detached.ts';
import { HandOver } from './hand-over.ts';
import { factColumns, readFacts } from './parts-history.ts';
import { ensureNumbers } from './numbers.ts';
import { Ledger } from './ledger.ts';
import { migrate } from './migrations.ts';
import { type RemovalTimer, startRemoval } from './remove-rows.ts';
import { type RetentionTimer, startRetention } from './retention.ts';
import { type EngineStreams, makeRunBytes, makeRunQuery } from './run-query.ts';
import { createIncoming, createLines, createQuarantineTail, createTail, selectStreams, tableNames } from './schema.ts';
import { type Sealing, seal } from './seal.ts';
import { snapshotsTaken } from './snapshots-taken.ts';
import { Staging } from './staging.ts';
import { fileSystemSync } from './sync.ts';

export type Store = TailStore & {
  runQuery: RunQuery;
  runBytes: RunBytes;
  /** See HandOver.partsNow. */
  partsNow: () => PartsView | undefined;
  /** Drops what is older than its retention, now and every minute, until stopped. To be started after `prepare`. */
  startRetention(): RetentionTimer;
  deletes: Deletes;
  /** Carries out delete requests whose time to be cancelled is over, until stopped. `caughtUp` tells whether all of the log is visible. To be started after `prepare`. */
  startRemoval(caughtUp: () => boolean): RemovalTimer;
  /** Stops timers and waits for tables being dropped; the engine is not ours to stop. */
  close(): Promise<void>;
};

export type StoreOptions = {
  engine: Engine;
  streams: EngineStreams;
  config: Config;
  /** For the queries of delete requests. */
  compileCondition: CompileCondition;
  numberColumnsOf: NumberColumnsOf;
  /** Directory of the embedded engine; absent when the engine is a server elsewhere. */
  directory?: string;
};

/** The tables and who may name them. Nothing is touched before `prepare`. */
export function openStore(options: StoreOptions): Store {
  const { engine, streams, config, compileCondition, numberColumnsOf, directory } = options;
  const names = tableNames(config.store.database);
  const local = directory !== undefined;
  const sync = fileSystemSync(directory);
  const ledger = new Ledger(engine, names, local);
  const detached = new DetachedParts(engine, names.databaseName);
  let tailsMade = 0;
  let incomingMade = false;
  let linesMade = false;
  /** Fields with number columns, in the order of the columns: a tail has them in the same order, because a seal copies by position. */
  let numbers: readonly string[] = [];

  const drops = new Set<Promise<void>>();
  const dropTail = (tail: Tail): void => {
    for (const table of [tail.records, tail.quarantine]) {
      const drop: Promise<void> = engine
        .run({ sql: `DROP TABLE IF EXISTS ${table} SYNC` })
        .then(
          () => {},
          (err: unknown) =>
            log.warn({ err, table }, 'store: a sealed tail could not be dropped; the next start does it'),
        )
        .finally(() => drops.delete(drop));
      drops.add(drop);
    }
  };
  const without = (table: string, key: string, moved: readonly string[]): string =>
    moved.length === 0 ? table : `(SELECT * FROM ${table} WHERE ${key} NOT IN (${moved.map(quoteString).join(', ')}))`;
  const day = 'toString(toDate(received))';
  const handOver = new HandOver(
    {
      fixed: {
        records: [names.records],
        quarantine: [names.quarantine],
        streams: [names.streams],
        templates: `(SELECT tenant, id, argMax(pattern, at) AS pattern FROM ${names.templates} GROUP BY tenant, id)`,
      },
      numbers: () => numbers,
      // A server may have other writers.
      alone: local,
      ofTail: {
        records: (tail, moved) => without(tail.records, `concat(class, '/', ${day})`, moved),
        quarantine: (tail, moved) => without(tail.quarantine, day, moved),
        streams: (tail, moved) => `(${selectStreams(without(tail.records, day, moved))})`,
      },
    },
    queryIds => snapshotsTaken(engine, queryIds),
    dropTail,
  );
  const requests = new DeleteRequests(engine, names, compileCondition);
  const staging = new Staging(engine, names);
  const sealing: Sealing = { engine, names, staging, handOver, ledger, requests, doubtfulDays: new Set() };
  let lastSeal: Promise<unknown> = Promise.resolve();
  /** Seals and what must not meet them use the staging tables in turn. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = lastSeal.then(work, work);
    lastSeal = mine.catch(() => undefined);
    return mine;
  };
  const runQuery = makeRunQuery({ streams, handOver, config });
  gaugeFrom('weir_store_detached_parts', 'parts that the engine set aside as damaged', () => detached.known());

  const seqsIn = (range: string): string =>
    `SELECT seq FROM ${names.records} WHERE ${range} UNION ALL SELECT seq FROM ${names.quarantine} WHERE ${range}`;

  return {
    async prepare() {
      handOver.show([]);
      handOver.history.reset();
      const changed = await migrate(engine, names, config);
      numbers = await ensureNumbers(engine, names, config.store.numbers, numberColumnsOf);
      const leftovers = await engine.run({
        sql: `SELECT name FROM system.tables WHERE database = ${quoteString(names.databaseName)} AND engine = 'Memory'
AND match(name, '^((quarantine_)?tail_[0-9]+|incoming|lines)$')`,
      });
      for (const { name } of leftovers)
        await engine.run({ sql: `DROP TABLE IF EXISTS ${names.database}.${quoteNameOf(String(name))} SYNC` });
      incomingMade = false;
      linesMade = false;
      await staging.prepare();
      if (changed) await sync.now();
      await requests.load();
      if (local) void learnFacts(handOver.history.generation);
    },
    async openTail() {
      const id = ++tailsMade;
      const tail = { id, records: names.tail(id), quarantine: names.quarantineTail(id) };
      await engine.run({ sql: createTail(tail.records, numbers.flatMap(numberColumnsOf)) });
      await engine.run({ sql: createQuarantineTail(tail.quarantine) });
      return tail;
    },
    show: tails => handOver.show(tails),
    discard: dropTail,
    seal: order =>
      inTurn(async () => {
        sync.wrote();
        const report = await seal(sealing, order);
        // Of rows that were there before, the sums may or may not have been: count those days anew.
        const present = order.note === 'store' ? await receiveDaysSince(order.from) : [];
        await rebuildStreams([...new Set([...present, ...sealing.doubtfulDays])]);
        sealing.doubtfulDays.clear();
        await sync.now();
        return report;
      }),
    async templates(tenant) {
      const rows = await engine.run({
        sql: `SELECT id, argMax(pattern, at) AS pattern, any(number) AS number FROM ${names.templates} WHERE tenant = ${quoteString(tenant)} GROUP BY id ORDER BY number, id`,
      });
      return rows.map(r => ({ id: String(r.id), pattern: String(r.pattern), number: Number(r.number) }));
    },
    async emptyIncoming() {
      if (!incomingMade) await engine.run({ sql: createIncoming(names.incoming) });
      else await engine.run({ sql: `TRUNCATE TABLE ${names.incoming}` });
      incomingMade = true;
      return names.incoming;
    },
    lines: {
      table: names.lines,
      async empty() {
        await engine.run({ sql: linesMade ? `TRUNCATE TABLE ${names.lines}` : createLines(names.lines) });
        linesMade = true;
      },
    },
    coveredUntil: () => ledger.coveredUntil(),
    async presentUntil(from) {
      const [row] = await engine.run({
        sql: `SELECT count() AS n, toString(max(seq)) AS last FROM (${seqsIn(`seq >= ${from}`)})`,
      });
      return Number(row?.n) > 0 ? BigInt(String(row?.last)) + 1n : from;
    },
    presentSeqs: (from, to) => seqsIn(`seq >= ${from} AND seq < ${to}`),
    suspect: async () => (await detached.look()) || (local && (await ledger.fromEarlierBoot())),
    gaps: segments => ledger.gaps(segments),
    settle: segments =>
      inTurn(async () => {
        await ledger.settle(segments);
        if (segments.length > 0) await rebuildStreams(await receiveDaysSince(BigInt(Math.min(...segments)) << 32n));
        await sync.now();
      }),
    deletes: requests,
    startRemoval: caughtUp =>
      startRemoval({
        engine,
        names,
        ledger,
        requests,
        config,
        runQuery,
        caughtUp,
        betweenSeals: inTurn,
        rebuildStreams,
        sync: () => sync.now(),
      }),
    runQuery,
    partsNow: () => handOver.partsNow(),
    runBytes: makeRunBytes({ streams, handOver, config }),
    startRetention: () => startRetention({ engine, names, config, dropped: () => handOver.history.lost() }),
    async close() {
      sync.stop();
      await Promise.all(drops);
    },
  };

  async function receiveDaysSince(first: bigint): Promise<string[]> {
    const days = await engine.run({
      sql: `SELECT DISTINCT toDate(received) AS day FROM ${names.records} WHERE seq >= ${first}`,
    });
    return days.map(({ day: value }) => String(value));
  }

  /**
   * What is true of all records of the parts, so that questions need not compare what cannot differ: some CPU-ms per million rows, once per
   * start. To be called while no move is in progress.
   */
  async function learnFacts(generation: number): Promise<void> {
    try {
      const [row] = await engine.run({
        sql: `SELECT toString(count()) AS n, ${factColumns('timestamp', 'timestamp')} FROM ${names.records}`,
        settings: { max_threads: 1 },
      });
      handOver.history.learnt(generation, !row || row.n === '0' ? undefined : readFacts(row));
    } catch (err) {
      log.debug({ err }, 'store: what is true of all parts is not known; questions compare every record');
    }
  }

  /** `streams` of these receive days, counted anew from the records. */
  async function rebuildStreams(days: readonly string[]): Promise<void> {
    for (const quoted of days.map(quoteString)) {
      await staging.renew(['streams']);
      await engine.run({
        sql: `INSERT INTO ${names.streamsStaging} ${selectStreams(`(SELECT * FROM ${names.records} WHERE toDate(received) = ${quoted})`)}`,
      });
      const [left] = await engine.run({ sql: `SELECT count() AS n FROM ${names.streamsStaging}` });
      await engine.run({
        sql:
          Number(left?.n) > 0
            ? `ALTER TABLE ${names.streams} REPLACE PARTITION ${quoted} FROM ${names.streamsStaging}`
            : `ALTER TABLE ${names.streams} DROP PARTITION ${quoted}`,
      });
    }
  }
}

/** Names read back from the system tables match `[a-z_0-9]+` (see the condition above). */
const quoteNameOf = (name: string): string => `\`${name}\``;
