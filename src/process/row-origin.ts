import { quoteString } from '../language/sql-writer.ts';
import type { Piece } from './frame-groups.ts';

/** SQL of what a row owes to its frame and not to its text; `row` is the name of the column with the row number in the spool. */
export type RowOrigin = { seq: string; tenant: string; received: string };

type Run<T> = { start: number; value: T };

/** Runs of rows with the same value, merged by `same`, which sees the last run and a candidate. */
function runs<T>(
  pieces: readonly Piece[],
  valueOf: (piece: Piece) => T,
  same: (last: Run<T>, next: Run<T>) => boolean,
): Run<T>[] {
  const found: Run<T>[] = [];
  let start = 0;
  for (const piece of pieces) {
    if (piece.rows === 0) continue;
    const next = { start, value: valueOf(piece) };
    const last = found.at(-1);
    if (!last || !same(last, next)) found.push(next);
    start += piece.rows;
  }
  return found;
}

const starts = (of: readonly Run<unknown>[]): string => `[${of.map(r => r.start).join(',')}]`;
const first = (row: string, of: readonly Run<unknown>[]): string => `toUInt64(roundDown(${row}, ${starts(of)}))`;

/** Row numbers to seq, tenant and receive time, by the boundaries of the frames; neighbours that go on are one boundary. */
export function rowOrigin(pieces: readonly Piece[], row: string): RowOrigin {
  const bySeq = runs(
    pieces,
    p => p.seq,
    (last, next) => next.value - last.value === BigInt(next.start - last.start),
  );
  const byTenant = runs(
    pieces,
    p => p.tenant,
    (last, next) => last.value === next.value,
  );
  const byReceived = runs(
    pieces,
    p => p.received,
    (last, next) => last.value === next.value,
  );
  const pick = (of: readonly Run<unknown>[], values: readonly string[]): string =>
    of.length === 1 ? (values[0] ?? '') : `transform(${first(row, of)}, ${starts(of)}, [${values.join(',')}])`;

  const seqs = bySeq.map(r => `toUInt64(${r.value})`);
  const seq =
    bySeq.length === 1
      ? `toUInt64(${row} + ${seqs[0]})`
      : `toUInt64(transform(${first(row, bySeq)}, ${starts(bySeq)}, [${bySeq.map(r => r.value).join(',')}]) + (${row} - ${first(row, bySeq)}))`;
  const tenants = byTenant.map(r => quoteString(r.value));
  const tenant =
    byTenant.length === 1
      ? (tenants[0] ?? "''")
      : `transform(${first(row, byTenant)}, ${starts(byTenant)}, [${tenants.join(',')}], '')`;
  return {
    seq,
    tenant,
    received: `fromUnixTimestamp64Nano(toInt64(${pick(
      byReceived,
      byReceived.map(r => r.value),
    )}), 'UTC')`,
  };
}
