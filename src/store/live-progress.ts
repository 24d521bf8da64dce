import type { SqlProgress, Statement } from '../flow.ts';
import { quoteString } from '../language/sql-writer.ts';
import { nameComment } from './engine/statement-text.ts';

/** A look at a running statement costs about a CPU-ms, so it is taken seldom enough for this share of the time that a statement has ... */
const looksPerLimit = 60;
const [millisMin, millisMax] = [50, 250];

/**
 * Tell how far a statement of the embedded engine is, which hands progress over together with rows: of an aggregation, and of a small answer, nothing comes
 * before its end. This asks for it beside the statement, in a session of our own. Statements that are over before the first look cost nothing.
 * `timeoutMs`: how long the statement may run, 0 for ever. Gives the function that ends it.
 */
export function followProgress(
  run: (statement: Statement) => Promise<Record<string, unknown>[]>,
  queryId: string,
  timeoutMs: number,
  onProgress: (progress: SqlProgress) => void,
): () => void {
  let looking = false;
  const timer = setInterval(
    () => {
      if (looking) return;
      looking = true;
      run({
        sql: `SELECT read_rows, read_bytes, greatest(total_rows_approx, read_rows) AS total, elapsed FROM system.processes
WHERE startsWith(query, ${quoteString(nameComment(queryId))})`,
      })
        .then(([row]) => {
          if (row && looking)
            onProgress({
              readRows: Number(row.read_rows),
              readBytes: Number(row.read_bytes),
              totalRows: Number(row.total),
              elapsedMs: Number(row.elapsed) * 1000,
            });
        })
        // The statement itself will say what is wrong.
        .catch(() => {})
        .finally(() => {
          looking = false;
        });
    },
    Math.min(millisMax, Math.max(millisMin, timeoutMs > 0 ? timeoutMs / looksPerLimit : millisMax)),
  );
  timer.unref();
  return () => {
    looking = false;
    clearInterval(timer);
  };
}
