import { fieldText } from './field.ts';
import type { Step } from './step.ts';

const parts = 1_000_000;

/** Keep a share of the records: all or none of those with the same key, on every node and after every restart. */
export const sample = (key: string, keep: number, condition: string): Step => ({
  drops: `(${condition}) AND xxh3(toString(${fieldText(key)})) % ${parts} >= ${Math.round(keep * parts)}`,
});
