import { quoteString } from '../../language/sql-writer.ts';
import { levelOfSeverity, severityOfText } from '../level.ts';
import { mapType } from '../service.ts';

/** Replacements of columns of the row, `column -> SQL`. */
export type Changes = Record<string, string>;

type Place = { column: string; key: string | undefined };

function place(field: string): Place {
  const dot = field.indexOf('.');
  return dot < 0 ? { column: field, key: undefined } : { column: field.slice(0, dot), key: field.slice(dot + 1) };
}

/** Text of a field of the row; '' where it is absent. */
export function fieldText(field: string): string {
  const { column, key } = place(field);
  return key === undefined ? column : `${column}[${quoteString(key)}]`;
}

/** SQL that is true where the row has the field. */
export function fieldPresent(field: string): string {
  const { column, key } = place(field);
  return key === undefined ? `${column} != ''` : `mapContains(${column}, ${quoteString(key)})`;
}

const updated = (column: string, key: string, value: string): string => {
  const map = `mapUpdate(${column}, CAST(map(${quoteString(key)}, ${value}), '${mapType}'))`;
  return column === 'labels' ? `mapSort(${map})` : map;
};

/** Set a field to the text `value` (SQL) where `condition` holds. The service and its label are one; a level is normalised. */
export function setField(field: string, value: string, condition: string): Changes {
  const { column, key } = place(field);
  const when = (sql: string, old: string): string => (condition === '1' ? sql : `if(${condition}, ${sql}, ${old})`);
  if (field === 'level') {
    const number = severityOfText(`CAST(${value}, 'LowCardinality(String)')`);
    return { level: when(levelOfSeverity(number), 'level'), severity: when(number, 'severity') };
  }
  if (field === 'service' || field === 'labels.service_name')
    return { service: when(value, 'service'), labels: when(updated('labels', 'service_name', value), 'labels') };
  return { [column]: when(key === undefined ? value : updated(column, key, value), column) };
}

/** Take a field away. The service becomes `unknown_service`, the level `unknown`. */
export function removeField(field: string): Changes {
  const { column, key } = place(field);
  if (field === 'service' || field === 'labels.service_name') return setField('service', "'unknown_service'", '1');
  if (field === 'level') return { level: "'unknown'", severity: 'toUInt8(0)' };
  return { [column]: key === undefined ? "''" : `mapFilter((k, v) -> k != ${quoteString(key)}, ${column})` };
}
