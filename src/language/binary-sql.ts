import { comparisonOperators } from './operators.ts';
import { quoteMap, quoteNumber, quoteString, quoteStrings } from './sql-writer.ts';
import type { Binary, BinaryOperator, MetricQuery, VectorMatching } from './tree.ts';
import type { MetricContext, Vector } from './vector.ts';

type Compile = (query: MetricQuery, context: MetricContext) => Vector;

function arithmetic(op: BinaryOperator, a: string, b: string): string {
  switch (op) {
    case '/':
      return `if(${b} = 0, nan, ${a} / ${b})`;
    case '%':
      return `if(${b} = 0, nan, ${a} - ${b} * trunc(${a} / ${b}))`;
    case '^':
      return `pow(${a}, ${b})`;
    default:
      return `${a} ${op} ${b}`;
  }
}

const comparison = (op: BinaryOperator, a: string, b: string): string => `${a} ${op === '==' ? '=' : op} ${b}`;

/** Between a vector and a number: comparisons filter and keep the vector's value, with `bool` they give 0 or 1. */
function withNumber(query: Binary, vector: Vector, number: number, numberIsLeft: boolean): Vector {
  const literal = quoteNumber(number);
  const [a, b] = numberIsLeft ? [literal, 'value'] : ['value', literal];
  const from = (value: string, where = ''): Vector => ({
    sql: `SELECT labels, t, ${value} AS result, error FROM (${vector.sql})${where}`,
    fails: vector.fails,
  });
  const named = ({ sql, fails }: Vector): Vector => ({
    sql: `SELECT labels, t, result AS value, error FROM (${sql})`,
    fails,
  });
  if (!comparisonOperators.has(query.op)) return named(from(arithmetic(query.op, a, b)));
  const holds = comparison(query.op, a, b);
  return named(query.bool ? from(`toFloat64(${holds})`) : from('value', ` WHERE ${holds} OR error != ''`));
}

/** SQL: the labels by which two series match, as text. */
function matchKey(matching: VectorMatching | undefined): string {
  if (!matching) return 'toString(labels)';
  if (matching.labels.length === 0) return matching.on ? "''" : 'toString(labels)';
  const inside = `k ${matching.on ? '' : 'NOT '}IN ${quoteStrings(matching.labels)}`;
  return `toString(mapFilter((k, v) -> ${inside}, labels))`;
}

function setOperation(query: Binary, left: Vector, right: Vector): Vector {
  const key = matchKey(query.matching);
  const keys = (vector: Vector): string => `(SELECT ${key}, t FROM (${vector.sql}))`;
  const fails = left.fails || right.fails;
  const among = (vector: Vector, condition: string): string =>
    `SELECT labels, t, value, error FROM (${vector.sql}) WHERE (${key}, t) ${condition} OR error != ''`;
  const rightErrors = right.fails
    ? ` UNION ALL SELECT labels, t, value, error FROM (${right.sql}) WHERE error != ''`
    : '';
  if (query.op === 'or')
    return {
      sql: `SELECT labels, t, value, error FROM (${left.sql}) UNION ALL ${among(right, `NOT IN ${keys(left)}`)}`,
      fails,
    };
  return { sql: among(left, `${query.op === 'and' ? 'IN' : 'NOT IN'} ${keys(right)}`) + rightErrors, fails };
}

/** SQL over `many_labels` and `one_labels`: the labels of the result. */
function resultLabels(matching: VectorMatching | undefined): string {
  if (!matching) return 'many_labels';
  if (!matching.group) {
    if (matching.labels.length === 0) return matching.on ? quoteMap({}) : 'many_labels';
    return `mapFilter((k, v) -> k ${matching.on ? '' : 'NOT '}IN ${quoteStrings(matching.labels)}, many_labels)`;
  }
  if (matching.include.length === 0) return 'many_labels';
  const include = quoteStrings(matching.include);
  return `mapSort((k, v) -> k, mapUpdate(mapFilter((k, v) -> k NOT IN ${include}, many_labels), mapFilter((k, v) -> k IN ${include} AND v != '', one_labels)))`;
}

const ambiguous = 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)';
const ambiguousOne =
  'found duplicate series on the one side of the operation; many-to-many matching not allowed: matching labels must be unique on one side';

function joined(query: Binary, left: Vector, right: Vector): Vector {
  const { matching, op, bool } = query;
  const key = matchKey(matching);
  const [many, one] = matching?.group === 'right' ? [right, left] : [left, right];
  const side = (vector: Vector, name: string): string =>
    `(SELECT labels AS ${name}_labels, t AS ${name}_t, value AS ${name}_value, error AS ${name}_error, ${key} AS ${name}_key, count() OVER (PARTITION BY ${key}, t) AS ${name}_count FROM (${vector.sql}))`;
  const [a, b] = matching?.group === 'right' ? ['one_value', 'many_value'] : ['many_value', 'one_value'];
  const filters = comparisonOperators.has(op) && !bool;
  const value = comparisonOperators.has(op) ? (bool ? `toFloat64(${comparison(op, a, b)})` : a) : arithmetic(op, a, b);
  const manyFault = matching?.group ? '' : `, many_count > 1, ${quoteString(ambiguous)}`;
  const error = `multiIf(many_error != '', many_error, one_error != '', one_error, one_count > 1, ${quoteString(ambiguousOne)}${manyFault}, '')`;
  const where = filters ? ` WHERE ${comparison(op, a, b)} OR error != ''` : '';
  const sql = `SELECT ${resultLabels(matching)} AS labels, many_t AS t, ${value} AS value, ${error} AS error FROM ${side(many, 'many')} AS m INNER JOIN ${side(one, 'one')} AS o ON many_key = one_key AND many_t = one_t${where}`;
  const lost = [many, one]
    .filter(v => v.fails)
    .map(v => ` UNION ALL SELECT labels, t, value, error FROM (${v.sql}) WHERE error != ''`);
  return { sql: `SELECT labels, t, value, error FROM (${sql})${lost.join('')}`, fails: true };
}

/** A binary operation that is not between two numbers. */
export function binaryVector(query: Binary, context: MetricContext, compile: Compile): Vector {
  if (query.right.kind === 'literal') return withNumber(query, compile(query.left, context), query.right.value, false);
  if (query.left.kind === 'literal') return withNumber(query, compile(query.right, context), query.left.value, true);
  const left = compile(query.left, context);
  const right = compile(query.right, context);
  return query.op === 'and' || query.op === 'or' || query.op === 'unless'
    ? setOperation(query, left, right)
    : joined(query, left, right);
}
