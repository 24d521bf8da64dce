import { availableParallelism } from 'node:os';
import { recordColumns, type Tenant } from '../base/record.ts';
import { type Held, holds } from './held.ts';
import { matcherCondition } from './label-condition.ts';
import { find, type Row, type RowOptions, storedRow } from './row.ts';
import { Scope, stepsApart } from './scope.ts';
import { selectorConditions, tenantCondition } from './selector-sql.ts';
import { and, quoteInteger, quoteString, quoteTime } from './sql-writer.ts';
import { applyStages } from './stages/index.ts';
import type { LogQuery, Matcher } from './tree.ts';

/** The last row of the page before: rows come strictly after it in the direction of the answer. */
export type Cursor = { ts: bigint; seq: bigint };

/** Which matching records of a log query. */
export type Matching = {
  tenant: Tenant;
  /** ns since 1970, start inclusive, end exclusive. Absent: any time. */
  range?: { start: bigint; end: bigint };
  /** Only rows accepted since then, inclusive. */
  fromSeq?: bigint;
  /** Only rows accepted before, exclusive. */
  belowSeq?: bigint;
};

/** Which rows of them, in which order: by time and seq, or `accepted`: by seq. */
export type Paging = { direction: 'backward' | 'forward' | 'accepted'; limit?: number; after?: Cursor };

/** Statement over tables (or SELECTs in parentheses) with the columns of a record: the parts first, then tails; each record is in exactly one. */
export type ToSql = (sources: {
  records: readonly string[];
  numbers?: readonly string[];
  /** Of the first of `records`. */
  parts?: Held;
}) => string;

type Settings = Record<string, string | number>;

const from = (start: bigint): string => `timestamp >= ${quoteTime(start)}`;
const before = (end: bigint): string => `timestamp < ${quoteTime(end)}`;

/** Conditions for a source without those that hold for all its rows anyway: comparing bounds of time costs 2 CPU-ms per million rows. */
export function withoutHeld(
  where: readonly string[],
  range: Matching['range'],
  source: number,
  sources: Parameters<ToSql>[0],
): string[] {
  const held = source === 0 ? sources.parts : undefined;
  const times = range && held?.times;
  return where.filter(
    condition =>
      !holds(condition, held) &&
      !(times && condition === from(range.start) && range.start <= times.from) &&
      !(times && condition === before(range.end) && range.end > times.to),
  );
}

/** With more labels in filters than this, planning each by itself is dearer than any number of rows that are looked at. */
const filteredLabelsMax = 12;

function filteredLabels(query: LogQuery): number {
  const names = new Set<string>();
  const open = query.stages.flatMap(stage => (stage.kind === 'label_filter' ? [stage.condition] : []));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if ('left' in next) open.push(next.right, next.left);
    else names.add(next.type === 'string' ? next.matcher.name : next.name);
  }
  return names.size;
}

/** The row after all stages, and what a record must meet to be in the answer. */
export function conditionsOf(
  query: LogQuery,
  matching: Matching,
  scope: Scope,
  options?: RowOptions,
): { row: Row; where: string[] } {
  const start = storedRow(scope, {
    ...options,
    few: options?.few === true || filteredLabels(query) > filteredLabelsMax,
  });
  const { range, fromSeq, belowSeq } = matching;
  const where = [tenantCondition([matching.tenant])];
  if (range) where.push(from(range.start), before(range.end));
  if (fromSeq !== undefined) where.push(`seq >= ${quoteInteger(fromSeq)}`);
  if (belowSeq !== undefined) where.push(`seq < ${quoteInteger(belowSeq)}`);
  where.push(...selectorConditions(query.selector));
  const { row, where: conditions } = applyStages(query.stages, start);
  return { row, where: [...where, ...conditions] };
}

/** Rows strictly after the cursor. The time alone first, so that the primary key skips what earlier pages have shown. */
export function cursorConditions(direction: Paging['direction'], after: Cursor): string[] {
  const beyond = direction === 'backward' ? '<' : '>';
  return [
    `timestamp ${beyond}= ${quoteTime(after.ts)}`,
    `timestamp ${beyond} ${quoteTime(after.ts)} OR seq ${beyond} ${quoteInteger(after.seq)}`,
  ];
}

/** Matching rows in no order, with stored columns. */
export function matchingSql(query: LogQuery, matching: Matching, columns: readonly string[]): ToSql {
  const scope = new Scope();
  const { where } = conditionsOf(query, matching, scope);
  return sources =>
    sources.records
      .map((table, i) => scope.select(columns, withoutHeld(where, matching.range, i, sources), table))
      .join(' UNION ALL ');
}

/** Stages after which a record can have labels that it was not stored with. */
const makesLabels = new Set(['json', 'logfmt', 'pattern', 'regexp', 'unpack', 'label_format', 'lookup']);

/** Labels that the stages made, `__error__` included; undefined when no stage can make any. */
export function parsedLabels(query: LogQuery, row: Row): string | undefined {
  const error = find(row, '__error__');
  const details = find(row, '__error_details__');
  if (error.present === '0' && details.present === '0')
    return query.stages.some(stage => makesLabels.has(stage.kind)) ? row.map('parsed') : undefined;
  return `mapUpdate(${row.map('parsed')}, mapFilter((k, v) -> v != '', map('__error__', toString(${error.value}), '__error_details__', toString(${details.value}))))`;
}

/** Columns of the shape of QueryRow (contract.ts) over the stored ones. `parsed` is there only when a stage can make labels. */
export function rowColumns(query: LogQuery, row: Row): string[] {
  const parsed = parsedLabels(query, row);
  return [
    'toUnixTimestamp64Nano(timestamp) AS ts',
    'seq',
    'toUnixTimestamp64Nano(received) AS received',
    'service',
    'level',
    'severity',
    `toString(${row.line}) AS message`,
    `${row.map('stream')} AS labels`,
    `${row.map('metadata')} AS attributes`,
    ...(parsed === undefined ? [] : [`${parsed} AS parsed`]),
    'door',
  ];
}

/**
 * Rows in the shape of QueryRow (contract.ts), in order, made by the engine alone: for exports, samples inside statements, and rows by seq.
 * A page for people is cheaper by page.ts. Each source gives its own first rows; labels are made for the rows of the answer
 * only.
 *
 * Parts are asked twice: for the times of their first rows, then for the rows of these times. `seq` only breaks ties, but sorting by it as well
 * makes the engine read far beyond the limit; by time alone it reads in the order of the key and stops (measured on 2 M rows, CPU ms: last 100
 * 79 -> 17, by service and level 85 -> 33, by an attribute 390 -> 30). The times are a set and not a bound: a bound is a scalar
 * subquery, which would run before the other sources have given their snapshots (store/run-query.ts). Both looks at the parts share one
 * snapshot; those at a tail would not, and reading a tail once is cheaper than twice.
 */
export function rowsSql(query: LogQuery, matching: Matching, paging: Paging): ToSql {
  const scope = new Scope();
  const { row, where } = conditionsOf(query, matching, scope);
  const { after, limit, direction } = paging;
  const way = direction === 'backward' ? 'DESC' : 'ASC';
  const conditions = [...where, ...(after ? cursorConditions(direction, after) : [])];
  const order = direction === 'accepted' ? `ORDER BY seq ${way}` : `ORDER BY timestamp ${way}, seq ${way}`;
  const cut = limit === undefined ? '' : ` LIMIT ${limit}`;

  const columns = rowColumns(query, row);
  const leg = (table: string, isParts: boolean): string => {
    const times = `timestamp IN (${scope.select(['timestamp'], conditions, table)} ORDER BY timestamp ${way}${cut})`;
    const nearest = isParts && limit !== undefined && direction !== 'accepted' ? [times] : [];
    return `(${scope.select(recordColumns, conditions, table, [], nearest)} ${order}${cut})`;
  };
  return sources => {
    const legs = sources.records.map((table, i) => leg(table, i === 0));
    return `${scope.select(columns, [], `(${legs.join(' UNION ALL ')})`)} ${order}${cut}`;
  };
}

/** In statements about rows names mean columns, also where an answer has the same name: `message` of a filter is the stored one. */
export const namesAreColumns: Settings = { prefer_column_name_to_alias: 1 };

/**
 * How the engine best runs rowsSql. Measured on 1 M rows, 2 cores, last 100 rows (CPU ms): defaults 42 to 113, without top-k filter and with one thread
 * 7 to 17, because several threads each read their own far end of the range. A line filter may have to read everything: it gets half the cores.
 */
export function rowsSettings(query: LogQuery, paging: Paging): Settings {
  const scope = new Scope();
  const { where } = conditionsOf(query, { tenant: '' }, scope);
  const apart = scope.isLayered(recordColumns, where) ? stepsApart : {};
  if (paging.limit === undefined) return { ...namesAreColumns, ...apart, use_top_k_dynamic_filtering: 0 };
  const searches = query.stages.some(stage => stage.kind === 'line_filter');
  const threads = searches ? Math.max(1, Math.floor(availableParallelism() / 2)) : 1;
  return {
    ...namesAreColumns,
    ...apart,
    use_top_k_dynamic_filtering: 0,
    // The times have chosen the rows already.
    query_plan_optimize_lazy_materialization: 0,
    max_threads: threads,
  };
}

/** The condition of a selector over tables with a column `labels` only. */
export function streamCondition(selector: readonly Matcher[]): string {
  return and(selector.map(matcher => matcherCondition(`labels[${quoteString(matcher.name)}]`, matcher)));
}
