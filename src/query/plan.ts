import type { Tenant } from '../base/record.ts';
import type { Sources } from '../flow.ts';
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

type ToSql = (sources: Sources) => string;

/** A log query that is understood, ready to become SQL. */
export type LogsPlan = {
  kind: 'logs';
  /** Normal form. */
  logql: string;
  /** Rows of the shape of QueryRow (contract.ts), ordered by (ts, seq) in the direction, plus `line`... */
  rows(matching: Matching, paging: Paging): ToSql;
  /** Matching rows in no order, with the columns named. */
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

export type Dialect = 'weir' | 'loki';
export declare function planOf(query: string, dialect?: Dialect): Plan;
export declare function logsPlanOf(query: string, dialect?: Dialect): LogsPlan;
export declare function selectorSql(selector: string): string;
