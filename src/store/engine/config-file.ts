import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MemoryBudget } from './memory-budget.ts';

/**
 * What the configuration files of the engine depend on. `serviceId`: a random text of this start, by which the row filters know our own statements;
 * `filtered`: the database whose tables get row filters, none when undefined.
 */
export type EngineConfig = { budget: MemoryBudget; cores: number; filtered: string | undefined; serviceId: string };

type Tree = { [key: string]: string | number | Tree | readonly string[] };

/**
 * Server settings, each with the value that `system.server_settings` must show afterwards. A test reads them back, since the engine ignores
 * what it does not know.
 */
export function serverSettings({ budget, cores }: Pick<EngineConfig, 'budget' | 'cores'>): Record<string, number> {
  return {
    // without it the engine assumes 0.9 of the machine, whatever the cgroup says, and is killed (refs: measured)
    max_server_memory_usage: budget.engine,
    merges_mutations_memory_usage_soft_limit: budget.merges,
    mark_cache_size: budget.caches.marks,
    primary_index_cache_size: budget.caches.primaryIndex,
    index_mark_cache_size: budget.caches.indexMarks,
    text_index_tokens_cache_size: budget.caches.textTokens,
    text_index_header_cache_size: budget.caches.textHeaders,
    text_index_postings_cache_size: budget.caches.textPostings,
    query_condition_cache_size: budget.caches.queryCondition,
    compiled_expression_cache_size: budget.caches.expressions,
    parquet_metadata_cache_size: 4 * 2 ** 20,
    iceberg_metadata_files_cache_size: 0,
    vector_similarity_index_cache_size: 0,
    unique_key_index_cache_size_bytes: 0,
    // merges: as many at once as cores, each one thread; ingest and queries need the rest
    background_pool_size: Math.max(2, Math.floor(cores / 2)),
    background_merges_mutations_concurrency_ratio: 2,
    background_schedule_pool_size: 4,
    background_common_pool_size: 2,
    background_move_pool_size: 1,
    background_fetches_pool_size: 1,
    max_concurrent_queries: 0,
    // idle threads beyond this are given back
    max_thread_pool_free_size: 16,
    // a dropped tail must give its memory back at once, not after 8 minutes
    database_atomic_delay_before_drop_table_sec: 0,
    asynchronous_metrics_update_period_s: 60,
    global_profiler_real_time_period_ns: 0,
    global_profiler_cpu_time_period_ns: 0,
    // tables must be there when the first statement asks for them
    async_load_databases: 0,
  };
}

/**
 * Seconds that each table's look for something to do in the background waits after it found nothing; the engine's 0.1 grows by a tenth each time, so that 11 tables wake a pool 90 times a second
 * for the first half minute after each insert. Merges are looked for at once when a part comes; there is nothing to move between disks and no stream. Keys of the file and not server settings:
 * no system table shows them.
 */
const backgroundPauses: Record<string, number> = {
  background_processing_pool_thread_sleep_seconds_if_nothing_to_do: 2,
  background_move_processing_pool_thread_sleep_seconds_if_nothing_to_do: 60,
  background_streaming_processing_pool_thread_sleep_seconds_if_nothing_to_do: 60,
};

/**
 * Table defaults that make parts survive a power cut. Anything less lost acknowledged batches in the simulated cuts of refs/reliability.md (A to D2):
 * inserts and merges are fsynced with their directories, and merged-away sources stay for 480 s so that a merge whose text index is torn can fall
 * back to them while `sync -f` (disk-sync.ts) makes it durable.
 */
export const mergeTreeSettings: Record<string, number> = {
  fsync_after_insert: 1,
  fsync_part_directory: 1,
  min_rows_to_fsync_after_merge: 1,
  min_compressed_bytes_to_fsync_after_merge: 1,
  old_parts_lifetime: 480,
  // a table with broken parts must load; what was detached is found by comparing with the log
  max_suspicious_broken_parts: 1_000_000,
  max_suspicious_broken_parts_bytes: 1_000_000_000_000,
};

/** Defaults of every query; a statement's own settings go on top. */
export function profileSettings({ budget, cores }: Pick<EngineConfig, 'budget' | 'cores'>): Record<string, number> {
  return {
    max_memory_usage: budget.query,
    max_threads: cores,
    // lookup tables stand in the statement; what people send is bounded by limits.queryTextBytesMax
    max_query_size: 64 * 2 ** 20,
    // hundreds of filters joined by `or`; the bound for what is made of them stays at this
    max_ast_elements: 500_000,
    log_queries: 0,
    log_query_threads: 0,
    // numbers beyond 2^53 must survive JSON.parse
    output_format_json_quote_64bit_integers: 1,
    // the engine must not answer `1+1` typed into a search box by guessing SELECT
    implicit_select: 0,
    allow_introspection_functions: 0,
    use_query_condition_cache: 1,
    // threads for the indexes of parts are made anew for each statement: 0.4 CPU-ms for nine parts; which rows have a word is found while reading, by all threads
    max_threads_for_indexes: 1,
    // both look for chains such as a < b AND b < 5, which no statement of ours has, by hashing whole expressions: half of the planning (docs/decisions/0012)
    optimize_and_compare_chain: 0,
    optimize_redundant_comparisons: 0,
    // text parsing in one thread costs 38 % less CPU than in parallel, and keeps row numbers deterministic
    input_format_parallel_parsing: 0,
  };
}

/**
 * What the one user of the engine may do. All sessions are this user and our own statements read files, so this cannot fence people's SQL by itself (that
 * is language/sql-gate); it takes away what nobody here needs: other sources than files, backups, dictionaries, functions of users.
 */
const grants = [
  'GRANT SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, DROP DATABASE, DROP TABLE, TRUNCATE, OPTIMIZE ON *.*',
  'GRANT KILL QUERY, CREATE TEMPORARY TABLE ON *.*',
  'GRANT FILE ON *.*',
];

/** Tables with rows of several tenants that a person's statement can reach. Tails come and go by name, so only the gate and its views stand before them. */
const filteredTables = ['records', 'quarantine', 'streams', 'templates'];

/**
 * A statement with another `log_comment` than ours sees the rows of the tenant of that name only, by whatever way it reaches a table. Folds to a constant
 * while planning, but stays a step of its own when each part is read: 0.2 to 0.6 CPU-ms a statement (docs/decisions/0035).
 */
const rowFilters = ({ filtered, serviceId }: EngineConfig): Tree =>
  filtered === undefined
    ? {}
    : {
        [filtered]: Object.fromEntries(
          filteredTables.map(table => [
            table,
            { filter: `getSetting('log_comment') = '${serviceId}' OR tenant = getSetting('log_comment')` },
          ]),
        ),
      };

function toXml(tree: Tree, indent: string): string {
  return Object.entries(tree)
    .flatMap(([key, value]) =>
      Array.isArray(value)
        ? value.map((one: string) => [key, one] as const)
        : [[key, value as string | number | Tree] as const],
    )
    .map(([key, value]) =>
      typeof value === 'object'
        ? `${indent}<${key}>\n${toXml(value, `${indent}  `)}${indent}</${key}>\n`
        : `${indent}<${key}>${String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</${key}>\n`,
    )
    .join('');
}

const write = (file: string, tree: Tree): string => {
  writeFileSync(file, `<clickhouse>\n${toXml(tree, '  ')}</clickhouse>\n`, { mode: 0o600 });
  return file;
};

/** Write the engine's configuration into `directory` and give the path for `--config-file`. Overwrites: the files are derived, never edited. */
export function writeConfigFile(directory: string, config: EngineConfig): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const users = write(join(directory, 'users.xml'), {
    profiles: { default: { ...profileSettings(config), log_comment: config.serviceId } },
    users: {
      default: {
        password: '',
        networks: { ip: '::/0' },
        profile: 'default',
        quota: 'default',
        access_management: 0,
        databases: rowFilters(config),
        grants: { query: grants },
      },
    },
    quotas: { default: '' },
  });
  return write(join(directory, 'engine.xml'), {
    users_config: users,
    ...serverSettings(config),
    ...backgroundPauses,
    merge_tree: mergeTreeSettings,
  });
}
