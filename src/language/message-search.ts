import { and, escapeRegex, quoteLikeContains, quoteString, quoteStrings } from './sql-writer.ts';
import { readRegex } from './regex.ts';
import { lineRegex } from './stages/stage.ts';

/**
 * Conditions over the line. Where the line is the stored message they carry a second conjunct that is implied by the first and that the
 * text index on `lower(message)` (tokenizer splitByNonAlpha) can answer, so that most granules are never read.
 */

/** The index folds ASCII only. */
const lower = (text: string): string => text.replace(/[A-Z]/g, letter => letter.toLowerCase());

/** Runs of token characters: ASCII letters and digits and everything beyond ASCII. */
const tokens = /[0-9A-Za-z\u0080-\u{10ffff}]+/gu;

/** Shorter runs match too many words of the dictionary to be worth its scan. */
const dictionaryRunMin = 4;

/** An implied condition that the text index can answer for `text` inside the message; `'1'` when there is none. */
export function indexHint(text: string): string {
  const whole: string[] = [];
  let longest = '';
  for (const found of text.matchAll(tokens)) {
    const run = found[0];
    const inner = found.index > 0 && found.index + run.length < text.length;
    if (inner) whole.push(lower(run));
    else if (run.length > longest.length) longest = run;
  }
  if (whole.length > 0) return `hasAllTokens(lower(message), ${quoteStrings([...new Set(whole)])})`;
  // A run that includes characters beyond ASCII is left alone: LIKE and the index may see its bytes differently.
  if (longest.length < dictionaryRunMin || !/^[0-9A-Za-z]+$/.test(longest)) return '1';
  return `lower(message) LIKE ${quoteLikeContains(lower(longest))}`;
}

/** `|= "text"`: case-sensitive substring. `hint`: false when the condition is going to be negated. */
export function substringCondition(line: string, text: string, hint: boolean): string {
  if (text === '') return '1';
  const exact = `position(${line}, ${quoteString(text)}) > 0`;
  return line === 'message' && hint ? and([indexHint(text), exact]) : exact;
}

/** Literal text that every match of the expression contains, when that is provable: a leading run of plain characters. */
function literalPrefix(regex: string): string {
  if (/[|]|\(\?/.test(regex)) return '';
  const run = /^[^\\^$.|?*+()[\]{}]+/.exec(regex)?.[0] ?? '';
  return /^[?*{]/.test(regex.slice(run.length)) ? run.slice(0, -1) : run;
}

/** `|~ "regex"`: RE2, not anchored. */
export function lineRegexCondition(line: string, regex: string, hint: boolean): string {
  if (regex === '') return '1';
  const { literal } = readRegex(regex);
  if (literal !== undefined) return substringCondition(line, literal, hint);
  const exact = `match(${line}, ${quoteString(lineRegex(regex))})`;
  const prefix = literalPrefix(regex);
  // The last token of the prefix may go on in the match, so it is no inner token; a trailing letter tells indexHint that.
  return line === 'message' && hint && prefix !== '' ? and([indexHint(prefix), exact]) : exact;
}

/** Case-insensitive whole words, by the index. */
export const wordsCondition = (words: readonly string[]): string => `hasAllTokens(lower(message), ${quoteStrings(words.map(lower))})`;

/** Case-insensitive substring of the message. */
export function phraseCondition(phrase: string): string {
  const exact = `match(message, ${quoteString(`(?i)${escapeRegex(phrase)}`)})`;
  return and([indexHint(phrase), exact]);
}
