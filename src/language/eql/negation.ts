import type { Expression } from './tree.ts';

/** `f == null`, `null != f`. */
export const isNullTest = (expression: Expression): boolean =>
  expression.kind === 'compare' &&
  (expression.operator === '==' || expression.operator === '!=') &&
  [expression.left, expression.right].some(side => side.kind === 'literal' && side.value === null);

/** `(a < 1) == true` is `a < 1`, `(a < 1) == false` is `not a < 1`; undefined for any other comparison. */
export function ofTruth(expression: Expression & { kind: 'compare' }): Expression | undefined {
  const { left, right, operator, at } = expression;
  if (operator !== '==' && operator !== '!=') return undefined;
  const [of, value] = left.kind === 'literal' ? [right, left] : [left, right];
  if (value.kind !== 'literal' || typeof value.value !== 'boolean') return undefined;
  if (of.kind === 'field' || of.kind === 'literal') return undefined;
  return value.value === (operator === '==') ? of : { kind: 'not', of, at };
}

/** Tests of a field that an index answers when what it is tested against is written out. */
const plainTests: ReadonlySet<string> = new Set(['cidrMatch', 'endsWith', 'startsWith', 'stringContains']);

/** True for what is computed for each event: neither true nor false where something is missing. */
export function isOpen(expression: Expression): boolean {
  const isField = (part: Expression): boolean => part.kind === 'field';
  const isValue = (part: Expression): boolean => part.kind === 'literal' && part.value !== null;
  switch (expression.kind) {
    case 'literal':
      return expression.value === null;
    case 'compare': {
      const turned = ofTruth(expression);
      if (turned !== undefined) return isOpen(turned);
      const { left, right } = expression;
      return !((isField(left) && isValue(right)) || (isValue(left) && isField(right)) || isNullTest(expression));
    }
    case 'match':
      return !isField(expression.left);
    case 'in':
      return !isField(expression.left) || !expression.list.every(item => item.kind === 'literal');
    case 'call': {
      const [source, ...rest] = expression.args;
      return !plainTests.has(expression.name) || source?.kind !== 'field' || !rest.every(isValue);
    }
    case 'not':
      return isOpen(expression.of);
    default:
      return false;
  }
}
