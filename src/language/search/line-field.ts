import type { Found, Row } from '../row.ts';
import { quoteString, writeArray } from '../sql-writer.ts';

/**
 * One field straight from the line, for searching. The stages `json` and `logfmt` have to be exact in what they extract and cost 10 to 20 times as much
 * (docs/decisions/0015-search-bar.md). Each part is written once: under `and`, `or` and `if` the engine computes a shared part for each place that
 * uses it.
 */

/** `a_b_c` as paths into a JSON object: the name itself, with `.`, and each way to cut it into nested keys, up to six. */
function jsonPaths(name: string): string[][] {
  const parts = name.split('_');
  if (parts.length < 2 || parts.includes('')) return [[name]];
  const nested: string[][] = [];
  for (let cuts = 1; cuts < 2 ** (parts.length - 1) && nested.length < 6; cuts++) {
    const path: string[] = [parts[0] ?? ''];
    for (const [i, part] of parts.slice(1).entries()) {
      if ((cuts >> i) & 1) path.push(part);
      else path[path.length - 1] += `_${part}`;
    }
    nested.push(path);
  }
  return [[name], ...nested, [parts.join('.')]];
}

const firstFilled = (values: readonly string[]): string =>
  values.length === 1 ? (values[0] ?? "''") : `arrayFirst(x -> x != '', ${writeArray(values)})`;

/**
 * A field of the line: of the JSON object that it is (objects and arrays as JSON; numbers as the engine writes them, `1.50` is `1.5`), else of its
 * `key=value` pairs, which may have a comma or semicolon between them. Missing, null and empty are the same.
 */
export function lineField(row: Row, name: string): Found {
  const { scope, line } = row;
  const inObject = jsonPaths(name).map(path => `JSONExtract(${line}, ${path.map(quoteString).join(', ')}, 'String')`);
  const spellings = name.includes('_') ? [name, name.replaceAll('_', '.')] : [name];
  const pairs = `extractKeyValuePairsWithEscaping(${line}, '=', ' \\t\\n', '"')`;
  const inPairs = spellings.map(spelling => `trimRight(${pairs}[${quoteString(spelling)}], ',;')`);
  const value = scope.bind(`if(startsWith(trimLeft(${line}), '{'), ${firstFilled(inObject)}, ${firstFilled(inPairs)})`);
  return { value, present: `${value} != ''` };
}
