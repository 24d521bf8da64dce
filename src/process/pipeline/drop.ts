import type { Step } from './step.ts';

/** Drop records that match. */
export const drop = (condition: string): Step => ({ drops: condition });

/** Keep only records that match. */
export const filter = (condition: string): Step => ({ drops: `NOT (${condition})` });
