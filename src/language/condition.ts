import { parseImplied, parseLogs } from './parser.ts';
import { storedRow } from './row.ts';
import { Scope } from './scope.ts';
import { selectorCondition } from './selector-sql.ts';
import { and } from './sql-writer.ts';
import { applyStages } from './stages/index.ts';

/**
 * LogQL (selector, filters, parsers) as one boolean SQL expression over the columns of a record, for the pipeline's `where`.
 * A text that starts with `|` or a line filter has an implied all-matching selector. Throws `bad_query` when it is no log query.
 */
export function compileCondition(logql: string): string {
  const tree = /^\s*[{(]/.test(logql) ? parseLogs(logql, { allowAll: true }) : parseImplied(logql);
  const scope = new Scope();
  const { where } = applyStages(tree.stages, storedRow(scope));
  return scope.inline(and([selectorCondition(tree.selector), ...where]));
}
