import { functions, type ValueType } from './functions.ts';
import { meaningError } from './lexer.ts';
import type { Expression } from './tree.ts';

type Type = ValueType | 'null';

const fits = (found: Type, wanted: Type): boolean =>
  found === wanted || found === 'any' || wanted === 'any' || found === 'null' || wanted === 'null';

/** Refuses what cannot mean anything whatever the data: a condition that is no truth, functions of the wrong things. */
export function checkCondition(text: string, condition: Expression): void {
  const found = typeOf(text, condition);
  if (!fits(found, 'boolean') || found === 'null')
    throw meaningError(text, condition.at, `Condition expression needs to be boolean, found [${found}]`);
}

function wants(text: string, expression: Expression, wanted: ValueType, what: string): void {
  const found = typeOf(text, expression);
  if (!fits(found, wanted)) throw meaningError(text, expression.at, `${what} must be [${wanted}], found [${found}]`);
}

function typeOf(text: string, expression: Expression): Type {
  switch (expression.kind) {
    case 'field':
      return 'any';
    case 'literal':
      return expression.value === null ? 'null' : (typeof expression.value as 'string' | 'number' | 'boolean');
    case 'call':
      return callType(text, expression);
    case 'arithmetic':
      for (const side of [expression.left, expression.right])
        wants(text, side, 'number', `operand of [${expression.operator}]`);
      return 'number';
    case 'negate':
      wants(text, expression.of, 'number', 'operand of [-]');
      return 'number';
    case 'compare': {
      const left = typeOf(text, expression.left);
      const right = typeOf(text, expression.right);
      if (!fits(right, left))
        throw meaningError(text, expression.at, `[${expression.operator}] cannot compare [${left}] with [${right}]`);
      return 'boolean';
    }
    case 'match':
      wants(text, expression.left, 'string', `left side of [${expression.operator}]`);
      return 'boolean';
    case 'in': {
      const left = typeOf(text, expression.left);
      for (const item of expression.list) {
        const found = typeOf(text, item);
        if (!fits(found, left)) throw meaningError(text, item.at, `[in] cannot compare [${left}] with [${found}]`);
      }
      return 'boolean';
    }
    case 'and':
    case 'or':
      for (const item of expression.items) wants(text, item, 'boolean', `operand of [${expression.kind}]`);
      return 'boolean';
    case 'not':
      wants(text, expression.of, 'boolean', 'operand of [not]');
      return 'boolean';
    case 'certain':
    case 'least':
      return 'boolean';
  }
}

function callType(text: string, call: Expression & { kind: 'call' }): Type {
  const known = functions.get(call.name);
  if (known === undefined) throw new Error(`BUG: unchecked function ${call.name}`);
  call.args.forEach((arg, i) => {
    const wanted = known.takes[Math.min(i, known.takes.length - 1)] ?? 'any';
    wants(text, arg, wanted, `argument ${i + 1} of [${call.name}]`);
    if (call.name === 'number' && i === 1) checkBase(text, arg);
    if (call.name === 'between' && i === 4 && arg.kind !== 'literal')
      throw meaningError(text, arg.at, 'argument 5 of [between] must be true, false or null, written out');
    if (known.literal === undefined || i === 0) return;
    if (arg.kind !== 'literal' || (typeof arg.value !== 'string' && arg.value !== null))
      throw meaningError(text, arg.at, `argument ${i + 1} of [${call.name}] must be a string constant`);
    const reason = arg.value === null ? undefined : known.literal(arg.value);
    if (reason !== undefined) throw meaningError(text, arg.at, `argument ${i + 1} of [${call.name}]: ${reason}`);
  });
  return known.returns;
}

function checkBase(text: string, base: Expression): void {
  const ok =
    base.kind === 'literal' &&
    (base.value === null || (typeof base.value === 'number' && base.integer && base.value >= 2 && base.value <= 36));
  if (!ok) throw meaningError(text, base.at, 'argument 2 of [number] must be a whole number from 2 to 36, written out');
}
