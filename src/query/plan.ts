import { WeirError } from '../base/errors.ts';
import type { Tenant } from '../base/record.ts';
import type { SqlSettings } from '../flow.ts';
import {
  compileMetric,
  hasOneSeries,
  type Matching,
  matchingSql,
  type Page,
  pageOf,
  type PageOrder,
  type Paging,
  rowsSettings,
  rowsSql,
  type Shaped,
  shapedSql,
  streamCondition,
  type ToSql,
} from '../language/compile.ts';
import { type Reach, reachOf } from '../language/reach.ts';
import { foldLiterals } from '../language/literals.ts';
import type { LookupTables } from '../language/lookup-table.ts';
import { withLookups } from '../language/with-lookups.ts';
import { parseQuery } from '../language/parser.ts';
import { prettyPrint, printQuery } from '../language/print.ts';
import { printShapes } from '../language/shapes/print.ts';
import { type Understood, understand } from '../language/search-text.ts';
import type { LogQuery, Query, Stage } from '../language/tree.ts';
import { looksEql } from './eql/contract.ts';
import { nowNs, type TimeRange } from './time-range.ts';

/** What the text was taken for; see language/search-text.ts. `logql` is the normal form of the query, its shapes included, `shapes` that of the shapes alone. */
type Said = { logql: string; shapes: string; tree: Query } & Pick<Understood, 'language' | 'reading' | 'notes'>;

/** A log query that is understood, ready to become SQL. */
export type LogsPlan = Said & {
  kind: 'logs';
  /** The query is a search for this id alone. */
  id?: string;
  /** The first rows in order of time, see query/ask-page.ts. */
  page(matching: Matching, order: PageOrder): Page;
  /** Rows of the shape of QueryRow (contract.ts), in order, for statements that are not asked by a page. */
  rows(matching: Matching, paging: Paging): { sql: ToSql; settings: SqlSettings };
  /** Matching rows in no order, with the stored columns named. */
  matching(matching: Matching, columns: readonly string[]): ToSql;
  /** When shapes stand behind the stages (docs/extensions.md): their rows; `page` and `rows` are those of the query without them. */
  shaped?: (matching: Matching, order: { direction: 'backward' | 'forward'; limit?: number }) => Shaped;
  /** The same query with a parser behind its stages. */
  parsedBy(parser: 'json' | 'logfmt'): LogsPlan;
};

/** A metric query that is understood. */
export type MetricPlan = Said & {
  kind: 'metric';
  /** A literal: an instant answer is one number, not a vector. */
  scalar: boolean;
  /** An answer has one series at most. */
  single: boolean;
  /** How far back from an evaluation time records count, ns: those in (time - longest, time - shortest]. Absent: the answer depends on more than the records of these times. */
  reach?: Reach;
  sql(tenant: Tenant, range: TimeRange, stepNs: bigint): ToSql;
};

export type Plan = LogsPlan | MetricPlan;

/** `weir`: what people type (see contract.ts). `loki`: LogQL with Loki's rules. */
export type Dialect = 'weir' | 'loki';

function parse(text: string, dialect: Dialect): Understood {
  if (dialect === 'weir' && looksEql(text))
    throw new WeirError('bad_query', {
      reason:
        'this is EQL, which is answered by searches, explain and /_eql/search only; write it as a search (field:value) or as LogQL here, or quote "where" to look for that word',
    });
  return dialect === 'loki'
    ? { query: parseQuery(text), shapes: [], language: 'logql', notes: [] }
    : understand(text, nowNs());
}

const parsers: Record<'json' | 'logfmt', Stage> = {
  json: { kind: 'json', extractions: [] },
  logfmt: { kind: 'logfmt', strict: false, keepEmpty: false, extractions: [] },
};

const logsPlan = (query: LogQuery): LogsPlan => ({
  kind: 'logs',
  logql: printQuery(query),
  shapes: '',
  tree: query,
  language: 'logql',
  notes: [],
  page: (matching, order) => pageOf(query, matching, order),
  rows: (matching, paging) => ({ sql: rowsSql(query, matching, paging), settings: rowsSettings(query, paging) }),
  matching: (matching, columns) => matchingSql(query, matching, columns),
  parsedBy: parser => logsPlan({ ...query, stages: [...query.stages, parsers[parser]] }),
});

/** Understand a query. `lookups`: the tables of the tenant, without which `lookup` stages cannot become SQL. Throws `bad_query` with line and column. */
export function planOf(text: string, dialect: Dialect = 'weir', lookups?: LookupTables): Plan {
  const { query: parsed, shapes, language, reading, notes, id } = parse(text, dialect);
  const query = lookups ? withLookups(parsed, lookups) : parsed;
  const said = {
    logql: printQuery(parsed) + printShapes(shapes),
    shapes: printShapes(shapes),
    tree: parsed,
    language,
    notes,
    ...(reading !== undefined && { reading }),
  };
  if (query.kind === 'logs')
    return {
      ...logsPlan(query),
      ...said,
      ...(id !== undefined && { id }),
      ...(shapes.length > 0 && { shaped: (matching, order) => shapedSql(query, shapes, matching, order) }),
    };
  const reach = reachOf(query);
  return {
    kind: 'metric',
    ...said,
    scalar: foldLiterals(query).kind === 'literal',
    single: hasOneSeries(foldLiterals(query)),
    ...(reach && { reach }),
    sql: (tenant, range, stepNs) => sources =>
      compileMetric(query, {
        sources: sources.records,
        ...(sources.numbers && { numbers: sources.numbers }),
        ...(sources.parts && { parts: sources.parts }),
        tenants: [tenant],
        startNs: range.start,
        endNs: range.end,
        stepNs,
      }).sql,
  };
}

/** LogQL laid out as Loki's format_query does, which asks of a query only that it is well-formed. Throws as planOf. */
export const formatQuery = (text: string): string => prettyPrint(parseQuery(text, { formOnly: true }));

/**
 * As planOf, for endpoints that answer log rows only. `ignored`: they answer about the rows before they are shaped.
 */
export function logsPlanOf(
  text: string,
  dialect: Dialect = 'weir',
  shapes: 'refused' | 'ignored' = 'refused',
  lookups?: LookupTables,
): LogsPlan {
  const plan = planOf(text, dialect, lookups);
  if (plan.kind === 'logs' && plan.shaped && shapes === 'refused')
    throw new WeirError('bad_query', {
      reason: 'distinct, sort, limit, stats and context work in searches only, not here; take them away',
    });
  if (plan.kind === 'logs') return plan;
  throw new WeirError('bad_query', { reason: 'this is a metric query; only log queries are answered here' });
}

/** A selector such as `{app="x"}`; an empty text selects all. */
export type SelectorPlan = {
  /** The condition over a table with a column `labels`. */
  condition: string;
  /** Names of the labels that its matchers look at. */
  names: string[];
};

/** Throws a `bad_request` for anything but label matchers. */
export function selectorOf(text: string): SelectorPlan {
  if (text.trim() === '') return { condition: '1', names: [] };
  const query = parseQuery(text, { allowAll: true });
  if (query.kind !== 'logs' || query.stages.length > 0)
    throw new WeirError('bad_request', { reason: 'only label matchers are supported here, such as {app="x"}' });
  const { selector } = query;
  return { condition: streamCondition(selector), names: [...new Set(selector.map(m => m.name))] };
}
