import { readFileSync } from 'node:fs';
import type { Engine } from '../flow.ts';
import { quoteString } from '../language/sql-writer.ts';
import { isExpired } from '../base/retention-class.ts';
import type { RecordFacts } from './parts-history.ts';
import type { TableNames } from './schema.ts';

/** Rows by partition (`class/day`), by segment. */
type Counts = Map<number, Map<string, number>>;

export type LedgerRow = {
  segment: number;
  first: bigint;
  end: bigint;
  stored: ReadonlyMap<string, number>;
  quarantined: number;
  dropped: number;
};

/** Changes with every start of the machine; '' where the kernel does not tell. A process kill leaves it, a power cut does not. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

const segmentOf = 'toUInt32(bitShiftRight(seq, 32))';
export const quarantineKey = '(quarantine)';

/** Counted by raw values: a text for each row's partition costs as much as everything else. */
const countsSql = (from: bigint, to: bigint, records: string, quarantine: string, facts: boolean): string => {
  const ranged = `WHERE seq >= ${from} AND seq < ${to}`;
  const ns = (sql: string): string => `toString(toUnixTimestamp64Nano(${sql}))`;
  return `SELECT segment, concat(class, '/', toString(day)) AS partition, toString(day) AS day, n${facts ? `, ${ns('earliest')} AS first, ${ns('latest')} AS last, toString(low) AS low, toString(high) AS high, unnamed` : ''} FROM (
SELECT ${segmentOf} AS segment, class, toDate(received) AS day, count() AS n${facts ? ", min(timestamp) AS earliest, max(timestamp) AS latest, min(tenant) AS low, max(tenant) AS high, countIf(service = '') AS unnamed" : ''} FROM ${records} ${ranged} GROUP BY segment, class, day)
UNION ALL SELECT ${segmentOf} AS segment, ${quoteString(quarantineKey)} AS partition, toString(toDate(received)) AS day, count() AS n${facts ? ", '' AS first, '' AS last, '' AS low, '' AS high, 0 AS unnamed" : ''} FROM ${quarantine} ${ranged} GROUP BY segment, day`;
};

/** What a seal has to know of a tail. */
export type TailLook = {
  counts: Counts;
  /** Receive days of quarantined rows. */
  quarantineDays: string[];
  /** What is true of the records; absent where there are none. */
  facts?: RecordFacts;
};

/** What became of each range of the log; the yardstick by which the store is checked against the log. */
export class Ledger {
  readonly #engine: Engine;
  readonly #names: TableNames;
  readonly #boot: string;

  /** `local`: the engine runs on this machine, so that its boot id tells of lost page caches. */
  constructor(engine: Engine, names: TableNames, local: boolean) {
    this.#engine = engine;
    this.#names = names;
    this.#boot = local ? bootId() : 'remote';
  }

  async write(rows: readonly LedgerRow[]): Promise<void> {
    if (rows.length === 0) return;
    const values = rows.map(r => {
      const stored = [...r.stored].flatMap(([partition, count]) => [quoteString(partition), `toInt64(${count})`]);
      return `(${r.segment}, ${r.first}, ${r.end}, map(${stored.join(', ')}), ${r.quarantined}, ${r.dropped}, ${quoteString(this.#boot)})`;
    });
    await this.#engine.run({
      sql: `INSERT INTO ${this.#names.ledger} (segment, first, end, stored, quarantined, dropped, boot) VALUES ${values.join(', ')}`,
    });
  }

  async coveredUntil(): Promise<bigint> {
    const [row] = await this.#engine.run({ sql: `SELECT toString(max(end)) AS end FROM ${this.#names.ledger}` });
    return typeof row?.end === 'string' ? BigInt(row.end) : 0n;
  }

  /** True when the newest row was written before the machine's last start. False for an empty ledger. */
  async fromEarlierBoot(): Promise<boolean> {
    const [row] = await this.#engine.run({
      sql: `SELECT count() AS n, argMax(boot, (at, end)) AS boot FROM ${this.#names.ledger}`,
    });
    return Number(row?.n) > 0 && row?.boot !== this.#boot;
  }

  /** Rows that the store holds of the seqs in [from, to), quarantine under a key of its own. */
  async counts(from: bigint, to: bigint, records: string, quarantine: string): Promise<Counts> {
    return toCounts(await this.#engine.run({ sql: countsSql(from, to, records, quarantine, false) }));
  }

  /** The same of a tail, and what else its seal asks. */
  async look(from: bigint, to: bigint, records: string, quarantine: string): Promise<TailLook> {
    const rows = await this.#engine.run({ sql: countsSql(from, to, records, quarantine, true) });
    const ofRecords = rows.filter(r => r.partition !== quarantineKey);
    const all = (name: string): bigint[] =>
      ofRecords.map(r => BigInt(String(r[name]))).sort((a, b) => (a < b ? -1 : 1));
    const [first, last] = [all('first')[0], all('last').at(-1)];
    const tenants = [...new Set(ofRecords.flatMap(r => [String(r.low), String(r.high)]))].slice(0, 2);
    const named = ofRecords.every(r => String(r.unnamed) === '0');
    return {
      counts: toCounts(rows),
      quarantineDays: [...new Set(rows.filter(r => r.partition === quarantineKey).map(r => String(r.day)))],
      ...(first !== undefined && last !== undefined && { facts: { from: first, to: last, tenants, named } }),
    };
  }

  /** Partitions that retention took out of `records`. */
  async expired(): Promise<ReadonlySet<string>> {
    const rows = await this.#engine.run({ sql: `SELECT DISTINCT partition FROM ${this.#names.expired}` });
    return new Set(rows.map(r => String(r.partition)));
  }

  /** Segments of the given ones whose rows differ from what was written here; partitions that retention took are left out on both sides. */
  async gaps(segments: readonly number[]): Promise<number[]> {
    const { expected, actual } = await this.#compare(segments);
    return segments.filter(s => differences(expected.get(s), actual.get(s)).length > 0);
  }

  /** Add correction rows so that the ledger says what the store holds. */
  async settle(segments: readonly number[]): Promise<void> {
    const { expected, actual } = await this.#compare(segments);
    const covered = await this.coveredUntil();
    const rows = segments.map(segment => {
      const changes = new Map(differences(expected.get(segment), actual.get(segment)));
      const quarantined = changes.get(quarantineKey) ?? 0;
      changes.delete(quarantineKey);
      return { segment, first: BigInt(segment) << 32n, end: covered, stored: changes, quarantined, dropped: 0 };
    });
    if (covered > 0n)
      await this.write(
        rows.length > 0
          ? rows
          : [{ segment: 0, first: 0n, end: covered, stored: new Map(), quarantined: 0, dropped: 0 }],
      );
  }

  async #compare(segments: readonly number[]): Promise<{ expected: Counts; actual: Counts }> {
    if (segments.length === 0) return { expected: new Map(), actual: new Map() };
    const covered = await this.coveredUntil();
    const wanted = segments.join(', ');
    const rows = await this.#engine.run({
      sql: `SELECT segment, partition, sum(n) AS n FROM (
SELECT segment, kept.1 AS partition, kept.2 AS n FROM ${this.#names.ledger} ARRAY JOIN CAST(stored, 'Array(Tuple(String, Int64))') AS kept
UNION ALL SELECT segment, ${quoteString(quarantineKey)} AS partition, quarantined AS n FROM ${this.#names.ledger})
WHERE segment IN (${wanted}) GROUP BY segment, partition`,
    });
    const expected = toCounts(rows);
    const first = BigInt(Math.min(...segments)) << 32n;
    const actual = await this.counts(first, covered, this.#names.records, this.#names.quarantine);
    const gone = await this.expired();
    for (const counts of [expected, actual])
      for (const partitions of counts.values())
        for (const partition of partitions.keys())
          if (gone.has(partition) || (partition !== quarantineKey && isExpired(partition)))
            partitions.delete(partition);
    return { expected, actual };
  }
}

function toCounts(rows: readonly Record<string, unknown>[]): Counts {
  const counts: Counts = new Map();
  for (const row of rows) {
    const segment = Number(row.segment);
    const partitions = counts.get(segment) ?? new Map<string, number>();
    const partition = String(row.partition);
    partitions.set(partition, (partitions.get(partition) ?? 0) + Number(row.n));
    counts.set(segment, partitions);
  }
  return counts;
}

/** Actual minus expected where it is not 0. */
function differences(
  expected: ReadonlyMap<string, number> | undefined,
  actual: ReadonlyMap<string, number> | undefined,
): [string, number][] {
  const partitions = new Set([...(expected?.keys() ?? []), ...(actual?.keys() ?? [])]);
  return [...partitions]
    .map((p): [string, number] => [p, (actual?.get(p) ?? 0) - (expected?.get(p) ?? 0)])
    .filter(([, difference]) => difference !== 0);
}
