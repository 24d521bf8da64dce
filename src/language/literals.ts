import type { BinaryOperator, MetricQuery } from './tree.ts';

/** What LogQL's operators give for two numbers; division by zero is NaN, comparisons give 0 or 1. */
export function evaluate(op: BinaryOperator, a: number, b: number): number {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? Number.NaN : a / b;
    case '%':
      return b === 0 ? Number.NaN : a % b;
    case '^':
      return power(a, b);
    case '==':
      return Number(a === b);
    case '!=':
      return Number(a !== b);
    case '<':
      return Number(a < b);
    case '<=':
      return Number(a <= b);
    case '>':
      return Number(a > b);
    case '>=':
      return Number(a >= b);
    default:
      throw new Error(`BUG: set operator ${op} between numbers`);
  }
}

/** IEEE 754 pow as C and Go have it: where JavaScript says NaN, 1 to any power and -1 to an infinite one are 1. */
const power = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b);

/** True when a query is a number, or operators between numbers. */
export const isNumber = (query: MetricQuery): boolean =>
  query.kind === 'literal' || (query.kind === 'binary' && isNumber(query.left) && isNumber(query.right));

/** Replaces operators between numbers by their result. */
export function foldLiterals(query: MetricQuery): MetricQuery {
  if (query.kind === 'vector_aggregation' || query.kind === 'label_replace')
    return { ...query, inner: foldLiterals(query.inner) };
  if (query.kind !== 'binary') return query;
  const left = foldLiterals(query.left);
  const right = foldLiterals(query.right);
  if (left.kind === 'literal' && right.kind === 'literal')
    return { kind: 'literal', value: evaluate(query.op, left.value, right.value) };
  return { ...query, left, right };
}
