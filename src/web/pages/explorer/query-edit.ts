import { looksEql } from '../../../query/eql/contract.ts';
import { addPhrase, addTerm, levelTerm, narrowLevel, splitPipe, termsToMark } from './search-edit.ts';

/** Changes to query text made by clicking. The text a person wrote is kept as it is; only the clicked part is added, replaced or removed. */

/** A field of a record as the page knows it. `parsed`: a label made by the query's own stages; `json`: a path inside a JSON message. */
export type Field = { name: string; kind: 'label' | 'attribute' | 'column' | 'parsed' | 'json' };
export type Operator = '=' | '!=';

const metricStart =
  /^\s*(?:\(|(?:sum|avg|min|max|count|stddev|stdvar|topk|bottomk|approx_topk|sort|sort_desc|rate|rate_counter|count_over_time|bytes_rate|bytes_over_time|(?:avg|sum|min|max|stddev|stdvar|first|last|quantile|absent)_over_time|label_replace|vector)\s*(?:\(|by\b|without\b))/;

/** True for a text that asks for numbers and not for records. */
export const looksMetric = (query: string): boolean => metricStart.test(query);

/** True for search text (words, fields), which is no LogQL and no EQL; see language/search-text.ts for the rule. An empty text is both. */
export const isSearch = (query: string): boolean =>
  !looksEql(query) &&
  !/^\s*(?:[{|]|![=~>]\s*["`])/.test(query) &&
  (!looksMetric(query) || /^\s*\((?!\s*[({])/.test(query));

/**
 * False where all rows come in one answer: EQL, and stages that pick or order rows (docs/extensions.md). A link to a record of those runs the query as it is.
 */
export const hasPages = (query: string): boolean =>
  !looksEql(query) && !/(?<!\|)\|\s*(?:distinct|sort|limit|stats|context)\b/.test(mask(query));

/** The LogQL name that filters on this field, or null where there is none (a record's own address). */
export function filterName(field: Field): string | null {
  if (field.kind === 'column') {
    if (field.name === 'level') return 'detected_level';
    if (field.name === 'service') return 'service_name';
    if (['seq', 'ts', 'received', 'severity', 'door', 'message'].includes(field.name)) return null;
  }
  const name = field.name.replace(/[^A-Za-z0-9_:]/g, '_');
  return /^\d/.test(name) ? `_${name}` : name;
}

/** A LogQL string. */
export const quote = (value: string): string => JSON.stringify(value);

/**
 * The query with a condition on a field. An equality on a stream label goes into the selector; everything else becomes a stage at the end
 * (inside a metric query: before its range), where labels made by earlier stages exist. A condition already there is not repeated, its opposite is
 * replaced, and another equality on the same name too: a record has one value, so both would match nothing. A condition cannot be put into every EQL query (into which
 * step of a sequence?), so from there a click begins a search for the value.
 */
export function addFilter(query: string, field: Field, value: string, operator: Operator): string {
  const name = filterName(field);
  if (name === null) return query;
  if (looksEql(query)) return addTerm('', name, value, operator);
  // What the stages behind a pipe have made exists behind them only.
  if (isSearch(query) && !(field.kind === 'parsed' && splitPipe(query).tail !== ''))
    return addTerm(query, name, value, operator);
  const inSelector = operator === '=' && (field.kind === 'label' || name === 'service_name');
  let text = dropConflicts(query.trim(), name, value, operator);
  if (text === null) return query;
  if (field.kind === 'json' && !/\|\s*json\b/.test(mask(text))) text = appendStage(text, '| json');
  if (inSelector) return addMatcher(text, `${name}=${quote(value)}`);
  return appendStage(text, `| ${name}${operator}${quote(value)}`);
}

/**
 * The query that keeps only records of a pattern (`<_>` stands for anything), or leaves them out; the opposite condition is replaced. Text such as `<b>` would be
 * a named capture, which line filters refuse, so there anything may stand too.
 */
export function addPattern(query: string, pattern: string, operator: '|>' | '!>'): string {
  const text = quote(pattern.replace(/<[A-Za-z_]\w*>/g, '<_>').replace(/(?:<_>)+/g, '<_>'));
  const stage = `${operator} ${text}`;
  if (looksEql(query)) return stage;
  if (query.includes(stage)) return query;
  const opposite = `${operator === '|>' ? '!>' : '|>'} ${text}`;
  if (query.includes(opposite)) return query.replace(opposite, () => stage);
  // Behind words it takes a pipe to begin what is LogQL.
  if (isSearch(query) && query.trim() !== '' && operator === '!>' && splitPipe(query).tail === '')
    return `${query.trim()} |= "" ${stage}`;
  return appendStage(query.trim(), stage);
}

/** The query that keeps only lines with (or without) a text. */
export const addLineFilter = (query: string, text: string, operator: '|=' | '!='): string => {
  if (looksEql(query)) return addPhrase('', text, operator);
  if (isSearch(query)) return addPhrase(query, text, operator);
  return appendStage(query.trim(), `${operator} ${quote(text)}`);
};

const levelStage = /\s*\|\s*detected_level\s*=\s*"\u0000*"/;

/** The level the query is narrowed to by {@link isolateLevel}, if any. */
export function isolatedLevel(query: string): string | null {
  if (isSearch(query)) return levelTerm(query);
  const found = levelStage.exec(mask(query));
  if (!found) return null;
  return unquote(query.slice(found.index, found.index + found[0].length).replace(/^[^"]*/, ''));
}

/** The query narrowed to one level, or with that narrowing taken away (null). */
export function isolateLevel(query: string, level: string | null): string {
  if (isSearch(query)) return narrowLevel(query, level);
  const found = levelStage.exec(mask(query));
  const without = found ? query.slice(0, found.index) + query.slice(found.index + found[0].length) : query;
  return level === null ? without.trim() : appendStage(without.trim(), `| detected_level=${quote(level)}`);
}

/** Words and phrases that the query looks for, for highlighting: positive line filters, or the words of a text that is no LogQL. Lower case. */
export function searchWords(query: string): string[] {
  if (looksEql(query)) return [];
  const words: string[] = [];
  if (isSearch(query)) words.push(...termsToMark(query));
  else {
    for (const [, operator, quoted] of query.matchAll(/(\|=|\|~)\s*("(?:\\.|[^"\\])*"|`[^`]*`)/g)) {
      const text = unquote(quoted ?? '');
      words.push((operator === '|=' ? text : literalOf(text)).toLowerCase());
    }
  }
  return [...new Set(words.filter(Boolean))];
}

/** The text an expression stands for when it is only an escaped text, as words are translated (`(?i)a\.b`); else empty. */
function literalOf(expression: string): string {
  const body = expression.replace(/^\(\?i\)/, '');
  return /^(?:\\[^\w\s]|[^\\^$.|?*+()[\]{}])+$/.test(body) ? body.replace(/\\([^\w\s])/g, '$1') : '';
}

function unquote(text: string): string {
  if (text.startsWith('`')) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

/** Same length; insides of strings and comments are NUL, so that brackets and pipes found in it are real ones. */
function mask(query: string): string {
  return query.replace(/"(?:\\.|[^"\\])*"?|`[^`]*`?|#[^\n]*/g, part => {
    const open = part[0] ?? '';
    if (open === '#') return '\u0000'.repeat(part.length);
    const closed = part.length > 1 && part.endsWith(open);
    return open + '\u0000'.repeat(part.length - (closed ? 2 : 1)) + (closed ? open : '');
  });
}

function appendStage(query: string, stage: string): string {
  if (query === '') return stage;
  const masked = mask(query);
  const range = looksMetric(query) ? masked.indexOf('[', masked.indexOf('}')) : -1;
  if (range >= 0) return `${query.slice(0, range).trimEnd()} ${stage} ${query.slice(range)}`;
  const lastLine = query.slice(query.lastIndexOf('\n') + 1);
  const comment = /#/.test(lastLine) && masked.endsWith('\u0000');
  return `${query}${comment ? '\n' : ' '}${stage}`;
}

function addMatcher(query: string, matcher: string): string {
  const masked = mask(query);
  const open = masked.indexOf('{');
  const close = masked.indexOf('}', open);
  if (open < 0 || close < 0) return `{${matcher}} ${query}`.trimEnd();
  const inside = query
    .slice(open + 1, close)
    .trim()
    .replace(/,$/, '');
  return `${query.slice(0, open)}{${inside ? `${inside}, ` : ''}${matcher}}${query.slice(close + 1)}`;
}

/** The query without conditions that the new one replaces; null when the same condition is there already. */
function dropConflicts(query: string, name: string, value: string, operator: Operator): string | null {
  const condition = `${name}\\s*(!=|=)\\s*(["\`])\\u0000*\\2`;
  let text = query;
  for (const pattern of [
    new RegExp(`\\s*\\|\\s*${condition}(?!\\s*(?:or|and|,)\\b)`, 'g'),
    new RegExp(`(?<=[{,])\\s*${condition}\\s*,?`, 'g'),
  ]) {
    for (const found of [...mask(text).matchAll(pattern)].reverse()) {
      const end = found.index + found[0].length;
      const source = text.slice(found.index, end);
      const theirs = unquote(/(["`])[\s\S]*\1/.exec(source)?.[0] ?? '""');
      if (found[1] === operator && theirs === value) return null;
      const conflict = theirs === value || (operator === '=' && found[1] === '=');
      if (conflict) text = text.slice(0, found.index) + text.slice(end);
    }
  }
  // A selector that lost its last matcher goes too: without one the query still means every record, `{}` need not.
  const tidy = text === query ? text : text.replace(/,\s*\}/, '}').replace(/^\{\s*\}\s*(?=\||$)/, '');
  return tidy.trim();
}
