/**
 * The partition of a record is `<class>/<receive day>`; the class is `d<days to keep>`, chosen when the record is processed, so that dropping
 * whole partitions is all that retention has to do.
 */

const dayMillis = 86_400_000;

/** The class of records to be kept for `days` days. */
export const classOfDays = (days: number): string => `d${days}`;

/** Days that records of this class are kept; undefined for text that is no class of ours. */
export function daysOfClass(text: string): number | undefined {
  const days = /^d(\d+)$/.exec(text)?.[1];
  return days === undefined ? undefined : Number(days);
}

/** True when every record of the partition is older than its class allows. Days are UTC, as in the partition key. */
export function isExpired(partition: string, now: number = Date.now()): boolean {
  const [name, day] = partition.split('/');
  const days = daysOfClass(name ?? '');
  const start = Date.parse(`${day}T00:00:00Z`);
  return days !== undefined && !Number.isNaN(start) && start + (days + 1) * dayMillis <= now;
}
