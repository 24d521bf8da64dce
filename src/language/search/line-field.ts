import type { Found, Row } from '../row.ts';
import { quoteString, quoteStrings, writeArray } from '../sql-writer.ts';

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

/** At most so many ways to cut a name are tried in labels and attributes that are objects. */
const cutsMax = 6;

/**
 * A field inside of attributes that are JSON objects: `http_method` of `{"method":..}` in the attribute `http`. One for each place where it
 * may be, to be looked at only where `isObject` holds.
 */
export function nestedFields(row: Row, name: string): { isObject: string; found: Found }[] {
  const parts = name.split('_');
  if (parts.length < 2 || parts.includes('')) return [];
  return parts.slice(1, 1 + cutsMax).flatMap((_, i) => {
    const head = row.label('metadata', parts.slice(0, i + 1).join('_'));
    if (head.present === '0' || head.present === '1') return [];
    const paths = jsonPaths(parts.slice(i + 1).join('_'));
    const inner = paths.map(path => `JSONExtract(${head.value}, ${path.map(quoteString).join(', ')}, 'String')`);
    const value = row.scope.bind(firstFilled(inner));
    return [{ isObject: `startsWith(${head.value}, '{')`, found: { value, present: `${value} != ''` } }];
  });
}

/**
 * A field of the line: of the JSON object that it is (objects and arrays as JSON; numbers as the engine writes them, `1.50` is `1.5`), else of its
 * `key=value` pairs, which may have a comma or semicolon between them and stand in brackets: `(retry=2)`. Missing, null and empty are the same.
 */
export function lineField(row: Row, name: string): Found {
  const { scope, line } = row;
  const inObject = jsonPaths(name).map(path => `JSONExtract(${line}, ${path.map(quoteString).join(', ')}, 'String')`);
  const spellings = name.includes('_') ? [name, name.replaceAll('_', '.')] : [name];
  const pairs = `extractKeyValuePairsWithEscaping(${line}, '=', ' \\t\\n', '"')`;
  const keys = spellings.flatMap(spelling => [spelling, `(${spelling}`, `[${spelling}`]);
  const closed = `x -> if(match(x, '[[(]'), trimRight(x, ',;'), trimRight(x, ',;)]'))`;
  const inPairs = [`arrayFirst(x -> x != '', arrayMap(${closed}, arrayMap(k -> ${pairs}[k], ${quoteStrings(keys)})))`];
  const value = scope.bind(`if(startsWith(trimLeft(${line}), '{'), ${firstFilled(inObject)}, ${firstFilled(inPairs)})`);
  return { value, present: `${value} != ''` };
}
