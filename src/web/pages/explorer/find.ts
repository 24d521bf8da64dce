import type { QueryRow } from '../../../query/contract.ts';
import { rowText } from './row-text.ts';

/** True when the row shows the text (lower case) in its message, fields or service. */
export function rowHas(row: QueryRow, needle: string): boolean {
  return (
    row.message.toLowerCase().includes(needle) ||
    row.service.toLowerCase().includes(needle) ||
    shownTail(row).includes(needle)
  );
}

/** The tail of a row in either form. */
const shownTail = (row: QueryRow): string => rowText(row, false).tail.toLowerCase();

/** Next index in a direction whose row passes, going round at the ends; -1 when none does. Starts beside `from`; -1 means before the first. */
export function nextIndex(
  rows: readonly QueryRow[],
  from: number,
  step: 1 | -1,
  passes: (row: QueryRow) => boolean,
): number {
  const n = rows.length;
  const start = from < 0 && step < 0 ? n : from;
  for (let k = 1; k <= n; k++) {
    const index = (((start + k * step) % n) + n) % n;
    const row = rows[index];
    if (row && passes(row)) return index;
  }
  return -1;
}

const sliceRows = 4_000;

/** Counts the rows that have the text, in slices between which the page can breathe; gives up (null) when `stale` turns true. */
export async function countMatches(
  rows: readonly QueryRow[],
  needle: string,
  stale: () => boolean,
): Promise<number | null> {
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row && rowHas(row, needle)) count++;
    if (i % sliceRows === sliceRows - 1) await new Promise(resolve => setTimeout(resolve, 0));
    if (stale()) return null;
  }
  return count;
}
