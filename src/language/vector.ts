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
 * A metric expression as SQL: rows (labels Map(String, String) sorted by name, t Int64 ns, value Float64, error String).
 * A row with a non-empty error makes the whole query fail, so no operation may lose it. `fails`: false when no row can have one.
 */
export type Vector = { sql: string; fails: boolean };
