import type { ArithmeticOperator } from './tree.ts';
import { asNumber, bothWhole, type Value } from './value.ts';

/**
 * Numbers are Float64: whole numbers are exact up to 2^53. Division of two whole numbers drops the fraction; by zero gives nothing.
 * The remainder has the sign of the dividend.
 */
export function arithmetic(
  operator: ArithmeticOperator,
  left: Value,
  right: Value,
  bind: (sql: string) => string,
): Value {
  if (left.type === 'null' || right.type === 'null') return { type: 'null' };
  const a = asNumber(left);
  const b = asNumber(right);
  const integer = bothWhole(a, b);
  if (operator !== '/' && operator !== '%')
    return { type: 'number', sql: bind(`(${a.sql} ${operator} ${b.sql})`), integer };
  const divisor = bind(b.sql);
  const safe = `nullIf(${divisor}, 0)`;
  if (operator === '%') return { type: 'number', sql: bind(`(${a.sql} % ${safe})`), integer };
  const quotient = bind(`(${a.sql} / ${safe})`);
  const sql =
    integer === '1'
      ? `trunc(${quotient})`
      : integer === '0'
        ? quotient
        : `if(${integer}, trunc(${quotient}), ${quotient})`;
  return { type: 'number', sql: bind(sql), integer };
}
