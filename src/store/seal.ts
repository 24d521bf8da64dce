import { assert } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { segmentOfSeq } from '../base/record.ts';
import { isExpired } from '../base/retention-class.ts';
import { tailSealed } from '../base/telemetry.ts';
import type { Engine, LearntTemplates, SealOrder, SqlSettings, Tail } from '../flow.ts';
import { quoteString, rowsWithout } from '../language/sql-writer.ts';
import type { DeleteRequests } from './deletes.ts';
import type { HandOver, Moved } from './hand-over.ts';
import { type Ledger, type LedgerRow, quarantineKey } from './ledger.ts';
import { selectStreams, type TableNames } from './schema.ts';

/** One block per partition, so one part per partition, however many blocks the tail has. */
const oneBlock: SqlSettings = {
  max_threads: 1,
  max_insert_threads: 1,
  min_insert_block_size_rows: 1_000_000_000,
  min_insert_block_size_bytes: 1_000_000_000_000,
  max_insert_block_size: 1_000_000_000,
  max_partitions_per_insert_block: 10_000,
  max_query_size: 64 * 1024 * 1024,
};

/** How long questions that start now may be held back while older ones get their snapshots; then the move is put off. */
const patienceMillis = 250;
const postponedMillis = 500;

type Kind = keyof Moved;
type Staged = { kind: Kind; partition: string; id: string };

export type Sealing = {
  engine: Engine;
  names: TableNames;
  handOver: HandOver;
  ledger: Ledger;
  requests: DeleteRequests;
};

const stagingOf = (names: TableNames, kind: Kind): string =>
  ({ records: names.staging, quarantine: names.quarantineStaging, streams: names.streamsStaging })[kind];

const kindOf: Record<string, Kind> = {
  staging: 'records',
  quarantine_staging: 'quarantine',
  streams_staging: 'streams',
};

/** What the staging tables hold; moved parts leave empty ones behind. */
async function staged({ engine, names }: Sealing): Promise<Staged[]> {
  const rows = await engine.run({
    sql: `SELECT DISTINCT table, partition, partition_id AS id FROM system.parts
WHERE active AND rows > 0 AND database = ${quoteString(names.databaseName)} AND table IN (${Object.keys(kindOf).map(quoteString).join(', ')})`,
  });
  return rows.map(r => {
    const kind = kindOf[String(r.table)];
    assert(kind, `${String(r.table)} is a staging table`);
    return { kind, partition: partitionText(String(r.partition)), id: String(r.id) };
  });
}

/** `('d30','2026-11-20')` as the engine prints a partition -> `d30/2026-11-20`; a single value stays as it is. */
const partitionText = (printed: string): string => printed.replace(/^\('(.*)','(.*)'\)$/, '$1/$2');

/**
 * New staging tables in place of the old, made like the tables that they are for. A move leaves an empty part in the place of each moved one, which the next move of the partition would take
 * along: emptied tables gave `records` more empty parts with every seal, and merges that nobody needed (docs/decisions/0008).
 */
export async function renewStaging({ engine, names }: Sealing, kinds: readonly Kind[]): Promise<void> {
  for (const kind of kinds) {
    await engine.run({ sql: `DROP TABLE IF EXISTS ${stagingOf(names, kind)} SYNC` });
    await engine.run({ sql: `CREATE TABLE ${stagingOf(names, kind)} AS ${names[kind]}` });
  }
}

/**
 * Tail -> staging (one part per partition) -> `records` by MOVE PARTITION under the hand-over -> ledger.
 * A crash anywhere leaves either rows that the ledger does not cover (replayed from the log, those present are skipped) or all done.
 */
export async function seal(sealing: Sealing, order: SealOrder): Promise<{ rows: number; parts: number }> {
  const { engine, names, handOver, ledger } = sealing;
  const started = performance.now();
  const { tail } = order;
  const records = await rowsToStore(sealing, tail);
  const tailCounts = await ledger.counts(order.from, order.to, records, tail.quarantine);
  const anyQuarantined = [...tailCounts.values()].some(counts => counts.has(quarantineKey));
  // Rows that a failed seal left in the staging table of quarantine are of this tail: others begin with a `prepare`.
  await renewStaging(sealing, anyQuarantined ? ['records', 'quarantine', 'streams'] : ['records', 'streams']);
  await noteTemplates(sealing, order.templates);
  await engine.run({
    sql: `INSERT INTO ${names.staging} SELECT ${withTemplates(order.templates)} FROM ${records}`,
    settings: oneBlock,
  });
  if (anyQuarantined)
    await engine.run({
      sql: `INSERT INTO ${names.quarantineStaging} SELECT * FROM ${tail.quarantine}`,
      settings: oneBlock,
    });
  await engine.run({ sql: `INSERT INTO ${names.streamsStaging} ${selectStreams(records)}`, settings: oneBlock });
  let partitions = await staged(sealing);
  const gone = order.note === 'tail' ? new Set<string>() : await ledger.expired();
  const late = partitions.filter(p => p.kind === 'records' && (gone.has(p.partition) || isExpired(p.partition)));
  for (const { partition, id } of late) {
    log.warn({ partition }, 'store: records replayed from the log are older than their retention; not stored again');
    await engine.run({ sql: `ALTER TABLE ${names.staging} DROP PARTITION ID ${quoteString(id)}` });
    for (const counts of tailCounts.values()) counts.delete(partition);
  }
  partitions = partitions.filter(p => !late.includes(p));

  const [times] = await engine.run({
    sql: `SELECT toString(toUnixTimestamp64Nano(min(first))) AS first, toString(toUnixTimestamp64Nano(max(last))) AS last FROM ${names.streamsStaging}`,
  });

  const move = async (moved: Moved): Promise<void> => {
    handOver.history.added(BigInt(String(times?.first)), BigInt(String(times?.last)));
    for (const { kind, partition, id } of partitions) {
      if (moved[kind].includes(partition)) continue;
      try {
        await engine.run({
          sql: `ALTER TABLE ${stagingOf(names, kind)} MOVE PARTITION ID ${quoteString(id)} TO TABLE ${names[kind]}`,
        });
      } catch (error) {
        if ((await staged(sealing)).some(s => s.kind === kind && s.id === id)) throw error;
      }
      moved[kind].push(partition);
    }
  };
  while (!(await handOver.exclusive(tail, patienceMillis, move))) {
    log.debug('store: hand-over put off, a question has no snapshot yet');
    await new Promise(resolve => setTimeout(resolve, postponedMillis));
  }

  const counts =
    order.note === 'store' ? await ledger.counts(order.from, order.to, names.records, names.quarantine) : tailCounts;
  if (order.note !== 'nothing') await ledger.write(ledgerRows(order, counts));
  const rows = [...counts.values()].flatMap(c => [...c.values()]).reduce((a, b) => a + b, 0);
  tailSealed((performance.now() - started) / 1000, rows);
  return { rows, parts: partitions.filter(p => p.kind === 'records').length };
}

/** SQL: the rows of a tail, without those that delete requests have removed or are removing: rows replayed from the log must not bring them back. */
async function rowsToStore({ engine, requests }: Sealing, tail: Tail): Promise<string> {
  if (!requests.removes()) return tail.records;
  const [row] = await engine.run({
    sql: `SELECT toUnixTimestamp64Nano(min(received)) AS first, count() AS n FROM ${tail.records}`,
  });
  return Number(row?.n) === 0
    ? tail.records
    : rowsWithout(tail.records, requests.removedSince(BigInt(String(row?.first))));
}

/** Before any row with such an id is in parts. */
async function noteTemplates({ engine, names }: Sealing, templates: LearntTemplates | undefined): Promise<void> {
  const rows = [...(templates?.changed ?? [])].flatMap(([tenant, changed]) =>
    changed.map(t => `(${quoteString(tenant)}, ${quoteString(t.id)}, ${t.number}, ${quoteString(t.pattern)})`),
  );
  if (rows.length === 0) return;
  await engine.run({ sql: `INSERT INTO ${names.templates} (tenant, id, number, pattern) VALUES ${rows.join(', ')}` });
}

/** SQL: all columns of a tail, with the ids of templates in place of those of shapes. */
function withTemplates(templates: LearntTemplates | undefined): string {
  const legs = [...(templates?.renamed ?? [])]
    .filter(([, ids]) => ids.size > 0)
    .map(([tenant, ids]) => {
      const list = (values: Iterable<string>): string => `[${[...values].map(quoteString).join(', ')}]`;
      const otherwise = templates?.otherwise === undefined ? 'template' : quoteString(templates.otherwise);
      return `tenant = ${quoteString(tenant)}, transform(template, ${list(ids.keys())}, ${list(ids.values())}, ${otherwise})`;
    });
  return legs.length === 0 ? '*' : `* REPLACE (multiIf(${legs.join(', ')}, template) AS template)`;
}

/**
 * One row per segment that the range has rows in, and one for its last segment, so that the range is covered to its end. Segment numbers have
 * gaps (they follow the clock), so the numbers between are never counted through.
 */
function ledgerRows(order: SealOrder, counts: ReadonlyMap<number, ReadonlyMap<string, number>>): LedgerRow[] {
  assert(order.to > order.from, 'a seal covers at least one row');
  const rows: LedgerRow[] = [];
  const touched = new Set([...counts.keys(), ...order.dropped.keys(), segmentOfSeq(order.to - 1n)]);
  for (const segment of [...touched].sort((a, b) => a - b)) {
    const stored = new Map(counts.get(segment));
    const quarantined = stored.get(quarantineKey) ?? 0;
    stored.delete(quarantineKey);
    const first = BigInt(segment) << 32n;
    const after = BigInt(segment + 1) << 32n;
    rows.push({
      segment,
      first: order.from > first ? order.from : first,
      end: order.to < after ? order.to : after,
      stored,
      quarantined,
      dropped: order.dropped.get(segment) ?? 0,
    });
  }
  return rows;
}
