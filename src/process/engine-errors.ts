import { WeirError } from '../base/errors.ts';

/** Number of the engine's error (ClickHouse error code) when the engine answered with one. */
export const engineCode = (error: unknown): number | undefined => (error as { engineCode?: number }).engineCode;

/** The engine's own words, for reasons in quarantine and for the log. */
export function engineText(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause;
  return cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error);
}

/** NOT_ENOUGH_SPACE, CANNOT_WRITE_TO_FILE_DESCRIPTOR; and the spool's own. */
const fullCodes = new Set([243, 75]);
/** CANNOT_FSYNC and the reads and writes that a failing disk breaks. */
const ioCodes = new Set([204, 74, 76, 77]);
/** MEMORY_LIMIT_EXCEEDED, TOO_MANY_SIMULTANEOUS_QUERIES, QUERY_WAS_CANCELLED, TIMEOUT_EXCEEDED, TOO_MANY_PARTS. */
const busyCodes = new Set([241, 202, 394, 159, 252]);
/** The engine read the input and refused it: CANNOT_PARSE_*, INCORRECT_DATA, ATTEMPT_TO_READ_AFTER_EOF and the like. */
const inputCodes = new Set([
  6, 25, 26, 27, 32, 33, 34, 36, 38, 41, 69, 70, 72, 117, 131, 190, 242, 321, 349, 407, 441, 467, 495, 634, 691,
]);

export type Trouble = 'disk_full' | 'io' | 'busy' | 'down' | 'input' | 'other';

/** What a failed statement calls for: wait and retry (first three), start over (`down`), look for the guilty line (`input`). */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof WeirError && error.code === 'engine_down') return 'down';
  if (error instanceof WeirError && error.code === 'disk_full') return 'disk_full';
  if (error instanceof WeirError && error.code === 'overloaded') return 'busy';
  if ((error as { code?: string }).code === 'ENOSPC') return 'disk_full';
  if ((error as { code?: string }).code === 'EIO') return 'io';
  const code = engineCode(error);
  if (code === undefined) return 'other';
  if (fullCodes.has(code)) return 'disk_full';
  if (ioCodes.has(code)) return 'io';
  if (busyCodes.has(code)) return 'busy';
  return inputCodes.has(code) ? 'input' : 'other';
}
