import type { TokenReader } from './reader.ts';
import { parseSelector } from './selector.ts';
import { isLineFilter, parseStage } from './stages/index.ts';
import type { LogQuery, Stage } from './tree.ts';

const depthMax = 1000;

/** `selector pipeline?`, possibly in parentheses. */
export function parseLogQuery(reader: TokenReader, allowAll: boolean, depth = 0): LogQuery {
  if (depth > depthMax) throw reader.fault(`more than ${depthMax} nested parentheses`);
  if (reader.takeOperator('(')) {
    const inner = parseLogQuery(reader, allowAll, depth + 1);
    reader.operator(')');
    return inner;
  }
  const selector = parseSelector(reader, allowAll);
  return { kind: 'logs', selector, stages: parseStages(reader) };
}

/** Line filters and `| stage`s as long as they come; stops before `| unwrap`. */
export function parseStages(reader: TokenReader): Stage[] {
  const stages: Stage[] = [];
  while (isLineFilter(reader) || (reader.isOperator('|') && !reader.isWord('unwrap', 1)))
    stages.push(parseStage(reader));
  return stages;
}
