import { ipInText } from './ip.ts';
import { bytesOf, durationOf, notBytes, notDuration, notNumber, numberOf } from './convert.ts';
import { choose, find, type Found, isEmpty, notEmpty, type Row, withError } from './row.ts';
import { and, or, quoteNumber, quoteString } from './sql-writer.ts';
import { wholeRegex } from './stages/stage.ts';
import type { CompareOperator, LabelCondition, Matcher } from './tree.ts';

/** `value op text` with the meaning of LogQL matchers: regular expressions match the whole value. */
export function matcherCondition(value: string, { op, value: text }: Pick<Matcher, 'op' | 'value'>): string {
  switch (op) {
    case '=':
      return isEmpty(value) && text === '' ? '1' : `${value} = ${quoteString(text)}`;
    case '!=':
      return `${value} != ${quoteString(text)}`;
    case '=~':
      // Grafana asks so for everything; comparing costs a fifth of matching.
      if (text === '.+') return `${value} != ''`;
      return `match(${value}, ${quoteString(wholeRegex(text))})`;
    case '!~':
      if (text === '.+') return isEmpty(value) ? '1' : `${value} = ''`;
      return `NOT match(${value}, ${quoteString(wholeRegex(text))})`;
  }
}

/** Whether a record passes, and the `__error__` it then carries (the literal `''` when it cannot). */
export type Verdict = { keep: string; error: string; details: string };

const clean = (keep: string): Verdict => ({ keep, error: "''", details: "''" });

/** How a label's text becomes a number, and Go's words when it does not (both SQL over the text). */
type Converter = { convert: (value: string) => string; why: (value: string) => string };
const asNumber: Converter = { convert: numberOf, why: notNumber };
const asDuration: Converter = { convert: durationOf, why: notDuration };
const asBytes: Converter = { convert: bytesOf, why: notBytes };

/** A numeric comparison: a missing label drops the line, a value that does not convert keeps it with an error. Earlier errors do not matter. */
function compare(row: Row, name: string, op: CompareOperator, bound: number, { convert, why }: Converter): Verdict {
  const column = convert === numberOf ? row.number(name) : undefined;
  const found: Found = column
    ? { value: column.text, present: or([`isNotNull(${column.number})`, notEmpty(column.text)]) }
    : find(row, name);
  if (found.present === '0') return clean('0');
  const number = column ? column.number : row.scope.bind(convert(found.numeric ?? found.value));
  const inverse = `isNull(${number})`;
  const passes = [`ifNull(${number} ${op} ${quoteNumber(bound)}, 0)`, inverse];
  const failed = row.scope.bind(and([found.present, inverse]));
  return {
    keep: and([found.present, or(passes)]),
    error: choose(failed, "'LabelFilterErr'", "''"),
    details: why(found.value),
  };
}

export function labelVerdict(row: Row, condition: LabelCondition): Verdict {
  switch (condition.type) {
    case 'string':
      return clean(matcherCondition(find(row, condition.matcher.name).value, condition.matcher));
    case 'number':
      return compare(row, condition.name, condition.op, condition.value, asNumber);
    case 'duration':
      return compare(row, condition.name, condition.op, condition.value / 1e9, asDuration);
    case 'bytes':
      return compare(row, condition.name, condition.op, condition.value, asBytes);
    case 'ip': {
      const found = find(row, condition.name);
      const inside = ipInText(found.value, condition.value);
      const passes = and([found.present, condition.op === '=' ? inside : `NOT (${inside})`]);
      return clean(or([notEmpty(row.error), passes]));
    }
    case 'and': {
      const left = labelVerdict(row, condition.left);
      // The right side sees what the left one found wrong.
      const right = labelVerdict(withError(row, left.error, left.details), condition.right);
      return { keep: and([left.keep, right.keep]), ...firstError(row, left, right, notEmpty(left.error)) };
    }
    case 'or': {
      // The right side is not even converted where the left one passes; an error of the left one stays.
      const left = labelVerdict(row, condition.left);
      const right = labelVerdict(row, condition.right);
      const settled = isEmpty(left.error) ? left.keep : or([left.keep, notEmpty(left.error)]);
      return { keep: or([left.keep, right.keep]), ...firstError(row, left, right, settled) };
    }
  }
}

function firstError(row: Row, left: Verdict, right: Verdict, useLeft: string): Pick<Verdict, 'error' | 'details'> {
  if (isEmpty(left.error) && isEmpty(right.error)) return { error: "''", details: "''" };
  const condition = row.scope.bind(useLeft);
  return {
    error: row.scope.bind(choose(condition, left.error, right.error)),
    details: choose(condition, left.details, right.details),
  };
}
