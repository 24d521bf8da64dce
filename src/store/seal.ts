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
import type { Staging } from './staging.ts';

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

export type Sealing = {
  engine: Engine;
  names: TableNames;
  staging: Staging;
  handOver: HandOver;
  ledger: Ledger;
  requests: DeleteRequests;
  /** Receive days whose sums may or may not have come to `streams`: to be counted anew when the seal is done. */
  doubtfulDays: Set<string>;
};

/** As a statement names it: `d30/2026-11-20` -> `('d30', '2026-11-20')`; a day stays one value. */
const partitionSql = (partition: string): string => `(${partition.split('/').map(quoteString).join(', ')})`;

/**
 * Tail -> staging (one part per partition) -> `records` by MOVE PARTITION under the hand-over -> ledger.
 * A crash anywhere leaves either rows that the ledger does not cover (replayed from the log, those present are skipped) or all done.
 */
export async function seal(sealing: Sealing, order: SealOrder): Promise<{ rows: number; parts: number }> {
  const { engine, names, staging, handOver, ledger } = sealing;
  const started = performance.now();
  const { tail } = order;
  const records = await rowsToStore(sealing, tail);
  const {
    counts: tailCounts,
    quarantineDays,
    facts,
  } = await ledger.look(order.from, order.to, records, tail.quarantine);
  const anyQuarantined = quarantineDays.length > 0;
  // Rows that a failed seal left in the staging table of quarantine are of this tail: others begin with a `prepare`.
  await staging.renew(anyQuarantined ? ['records', 'quarantine'] : ['records']);
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
  const gone = order.note === 'tail' ? new Set<string>() : await ledger.expired();
  const late = partitionsOf(tailCounts).filter(partition => gone.has(partition) || isExpired(partition));
  for (const partition of late) {
    log.warn({ partition }, 'store: records replayed from the log are older than their retention; not stored again');
    for (const counts of tailCounts.values()) counts.delete(partition);
  }
  const partitions = partitionsOf(tailCounts);

  const move = async (moved: Moved): Promise<void> => {
    if (facts) handOver.history.added(facts);
    await movePartitions(sealing, 'records', partitions, moved);
    await movePartitions(sealing, 'quarantine', quarantineDays, moved);
    // After the records: a crash in between leaves rows without their sums, which the next start sees by their seqs.
    await writeStreams(sealing, records, partitions, late.length > 0, moved);
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
  return { rows, parts: partitions.length };
}

/** Partitions of records that have rows. */
const partitionsOf = (counts: ReadonlyMap<number, ReadonlyMap<string, number>>): string[] => [
  ...new Set([...counts.values()].flatMap(of => [...of.keys()].filter(key => key !== quarantineKey))),
];

async function movePartitions(
  { engine, names, staging }: Sealing,
  kind: 'records' | 'quarantine',
  partitions: readonly string[],
  moved: Moved,
): Promise<void> {
  for (const partition of partitions.filter(p => !moved[kind].includes(p))) {
    try {
      await engine.run({
        sql: `ALTER TABLE ${staging.table(kind)} MOVE PARTITION ${partitionSql(partition)} TO TABLE ${names[kind]}`,
      });
    } catch (error) {
      if (await staging.holds(kind, partition)) throw error;
    }
    moved[kind].push(partition);
  }
}

/**
 * The sums of the moved records (`more`: the tail has others beside them), one INSERT and so one part for each receive day, while no question is between its sources and its snapshot. What became of an
 * INSERT that failed is not known: its day counts as written and is counted anew when the seal is done.
 */
async function writeStreams(
  { engine, names, doubtfulDays }: Sealing,
  records: string,
  partitions: readonly string[],
  more: boolean,
  moved: Moved,
): Promise<void> {
  const dayOf = (partition: string): string => partition.slice(partition.indexOf('/') + 1);
  const days = [...new Set(partitions.map(dayOf))];
  for (const day of days.filter(d => !moved.streams.includes(d))) {
    const ofDay = partitions.filter(partition => dayOf(partition) === day).map(quoteString);
    const rows =
      days.length === 1 && !more
        ? records
        : `(SELECT * FROM ${records} WHERE concat(class, '/', toString(toDate(received))) IN (${ofDay.join(', ')}))`;
    try {
      await engine.run({ sql: `INSERT INTO ${names.streams} ${selectStreams(rows)}`, settings: oneBlock });
    } catch (error) {
      doubtfulDays.add(day);
      log.warn({ err: error, day }, 'store: the sums of a seal were perhaps not written; they are counted anew');
    }
    moved.streams.push(day);
  }
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
