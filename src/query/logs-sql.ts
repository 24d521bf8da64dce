import type { Tenant } from '../base/record.ts';
import type { Sources } from '../flow.ts';
import { matcherCondition } from '../language/label-condition.ts';
import { find, type Row, storedRow } from '../language/row.ts';
import { Scope } from '../language/scope.ts';
import { and, quoteInteger, quoteString, quoteTime } from '../language/sql-writer.ts';
import { applyStages } from '../language/stages/index.ts';
import type { LogQuery, Matcher } from '../language/tree.ts';
import type { TimeRange } from './time-range.ts';

/** The last row of the page before: rows come strictly after it in the direction of the answer. */
export type Cursor = { ts: bigint; seq: bigint };

/** Which matching records of a log query. */
export type Matching = {
  tenant: Tenant;
  /** Absent: any time. */
  range?: TimeRange;
  /** Only rows accepted since then, inclusive. */
  fromSeq?: bigint;
  /** Only rows accepted before, exclusive. */
  belowSeq?: bigint;
};

/** Which rows of them, in which order: by time and seq, or `accepted`: by seq. */
export type Paging = { direction: 'backward' | 'forward' | 'accepted'; limit?: number; after?: Cursor };

export type ToSql = (sources: Sources) => string;

function compile(query: LogQuery, matching: Matching): { scope: Scope; row: Row; where: string[] } {
  const scope = new Scope();
  const start = storedRow(scope);
  const { range, fromSeq, belowSeq } = matching;
  const where = [`tenant = ${quoteString(matching.tenant)}`];
  if (range) where.push(`timestamp >= ${quoteTime(range.start)}`, `timestamp < ${quoteTime(range.end)}`);
  if (fromSeq !== undefined) where.push(`seq >= ${quoteInteger(fromSeq)}`);
  if (belowSeq !== undefined) where.push(`seq < ${quoteInteger(belowSeq)}`);
  for (const matcher of query.selector) where.push(matcherCondition(start.label('stream', matcher.name).value, matcher));
  const { row, where: conditions } = applyStages(query.stages, start);
  return { scope, row, where: [...where, ...conditions] };
}

/** Matching rows in no order, with stored columns. */
export function matchingSql(query: LogQuery, matching: Matching, columns: readonly string[]): ToSql {
  const { scope, where } = compile(query, matching);
  const condition = and(where);
  const text = `${scope.with([condition])}SELECT ${columns.join(', ')}`;
  return sources => sources.records.map(table => `${text} FROM ${table} WHERE ${condition}`).join(' UNION ALL ');
}

/** Stages after which a record can have labels that it was not stored with. */
const makesLabels = new Set(['json', 'logfmt', 'pattern', 'regexp', 'unpack', 'label_format', 'label_filter']);

function parsedLabels(query: LogQuery, row: Row): string | undefined {
  if (!query.stages.some(stage => makesLabels.has(stage.kind))) return undefined;
  const error = find(row, '__error__');
  const details = find(row, '__error_details__');
  const errors =
    error.present === '0'
      ? row.map('parsed')
      : `mapUpdate(${row.map('parsed')}, mapFilter((k, v) -> v != '', map('__error__', toString(${error.value}), '__error_details__', toString(${details.value}))))`;
  return errors;
}

const orders = {
  backward: ['DESC', '<'],
  forward: ['ASC', '>'],
  accepted: ['ASC', '>'],
} as const;

/**
 * Rows in the shape of QueryRow (contract.ts), in order. Each source gives its own first rows, so that parts are read in order and
 * only as far as needed; `parsed` is a column only when a stage can make labels.
 */
export function rowsSql(query: LogQuery, matching: Matching, paging: Paging): ToSql {
  const { scope, row, where } = compile(query, matching);
  const [way, beyond] = orders[paging.direction];
  const { after, limit } = paging;
  if (after)
    where.push(
      `timestamp ${beyond}= ${quoteTime(after.ts)}`,
      `timestamp ${beyond} ${quoteTime(after.ts)} OR seq ${beyond} ${quoteInteger(after.seq)}`,
    );
  const parsed = parsedLabels(query, row);
  const columns: [name: string, sql: string][] = [
    ['ts', 'toUnixTimestamp64Nano(timestamp)'],
    ['seq', 'seq'],
    ['received', 'toUnixTimestamp64Nano(received)'],
    ['service', 'service'],
    ['level', 'level'],
    ['severity', 'severity'],
    ['message', row.line],
    ['labels', row.map('stream')],
    ['attributes', row.map('metadata')],
    ...(parsed === undefined ? [] : [['parsed', parsed] as [string, string]]),
    ['door', 'door'],
  ];
  const condition = and(where);
  const inner = columns.map(([name, sql]) => `${sql} AS _${name}`).join(', ');
  const outer = columns.map(([name]) => `_${name} AS ${name}`).join(', ');
  const text = `${scope.with([condition, inner])}SELECT ${inner}`;
  const order = paging.direction === 'accepted' ? `seq ${way}` : `timestamp ${way}, seq ${way}`;
  const outerOrder = paging.direction === 'accepted' ? `_seq ${way}` : `_ts ${way}, _seq ${way}`;
  const end = limit === undefined ? '' : ` LIMIT ${limit}`;
  return sources => {
    const parts = sources.records.map(table => `(${text} FROM ${table} WHERE ${condition} ORDER BY ${order}${end})`);
    return `SELECT ${outer} FROM (${parts.join(' UNION ALL ')}) ORDER BY ${outerOrder}${end}`;
  };
}

/** The condition of a selector over tables with a column `labels` only. */
export function streamCondition(selector: readonly Matcher[]): string {
  return and(selector.map(matcher => matcherCondition(`labels[${quoteString(matcher.name)}]`, matcher)));
}
