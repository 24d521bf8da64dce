import { noToken, phraseRegex, wordRegex } from '../message-search.ts';
import { escapeRegex } from '../sql-writer.ts';
import type { TextMatch } from '../tree.ts';
import { patternParts } from './terms.ts';

/** A word with `*` (any run of signs but blanks) and `?` (one of them); where it begins or ends with `*` the token may go on. */
function wildcardRegex(pattern: string): string {
  const parts = patternParts(pattern);
  const open = (part: (typeof parts)[number] | undefined): boolean => typeof part === 'object' && part.wild === '*';
  const [first, last] = [open(parts[0]), open(parts.at(-1))];
  const inner = parts.slice(first ? 1 : 0, last && parts.length > 1 ? -1 : undefined);
  const body = inner
    .map(part => (typeof part === 'string' ? escapeRegex(part) : part.wild === '*' ? '\\S*' : '\\S'))
    .join('');
  return `(?i)${first ? '' : `(?:^|${noToken})`}${body}${last ? '' : `(?:$|${noToken})`}`;
}

/** The expression (RE2, not anchored) of `|~` that finds the text. */
export function textRegex({ match, text }: TextMatch): string {
  switch (match) {
    case 'word':
      return wordRegex(text);
    case 'phrase':
      return phraseRegex(text);
    case 'wildcard':
      return wildcardRegex(text);
    case 'regex':
      return text;
  }
}

/** The expression that a whole value with `*` and `?` matches. */
export const valueRegex = (pattern: string): string =>
  patternParts(pattern)
    .map(part => (typeof part === 'string' ? escapeRegex(part) : part.wild === '*' ? '.*' : '.'))
    .join('');

/** Longest literal part of a pattern, for the index. */
export const longestLiteral = (pattern: string): string =>
  patternParts(pattern).reduce<string>(
    (best, part) => (typeof part === 'string' && part.length > best.length ? part : best),
    '',
  );
