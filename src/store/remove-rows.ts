import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../base/config.ts';
import { WeirError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { recordsDeleted } from '../base/telemetry.ts';
import type { DeleteRequest, Engine, RunQuery } from '../flow.ts';
import { quoteString, quoteTime } from '../language/sql-writer.ts';
import type { DeleteRequests } from './deletes.ts';
import type { Ledger } from './ledger.ts';
import type { TableNames } from './schema.ts';

const periodMillis = 5_000;
const pollMillis = 100;
/** Records that were on their way into the log when the request was made are visible by then, if nothing is behind. */
const settleMillis = 10_000;

export type RemovalTimer = {
  /** One round now; used by the timer and by tests. Resolves with the ids of the requests that are done. */
  run(now?: number): Promise<string[]>;
  /** Resolves soon, whatever is in progress. */
  stop(): Promise<void>;
};

export type RemovalOptions = {
  engine: Engine;
  names: TableNames;
  ledger: Ledger;
  requests: DeleteRequests;
  config: Config;
  runQuery: RunQuery;
  /** True when every record of the log is visible. */
  caughtUp: () => boolean;
  /** Run while no tail is being sealed. */
  betweenSeals: <T>(work: () => Promise<T>) => Promise<T>;
  /** Count the streams of these receive days anew. */
  rebuildStreams: (days: readonly string[]) => Promise<void>;
  /** Make the file system durable. */
  sync: () => Promise<void>;
};

/**
 * Carries out delete requests whose time to be cancelled is over. The engine's own mutation rewrites the parts that hold matching rows, each atomically and
 * with its indexes; it goes on after a crash. A request stays hidden from questions until nothing of it is left in parts or tails, and what
 * is replayed from the log later is left out by the seal. Lightweight deletes are not used: parts with a text index do not merge well after them.
 */
export function startRemoval(options: RemovalOptions): RemovalTimer {
  const { engine, names, ledger, requests, config, runQuery, caughtUp, betweenSeals, rebuildStreams, sync } = options;

  const stopped = new AbortController();
  const { signal } = stopped;

  /** Waits until no mutation of `records` is left. A mutation that fails is stopped: it would be tried for ever. */
  async function mutated(): Promise<void> {
    const where = `database = ${quoteString(names.databaseName)} AND table = 'records' AND NOT is_done`;
    for (;;) {
      // The engine goes on by itself, also after a start of the program; the request is then taken up again.
      signal.throwIfAborted();
      const left = await engine.run({
        sql: `SELECT latest_fail_reason AS reason FROM system.mutations WHERE ${where}`,
      });
      if (left.length === 0) return;
      const failed = left.find(row => row.reason !== '');
      if (failed) {
        await engine.run({ sql: `KILL MUTATION WHERE ${where} SYNC` });
        log.error({ reason: failed.reason }, 'deletes: parts could not be rewritten');
        throw new WeirError('query_failed', { code: 'mutation', id: 'delete' });
      }
      await sleep(pollMillis, undefined, { signal });
    }
  }

  /** Rows of the request that are in parts, by partition and segment. */
  const rowsInParts = (condition: string): Promise<Record<string, unknown>[]> =>
    engine.run({
      sql: `SELECT _partition_id AS id, concat(class, '/', toString(toDate(received))) AS partition, toString(toDate(received)) AS day,
toUInt32(bitShiftRight(seq, 32)) AS segment, count() AS n FROM ${names.records} WHERE ${condition} GROUP BY id, partition, day, segment`,
      signal,
    });

  async function emptyParts(): Promise<void> {
    const rows = await engine.run({
      sql: `SELECT name FROM system.parts WHERE active AND rows = 0 AND database = ${quoteString(names.databaseName)} AND table = 'records'`,
    });
    for (const { name } of rows)
      await engine
        .run({ sql: `ALTER TABLE ${names.records} DROP PART ${quoteString(String(name))}` })
        .catch((err: unknown) => log.debug({ err, name }, 'deletes: an empty part went by itself'));
  }

  /** Rewrite the parts that hold rows of the request. Resolves with the number of rows. */
  async function rewrite(condition: string): Promise<number> {
    const found = await rowsInParts(condition);
    if (found.length === 0) return 0;
    for (const id of new Set(found.map(row => String(row.id))))
      await engine.run({
        sql: `ALTER TABLE ${names.records} DELETE IN PARTITION ID ${quoteString(id)} WHERE ${condition}`,
        settings: { mutations_sync: 0 },
      });
    await mutated();
    await emptyParts();
    const stored = new Map<number, Map<string, number>>();
    for (const row of found) {
      const partitions = stored.get(Number(row.segment)) ?? new Map<string, number>();
      const partition = String(row.partition);
      partitions.set(partition, (partitions.get(partition) ?? 0) - Number(row.n));
      stored.set(Number(row.segment), partitions);
    }
    // Beginning and end are the same, so that the row covers nothing of the log.
    await ledger.write(
      [...stored].map(([segment, partitions]) => {
        const first = BigInt(segment) << 32n;
        return { segment, first, end: first, stored: partitions, quarantined: 0, dropped: 0 };
      }),
    );
    await betweenSeals(() => rebuildStreams([...new Set(found.map(row => String(row.day)))]));
    return found.reduce((sum, row) => sum + Number(row.n), 0);
  }

  /** Rows of the request in parts and tails. */
  async function left(condition: string): Promise<number> {
    const answer = await runQuery({
      sql: ({ records }) =>
        `SELECT sum(n) AS n FROM (${records.map(table => `SELECT count() AS n FROM ${table} WHERE ${condition}`).join(' UNION ALL ')})`,
      timeoutMs: 0,
      signal,
    });
    let n = 0;
    for await (const batch of answer.rows) for (const row of batch) n += Number(row.n);
    return n;
  }

  /** Receive days whose list of streams may count rows of the request. */
  async function daysOf({ tenant, start, end }: DeleteRequest): Promise<string[]> {
    const rows = await engine.run({
      sql: `SELECT DISTINCT toString(received) AS receive_day FROM ${names.streams}
WHERE tenant = ${quoteString(tenant)} AND day >= toDate(${quoteTime(start)}) AND day <= toDate(${quoteTime(end)})`,
    });
    return rows.map(row => String(row.receive_day));
  }

  /** Rows that were removed by the requests in progress, as far as this process did it. */
  const removed = new Map<string, number>();
  async function carryOut(request: DeleteRequest, now: number): Promise<boolean> {
    const condition = requests.condition(request);
    if (request.state === 'received' && !(await requests.note(request.id, 'processing'))) return false;
    // A seal that began before took no notice of the request; those that begin now leave its rows out.
    await betweenSeals(async () => {});
    // A removal that broke off may have rewritten parts and no more. (The ledger then counts rows that are gone: after a power cut they are read from
    // the log again, left out by the seal, and the ledger is put right.)
    const resumed = request.state === 'processing' && !removed.has(request.id);
    const rows = await rewrite(condition);
    if (resumed) await betweenSeals(async () => rebuildStreams(await daysOf(request)));
    removed.set(request.id, (removed.get(request.id) ?? 0) + rows);
    if (rows > 0) recordsDeleted(rows);
    const settled = BigInt(now - settleMillis) * 1_000_000n > request.created;
    if (!settled || !caughtUp() || (await left(condition)) > 0) return false;
    await sync();
    await requests.note(request.id, 'processed', removed.get(request.id) ?? 0);
    log.info(
      { id: request.id, tenant: request.tenant, rows: removed.get(request.id) },
      'deletes: the records of a request are removed',
    );
    removed.delete(request.id);
    return true;
  }

  async function run(now: number = Date.now()): Promise<string[]> {
    const due = requests.due(BigInt(now - config.deletes.cancel_period) * 1_000_000n);
    // After a power cut the store is compared with the log first; a note in the ledger would look as if that were done.
    if (due.length === 0 || (await ledger.fromEarlierBoot())) return [];
    const done: string[] = [];
    for (const request of due) if (await carryOut(request, now)) done.push(request.id);
    return done;
  }

  let running: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    if (running || !engine.up()) return;
    running = run()
      .catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'deletes: round failed; the next one tries again');
      })
      .finally(() => {
        running = undefined;
      });
  }, periodMillis);
  timer.unref();
  return {
    run,
    async stop() {
      clearInterval(timer);
      stopped.abort();
      await running;
    },
  };
}
