import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { parseMetric } from './metric-parser.ts';
import { parseLogQuery, parseStages } from './pipeline-parser.ts';
import { TokenReader } from './reader.ts';
import type { LogQuery, Query } from './tree.ts';

export type ParseOptions = {
  /** Accept `{}` and selectors whose matchers all match the empty value (our own API; Loki's refuses them). */
  allowAll?: boolean;
  /** Take what is well-formed even where it cannot be run, such as a template with an unknown function. For formatting only. */
  formOnly?: boolean;
};

function open(text: string): TokenReader {
  if (Buffer.byteLength(text) > limits.queryTextBytesMax) {
    throw new WeirError('bad_query', {
      reason: `query text is longer than ${limits.queryTextBytesMax} bytes; shorten it`,
    });
  }
  return new TokenReader(text);
}

function end<T>(reader: TokenReader, tree: T, formOnly = false): T {
  if (reader.peek().type !== 'end') throw reader.unexpected('end of query');
  const [fault] = reader.faults;
  if (fault && !formOnly) throw reader.rule(fault.reason, fault.token);
  return tree;
}

/** Parses LogQL. Throws a WeirError `bad_query` with line, column, what was found and what was expected. */
export function parseQuery(text: string, options: ParseOptions = {}): Query {
  const reader = open(text);
  if (reader.peek().type === 'end') throw reader.unexpected('a log selector such as {app="x"} or a metric expression');
  const allowAll = options.allowAll ?? false;
  // A query that opens with parentheses before its selector is a log query when nothing but `)` follows the log expression.
  let depth = 0;
  while (reader.isOperator('(', depth)) depth++;
  const tree = reader.isOperator('{', depth) ? parseLogQuery(reader, allowAll) : parseMetric(reader, allowAll);
  return end(reader, tree, options.formOnly);
}

/** Parses a log query; a metric expression is a `bad_query`. */
export function parseLogs(text: string, options: ParseOptions = {}): LogQuery {
  const reader = open(text);
  if (!reader.isOperator('{') && !reader.isOperator('(')) throw reader.unexpected('a log selector such as {app="x"}');
  return end(reader, parseLogQuery(reader, options.allowAll ?? false));
}

/** Parses a pipeline without selector (`|= "x" | json`); the selector is all-matching. */
export function parseImplied(text: string): LogQuery {
  const reader = open(text);
  return end(reader, { kind: 'logs', selector: [], stages: parseStages(reader) });
}
