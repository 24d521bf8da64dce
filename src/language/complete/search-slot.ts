import { levels } from '../../base/record.ts';
import { fieldName, namedFields } from '../search/fields.ts';
import { rangeFunctionNames } from '../functions/rules.ts';
import type { Slot, Suggestion } from './slot.ts';

const fieldStart =
  /((?:[A-Za-z_@](?:[\w.@-]*[\w@])?))[ \t]*(>=|<=|==|!=|=~|!~|:=|[:=><])[ \t]*(?:>=|<=|>|<)?(?!\/\/|[:=~])/y;

/** A value as search text writes it. */
export const writeValue = (value: string): string =>
  /^[0-9A-Za-z_][\w.@-]*$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;

/** End of the word or quoted text at `at`. */
function endOf(text: string, at: number): number {
  if (text[at] === '"') {
    const close = /"(?:[^"\\]|\\[\s\S])*"?/y;
    close.lastIndex = at;
    return at + (close.exec(text)?.[0].length ?? 1);
  }
  const rest = /[\s()|]/.exec(text.slice(at));
  return rest ? at + rest.index : text.length;
}

/** The slot of a search text, or the offset of the pipe behind which LogQL stages stand. */
export function searchSlot(text: string, cursor: number): Slot | number {
  let at = 0;
  /** Fields whose parentheses are open; '' for plain ones. */
  const groups: string[] = [];
  let before = false;
  for (;;) {
    while (at < cursor && /[\s]/.test(text[at] ?? '')) at++;
    const sign = text[at] ?? '';
    if (at >= cursor) return termSlot(cursor, cursor, '', before, groups.at(-1));
    if (sign === '(' || sign === ')') {
      if (sign === '(') groups.push('');
      else groups.pop();
      at++;
      continue;
    }
    if (sign === '|' && text[at + 1] === '|') {
      at += 2;
      continue;
    }
    if (sign === '|') return at;
    if (/[-!+]/.test(sign) && /[^\s\-!+=>~|)]/.test(text[at + 1] ?? ' ')) at++;
    fieldStart.lastIndex = at;
    const [whole = '', name = ''] = fieldStart.exec(text) ?? [];
    const valueAt = at + whole.length;
    if (whole !== '' && valueAt <= cursor) {
      if (text[valueAt] === '(') {
        groups.push(name);
        at = valueAt + 1;
        continue;
      }
      const end = text[valueAt] === undefined || /\s/.test(text[valueAt]) ? valueAt : endOf(text, valueAt);
      if (cursor <= end) return valueSlot(text, name, valueAt, end, cursor);
      at = end;
      before = true;
      continue;
    }
    const end = Math.max(endOf(text, at), at + 1);
    if (cursor <= end) {
      if (sign === '"') return { from: at, to: end, typed: text.slice(at, cursor), suggestions: [] };
      if (whole !== '') {
        // The name of a field; its value stays.
        const colon = at + name.length + (whole[name.length] === ':' ? 1 : 0);
        const { labelValues: _, ...slot } = termSlot(at, colon, text.slice(at, cursor), false, groups.at(-1));
        const conditionEnd = text[valueAt] === undefined ? valueAt : endOf(text, valueAt);
        return cursor <= at + name.length
          ? { ...slot, conditionEnd }
          : { from: cursor, to: cursor, typed: '', suggestions: [] };
      }
      return termSlot(at, end, text.slice(at, cursor), before, groups.at(-1));
    }
    at = end;
    before = true;
  }
}

function valueSlot(text: string, name: string, from: number, to: number, cursor: number): Slot {
  const typed = text
    .slice(from, cursor)
    .replace(/^"/, '')
    .replace(/\\(["\\])/g, '$1');
  const field = name === '_exists_' || name === '_missing_' ? undefined : fieldName(name);
  if (field === undefined)
    return { from, to, typed, suggestions: [], fields: name => ({ label: name, insert: name }), paths: true };
  const ordered = /[<>]=?[ \t]*$/.test(text.slice(0, from));
  return { from, to, typed, suggestions: fixedValues(field, ordered), values: { field, write: writeValue } };
}

function fixedValues(field: string, ordered: boolean): Suggestion[] {
  const value = (label: string, detail: string): Suggestion => ({ kind: 'value', label, insert: label, detail });
  if (field === 'timestamp') return ['>=now-15m', '>=now-1h', '>=now/d', '<now-1d/d'].map(text => value(text, 'time'));
  // `unknown` is neither above nor below another level.
  if (field === 'level')
    return levels.filter(level => !ordered || level !== 'unknown').map(level => value(level, 'level'));
  return [];
}

const operators: Suggestion[] = [
  { kind: 'operator', label: 'AND', insert: 'AND ', detail: 'both' },
  { kind: 'operator', label: 'OR', insert: 'OR ', detail: 'one of both' },
  { kind: 'operator', label: 'NOT', insert: 'NOT ', detail: 'without' },
];

const aggregations = ['sum', 'avg', 'min', 'max', 'count', 'topk', 'bottomk'];
const starts: Suggestion[] = [
  { kind: 'keyword', label: '{', insert: '{', detail: 'LogQL: a selector of streams' },
  ...[...rangeFunctionNames, ...aggregations].map(
    (name): Suggestion => ({ kind: 'function', label: name, insert: `${name}(`, detail: 'LogQL function' }),
  ),
];

/** Names that stand for a named field are offered by that name only. */
const known = (name: string): ReturnType<NonNullable<Slot['fields']>> =>
  fieldName(name) === name.replace(/[^A-Za-z0-9_]/g, '_') ? { label: name, insert: `${name}:` } : undefined;

function labelValues(label: string, value: string): { insert: string; detail: string } {
  const name = fieldName(label);
  return { insert: `${name}:${writeValue(value)}`, detail: name };
}

function termSlot(from: number, to: number, typed: string, before: boolean, group: string | undefined): Slot {
  if (group) return { from, to, typed, suggestions: operators, values: { field: fieldName(group), write: writeValue } };
  const named = namedFields.map(
    ([name, what]): Suggestion => ({ kind: 'field', label: name, insert: `${name}:`, detail: what }),
  );
  const suggestions = [
    ...named,
    ...(before ? operators : []),
    ...(from === 0 && typed !== '' ? starts.filter(({ label }) => label.startsWith(typed)) : []),
  ];
  return { from, to, typed, suggestions, labelValues, fields: known, paths: true };
}
