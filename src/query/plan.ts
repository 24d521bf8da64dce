import { WeirError } from '../base/errors.ts';
import type { Tenant } from '../base/record.ts';
import type { SqlSettings } from '../flow.ts';
import {
  compileMetric,
  type Matching,
  matchingSql,
  type Paging,
  rowsSettings,
  rowsSql,
  streamCondition,
  type ToSql,
} from '../language/compile.ts';
import { foldLiterals } from '../language/literals.ts';
import { parseLogs, parseQuery } from '../language/parser.ts';
import { printQuery } from '../language/print.ts';
import { parseSearch } from '../language/search-text.ts';
import type { Query } from '../language/tree.ts';
import type { TimeRange } from './time-range.ts';

/** A log query that is understood, ready to become SQL. */
export type LogsPlan = {
  kind: 'logs';
  /** Normal form. */
  logql: string;
  /** Rows of the shape of QueryRow (contract.ts), in order. */
  rows(matching: Matching, paging: Paging): { sql: ToSql; settings: SqlSettings };
  /** Matching rows in no order, with the stored columns named. */
  matching(matching: Matching, columns: readonly string[]): ToSql;
};

/** A metric query that is understood. */
export type MetricPlan = {
  kind: 'metric';
  logql: string;
  /** A literal: an instant answer is one number, not a vector. */
  scalar: boolean;
  sql(tenant: Tenant, range: TimeRange, stepNs: bigint): ToSql;
};

export type Plan = LogsPlan | MetricPlan;

/** `weir`: what people type (see contract.ts). `loki`: LogQL with Loki's rules. */
export type Dialect = 'weir' | 'loki';

function parse(text: string, dialect: Dialect): Query {
  return dialect === 'loki' ? parseQuery(text) : parseSearch(text);
}

/** Understand a query. Throws `bad_query` with line and column. */
export function planOf(text: string, dialect: Dialect = 'weir'): Plan {
  const query = parse(text, dialect);
  const logql = printQuery(query);
  if (query.kind === 'logs') {
    return {
      kind: 'logs',
      logql,
      rows: (matching, paging) => ({ sql: rowsSql(query, matching, paging), settings: rowsSettings(query, paging) }),
      matching: (matching, columns) => matchingSql(query, matching, columns),
    };
  }
  return {
    kind: 'metric',
    logql,
    scalar: foldLiterals(query).kind === 'literal',
    sql: (tenant, range, stepNs) => sources =>
      compileMetric(query, {
        sources: sources.records,
        tenants: [tenant],
        startNs: range.start,
        endNs: range.end,
        stepNs,
      }).sql,
  };
}

/** As planOf, for endpoints that answer log rows only. */
export function logsPlanOf(text: string, dialect: Dialect = 'weir'): LogsPlan {
  const plan = planOf(text, dialect);
  if (plan.kind === 'logs') return plan;
  throw new WeirError('bad_query', { reason: 'this is a metric query; only log queries are answered here' });
}

/** The condition of a selector such as `{app="x"}` over a table with a column `labels`. */
export function selectorSql(selector: string): string {
  return streamCondition(parseLogs(selector, { allowAll: true }).selector);
}
