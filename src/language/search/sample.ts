import { type Row, storedRow } from '../row.ts';
import { Scope } from '../scope.ts';
import { quoteString } from '../sql-writer.ts';
import { logqlName } from './fields.ts';
import { lineField, nestedFields } from './line-field.ts';

// SQL over answered rows (the shape of QueryRow: maps `labels` and `attributes` with all columns in them), for suggestions.

/** The value of a field of an answered row, wherever it is; '' when missing. */
export function sampledValue(name: string): string {
  if (name === 'service' || name === 'service_name') return 'service';
  if (name === 'level' || name === 'severity' || name === 'door') return `toString(${name})`;
  const key = quoteString(logqlName[name] ?? name);
  const scope = new Scope();
  const row: Row = storedRow(scope);
  const inLine = scope.inline(lineField(row, name).value);
  const inside = nestedFields(row, name).map(
    ({ isObject, found }) => `${isObject} AND ${scope.inline(found.present)}, ${scope.inline(found.value)}`,
  );
  return `multiIf(${[`labels[${key}] != '', labels[${key}]`, `attributes[${key}] != '', attributes[${key}]`, ...inside, inLine].join(', ')})`;
}

const linePairs = `extractKeyValuePairsWithEscaping(message, '=', ' \\t\\n', '"')`;
const isObject = "startsWith(trimLeft(message), '{')";

/** An array of the names of an answered row's fields: labels, attributes, and the first level of its line. */
export const sampledNames = `arrayDistinct(arrayConcat(arrayMap(k -> toString(k), mapKeys(labels)), arrayMap(k -> toString(k), mapKeys(attributes)),
  if(${isObject}, JSONExtractKeys(message), arrayFilter(k -> match(k, '^[A-Za-z_][A-Za-z0-9_.]{0,60}$'), mapKeys(${linePairs})))))`;

/** Pairs of name and value, objects by what is in them. */
const opened = (pairs: string): string =>
  `arrayFlatten(arrayMap(p -> if(JSONType(p.2) = 'Object', arrayMap(x -> (concat(p.1, '.', x.1), x.2), JSONExtractKeysAndValuesRaw(p.2)), [p]), ${pairs}))`;

/** The same with the dotted names of what is inside of objects in place of these, down to the third level. */
export const sampledPaths = `arrayDistinct(arrayConcat(arrayMap(k -> toString(k), mapKeys(labels)), if(${isObject}, [], arrayFilter(k -> match(k, '^[A-Za-z_][A-Za-z0-9_.]{0,60}$'), mapKeys(${linePairs}))),
  arrayMap(p -> p.1, ${opened(opened(`arrayConcat(arrayMap((k, v) -> (toString(k), v), mapKeys(attributes), mapValues(attributes)), if(${isObject}, JSONExtractKeysAndValuesRaw(message), []))`))})))`;
