import type { BinaryOperator } from './tree.ts';

/** Binding strength; `^` binds to the right, the others to the left. */
export const binaryStrength: Record<BinaryOperator, number> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  '^': 6,
};

export const setOperators: ReadonlySet<BinaryOperator> = new Set(['and', 'or', 'unless']);
export const comparisonOperators: ReadonlySet<BinaryOperator> = new Set(['==', '!=', '<', '<=', '>', '>=']);
