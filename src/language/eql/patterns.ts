import { quoteString } from '../sql-writer.ts';
import type { MatchOperator } from './tree.ts';

/** `*` any characters, `?` one; nothing escapes them. */
const likePattern = (pattern: string): string =>
  pattern
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');

/** RE2, the whole text, `.` matching line ends too. */
const anchored = (pattern: string, insensitive: boolean): string => `(?${insensitive ? 'i' : ''}s)\\A(?:${pattern})\\z`;

function one(text: string, operator: MatchOperator, pattern: string, insensitive: boolean): string {
  if (operator.startsWith('regex')) return `match(${text}, ${quoteString(anchored(pattern, insensitive))})`;
  if (/[*?]/.test(pattern)) return `${text} ${insensitive ? 'ILIKE' : 'LIKE'} ${quoteString(likePattern(pattern))}`;
  return insensitive ? `lowerUTF8(${text}) = lowerUTF8(${quoteString(pattern)})` : `${text} = ${quoteString(pattern)}`;
}

/** True where the text matches one of the patterns; NULL where there is no text. */
export function matchSql(text: string, operator: MatchOperator, patterns: readonly string[], always: boolean): string {
  const insensitive = always || operator === ':' || operator.endsWith('~');
  return patterns.map(pattern => `(${one(text, operator, pattern, insensitive)})`).join(' OR ');
}
