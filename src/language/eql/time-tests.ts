import { readTimeMath, timeOfNumber } from './times.ts';
import type { CompareOperator, Expression, Literal } from './tree.ts';

/** A time that stands right of an operator, ns since 1970: from `low` to `high`, which are the same unless a part of it is not written. */
export type WrittenTime = { operator: CompareOperator; low: bigint; high: bigint };

/** The operator for the two sides of a comparison the other way round. */
export const mirrored: Record<CompareOperator, CompareOperator> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

type Written = Literal & { value: string | number };
const isWritten = (side: Expression): side is Written =>
  side.kind === 'literal' && (typeof side.value === 'string' || typeof side.value === 'number');

/** The text or number that something is compared with, and whether it stands first; undefined for two that are computed. */
export function literalOf({
  left,
  right,
}: {
  left: Expression;
  right: Expression;
}): { side: Written; first: boolean } | undefined {
  if (isWritten(left)) return { side: left, first: true };
  return isWritten(right) ? { side: right, first: false } : undefined;
}

/** True for what is compared with any field as a time: a date, with or without a time of day, and date math. */
export const readsAsTime = (value: string | number): boolean =>
  typeof value === 'string' &&
  /^(?:\d{4}-\d\d-\d\d(?:[T ][\d:.,]*)?(?:Z|[+-][\d:]+)?(?:$|\|\|)|now[+-]\d+[yMwdhHms]|now\/[yMwdhHms]$)/i.test(value);

/** What a literal means as a time; undefined when it is none that fits 64 bits. */
export function writtenTime(
  { value, text }: Written,
  operator: CompareOperator,
  nowNs: bigint,
): WrittenTime | undefined {
  const read = (up: boolean): bigint | undefined =>
    typeof value === 'number' ? timeOfNumber(value, text ?? String(value)) : readTimeMath(value, up, nowNs);
  const [low, high] = [read(false), read(true)];
  const fits = (ns: bigint | undefined): ns is bigint => ns !== undefined && ns <= 2n ** 63n - 1n && ns >= -(2n ** 63n);
  return fits(low) && fits(high) ? { operator, low, high } : undefined;
}

/** SQL: `>` and `<=` look at the last moment that is meant, `<` and `>=` at the first, and equal is what lies between them. */
export function timeTest(sql: string, { operator, low, high }: WrittenTime, quote: (ns: bigint) => string): string {
  if (operator === '==' && low !== high) return `(${sql} >= ${quote(low)} AND ${sql} <= ${quote(high)})`;
  const sign = operator === '==' ? '=' : operator;
  return `${sql} ${sign} ${quote(operator === '>' || operator === '<=' ? high : low)}`;
}
