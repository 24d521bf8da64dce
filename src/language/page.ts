import { availableParallelism } from 'node:os';
import {
  conditionsOf,
  type Cursor,
  cursorConditions,
  type Matching,
  namesAreColumns,
  parsedLabels,
  type ToSql,
  withoutHeld,
} from './logs-sql.ts';
import { asksForId } from './rarity.ts';
import { extractedSuffix, storedRow } from './row.ts';
import { Scope, stepsApart } from './scope.ts';
import { tenantCondition } from './selector-sql.ts';
import { and, quoteTime } from './sql-writer.ts';
import type { LogQuery, Stage } from './tree.ts';

/** The first `limit` rows in order of time and seq, after `after`. */
export type PageOrder = { direction: 'backward' | 'forward'; limit: number; after?: Cursor };

/** A record as people see it: QueryRow of query/contract.ts. */
export type PageRow = {
  ts: string;
  seq: string;
  received: string;
  service: string;
  level: string;
  severity: number;
  message: string;
  labels: Record<string, string>;
  attributes: Record<string, string>;
  parsed?: Record<string, string>;
  door: string;
};

/** What all records of a tenant with the same `stream` share: it is a hash of tenant and labels, and the service is one of the labels. */
export type OfStream = { labels: Record<string, string>; service: string };

type Raw = Record<string, unknown>;

/** Stages whose layers upon layers must not become one step. */
const parserKinds: ReadonlySet<Stage['kind']> = new Set(['json', 'logfmt', 'pattern', 'regexp', 'unpack']);

/** A record has up to some MiB of text; this many of the largest still fit into one string. */
const smallRowsMax = 200;

/**
 * A page of rows, cheap to ask for: the engine gives columns as they are stored and orders by time only, which it can read from the key without
 * looking at other columns (`seq`, which breaks ties, would make it read far beyond the limit); labels are put together here, for the rows
 * of the page alone. Measured on 2 M rows against `rowsSql`, CPU ms: last 100 13.6 -> 5.8, by service and level 15.5 -> 6.9.
 */
export type Page = {
  /** At most `limit + 1` rows of each source: the one more tells whether the cut falls between rows of one time. */
  sql: ToSql;
  /**
   * The same rows without the columns that their `stream` determines ({@link OfStream}), which the asker has to put in before `read`. Absent where rows are
   * computed; else `sql` gives `stream` as well.
   */
  briefSql?: ToSql;
  settings: Record<string, string | number>;
  /** So few rows that their text is no burden in one piece. */
  small: boolean;
  /** The page, made of all rows of `sql` in any order. With `tie`, only rows beside that time are in it, and `tied` gives the others. */
  read(raw: readonly Raw[]): { rows: PageRow[]; tie?: Tie };
  /** The first rows of one time by seq, to be read by `readTied`. */
  tiedSql(tie: Tie): ToSql;
  readTied(raw: readonly Raw[], tie: Tie): PageRow[];
};

/** The cut falls between rows of the time `ts` (ns), of which the page needs the first `limit`. */
export type Tie = { ts: bigint; limit: number };

/** Decimal text of integers in the order of their numbers. */
function compareIntegers(a: string, b: string): number {
  if (a.length === b.length && !a.startsWith('-') && !b.startsWith('-')) return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [BigInt(a), BigInt(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Names of metadata that have a column, and the column. */
const metadataColumns = { detected_level: 'level', trace_id: 'trace_id', span_id: 'span_id' };
const metadataEntries = Object.entries(metadataColumns);

/** Structured metadata as `storedRow` defines it: the columns stand above attributes of their names; what a stream label is called already gets a suffix; empty is missing. */
function metadataOf(row: Raw, labels: Record<string, string>): Record<string, string> {
  const attributes = row.attributes as Record<string, string>;
  const metadata: Record<string, string> = {};
  const put = (name: string, value: string): void => {
    // As a plain assignment it would be the prototype.
    if (name === '__proto__') Object.defineProperty(metadata, name, { value, enumerable: true });
    else metadata[name] = value;
  };
  for (const name in attributes) {
    const value = attributes[name] ?? '';
    if (value === '' || Object.hasOwn(metadataColumns, name)) continue;
    put(Object.hasOwn(labels, name) ? `${name}${extractedSuffix}` : name, value);
  }
  for (const [name, column] of metadataEntries) {
    const value = row[column] as string;
    if (value !== '' && !Object.hasOwn(labels, name)) metadata[name] = value;
  }
  return metadata;
}

/** Comparisons with constants of columns that take next to nothing to read. */
const isCheap = (condition: string): boolean =>
  /^(?:tenant|timestamp|service|level) (?:=|!=|<|>=) (?:'(?:[^'\\]|\\.)*'|fromUnixTimestamp64Nano\(toInt64\(-?\d+\), 'UTC'\))$/s.test(
    condition,
  );

/** What {@link Page} says, for a query and the records it may look at. */
export function pageOf(query: LogQuery, matching: Matching, order: PageOrder): Page {
  const scope = new Scope();
  const { where } = conditionsOf(query, matching, scope);
  const shown = new Scope();
  const { row } = conditionsOf(query, matching, shown, { few: true });
  const { direction, limit, after } = order;
  const way = direction === 'backward' ? 'DESC' : 'ASC';
  const conditions = [...where, ...(after ? cursorConditions(direction, after) : [])];

  const plain = storedRow(shown);
  const parsed = parsedLabels(query, row);
  const computed: Record<string, string> = {};
  if (row.line !== plain.line) computed.message = `toString(${row.line})`;
  for (const [column, category] of [
    ['labels', 'stream'],
    ['attributes', 'metadata'],
  ] as const)
    if (row.map(category) !== plain.map(category)) computed[column] = row.map(category);
  if (parsed !== undefined) computed.parsed = parsed;
  const metadataIsStored = computed.attributes === undefined;

  const isStored = Object.keys(computed).length === 0;
  const stored = ['service', 'level', 'severity', 'message', 'labels', 'attributes', 'door'];
  if (metadataIsStored) stored.push('trace_id', 'span_id');
  if (isStored) stored.push('stream');
  const columns = [
    'toUnixTimestamp64Nano(timestamp) AS ts',
    'seq',
    'toUnixTimestamp64Nano(received) AS received',
    ...stored.filter(name => computed[name] === undefined),
    ...Object.entries(computed).map(([name, sql]) => `${sql} AS ${name}`),
  ];
  // The key begins with the tenant: where it need not be compared it has to be named, for the engine to read in the order of the key.
  const ofTenant = tenantCondition([matching.tenant]);
  const needed =
    'timestamp, seq, received, service, level, severity, message, labels, attributes, door, trace_id, span_id';
  const legs =
    (all: readonly string[], cut: string, shownColumns = columns): ToSql =>
    sources =>
      sources.records
        .map((table, i) => {
          const chosen = withoutHeld(all, matching.range, i, sources);
          const ordered = `ORDER BY ${chosen.includes(ofTenant) ? '' : `tenant ${way}, `}${cut}`;
          // The engine would come to the same by looking at the sizes of all columns of all parts. A tail knows no PREWHERE, nor does a SELECT.
          if (
            isStored &&
            i === 0 &&
            sources.parts &&
            !table.startsWith('(') &&
            chosen.length > 0 &&
            chosen.every(isCheap)
          )
            return `(${scope.select(shownColumns, [], table)} PREWHERE ${and(chosen)} ${ordered})`;
          if (isStored) return `(${scope.select(shownColumns, chosen, table)} ${ordered})`;
          // Computed for the rows of the page only.
          return `(${shown.select(columns, [], `(${scope.select([needed], chosen, table)} ${ordered})`)})`;
        })
        .join(' UNION ALL ');

  const first = `timestamp ${way} LIMIT ${limit + 1}`;
  const brief = columns.filter(name => name !== 'labels' && name !== 'service');

  const sign = direction === 'backward' ? -1 : 1;
  const inOrder = (raw: readonly Raw[]): PageRow[] =>
    raw
      .map((r): PageRow => {
        const labels = r.labels as Record<string, string>;
        return {
          ts: String(r.ts),
          seq: String(r.seq),
          received: String(r.received),
          service: String(r.service),
          level: String(r.level),
          severity: Number(r.severity),
          message: String(r.message),
          labels,
          attributes: metadataIsStored ? metadataOf(r, labels) : (r.attributes as Record<string, string>),
          ...(parsed !== undefined && { parsed: r.parsed as Record<string, string> }),
          door: String(r.door),
        };
      })
      .sort((a, b) => sign * (compareIntegers(a.ts, b.ts) || compareIntegers(a.seq, b.seq)));

  const parsers = query.stages.filter(stage => parserKinds.has(stage.kind)).length;
  const searches = query.stages.some(stage => stage.kind === 'line_filter');
  const asksId = asksForId(query);
  const rare = searches || asksId || query.stages.some(stage => stage.kind === 'search');
  return {
    sql: legs(conditions, first),
    ...(isStored && { briefSql: legs(conditions, first, brief) }),
    settings: {
      ...namesAreColumns,
      // Several threads would each read their own far end of the range; a line filter may have to read everything and gets half the cores.
      max_threads: searches ? Math.max(1, Math.floor(availableParallelism() / 2)) : 1,
      use_top_k_dynamic_filtering: 0,
      // Parts are opened when their time has come, which spares most of them. What is rare needs all of them anyway.
      ...(!rare && { read_in_order_use_virtual_row: 1 }),
      // Such columns are read together faster than each for the rows that the one before has left.
      ...(isStored && conditions.every(isCheap) && { enable_multiple_prewhere_read_steps: 0 }),
      // An id is in few granules: its index is asked beforehand, and parts without the id are not opened. Any other word may be in all of them.
      ...(asksId && { use_skip_indexes_on_data_read: 0 }),
      ...((parsers > 1 || scope.isLayered([needed], conditions)) && stepsApart),
      // Some hundred rows are not worth a thread.
      output_format_parallel_formatting: 0,
    },
    small: limit <= smallRowsMax,
    read(raw) {
      const rows = inOrder(raw);
      const [last, beyond] = [rows[limit - 1], rows[limit]];
      if (last === undefined || beyond?.ts !== last.ts) return { rows: rows.slice(0, limit) };
      const whole = rows.filter(r => sign * compareIntegers(r.ts, last.ts) < 0);
      return { rows: whole, tie: { ts: BigInt(last.ts), limit: limit - whole.length } };
    },
    tiedSql: tie => legs([...conditions, `timestamp = ${quoteTime(tie.ts)}`], `seq ${way} LIMIT ${tie.limit}`),
    readTied: (raw, tie) => inOrder(raw).slice(0, tie.limit),
  };
}
