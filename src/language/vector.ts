import type { Held } from './held.ts';
import type { Evaluation } from './window.ts';

export type MetricContext = Evaluation & {
  sources: readonly string[];
  tenants: readonly string[];
  /** Fields that the sources have as number columns. */
  numbers?: readonly string[];
  /** Of the first source. */
  parts?: Held;
};

/**
 * A metric expression as SQL: rows (metric Map(String, String) sorted by name, t Int64 ns, value Float64, error String).
 * A row with a non-empty error makes the whole query fail, so no operation may lose it. `fails`: false when no row can have one.
 *
 * It is one SELECT in pieces, so that whoever gives its columns other names or forms need not put another SELECT around it: each costs 0.3 CPU-ms of planning.
 * None of these names is a column of records, which `from` may read.
 */
export type Vector = {
  /** Names that the columns use, as `expression AS name`. */
  names: readonly string[];
  metric: string;
  t: string;
  value: string;
  error: string;
  /** FROM and all that comes behind it. */
  from: string;
  fails: boolean;
};

/** `WITH` and names as in {@link Vector}, or nothing. */
export const withClause = (names: readonly string[]): string => (names.length === 0 ? '' : `WITH ${names.join(', ')} `);

/** The rows of a vector as a statement. */
export const vectorSql = ({ names, metric, t, value, error, from }: Vector): string =>
  `${withClause(names)}SELECT ${metric} AS metric, ${t} AS t, ${value} AS value, ${error} AS error ${from}`;

/** The same as an answer: time and value in the form in which they are told. */
export const answerSql = ({ names, metric, t, value, error, from }: Vector): string =>
  `${withClause(names)}SELECT ${metric} AS metric, ${t} AS time, toString(${value}) AS value, ${error} AS error ${from}`;

/** What a statement with the columns of a vector gives. */
export const vectorOf = (sql: string, fails: boolean): Vector => ({
  names: [],
  metric: 'metric',
  t: 't',
  value: 'value',
  error: 'error',
  from: `FROM (${sql})`,
  fails,
});
