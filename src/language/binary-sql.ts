import { comparisonOperators } from './operators.ts';
import { quoteMap, quoteNumber, quoteString, quoteStrings } from './sql-writer.ts';
import type { Binary, BinaryOperator, MetricQuery, VectorMatching } from './tree.ts';
import { type MetricContext, type Vector, vectorOf, vectorSql } from './vector.ts';

type Compile = (query: MetricQuery, context: MetricContext) => Vector;

const high = (x: string): string => `(134217729 * ${x} - (134217729 * ${x} - ${x}))`;
const low = (x: string): string => `(${x} - ${high(x)})`;

/**
 * C's fmod. The engine's `%` takes the rounded quotient times the divisor away, so 1 % 0.1 would be 0; here that product is exact (Dekker's), and what
 * then lies outside [0, |y|) because the quotient was rounded is put right.
 */
function remainder(a: string, b: string): string {
  const rounding = `(${high('y')} * ${high('q')} - y * q) + ${high('y')} * ${low('q')} + ${low('y')} * ${high('q')} + ${low('y')} * ${low('q')}`;
  const right = 'multiIf(r * x < 0, r + sign(x) * abs(y), abs(r) >= abs(y), r - sign(x) * abs(y), r)';
  return `arrayMap((x, y, q) -> arrayMap(r -> ${right}, [(x - y * q) - (${rounding})])[1], [${a}], [${b}], [trunc(${a} / ${b})])[1]`;
}

function arithmetic(op: BinaryOperator, a: string, b: string): string {
  switch (op) {
    case '/':
      return `if(${b} = 0, nan, ${a} / ${b})`;
    case '%':
      return `multiIf(${b} = 0, nan, isInfinite(${b}) AND isFinite(${a}), ${a}, ${remainder(a, b)})`;
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
  const all = vectorOf(vectorSql(vector), vector.fails);
  if (!comparisonOperators.has(query.op)) return { ...all, value: arithmetic(query.op, a, b) };
  const holds = comparison(query.op, a, b);
  if (query.bool) return { ...all, value: `toFloat64(${holds})` };
  // The condition is about the value as it is, not as an answer tells it.
  const kept = `SELECT metric, t, value AS kept, error FROM (${vectorSql(vector)}) WHERE ${holds} OR error != ''`;
  return { ...vectorOf(kept, vector.fails), value: 'kept' };
}

/** SQL: the labels by which two series match, as text. */
function matchKey(matching: VectorMatching | undefined): string {
  if (!matching) return 'toString(metric)';
  if (matching.labels.length === 0) return matching.on ? "''" : 'toString(metric)';
  const inside = `k ${matching.on ? '' : 'NOT '}IN ${quoteStrings(matching.labels)}`;
  return `toString(mapFilter((k, v) -> ${inside}, metric))`;
}

/**
 * Both sides in one pass, matched by `key` and time: `ms` are the (labels, value) of the many side, `os` those of the other. An error of a side
 * comes first, then what `fault` says (SQL over `ms` and `os`, '' when there is none); otherwise `rows` (SQL, tuples of labels and value) are the result.
 */
function matched(query: Binary, many: Vector, one: Vector, fault: string, rows: string): Vector {
  const key = matchKey(query.matching);
  const side = (vector: Vector, isMany: 0 | 1): string =>
    `SELECT metric, t, value, error, ${key} AS key, ${isMany} AS is_many FROM (${vectorSql(vector)})`;
  const failed = "anyIf(tuple(error, metric), error != '')";
  const groups = `SELECT t, groupArrayIf(tuple(metric, value), is_many) AS ms, groupArrayIf(tuple(metric, value), NOT is_many) AS os, ${failed} AS failed FROM (${side(many, 1)} UNION ALL ${side(one, 0)}) GROUP BY key, t`;
  const judged = `SELECT t, ms, os, failed, if(failed.1 != '', failed.1, ${fault}) AS fault FROM (${groups})`;
  const result = `if(fault != '', [tuple(failed.2, toFloat64(0))], ${rows})`;
  return {
    names: [],
    metric: 'row.1',
    t: 't',
    value: 'row.2',
    error: 'fault',
    from: `FROM (SELECT arrayJoin(${result}) AS row, t, fault FROM (${judged}))`,
    fails: many.fails || one.fails || fault !== "''",
  };
}

function setOperation(query: Binary, left: Vector, right: Vector): Vector {
  const nothing = 'arraySlice(ms, 1, 0)';
  const rows = {
    and: `if(empty(os), ${nothing}, ms)`,
    unless: `if(empty(os), ms, ${nothing})`,
    or: 'if(empty(ms), os, ms)',
  }[query.op as 'and' | 'or' | 'unless'];
  return matched(query, left, right, "''", rows);
}

/** SQL over `m.1` and `os`: the labels of the result, those without a value left out. */
const resultLabels = (matching: VectorMatching | undefined): string =>
  `mapFilter((k, v) -> v != '', ${matchedLabels(matching)})`;

function matchedLabels(matching: VectorMatching | undefined): string {
  if (!matching) return 'm.1';
  if (!matching.group) {
    if (matching.labels.length === 0) return matching.on ? quoteMap({}) : 'm.1';
    return `mapFilter((k, v) -> k ${matching.on ? '' : 'NOT '}IN ${quoteStrings(matching.labels)}, m.1)`;
  }
  if (matching.include.length === 0) return 'm.1';
  const include = quoteStrings(matching.include);
  return `mapSort((k, v) -> k, mapUpdate(mapFilter((k, v) -> k NOT IN ${include}, m.1), mapFilter((k, v) -> k IN ${include} AND v != '', os[1].1)))`;
}

const ambiguous = 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)';
const notUnique = 'multiple matches for labels: grouping labels must ensure unique matches';
const ambiguousOne = (side: 'left' | 'right'): string =>
  `found duplicate series on the ${side} hand-side;many-to-many matching not allowed: matching labels must be unique on one side`;

/** Arithmetic and comparisons between two vectors. A series of the one side that stands twice under a key fails the query even where nothing matches it. */
function joined(query: Binary, left: Vector, right: Vector): Vector {
  const { matching, op, bool } = query;
  const toRight = matching?.group === 'right';
  const [many, one] = toRight ? [right, left] : [left, right];
  const [a, b] = toRight ? ['os[1].2', 'm.2'] : ['m.2', 'os[1].2'];
  const compares = comparisonOperators.has(op);
  const value = compares ? (bool ? `toFloat64(${comparison(op, a, b)})` : a) : arithmetic(op, a, b);
  const kept = compares && !bool ? `arrayFilter(m -> ${comparison(op, a, b)}, ms)` : 'ms';
  const labels = resultLabels(matching);
  const twice = matching?.group
    ? `arrayUniq(arrayMap(m -> toString(${labels}), ms)) < length(ms), ${quoteString(notUnique)}`
    : `length(ms) > 1, ${quoteString(ambiguous)}`;
  const fault = `multiIf(length(os) > 1, ${quoteString(ambiguousOne(toRight ? 'left' : 'right'))}, empty(os), '', ${twice}, '')`;
  const rows = `if(empty(os), arraySlice(arrayMap(m -> tuple(${labels}, toFloat64(${value})), ms), 1, 0), arrayMap(m -> tuple(${labels}, toFloat64(${value})), ${kept}))`;
  return matched(query, many, one, fault, rows);
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
