import type { Config } from '../base/config.ts';
import type { NumberColumnsOf } from '../flow.ts';
import { quoteName } from '../language/sql-writer.ts';

type Column = { name: string; type: string; codec?: string };

const lc = 'LowCardinality(String)';
const time = "DateTime64(9, 'UTC')";

/**
 * Columns of `records`, `staging` and every tail. Meaning: docs/decisions/0001. Reasons for type and codec:
 * - LowCardinality where one part holds few values: scans and GROUP BY work on the dictionary.
 * - Times and `seq` rise by small steps in key order: Delta leaves small numbers, ZSTD packs them (measured: half of LZ4's bytes).
 * - ZSTD(1) on the wide text columns: a third less disk than LZ4 for 0.07 CPU-s per 64 MB (docs/decisions/0004).
 * - Maps are bucketed in merged parts (`map_serialization_version` below): one key is read without the others.
 */
export const recordColumns: readonly Column[] = [
  { name: 'tenant', type: lc },
  { name: 'timestamp', type: time, codec: 'Delta(8), ZSTD(1)' },
  { name: 'received', type: time, codec: 'Delta(8), ZSTD(1)' },
  { name: 'seq', type: 'UInt64', codec: 'Delta(8), ZSTD(1)' },
  { name: 'service', type: lc },
  { name: 'severity', type: 'UInt8', codec: 'ZSTD(1)' },
  { name: 'level', type: lc },
  { name: 'stream', type: 'UInt64', codec: 'ZSTD(1)' },
  { name: 'labels', type: `Map(${lc}, String)`, codec: 'ZSTD(1)' },
  { name: 'message', type: 'String', codec: 'ZSTD(1)' },
  { name: 'trace_id', type: 'String', codec: 'ZSTD(1)' },
  { name: 'span_id', type: 'String', codec: 'ZSTD(1)' },
  { name: 'attributes', type: `Map(${lc}, String)`, codec: 'ZSTD(1)' },
  { name: 'template', type: lc },
  { name: 'door', type: lc },
  { name: 'class', type: lc },
];

const quarantineColumns: readonly Column[] = [
  { name: 'tenant', type: lc },
  { name: 'received', type: time, codec: 'Delta(8), ZSTD(1)' },
  { name: 'seq', type: 'UInt64', codec: 'Delta(8), ZSTD(1)' },
  { name: 'door', type: lc },
  { name: 'line', type: 'UInt64' },
  { name: 'reason', type: 'String', codec: 'ZSTD(1)' },
  { name: 'raw', type: 'String', codec: 'ZSTD(1)' },
];

const define = (columns: readonly Column[], codecs: boolean): string =>
  columns.map(c => `${quoteName(c.name)} ${c.type}${codecs && c.codec ? ` CODEC(${c.codec})` : ''}`).join(', ');

const defineNumbers = (columns: ReturnType<NumberColumnsOf>, codec: string): string[] =>
  columns.map(c => `${quoteName(c.name)} ${c.type} DEFAULT ${c.expression}${codec}`);

/** Add number columns, in the codec that is read fastest: they are there to be read whole (docs/decisions/0021). Parts written before compute them from their maps when they are read. */
export const addNumbers = (table: string, columns: ReturnType<NumberColumnsOf>): string =>
  `ALTER TABLE ${table} ${defineNumbers(columns, ' CODEC(LZ4)')
    .map(column => `ADD COLUMN IF NOT EXISTS ${column}`)
    .join(', ')}`;

/**
 * Settings of every MergeTree table. The first five make acknowledged parts survive a power cut together with a file system sync
 * every few seconds (refs on reliability: without `old_parts_lifetime` the sources of a merge vanish before the merged part is durable);
 * the last two let a damaged part be set aside instead of refusing the whole table.
 */
const durable =
  'fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, ' +
  'old_parts_lifetime = 480, max_suspicious_broken_parts = 1000000, max_suspicious_broken_parts_bytes = 1000000000000';

/**
 * How merges cut maps into buckets, each a handful of files, so that one key is read without the others. Every bucket makes whole rows dearer, which are what
 * people look at, so there are 1.5 times the root of the usual number of keys (6 keys: 4, 20: 7), at most 8, and none below 3 keys (docs/decisions/0021).
 */
const buckets = {
  map_buckets_strategy: "'sqrt'",
  map_buckets_coefficient: '1.5',
  max_buckets_in_map: '8',
  map_buckets_min_avg_size: '3',
};
const assigned = Object.entries(buckets).map(([name, value]) => `${name} = ${value}`);

/** Merges from now on. */
export const setBuckets = (table: string): string => `ALTER TABLE ${table} MODIFY SETTING ${assigned.join(', ')}`;

/** Maps: `basic` in fresh parts (no insert cost), bucketed by merges. */
const maps = [
  "map_serialization_version = 'with_buckets', map_serialization_version_for_zero_level_parts = 'basic'",
  ...assigned,
].join(', ');

/**
 * A merge waits until the parts of its kind are ten rather than five. Parts of one seal each hold a stretch of time, so a query that reads
 * the newest or a bounded range skips most of them whether merged or not, and a merge of indexed parts costs more CPU than their insert did
 * (measured on 2 M rows: 105 MB per CPU-second against 49 with the engine's default; docs/decisions/0004).
 */
const merges = 'merge_selector_base = 10';

/** Half the default: a look at the last rows or at one trace unpacks whole granules of every column (last 100: 5.5 -> 4.9 CPU-ms; 2048 and less make filters dearer). */
const granules = 'index_granularity = 4096';

export type TableNames = ReturnType<typeof tableNames>;

/** Full names of the tables, quoted, ready to be pasted into SQL. */
export function tableNames(database: string) {
  const at = (name: string): string => `${quoteName(database)}.${quoteName(name)}`;
  return {
    database: quoteName(database),
    /** As the system tables spell it. */
    databaseName: database,
    records: at('records'),
    staging: at('staging'),
    quarantine: at('quarantine'),
    quarantineStaging: at('quarantine_staging'),
    streams: at('streams'),
    streamsStaging: at('streams_staging'),
    ledger: at('ledger'),
    expired: at('expired'),
    templates: at('templates'),
    deletes: at('deletes'),
    migrations: at('migrations'),
    tail: (id: number): string => at(`tail_${id}`),
    quarantineTail: (id: number): string => at(`quarantine_tail_${id}`),
    incoming: at('incoming'),
    lines: at('lines'),
  };
}

/**
 * `records`: the key starts with tenant (isolation prunes) and time (last-N reads in order; measured 20x against a service-first key);
 * partitions are what retention drops: class and receive day, since event times may be any year.
 */
export function createRecords(table: string, store: Config['store']): string {
  const indexes = [
    // Whole-part range of seq: finds the rows of a log range without reading the column of every part.
    'INDEX seq_range seq TYPE minmax GRANULARITY 2000',
    ...(store.token_index ? ["INDEX tokens lower(message) TYPE text(tokenizer = 'splitByNonAlpha')"] : []),
    // Bloom, not text: measured a fifth of the insert cost and 2 % of the bytes at equal lookup time (docs/decisions/0004).
    ...(store.trace_index ? ['INDEX trace trace_id TYPE bloom_filter(0.005) GRANULARITY 1'] : []),
  ];
  return `CREATE TABLE IF NOT EXISTS ${table} (${define(recordColumns, true)}, ${indexes.join(', ')}) ENGINE = MergeTree
PARTITION BY (class, toDate(received)) ORDER BY (tenant, timestamp) SETTINGS ${durable}, ${maps}, ${merges}, ${granules}`;
}

/** An index of ids as stores of versions 3 to 5 have it. Replaced by {@link addIdIndexes}, since it copies every value of every row into an array with the span id. */
export const addCopiedIdIndex = (table: string): string =>
  `ALTER TABLE ${table} ADD INDEX IF NOT EXISTS ids arrayPushBack(mapValues(attributes), span_id) TYPE bloom_filter(0.005) GRANULARITY 1`;

/** Before {@link addIdIndexes}, so that no row is indexed twice. Parts lose the files in the background. */
export const dropCopiedIdIndex = (table: string): string =>
  `ALTER TABLE ${table} DROP INDEX IF EXISTS ids SETTINGS alter_sync = 0, mutations_sync = 0`;

/**
 * Find ids (request, user, span) wherever attributes hold them, as language/search/sql.ts asks: the expressions have to be the same. A filter of values,
 * for every attribute alike, since nobody says beforehand which of them are ids. Cost: docs/decisions/0015 and 0026.
 */
export const addIdIndexes = (table: string): string =>
  `ALTER TABLE ${table} ADD INDEX IF NOT EXISTS attribute_values mapValues(attributes) TYPE bloom_filter(0.005) GRANULARITY 1,
ADD INDEX IF NOT EXISTS spans span_id TYPE bloom_filter(0.005) GRANULARITY 1`;

/** Parts that have no such indexes yet get them in the background; until then their ids are found by reading. */
export const materializeIdIndexes = (table: string): string =>
  `ALTER TABLE ${table} MATERIALIZE INDEX attribute_values, MATERIALIZE INDEX spans SETTINGS alter_sync = 0, mutations_sync = 0`;

/** A Memory table with the columns of `records`. */
export const createTail = (table: string, numbers: ReturnType<NumberColumnsOf>): string =>
  `CREATE TABLE ${table} (${[define(recordColumns, false), ...defineNumbers(numbers, '')].join(', ')}) ENGINE = Memory`;

/** As a tail, plus `verdict`: 0 = store the row, n = dropped by pipeline step n, 65535 = the store has it already. */
export const createIncoming = (table: string): string =>
  `CREATE TABLE ${table} (${define(recordColumns, false)}, verdict UInt16) ENGINE = Memory`;

/** Lines of a tick as they came, for a server; see process/payload.ts. */
export const createLines = (table: string): string => `CREATE TABLE ${table} (row UInt64, line String) ENGINE = Memory`;

export const createQuarantineTail = (table: string): string =>
  `CREATE TABLE ${table} (${define(quarantineColumns, false)}) ENGINE = Memory`;

/** Malformed input, byte-true in `raw`. */
export const createQuarantine = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (${define(quarantineColumns, true)}, INDEX seq_range seq TYPE minmax GRANULARITY 1000) ENGINE = MergeTree
PARTITION BY toDate(received) ORDER BY (tenant, received, seq) SETTINGS ${durable}`;

/**
 * One row per (tenant, event day, stream), so that label endpoints never scan records. Partitioned by receive day, because retention drops
 * records by receive day; `rows` and `bytes` (of messages) are sums, exact after merging with GROUP BY.
 */
export const createStreams = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (received Date, tenant ${lc}, day Date, stream UInt64,
labels SimpleAggregateFunction(any, Map(String, String)), service SimpleAggregateFunction(any, String),
first SimpleAggregateFunction(min, ${time}), last SimpleAggregateFunction(max, ${time}),
rows SimpleAggregateFunction(sum, UInt64), bytes SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree
PARTITION BY received ORDER BY (tenant, day, stream) SETTINGS ${durable}`;

/** The columns of `streams`, aggregated from a table of records. */
export const selectStreams = (from: string): string =>
  `SELECT toDate(received) AS received, tenant, toDate(timestamp) AS day, stream, any(labels) AS labels, CAST(any(service), 'String') AS service,
min(timestamp) AS first, max(timestamp) AS last, count() AS rows, sum(length(message)) AS bytes FROM ${from} AS r
GROUP BY toDate(r.received), r.tenant, toDate(r.timestamp), r.stream SETTINGS prefer_column_name_to_alias = 1`;

/**
 * What became of the log: one row per seal and segment. `stored` counts rows by partition (`class/day`) and is signed, so that a
 * correction after reconciling is one more row; sums per segment are what `records` must hold.
 */
export const createLedger = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (segment UInt32, first UInt64, end UInt64, stored Map(String, Int64), quarantined Int64, dropped Int64,
boot String, at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY (segment, first) SETTINGS ${durable}`;

/** Partitions that retention dropped; what is replayed from the log must not bring them back. */
export const createExpired = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (partition String, reason String, rows UInt64, at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY partition SETTINGS ${durable}`;

/** Patterns of the ids in `template` of records. A row replaces the one before it when a template has got more gaps. `number`: order of founding, per tenant. */
export const createTemplates = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (tenant ${lc}, id String, number UInt32, pattern String, at DateTime64(9, 'UTC') DEFAULT now64(9)) ENGINE = ReplacingMergeTree(at)
ORDER BY (tenant, id) SETTINGS ${durable}`;

/** Delete requests, one row for each state that a request came to. Times in ns since 1970; `rows` is what was removed, known when it is processed. */
export const createDeletes = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (tenant ${lc}, id String, query String, start Int64, end Int64, created Int64, state ${lc}, rows UInt64,
at DateTime64(9, 'UTC') DEFAULT now64(9)) ENGINE = MergeTree ORDER BY (tenant, id) SETTINGS ${durable}`;

export const createMigrations = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (version UInt32, at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY version SETTINGS ${durable}`;
