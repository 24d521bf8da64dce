/**
 * Shapes: what may stand behind the stages of a log query and looks at all its rows together. They are Weir's own and no part of LogQL (docs/extensions.md);
 * Loki's API does not know them.
 */
export type Shape = Distinct | Sort | Limit | Stats | Context;

/** `distinct a, b`: of the rows with the same values the first in the order of the answer. */
export type Distinct = { kind: 'distinct'; fields: string[] };
export type SortKey = { field: string; descending: boolean };
/** `sort a desc, b`: numbers by their value before texts, then by text; ties by time. */
export type Sort = { kind: 'sort'; keys: SortKey[] };
export type Limit = { kind: 'limit'; rows: number };
/** `context 5`: also so many records of the same stream before and after each match. */
export type Context = { kind: 'context'; records: number };
/** `stats count() as n, p95(duration_ms) by service`: a table with a row for each combination of values. */
export type Stats = { kind: 'stats'; columns: StatsColumn[]; by: string[] };
export type StatsColumn = { fn: StatsFunction; field?: string; quantile?: number; name: string };

export const statsFunctions = [
  'count',
  'uniq',
  'sum',
  'avg',
  'min',
  'max',
  'stddev',
  'median',
  'quantile',
  'first',
  'last',
] as const;
export type StatsFunction = (typeof statsFunctions)[number];

/** A log query's rows and what is made of them. */
export const isTable = (shapes: readonly Shape[]): boolean => shapes.some(shape => shape.kind === 'stats');
