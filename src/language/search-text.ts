import { rangeFunctionNames } from './functions/rules.ts';
import { phraseRegex, wordRegex } from './message-search.ts';
import { parseImplied, parseQuery } from './parser.ts';
import { isLogQuery, type LineFilter, type Query } from './tree.ts';

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

/** Words and "quoted phrases" of a text; quotes inside a phrase are written `\"`. */
function terms(text: string): { term: string; phrase: boolean }[] {
  return Array.from(text.matchAll(/"((?:[^"\\]|\\.)*)"?|\S+/g), ([whole, quoted]) =>
    quoted === undefined ? { term: whole, phrase: false } : { term: quoted.replace(/\\(["\\])/g, '$1'), phrase: true },
  ).filter(({ term }) => term !== '');
}

/**
 * What a person typed -> tree. Empty: every record. A text that starts with `{` or calls a LogQL function is LogQL; one that starts with `|` is
 * LogQL with an all-matching selector. Anything else is words and phrases, all of which must occur in the message: words as whole tokens,
 * phrases (and words with signs in them) as substrings, both in any case. The tree is plain LogQL; printing it shows what was understood.
 */
export function parseSearch(text: string): Query {
  const trimmed = text.trim();
  if (trimmed.startsWith('|')) return parseImplied(text);
  if (trimmed.startsWith('{') || call.test(trimmed)) return parseQuery(text, { allowAll: true });
  if (/^\(\s*[({]/.test(trimmed)) {
    const query = parseQuery(text, { allowAll: true });
    if (isLogQuery(query)) return query;
  }
  const stages = terms(trimmed).map(({ term, phrase }): LineFilter => {
    const word = !phrase && /^[0-9A-Za-z]+$/.test(term);
    return {
      kind: 'line_filter',
      op: '|~',
      operands: [{ value: word ? wordRegex(term) : phraseRegex(term), ip: false }],
    };
  });
  return { kind: 'logs', selector: [], stages };
}
