import type { WeirError } from '../base/errors.ts';
import { rangeFunctionNames } from './functions/rules.ts';
import { parseError, ruleError } from './lexer.ts';
import { parseImplied, parseQuery } from './parser.ts';
import { TokenReader } from './reader.ts';
import { readSearch } from './search/parser.ts';
import { searchOfJson } from './search/json-text.ts';
import { printSearch } from './search/print.ts';
import { parseShapes, shapesAt } from './shapes/parser.ts';
import type { Shape } from './shapes/shape.ts';
import { searchQuery } from './search/translate.ts';
import { looksLikeStage } from './stages/index.ts';
import { isLogQuery, type Query } from './tree.ts';

const functions = [
  ...rangeFunctionNames,
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'approx_topk',
  'sort',
  'sort_desc',
  'label_replace',
  'vector',
];
const call = new RegExp(
  `^[\\s(+-]*(?:[\\d.]+\\s*[-+*/%^]\\s*)?(?:${functions.join('|')})\\s*(?:\\(|by\\b|without\\b)`,
  'i',
);

/** What a typed text is taken for. */
export type Understood = {
  query: Query;
  /** What is made of the rows of a log query. */
  shapes: Shape[];
  /** `search`: words and fields, possibly with LogQL stages behind a pipe. */
  language: 'logql' | 'search';
  /** Of a search text: its normal form, with every AND and parenthesis written out. */
  reading?: string;
  /** Of a search text: what may have been meant otherwise. */
  notes: string[];
  /** A search for an id and nothing else. */
  id?: string;
};

/**
 * What a person typed -> tree. Empty: every record. A text that starts with `{` or calls a LogQL function is LogQL; one that starts with `|` or `!=`
 * is LogQL with an all-matching selector. Anything else is search text (docs/search.md) up to the first single `|`, after which LogQL stages follow.
 * `now` (ns since 1970) is for dates such as `now-1h`.
 */
export function understand(whole: string, now?: bigint): Understood {
  const at = shapesAt(whole);
  const text = whole.slice(0, at);
  const shapes = at < whole.length ? parseShapes(new TokenReader(text.replace(/[^\n]/g, ' ') + whole.slice(at))) : [];
  const understood = withoutShapes(text, now);
  if (shapes.length === 0) return understood;
  if (!isLogQuery(understood.query))
    throw ruleError(
      whole,
      at,
      'distinct, sort, limit, stats and context are for log queries, and this is a metric query',
    );
  const { id: _, ...rest } = understood;
  return { ...rest, shapes };
}

function withoutShapes(text: string, now?: bigint): Understood {
  const trimmed = text.trim();
  const logql = (query: Query): Understood => ({ query, shapes: [], language: 'logql', notes: [] });
  if (/^(?:\||![=~>]\s*["`])/.test(trimmed)) return logql(parseImplied(text));
  if (/^\{\s*"[^"]*"\s*[=!]/.test(trimmed)) throw quotedLabel(text);
  if (/^\{\s*"/.test(trimmed)) {
    const { search, note } = searchOfJson(trimmed);
    const { notes, ...found } = searchText(search, now);
    return { ...found, notes: [note, ...notes] };
  }
  if (isSelector.test(trimmed) || call.test(trimmed)) return logql(parseLogql(text));
  if (/^\(\s*[({]/.test(trimmed)) {
    const parenthesised = tryLogs(text);
    if (parenthesised) return logql(parenthesised);
  }
  return searchText(text, now);
}

function searchText(text: string, now: bigint | undefined): Understood {
  const { condition, to, notes } = readSearch(text, now);
  const query = searchQuery(condition);
  if (to < text.length) {
    refuseWord(text, to);
    query.stages.push(...parseImplied(text.slice(0, to).replace(/[^\n]/g, ' ') + text.slice(to)).stages);
  }
  const alone = condition.type === 'id' && query.stages.length === 1 ? { id: condition.value } : {};
  return {
    query,
    shapes: [],
    language: 'search',
    reading: text.trim() === '' ? '' : printSearch(condition),
    notes,
    ...alone,
  };
}

/** `{` and a name, or `{}`; `{{x}}` and `{0}` are texts. */
const isSelector = /^\{\s*(?:[A-Za-z_}.]|$)/;

const quotedLabel = (text: string): WeirError =>
  parseError(text, text.indexOf('"'), 'a label is written without quotes, its value with them: {app="web"}');

/** Throws as `parseQuery` does, and says what to do with words behind a selector. */
function parseLogql(text: string): Query {
  try {
    return parseQuery(text, { allowAll: true });
  } catch (error) {
    const [, selector = '', word = ''] = /^(\s*\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}\s*)([\w"'-][^|]*)/.exec(text) ?? [];
    if (word === '') throw error;
    const asText = word.trim().replace(/["\\]/g, '\\$&');
    throw parseError(
      text,
      selector.length,
      `words do not stand behind a selector; write |= "${asText}" for the text, or | search "${asText}" for words and field:value`,
    );
  }
}

/** `error | warn`: behind a pipe stand stages of LogQL, and a word alone is none. */
function refuseWord(text: string, pipe: number): void {
  const [, before = '', word = ''] = /^(\|\s*)([\w.-]+)(?=\s*(?:\||$|\s[\w"'-]))/.exec(text.slice(pipe)) ?? [];
  if (word === '' || looksLikeStage(word)) return;
  const last = text.slice(0, pipe).trim().split(/\s+/).at(-1);
  const instead = word === 'grep' ? '|= "text" finds what grep does' : `for one of two words write ${last} OR ${word}`;
  throw parseError(
    text,
    pipe + before.length,
    `"${word}" is no stage, and stages of LogQL stand behind |; ${instead}, for the sign itself use quotes`,
  );
}

/** `({app="x"} |= "y")`; other parentheses group words. */
function tryLogs(text: string): Query | undefined {
  if (!/^[\s(]*\{/.test(text)) return undefined;
  const query = parseQuery(text, { allowAll: true });
  return isLogQuery(query) ? query : undefined;
}
