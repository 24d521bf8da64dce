import { editsOf } from './closeness.ts';
import { type Term, unescape } from './terms.ts';

// What Lucene and Quickwit write around a term: `roam~1`, `"a b"~2`, `"a b"*`, `bike^2`, `IN [a b]`.

/** A weight at `at`: `^2`, `^0.5`. */
export const weightAt = (text: string, at: number): string | undefined =>
  /^\^\d+(?:\.\d+)?(?=[\s)]|$)/.exec(text.slice(at, at + 20))?.[0];

/** A quoted text with the places that its words may be out of order, or with the star by which its last word may go on. */
export function withQuotedSuffix(text: string, quoted: Term): Term {
  const [whole = '', slop, star] = /^(?:~(\d{1,3})|(\*))(?=[\s)^]|$)/.exec(text.slice(quoted.to, quoted.to + 6)) ?? [];
  const to = quoted.to + whole.length;
  if (slop !== undefined) return { ...quoted, to, slop: Number(slop) };
  return star === undefined ? quoted : { ...quoted, to, pattern: `${quoted.text.replace(/[*?\\]/g, '\\$&')}*` };
}

/**
 * A word without its weight, which is told beside it, and without its `~`. A bare number keeps both: `2^10`. `written` is the word with its
 * backslashes: behind one of them `^` and `~` are signs of the word.
 */
export function withoutSuffix(word: Term, written: string, isValue: boolean): { term: Term; weight?: string } {
  const [, name, weight] = /^([\p{L}\d_.*?~-]+)(\^\d+(?:\.\d+)?)$/u.exec(word.text) ?? [];
  const isWeighted =
    name !== undefined &&
    weight !== undefined &&
    !written.includes('\\^') &&
    (isValue || name === '*' || /\p{L}/u.test(name));
  const term = isWeighted ? shorter(word, weight.length) : word;
  const found = isWeighted ? { weight } : {};
  const [, stem, edits] = /^([\p{L}\d]*\p{L}[\p{L}\d]*)~(\d?(?:\.\d+)?)$/u.exec(term.text) ?? [];
  if (stem === undefined || edits === undefined || term.pattern !== undefined || written.includes('\\~'))
    return { term, ...found };
  return { term: { ...shorter(term, edits.length + 1), edits: editsOf(stem, edits) }, ...found };
}

const shorter = (term: Term, length: number): Term => ({
  ...term,
  text: term.text.slice(0, -length),
  ...(term.pattern !== undefined && { pattern: term.pattern.slice(0, -length) }),
});

/** The values of `IN [a "b c"]` at `at`, and where it ends; undefined where there is none. */
export function setAt(text: string, at: number): { terms: Term[]; to: number } | undefined {
  const found = /IN\s*\[((?:"(?:[^"\\]|\\.)*"|\\.|[^\]"\\])*)\]/y;
  found.lastIndex = at;
  const [whole, inside = ''] = found.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const to = at + whole.length;
  const terms = (inside.match(/"(?:[^"\\]|\\.)*"|(?:\\.|[^\s"\\])+/g) ?? []).map(written =>
    written.startsWith('"')
      ? { from: at, to, text: unescape(written.slice(1, -1)), quoted: true }
      : { from: at, to, text: written.replace(/\\(.)/g, '$1'), quoted: false },
  );
  return { terms, to };
}
