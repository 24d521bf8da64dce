import type { SqlProgress, Statement } from '../flow.ts';
import { nameComment } from './engine/statement-text.ts';

/** A look at a running statement costs about a CPU-ms, so it is taken seldom enough for this share of the time that a statement has ... */
const looksPerLimit = 60;
const [millisMin, millisMax] = [50, 500];

/**
 * Tell how far a running statement is. The engine hands progress over together with rows, so of an aggregation nothing comes before its end; this asks for it
 * beside the statement, in a session of our own. Statements that are over before the first look cost nothing. Gives the function that ends it.
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
      // A server knows the id itself; the embedded engine by a comment, see engine/statement-text.ts.
      run({
        sql: `SELECT read_rows, read_bytes, greatest(total_rows_approx, read_rows) AS total, elapsed FROM system.processes
WHERE query_id = '${queryId}' OR startsWith(query, '${nameComment(queryId)}') ORDER BY elapsed DESC LIMIT 1`,
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
