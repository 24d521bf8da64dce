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

/**
 * An implied condition that the text index can answer for `text` inside the message; `'1'` when there is none.
 * `anyCase`: the text is looked for in any case, so letters whose other case is beyond ASCII (k, s) say nothing.
 */
export function indexHint(text: string, anyCase = false): string {
  const whole: string[] = [];
  let longest = '';
  for (const found of text.matchAll(tokens)) {
    const run = found[0];
    if (anyCase && /[ksKS]|[^0-9A-Za-z]/.test(run)) continue;
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
  // The last character may be optional, and its token may go on in the match: without it indexHint sees an open end.
  return /^[?*{]/.test(regex.slice(run.length)) ? run.slice(0, -1) : run;
}

/** What ends a token of the text index, in an expression for any case. */
export const noToken = '[^0-9a-z\\x{80}-\\x{10ffff}]';
const word =
  /^\(\?i\)\(\?:\^\|\[\^0-9a-z\\x\{80\}-\\x\{10ffff\}\]\)([0-9A-Za-z]+)\(\?:\$\|\[\^0-9a-z\\x\{80\}-\\x\{10ffff\}\]\)$/;
const phrase = /^\(\?i\)((?:[^\\^$.|?*+()[\]{}]|\\[\\^$.|?*+()[\]{}])+)$/;

/** An expression that finds `text`, made of ASCII letters and digits, as a whole token in any case. Exactly what the text index stores. */
export const wordRegex = (text: string): string => `(?i)(?:^|${noToken})${text}(?:$|${noToken})`;

/** An expression that finds `text` as a substring in any case. */
export const phraseRegex = (text: string): string => `(?i)${escapeRegex(text)}`;

const phraseOf = (regex: string): string | undefined => phrase.exec(regex)?.[1]?.replace(/\\(.)/g, '$1');

/** The text that every match of an expression for one text contains, in any case; undefined for other expressions. */
export const searchedText = (regex: string): string | undefined =>
  readRegex(regex).literal ?? word.exec(regex)?.[1] ?? phraseOf(regex);

/** `|~ "regex"`: RE2, not anchored. */
export function lineRegexCondition(line: string, regex: string, hint: boolean): string {
  if (regex === '') return '1';
  const { literal } = readRegex(regex);
  if (literal !== undefined) return substringCondition(line, literal, hint);
  const exact = `match(${line}, ${quoteString(lineRegex(regex))})`;
  if (line !== 'message') return exact;
  const token = word.exec(regex)?.[1];
  if (token !== undefined) return `hasAllTokens(lower(message), ${quoteStrings([lower(token)])})`;
  if (!hint) return exact;
  const text = phraseOf(regex);
  return and([indexHint(text ?? literalPrefix(regex), text !== undefined), exact]);
}
