import type { LineFilter, LogQuery, Matcher, MatchOperator, SearchCondition, Stage } from '../tree.ts';
import { escapeRegex } from '../sql-writer.ts';
import { logqlName } from './fields.ts';
import { textRegex, valueRegex } from './text-match.ts';

type FieldCondition = Extract<SearchCondition, { type: 'field' }>;

function lineFilter(condition: SearchCondition, negated: boolean): LineFilter | undefined {
  const texts = condition.type === 'or' ? condition.items : [condition];
  const operands = texts.flatMap(item => (item.type === 'text' ? [{ value: textRegex(item), ip: false }] : []));
  if (operands.length !== texts.length || operands.length === 0) return undefined;
  return { kind: 'line_filter', op: negated ? '!~' : '|~', operands };
}

/** A condition on a field that LogQL has a name for, as a matcher. */
function matcher(condition: SearchCondition, negated: boolean): Matcher | undefined {
  const op = (regex: boolean): MatchOperator => (regex ? (negated ? '!~' : '=~') : negated ? '!=' : '=');
  if (condition.type === 'field') {
    const name = logqlName[condition.name];
    const { test } = condition;
    // A missing value and an empty one are the same in a matcher, so an expression that could match nothing stays a search.
    if (name === undefined) return undefined;
    if (test.op === '=' && test.value !== '') return { name, op: op(false), value: test.value };
    if (test.op === 'wildcard' && !/^[*]*$/.test(test.pattern))
      return { name, op: op(true), value: valueRegex(test.pattern) };
    return undefined;
  }
  if (condition.type !== 'or') return undefined;
  const values = condition.items.flatMap(item => (isEquality(item) ? [item] : []));
  const [first] = values;
  const name = first && logqlName[first.name];
  if (name === undefined || values.length !== condition.items.length || values.some(v => v.name !== first?.name))
    return undefined;
  return { name, op: op(true), value: values.map(v => escapeRegex(v.test.value)).join('|') };
}

const isEquality = (item: SearchCondition): item is FieldCondition & { test: { op: '='; value: string } } =>
  item.type === 'field' && item.test.op === '=' && item.test.value !== '';

/**
 * A search as a log query. What LogQL can say becomes LogQL: services the selector, words and phrases line filters, levels and trace ids label
 * filters. The rest is one `search` stage at the end: fields that may stand in a label, an attribute or the line, dates, and OR between unlike things.
 */
export function searchQuery(condition: SearchCondition): LogQuery {
  const items = condition.type === 'and' ? condition.items : [condition];
  const selector: Matcher[] = [];
  const lines: Stage[] = [];
  const labels: Stage[] = [];
  const rest: SearchCondition[] = [];
  for (const item of items) {
    const negated = item.type === 'not';
    const inner = item.type === 'not' ? item.item : item;
    const filter = lineFilter(inner, negated);
    const found = filter === undefined ? matcher(inner, negated) : undefined;
    if (filter) lines.push(filter);
    else if (found?.name === 'service_name') selector.push(found);
    else if (found) labels.push({ kind: 'label_filter', condition: { type: 'string', matcher: found } });
    else rest.push(item);
  }
  const [only] = rest;
  const stage: SearchCondition | undefined =
    rest.length === 1 ? only : rest.length > 1 ? { type: 'and', items: rest } : undefined;
  return {
    kind: 'logs',
    selector,
    stages: [...lines, ...labels, ...(stage ? [{ kind: 'search' as const, condition: stage }] : [])],
  };
}
