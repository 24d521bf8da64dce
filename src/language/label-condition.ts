import { ipInText } from './ip.ts';
import { bytesOf, durationOf, notBytes, notDuration, notNumber, numberOf } from './convert.ts';
import {
  choose,
  find,
  type Found,
  isEmpty,
  isErrorLabel,
  notEmpty,
  optionalNumericOf,
  type Row,
  withError,
} from './row.ts';
import { and, or, quoteNumber, quoteString, quoteStrings } from './sql-writer.ts';
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
export type Verdict = {
  keep: string;
  error: string;
  details: string;
  /** Of a lone comparison: it keeps what it cannot convert, of which `details` says why. */
  compared?: { text: string; why: (text: string) => string };
};

const clean = (keep: string): Verdict => ({ keep, error: "''", details: "''" });

/** How a label's text becomes a number, and Go's words when it does not (both SQL over the text). */
type Converter = { convert: (value: string) => string; why: (value: string) => string };
const asNumber: Converter = { convert: numberOf, why: notNumber };
const asDuration: Converter = { convert: durationOf, why: notDuration };
const asBytes: Converter = { convert: bytesOf, why: notBytes };

/** A numeric comparison: a missing label drops the line, a value that does not convert keeps it with an error. Earlier errors do not matter, and cannot be compared. */
function compare(row: Row, name: string, op: CompareOperator, bound: number, { convert, why }: Converter): Verdict {
  if (isErrorLabel(name)) return clean('0');
  const column = convert === numberOf ? row.number(name) : undefined;
  const found: Found = column
    ? { value: column.text, present: or([`isNotNull(${column.number})`, notEmpty(column.text)]) }
    : find(row, name);
  if (found.present === '0') return clean('0');
  if (!column && found.optional !== undefined) return compareOptional(row, found, op, bound, { convert, why });
  const number = column ? column.number : row.scope.bind(convert(found.numeric ?? found.value));
  const inverse = `isNull(${number})`;
  const passes = [`ifNull(${number} ${op} ${quoteNumber(bound)}, 0)`, inverse];
  const failed = row.scope.bind(and([found.present, inverse]));
  return {
    keep: and([found.present, or(passes)]),
    error: choose(failed, "'LabelFilterErr'", "''"),
    details: why(found.value),
    compared: { text: found.value, why },
  };
}

/** The same with the label written once: planning what a parser finds is dear. */
function compareOptional(
  row: Row,
  found: Found,
  op: CompareOperator,
  bound: number,
  { convert, why }: Converter,
): Verdict {
  const text = row.scope.bind(optionalNumericOf(found));
  const limit = quoteNumber(bound);
  const verdict = (keep: string, failed: string): Verdict => ({
    keep,
    error: choose(row.scope.bind(failed), "'LabelFilterErr'", "''"),
    details: why(found.value),
    compared: { text: found.value, why },
  });
  if (convert === numberOf && op !== '!=') {
    // NaN stands for a missing label: it never passes.
    const number = row.scope.bind(numberOf(`ifNull(${text}, 'nan')`));
    return verdict(`ifNull(${number} ${op} ${limit}, 1)`, `isNull(${number})`);
  }
  const number = convert('t');
  return verdict(
    `arrayExists(t -> isNotNull(t) AND ifNull(${number} ${op} ${limit}, 1), [${text}])`,
    `arrayExists(t -> isNotNull(t) AND isNull(${number}), [${text}])`,
  );
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
    case 'or':
      return anyOf(row, alternatives(condition));
  }
}

/** What `or` joins, from left to right, however it was nested. */
function alternatives(condition: LabelCondition): LabelCondition[] {
  const list: LabelCondition[] = [];
  const open = [condition];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    if (next.type === 'or') open.push(next.right, next.left);
    else list.push(next);
  return list;
}

/** The first alternative that passes or fails decides about the error: what follows it is not even converted. */
function anyOf(row: Row, list: readonly LabelCondition[]): Verdict {
  const verdicts: Verdict[] = [];
  for (let i = 0; i < list.length; i++) {
    const one = list[i];
    if (one === undefined) break;
    const values = equalValues(list, i);
    if (values.length > 1 && one.type === 'string') {
      verdicts.push(clean(`${find(row, one.matcher.name).value} IN ${quoteStrings(values)}`));
      i += values.length - 1;
    } else verdicts.push(labelVerdict(row, one));
  }
  const keep = or(verdicts.map(verdict => verdict.keep));
  if (verdicts.every(verdict => isEmpty(verdict.error))) return clean(keep);
  const settled = verdicts.map(({ keep, error, compared }) =>
    isEmpty(error) || compared ? keep : row.scope.bind(or([keep, notEmpty(error)])),
  );
  const ofFirst = (text: (verdict: Verdict) => string): string => {
    const cases = verdicts.slice(0, -1).flatMap((one, i) => (settled[i] === '0' ? [] : [settled[i] ?? '0', text(one)]));
    const last = verdicts.at(-1);
    const otherwise = last ? text(last) : "''";
    return cases.length === 0 ? otherwise : `multiIf(${[...cases, otherwise].join(', ')})`;
  };
  const [whys] = [new Set(verdicts.flatMap(({ error, compared }) => (isEmpty(error) ? [] : [compared?.why])))];
  const [why] = whys;
  const error = row.scope.bind(ofFirst(one => one.error));
  return {
    keep,
    error,
    // The reason is written once where it has the same words for all; where there is no error no one reads it.
    details:
      whys.size === 1 && why
        ? why(row.scope.bind(ofFirst(one => one.compared?.text ?? "''")))
        : ofFirst(one => one.details),
  };
}

/** The values that one label is compared with by `=` from there on. */
function equalValues(list: readonly LabelCondition[], from: number): string[] {
  const first = list[from];
  if (first?.type !== 'string') return [];
  const values: string[] = [];
  for (const one of list.slice(from)) {
    if (one.type !== 'string' || one.matcher.op !== '=' || one.matcher.name !== first.matcher.name) break;
    values.push(one.matcher.value);
  }
  return values;
}

function firstError(row: Row, left: Verdict, right: Verdict, useLeft: string): Pick<Verdict, 'error' | 'details'> {
  if (isEmpty(left.error) && isEmpty(right.error)) return { error: "''", details: "''" };
  const condition = row.scope.bind(useLeft);
  return {
    error: row.scope.bind(choose(condition, left.error, right.error)),
    details: choose(condition, left.details, right.details),
  };
}
