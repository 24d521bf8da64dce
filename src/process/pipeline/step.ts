import type { Changes } from './field.ts';

/**
 * A step as SQL over the columns of a row: either columns that it replaces, all computed from the row before the step, or a condition for
 * rows that it drops.
 */
export type Step = { changes: Changes; drops?: undefined } | { drops: string; changes?: undefined };
