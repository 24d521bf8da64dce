import { tenantCondition } from './selector-sql.ts';

/** What is known of all rows of the parts, the first source of records (PartsView of flow.ts). */
export type Held = {
  /** They lie between these event times (ns, inclusive). */
  times?: { from: bigint; to: bigint };
  /** They are of this tenant. */
  tenant?: string;
  /** Each has a service. */
  named?: boolean;
  /** Grows with every change of the parts. */
  generation?: number;
};

/** The selector `{service_name=~".+"}`, by which all records are asked for. */
export const isNamed = "service != ''";

/** The tenant that need not be compared, of those that a question is about. */
const isOnlyTenant = (condition: string, held: Held): boolean =>
  held.tenant !== undefined && condition === tenantCondition([held.tenant]);

/** Whether each row meets the condition anyway. Comparing costs 1 to 1.5 CPU-ms per million rows (docs/decisions/0021). */
export const holds = (condition: string, held: Held | undefined): boolean =>
  held !== undefined && (isOnlyTenant(condition, held) || (held.named === true && condition === isNamed));
