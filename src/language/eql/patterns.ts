import { escapeRegex, quoteString } from '../sql-writer.ts';
import type { MatchOperator } from './tree.ts';

/** `*` any characters, `?` one; nothing escapes them. */
/** `**` says what `*` says, and the engine tries each of them at every place. */
export const starsOnce = (pattern: string): string => pattern.replace(/\*{2,}/g, '*');

const likePattern = (pattern: string): string =>
  starsOnce(pattern)
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');

const wildcardRegex = (pattern: string): string =>
  escapeRegex(starsOnce(pattern)).replaceAll('\\*', '.*').replaceAll('\\?', '.');

/** RE2, the whole text, `.` matching line ends too. */
const anchored = (pattern: string, insensitive: boolean): string => `(?${insensitive ? 'i' : ''}s)\\A(?:${pattern})\\z`;

function one(text: string, operator: MatchOperator, pattern: string, insensitive: boolean): string {
  if (operator.startsWith('regex')) return `match(${text}, ${quoteString(anchored(pattern, insensitive))})`;
  if (/[*?]/.test(pattern)) return `${text} ${insensitive ? 'ILIKE' : 'LIKE'} ${quoteString(likePattern(pattern))}`;
  return insensitive ? `lowerUTF8(${text}) = lowerUTF8(${quoteString(pattern)})` : `${text} = ${quoteString(pattern)}`;
}

/** Longer lists are one test: a set, or one regular expression. */
const apartMax = 3;

/** True where the text is one of many; NULL where there is no text. */
export function inTexts(text: string, values: readonly string[], insensitive: boolean): string {
  const fold = (sql: string): string => (insensitive ? `lowerUTF8(${sql})` : sql);
  return `if(isNull(${text}), NULL, ${fold(`assumeNotNull(${text})`)} IN (${values.map(value => fold(quoteString(value))).join(', ')}))`;
}

/** True where the text matches one of the patterns; NULL where there is no text. */
export function matchSql(text: string, operator: MatchOperator, patterns: readonly string[], always: boolean): string {
  const insensitive = always || operator === ':' || operator.endsWith('~');
  if (patterns.length <= apartMax)
    return patterns.map(pattern => `(${one(text, operator, pattern, insensitive)})`).join(' OR ');
  if (operator.startsWith('regex') || patterns.some(pattern => /[*?]/.test(pattern))) {
    const parts = operator.startsWith('regex') ? patterns.map(p => `(?:${p})`) : patterns.map(wildcardRegex);
    return `match(${text}, ${quoteString(anchored(parts.join('|'), insensitive))})`;
  }
  return inTexts(text, patterns, insensitive);
}
