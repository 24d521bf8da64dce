import { type Row, storedRow } from '../row.ts';
import { Scope } from '../scope.ts';
import { quoteString } from '../sql-writer.ts';
import { logqlName } from './fields.ts';
import { lineField } from './line-field.ts';

// SQL over answered rows (the shape of QueryRow: maps `labels` and `attributes` with all columns in them), for suggestions.

/** The value of a field of an answered row, wherever it is; '' when missing. */
export function sampledValue(name: string): string {
  if (name === 'service' || name === 'service_name') return 'service';
  if (name === 'level' || name === 'severity' || name === 'door') return `toString(${name})`;
  const key = quoteString(logqlName[name] ?? name);
  const scope = new Scope();
  const row: Row = storedRow(scope);
  const inLine = scope.inline(lineField(row, name).value);
  return `multiIf(labels[${key}] != '', labels[${key}], attributes[${key}] != '', attributes[${key}], ${inLine})`;
}

/** An array of the names of an answered row's fields: labels, attributes, and the first level of its line. */
export const sampledNames = `arrayDistinct(arrayConcat(arrayMap(k -> toString(k), mapKeys(labels)), arrayMap(k -> toString(k), mapKeys(attributes)),
  if(startsWith(trimLeft(message), '{'), JSONExtractKeys(message), arrayFilter(k -> match(k, '^[A-Za-z_][A-Za-z0-9_.]{0,60}$'),
    mapKeys(extractKeyValuePairsWithEscaping(message, '=', ' \\t\\n', '"'))))))`;
