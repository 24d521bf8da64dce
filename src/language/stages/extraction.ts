import { withNames } from '../scope.ts';
import type { TokenReader } from '../reader.ts';
import { quote } from '../go-string.ts';
import type { Extraction } from '../tree.ts';

/** `a, b="path"` after `json` or `logfmt`; empty when there is none. */
export function parseExtractions(
  reader: TokenReader,
): { extraction: Extraction; at: ReturnType<TokenReader['peek']> }[] {
  const list: { extraction: Extraction; at: ReturnType<TokenReader['peek']> }[] = [];
  if (!reader.isName()) return list;
  do {
    const name = reader.name('a label name');
    const path = reader.takeOperator('=') ? reader.string('a path, as a string') : name;
    list.push({ extraction: { name: name.text, path: path.value }, at: path });
  } while (reader.takeOperator(','));
  return list;
}

export const printExtractions = (list: readonly Extraction[]): string =>
  list.map(({ name, path }) => ` ${name}${name === path ? '' : `=${quote(path)}`}`).join(',');

/** SQL: the text of a key as a label name: trimmed, other characters become `_`, a leading digit gets `_` in front. */
export const sanitized = (key: string): string =>
  `replaceRegexpOne(replaceRegexpAll(trimBoth(${key}), '[^A-Za-z0-9_]', '_'), '^([0-9])', '_\\\\1')`;

/** SQL: a text that a parser read as the value of a label. Loki puts a blank where U+FFFD stands, which stood for bytes that are no UTF-8. */
export const labelText = (text: string): string => `replaceAll(${text}, '\ufffd', ' ')`;

/** SQL: an array of (name, value) pairs, names may repeat -> Map with the first of equal names. */
export const firstOfEach = (pairs: string): string =>
  withNames(
    [pairs],
    list =>
      `CAST(arrayFilter((p, n) -> n = 1 AND p.1 != '', ${list}, arrayEnumerateUniq(arrayMap(p -> p.1, ${list}))), 'Map(String, String)')`,
  );
