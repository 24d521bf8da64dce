import type { Config } from '../base/config.ts';
import { log } from '../base/log.ts';
import { isExpired } from '../base/retention-class.ts';
import { retentionDropped } from '../base/telemetry.ts';
import type { Engine } from '../flow.ts';
import { quoteString } from '../language/sql-writer.ts';
import type { TableNames } from './schema.ts';

const periodMillis = 60_000;

export type RetentionTimer = {
  /** One round now; used by the timer and by tests. Resolves with the dropped partitions. */
  run(now?: number): Promise<string[]>;
  stop(): void;
};

export type RetentionOptions = {
  engine: Engine;
  names: TableNames;
  config: Config;
  /** Called after records were dropped, or may have been. */
  dropped: () => void;
};

type Partition = { id: string; partition: string; day: string; rows: number; bytes: number };

/**
 * Drops whole partitions: those whose class says so by receive day, then, while the store is larger than `retention.disk_bytes`, the oldest
 * day of all classes, but never the current one. Dropping comes before noting it, since a full disk refuses the note and not the drop.
 */
export function startRetention({ engine, names, config, dropped: recordsDropped }: RetentionOptions): RetentionTimer {
  /** Notes that a full disk refused. */
  let unnoted: { partition: string; reason: string; rows: number }[] = [];

  async function drop(table: string, { id }: Pick<Partition, 'id'>): Promise<void> {
    await engine.run({ sql: `ALTER TABLE ${table} DROP PARTITION ID ${quoteString(id)}` });
  }

  async function partitionsOf(table: string): Promise<Partition[]> {
    const rows = await engine.run({
      sql: `SELECT partition_id AS id, partition, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
WHERE active AND database = ${quoteString(names.databaseName)} AND table = ${quoteString(table)} GROUP BY id, partition`,
    });
    return rows.map(r => {
      const partition = String(r.partition).replace(/^\('(.*)','(.*)'\)$/, '$1/$2');
      return {
        id: String(r.id),
        partition,
        day: partition.split('/').at(-1) ?? '',
        rows: Number(r.rows),
        bytes: Number(r.bytes),
      };
    });
  }

  async function dropRecords(partition: Partition, reason: 'age' | 'disk'): Promise<void> {
    await drop(names.records, partition).finally(recordsDropped);
    retentionDropped(reason, partition.rows);
    log.info(
      { partition: partition.partition, rows: partition.rows, bytes: partition.bytes, reason },
      'retention: partition dropped',
    );
    unnoted.push({ partition: partition.partition, reason, rows: partition.rows });
  }

  async function run(now: number = Date.now()): Promise<string[]> {
    const today = new Date(now).toISOString().slice(0, 10);
    let kept = await partitionsOf('records');
    const dropped: string[] = [];
    const takeOut = async (partitions: readonly Partition[], reason: 'age' | 'disk'): Promise<void> => {
      for (const partition of partitions) {
        await dropRecords(partition, reason);
        dropped.push(partition.partition);
      }
      kept = kept.filter(p => !partitions.includes(p));
    };
    await takeOut(
      kept.filter(p => isExpired(p.partition, now)),
      'age',
    );
    const limit = config.retention.disk_bytes;
    while (limit > 0 && kept.reduce((sum, p) => sum + p.bytes, 0) > limit) {
      const oldest = kept.map(p => p.day).sort()[0];
      if (oldest === undefined || oldest >= today) {
        log.warn(
          { limit },
          'retention: the current day alone is larger than retention.disk_bytes; nothing more can be dropped',
        );
        break;
      }
      await takeOut(
        kept.filter(p => p.day === oldest),
        'disk',
      );
    }
    for (const partition of await partitionsOf('quarantine'))
      if (isExpired(`d${config.retention.days}/${partition.day}`, now)) await drop(names.quarantine, partition);
    const oldestKept = kept.map(p => p.day).sort()[0] ?? today;
    for (const partition of await partitionsOf('streams'))
      if (partition.day < oldestKept && partition.day < today) await drop(names.streams, partition);
    await note();
    return dropped;
  }

  async function note(): Promise<void> {
    if (unnoted.length === 0) return;
    const values = unnoted.map(n => `(${quoteString(n.partition)}, ${quoteString(n.reason)}, ${n.rows})`);
    await engine.run({ sql: `INSERT INTO ${names.expired} (partition, reason, rows) VALUES ${values.join(', ')}` });
    unnoted = [];
  }

  let running = false;
  const tick = (): void => {
    if (running || !engine.up()) return;
    running = true;
    run()
      .catch((error: unknown) => log.error({ err: error }, 'retention: round failed; the next one is in a minute'))
      .finally(() => {
        running = false;
      });
  };
  const timer = setInterval(tick, periodMillis);
  timer.unref();
  tick();
  return { run, stop: () => clearInterval(timer) };
}
