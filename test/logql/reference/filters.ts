import type { CompareOperator, LabelCondition, LineFilter, Matcher } from '../../../src/language/tree.ts';
import { type Line, labelOf } from './record.ts';

/** Matchers see a missing label as the empty value; their expressions match it as a whole. */
export function matches({ op, value: wanted }: Matcher, value: string): boolean {
  if (op === '=') return value === wanted;
  if (op === '!=') return value !== wanted;
  return new RegExp(`^(?:${wanted})$`, 's').test(value) === (op === '=~');
}

function hasOperand(op: LineFilter['op'], operand: string, text: string): boolean {
  if (op === '|=' || op === '!=') return text.includes(operand);
  if (op === '|~' || op === '!~') return new RegExp(operand).test(text);
  return followsPattern(operand.split('<_>'), text);
}

/** Texts between captures, each looked for behind the one before; a capture takes at least one character. The beginning is not anchored, the end is. */
function followsPattern(literals: readonly string[], text: string): boolean {
  if (literals.length === 1) return text === literals[0];
  let rest = text;
  for (const [i, literal] of literals.entries()) {
    if (literal === '') continue;
    const at = rest.indexOf(literal);
    if (at < 0 || (i > 0 && at === 0)) return false;
    rest = rest.slice(at + literal.length);
  }
  return (literals.at(-1) === '') === (rest !== '');
}

export function passesLine({ op, operands }: LineFilter, text: string): boolean {
  const any = operands.some(operand => hasOperand(op, operand.value, text));
  return op.startsWith('|') === any;
}

/** Go's ParseFloat, as far as tests write numbers. */
export function readNumber(text: string): number | undefined {
  if (/^[+-]?(inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

const seconds: Record<string, number> = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
/** Seconds of Go's ParseDuration. */
export function readDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!/^[+-]?((\d+\.?\d*|\.\d+)(ns|us|ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit = ''] of text.matchAll(/([\d.]+)(ns|us|ms|s|m|h)/g))
    sum += Number(amount) * (seconds[unit] ?? 0);
  return text.startsWith('-') ? -sum : sum;
}

/** Bytes of a size in any case; no unit means bytes. */
export function readBytes(text: string): number | undefined {
  const found = /^(\d+\.?\d*|\.\d+) *(?:([kmgt]?)(i?)b?)$/i.exec(text);
  if (!found || (found[3] !== '' && found[2] === '')) return undefined;
  const power = ' kmgt'.indexOf((found[2] ?? '').toLowerCase() || ' ');
  return Math.floor(Number(found[1]) * (found[3] === '' ? 1000 : 1024) ** power);
}

const compare: Record<CompareOperator, (a: number, b: number) => boolean> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
};

/** What a label filter says of a line. An error is seen by what stands behind it in the same filter; one that the line has already stays. */
export function passesLabels(line: Line, condition: LabelCondition): boolean {
  switch (condition.type) {
    case 'and': {
      const left = passesLabels(line, condition.left);
      return passesLabels(line, condition.right) && left;
    }
    case 'or':
      return passesLabels(line, condition.left) || passesLabels(line, condition.right);
    case 'string':
      return matches(condition.matcher, labelOf(line, condition.matcher.name) ?? '');
    case 'ip':
      throw new Error('the reference has no ip filters');
    default: {
      const text = labelOf(line, condition.name);
      if (text === undefined) return false;
      const number = { number: readNumber, duration: readDuration, bytes: readBytes }[condition.type](text);
      if (number === undefined) {
        line.error ||= 'LabelFilterErr';
        return true;
      }
      const bound = condition.type === 'duration' ? condition.value / 1e9 : condition.value;
      return compare[condition.op](number, bound);
    }
  }
}
