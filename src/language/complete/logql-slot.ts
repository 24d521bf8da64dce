import { levels } from '../../base/record.ts';
import { rangeFunctionNames } from '../functions/rules.ts';
import { quote } from '../go-string.ts';
import { shapes, shapeSlot } from './shape-slot.ts';
import type { Slot, Suggestion } from './slot.ts';

type Token = { type: 'string' | 'word' | 'number' | 'operator'; text: string; from: number; to: number; open: boolean };

const lexer =
  /#[^\n]*|(?<string>"(?:\\[\s\S]|[^"\\])*"?|`[^`]*`?)|(?<word>[\p{L}_][\p{L}\p{Nd}_]*)|(?<number>\d[\w.]*)|(?<operator>\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|\S)/gu;

/** Tokens that begin before the cursor; a text that is being typed may end in an open string. */
function tokensBefore(text: string, cursor: number, start: number): Token[] {
  const tokens: Token[] = [];
  lexer.lastIndex = start;
  for (const found of text.matchAll(lexer)) {
    const from = found.index;
    if (from < start) continue;
    if (from >= cursor) break;
    const type = (['string', 'word', 'number', 'operator'] as const).find(t => found.groups?.[t] !== undefined);
    if (type === undefined) continue;
    const whole = found[0];
    const to = from + whole.length;
    const closed = whole.length > 1 && whole.endsWith(whole[0] ?? '');
    tokens.push({ type, text: whole, from, to, open: type === 'string' && (!closed || to > cursor) });
  }
  return tokens;
}

const say = (kind: Suggestion['kind'], detail: string, texts: readonly string[], after = ''): Suggestion[] =>
  texts.map(label => ({ kind, label, insert: label + after, detail }));

const matchOperators = say('operator', 'matches', ['=', '!=', '=~', '!~']);
const compareOperators = [...matchOperators, ...say('operator', 'compares', ['>', '>=', '<', '<=', '=='])];
const lineOperators: Suggestion[] = [
  { kind: 'operator', label: '|=', insert: '|= "', detail: 'line contains' },
  { kind: 'operator', label: '!=', insert: '!= "', detail: 'line does not contain' },
  { kind: 'operator', label: '|~', insert: '|~ "', detail: 'line matches expression' },
  { kind: 'operator', label: '!~', insert: '!~ "', detail: 'line does not match' },
  { kind: 'operator', label: '|', insert: '| ', detail: 'stage or label filter' },
];
const stages: Suggestion[] = [
  ['json', 'fields of JSON lines'],
  ['logfmt', 'fields of key=value lines'],
  ['pattern', 'fields by a pattern', ' "'],
  ['regexp', 'fields by an expression', ' "'],
  ['unpack', 'undo pack'],
  ['line_format', 'write the line anew', ' "'],
  ['label_format', 'rename or write labels', ' '],
  ['keep', 'only these labels', ' '],
  ['drop', 'without these labels', ' '],
  ['decolorize', 'without terminal colours'],
  ['search', 'words and fields (extension)', ' "'],
].map(([label = '', detail = '', after = '']) => ({ kind: 'stage', label, insert: label + after, detail }));
const unwrap: Suggestion = { kind: 'stage', label: 'unwrap', insert: 'unwrap ', detail: 'values for a metric' };
const ranges = say('value', 'range', ['1m', '5m', '15m', '1h', '6h', '1d'], ']');
const aggregations = ['sum', 'avg', 'min', 'max', 'count', 'stddev', 'stdvar', 'topk', 'bottomk', 'sort', 'sort_desc'];
const selectorOnly = say('keyword', 'a selector of streams', ['{']);
const metrics: Suggestion[] = [
  ...say('function', 'over a range', rangeFunctionNames, '('),
  ...say('function', 'over series', aggregations, '('),
  ...say('function', 'labels of series', ['label_replace'], '('),
];
const expressions: Suggestion[] = [...selectorOnly, ...metrics];
const grouping = say('keyword', 'grouping', ['by', 'without'], ' (');
const afterRange: Suggestion[] = [
  ...say('keyword', 'end', [')']),
  ...say('keyword', 'an earlier time', ['offset'], ' '),
];
const afterExpression: Suggestion[] = [
  ...say('operator', 'arithmetic', ['+', '-', '*', '/', '%', '^'], ' '),
  ...say('operator', 'compares', ['>', '>=', '<', '<=', '==', '!='], ' '),
  ...say('operator', 'sets', ['and', 'or', 'unless'], ' '),
];
const listWords = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const parsers = new Set(['json', 'logfmt', 'unpack', 'decolorize']);
/** Stages that a string follows. */
const ofText = new Set(['line_format', 'pattern', 'regexp', 'search']);
/** Functions that a number comes first in. */
const first: Record<string, string> = { quantile_over_time: '0.95', topk: '10', bottomk: '10', approx_topk: '10' };
/** What can be compared by size. */
const amount = /^-?\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|[kKMGT]i?B|B)?$/;

/** What may stand at the cursor of a LogQL text; tokens before `start` are not looked at (a search text stands there). */
export function logqlSlot(text: string, cursor: number, start: number): Slot {
  const tokens = tokensBefore(text, cursor, start);
  const last = tokens.at(-1);
  // Inside of an operator nothing can stand.
  if (last?.type === 'operator' && last.to > cursor) return { from: cursor, to: cursor, typed: '', suggestions: [] };
  const touching = last && last.to >= cursor && (last.type === 'word' || last.type === 'number' || last.open);
  const current = touching ? tokens.pop() : undefined;
  const from = current?.from ?? cursor;
  const to = current ? Math.max(current.to, cursor) : cursor;
  const typed = current ? text.slice(from, cursor).replace(/^["`]/, '') : '';
  return { from, to: endOfString(text, current, to), typed, ...allowed(tokens, start > 0) };
}

/** An open string ends at the cursor's line: what follows it is other text. */
const endOfString = (text: string, current: Token | undefined, to: number): number =>
  current?.open && !/^(["`])[\s\S]*\1$/.test(current.text) ? Math.min(to, text.indexOf('\n', current.from) >>> 0) : to;

type Allowed = Pick<Slot, 'suggestions' | 'fields' | 'labelsOnly' | 'values'>;
const named =
  (after = ''): NonNullable<Slot['fields']> =>
  name => ({ label: name, insert: name + after });
const valueOf = (field: string, operator = '='): Allowed =>
  /^[<>]/.test(operator)
    ? { suggestions: [], values: { field, write: value => (amount.test(value) ? value : undefined) } }
    : {
        suggestions:
          field === 'detected_level' || field === 'level'
            ? levels.map(level => ({ kind: 'value', label: level, insert: quote(level), detail: 'level' }))
            : [],
        values: { field, write: quote },
      };

function allowed(tokens: readonly Token[], piped: boolean): Allowed {
  const open: number[] = [];
  for (const [i, { type, text }] of tokens.entries()) {
    if (type !== 'operator') continue;
    if ('{(['.includes(text)) open.push(i);
    else if ('})]'.includes(text)) open.pop();
  }
  const inside = open.at(-1);
  const bracket = inside === undefined ? undefined : tokens[inside]?.text;
  const here = tokens.slice(inside === undefined ? 0 : inside + 1);
  const previous = here.at(-1);
  if (bracket === '[') return { suggestions: previous ? [] : ranges };
  if (bracket === '{') return selector(here);
  const opener = inside === undefined ? undefined : tokens[inside - 1];
  if (bracket === '(' && opener && listWords.has(opener.text)) {
    const names = !previous || previous.text === ',';
    return names ? { suggestions: [], fields: named() } : { suggestions: say('operator', 'list', [',', ')']) };
  }
  if (bracket === '(' && (!previous || previous.text === ','))
    return { suggestions: argumentOf(opener?.text ?? '', previous !== undefined) };
  return pipeline(here, piped, bracket === '(' || tokens.some(token => token.text === '['));
}

/** What an argument of a function begins with; `later`: not the first one. */
function argumentOf(name: string, later: boolean): Suggestion[] {
  const number = first[name];
  if (number !== undefined && !later)
    return [{ kind: 'value', label: number, insert: `${number}, `, detail: 'a number' }];
  if ((rangeFunctionNames as readonly string[]).includes(name)) return selectorOnly;
  if (name === 'label_replace') return later ? [] : metrics;
  return aggregations.includes(name) || listWords.has(name) ? metrics : expressions;
}

/** What follows a closing parenthesis: groups only where an aggregation ends that has none. */
function afterClosed(here: readonly Token[]): Suggestion[] {
  let depth = 0;
  for (let i = here.length - 1; i >= 0; i--) {
    const { text } = here[i] ?? { text: '' };
    if (text === ')') depth++;
    else if (text === '(' && --depth === 0) {
      const name = here[i - 1]?.text ?? '';
      if (aggregations.includes(name) && !name.startsWith('sort')) return [...grouping, ...afterExpression];
      const isList = listWords.has(name);
      // `sum by (a)` goes on with what is summed up; `sum(x) by (a)` is whole.
      if (isList && aggregations.includes(here[i - 2]?.text ?? '')) return say('keyword', 'what is grouped', ['(']);
      return isList && !/^(?:by|without)$/.test(name) ? metrics : afterExpression;
    }
  }
  return afterExpression;
}

function selector(here: readonly Token[]): Allowed {
  const previous = here.at(-1);
  if (!previous || previous.text === ',') return { suggestions: [], fields: named('='), labelsOnly: true };
  if (previous.type === 'word') return { suggestions: matchOperators };
  if (previous.type === 'operator') return valueOf(here.at(-2)?.text ?? '');
  return { suggestions: say('operator', 'selector', [',', '}']) };
}

function pipeline(here: readonly Token[], piped: boolean, metric: boolean): Allowed {
  const previous = here.at(-1);
  const begun = piped || here.some(({ type, text }) => type === 'operator' && /^(?:\}|\||\|[=~>])$/.test(text));
  if (!begun) {
    if (!previous || /^[(,+\-*/%^<>=]/.test(previous.text)) return { suggestions: expressions };
    return { suggestions: previous.text === ')' ? afterClosed(here) : [] };
  }
  if (!previous) return { suggestions: lineOperators };
  const shaped = metric ? undefined : shapeSlot(here, named());
  if (shaped) return shaped;
  if (previous.type === 'operator') {
    if (previous.text === '|') return { suggestions: [...stages, ...(metric ? [unwrap] : shapes)], fields: named() };
    if (/^(?:\|[=~>]|!>)$/.test(previous.text)) return { suggestions: [] };
    if (previous.text === ']') return { suggestions: afterRange };
    if (previous.text === ')') return { suggestions: afterClosed(here) };
    if (/^(?:=|!=|=~|!~|==|>=|<=|>|<)$/.test(previous.text)) {
      const name = here.at(-2);
      return name?.type === 'word' ? valueOf(name.text, previous.text) : { suggestions: [] };
    }
    if (previous.text === ',') return { suggestions: [], fields: named() };
    return { suggestions: previous.text === '}' ? next(metric) : [] };
  }
  const opened = here.at(-2)?.text ?? '';
  if (previous.type === 'word') {
    if (/^(?:keep|drop|unwrap|label_format|and|or|by|sort|distinct)$/.test(previous.text))
      return { suggestions: [], fields: named() };
    if (opened === '|' && ofText.has(previous.text)) return { suggestions: [] };
    if (opened === '|' && parsers.has(previous.text)) return { suggestions: next(metric), fields: named() };
    return { suggestions: opened === 'unwrap' || opened === ',' ? next(metric) : compareOperators };
  }
  return { suggestions: [...next(metric), ...joinsAfter(here)] };
}

/** `and` and `or` behind a label filter, `or` behind a line filter; nothing joins the text of a stage. */
function joinsAfter(here: readonly Token[]): Suggestion[] {
  const [name, operator] = [here.at(-3), here.at(-2)];
  if (operator?.type !== 'operator' || /^[|,]$/.test(operator.text)) return [];
  if (/^(?:\|[=~>]|!>)$/.test(operator.text)) return say('keyword', 'one of several', ['or'], ' "');
  const isField = name?.type === 'word' && !parsers.has(name.text);
  return isField ? say('keyword', 'label filters', ['and', 'or'], ' ') : say('keyword', 'one of several', ['or'], ' "');
}

const next = (metric: boolean): Suggestion[] =>
  metric ? [...lineOperators, { kind: 'operator', label: '[', insert: '[', detail: 'range' }] : lineOperators;
