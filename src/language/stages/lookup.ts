import { nearest } from '../../base/nearest.ts';
import { WeirError } from '../../base/errors.ts';
import type { LookupTable } from '../lookup-table.ts';
import { extract } from '../extract.ts';
import { find, type Found, missing, namedValues, notEmpty } from '../row.ts';
import { quoteStrings } from '../sql-writer.ts';
import type { Lookup } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

function tableOf({ table, tables }: Lookup): LookupTable {
  const found = tables?.get(table);
  if (found) return found;
  const names = [...(tables?.keys() ?? [])];
  const guess = nearest(table, names);
  throw new WeirError('bad_query', {
    reason: tables
      ? `there is no lookup table "${table}"${guess ? `; did you mean "${guess}"` : ''} (${names.length === 0 ? 'none was given yet' : `there are ${names.join(', ')}`}; PUT /api/v1/lookups/${table} makes it)`
      : `lookup "${table}": lookup tables are Weir's own and work in Weir's searches only, not here`,
  });
}

/** Columns and the labels they become: those asked for, or all. */
function columnsOf(stage: Lookup, table: LookupTable): { index: number; label: string }[] {
  if (stage.columns.length === 0) return table.columns.map((label, index) => ({ index, label }));
  return stage.columns.map(({ column, label }) => {
    const index = table.columns.indexOf(column);
    if (index < 0)
      throw new WeirError('bad_query', {
        reason: `lookup table "${table.name}" has no column "${column}"; it has ${table.columns.join(', ')}`,
      });
    return { index, label };
  });
}

/**
 * Extension of LogQL: `lookup users on user_id` adds the columns of a table's row as labels, like a parser does; `get name, team as squad` only these.
 * Records without the label, or whose value is no key, get none.
 */
export const lookup: StageDefinition<Lookup> = {
  parse(reader) {
    const table = reader.name('the name of a lookup table').text;
    reader.word('on');
    const on = reader.name('a label').text;
    const columns: Lookup['columns'] = [];
    if (reader.takeWord('get'))
      do {
        const column = reader.name('a column').text;
        columns.push({ column, label: reader.takeWord('as') ? reader.name('a label').text : column });
      } while (reader.takeOperator(','));
    return { kind: 'lookup', table, on, columns };
  },

  print: ({ table, on, columns }) =>
    `lookup ${table} on ${on}${columns.length === 0 ? '' : ` get ${columns.map(({ column, label }) => (label === column ? column : `${column} as ${label}`)).join(', ')}`}`,

  apply(stage, row) {
    const table = tableOf(stage);
    const { scope } = row;
    const key = scope.bind(`toString(${find(row, stage.on).value})`);
    const keys = scope.bind(quoteStrings(table.rows.map(r => r.key)));
    const values = new Map<string, Found>();
    for (const { index, label } of columnsOf(stage, table)) {
      const column = scope.bind(quoteStrings(table.rows.map(r => r.values[index] ?? '')));
      const value = table.rows.length === 0 ? "''" : scope.bind(`transform(${key}, ${keys}, ${column}, '')`);
      values.set(label, { value, present: notEmpty(value) });
    }
    return {
      row: extract(row, {
        raw: name => values.get(name) ?? missing,
        rawMap: () => namedValues(values),
        error: "''",
        details: "''",
        cleanWhenFound: '0',
      }),
    };
  },
};
