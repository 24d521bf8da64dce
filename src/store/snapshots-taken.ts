import type { Engine } from '../flow.ts';
import { quoteStrings } from '../language/sql-writer.ts';

/**
 * Which of the statements of these query ids have their snapshots of all their tables: the counter is set when the plan is built, and the tables have given
 * theirs before. The embedded engine chooses its own ids and knows statements by a comment (engine/statement-text.ts).
 */
export async function snapshotsTaken(engine: Engine, queryIds: readonly string[]): Promise<string[]> {
  const rows = await engine.run({
    sql: `WITH extract(query, '^/[*]weir:([^*]+)[*]/') AS named, if(named = '', query_id, named) AS id
SELECT id FROM system.processes WHERE id IN ${quoteStrings(queryIds)} AND (read_rows > 0 OR ProfileEvents['QueryPlanBuildMicroseconds'] > 0)`,
  });
  return rows.map(r => String(r.id));
}
