import { and, quoteInteger, quoteString, quoteStrings, writeArray } from '../sql-writer.ts';

/** Words of a text as the engine's `tokens` cuts it: ASCII letters, digits and everything beyond ASCII. */
export const wordsOf = (text: string): string[] => text.match(/[0-9A-Za-z\u0080-\u{10ffff}]+/gu) ?? [];

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);
const lower = (sql: string, ascii: boolean): string => (ascii ? `lower(${sql})` : `lowerUTF8(${sql})`);

/** The most edits of a word; Lucene's bound. */
const editsMax = 2;

/**
 * Edits that a word may be away, by what stands behind its `~`: a number of them, a similarity below 1 (of old Lucene), or nothing: then by
 * its length, as Elasticsearch's AUTO. Always fewer than it has letters.
 */
export function editsOf(word: string, written: string): number {
  const letters = Array.from(word).length;
  const number = Number(written);
  const asked =
    written === ''
      ? letters < 3 ? 0 : letters < 6 ? 1 : 2
      : number > 0 && number < 1
        ? Math.floor((1 - number) * letters)
        : Math.floor(number); // biome-ignore format: three lengths
  return Math.min(asked, editsMax, letters - 1);
}

/** SQL: a text in lower case is at most `edits` letters put in, left out, changed or swapped away from the word. */
function isClose(text: string, word: string, edits: number): string {
  const folded = word.toLowerCase();
  const [size, distance] = isAscii(word)
    ? [`length(${text})`, `damerauLevenshteinDistance(${text}, ${quoteString(folded)})`]
    : [`lengthUTF8(${text})`, `editDistanceUTF8(toValidUTF8(${text}), ${quoteString(folded)})`];
  const letters = Array.from(word).length;
  return and([
    `${size} > ${quoteInteger(edits)}`,
    `${size} BETWEEN ${quoteInteger(letters - edits)} AND ${quoteInteger(letters + edits)}`,
    `${distance} <= ${quoteInteger(edits)}`,
  ]);
}

/** SQL: a word of the line is close to this one, in any case. Every line is read: no index knows what is close. */
export const fuzzyInLine = (line: string, word: string, edits: number): string =>
  `arrayExists(t -> ${isClose('t', word, edits)}, tokens(${lower(line, isAscii(word))}))`;

/** SQL: the whole value is close to the word, in any case. */
export const fuzzyValue = (value: string, word: string, edits: number): string =>
  isClose(lower(value, isAscii(word)), word, edits);

/**
 * SQL: the words of a text stand in the line so that none is more than `slop` places away from where the others want it, Lucene's sloppy phrase: one word between
 * costs 1, two words swapped 2. `hint`: whether the text index may help.
 */
export function nearInLine(line: string, text: string, slop: number, hint: boolean): string {
  const words = wordsOf(text).map(word => word.toLowerCase());
  const tokens = `tokens(${lower(line, isAscii(text))})`;
  // Where each word would have the text begin.
  const begins = words.map(
    (word, i) =>
      `arrayMap(i -> toInt64(i) - ${i}, arrayFilter((i, w) -> w = ${quoteString(word)}, arrayEnumerate(t), t))`,
  );
  const repeated = [...new Set(words)].flatMap(word => {
    const times = words.filter(other => other === word).length;
    return times === 1 ? [] : [`countEqual(t, ${quoteString(word)}) >= ${times}`];
  });
  const within = 'arrayExists(x -> x >= low AND x <= low + ' + quoteInteger(slop) + ', one)';
  const close = `arrayExists(places -> arrayExists(low -> arrayAll(one -> ${within}, places), arrayFlatten(places)), [${writeArray(begins)}])`;
  const exact = `arrayExists(t -> ${and([...repeated, close])}, [${tokens}])`;
  const indexed = words.filter(word => word.length > 1 && isAscii(word));
  if (line !== 'message' || !hint || indexed.length === 0 || !isAscii(text)) return exact;
  return and([`hasAllTokens(lower(message), ${quoteStrings([...new Set(indexed)])})`, exact]);
}
