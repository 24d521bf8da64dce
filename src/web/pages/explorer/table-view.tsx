import { numberText } from '../../parts/format.ts';
import type { Table } from './result.ts';

/** The answer to a query that ends in `| stats`: a table as the server has ordered it. Numbers stand to the right, with a bar for their share of the column's largest. */
export function TableView({ table }: { table: Table }) {
  const { columns, rows } = table;
  const largest = columns.map((column, i) =>
    column.type === 'number' ? Math.max(0, ...rows.map(row => Number(row[i] ?? '')).filter(Number.isFinite)) : 0,
  );
  return (
    <div className="metric" data-testid="stats-table">
      <table>
        <thead>
          <tr>
            {columns.map(column => (
              <th scope="col" key={column.name} className={column.type}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={row.join('\u0000') || at}>
              {columns.map((column, i) => (
                <td key={column.name} className={column.type}>
                  {column.type === 'number' && (largest[i] ?? 0) > 0 && Number(row[i] ?? '') > 0 && (
                    <i
                      className="share"
                      style={{ width: `calc(${Number(row[i]) / (largest[i] ?? 1)} * (100% - 16px))` }}
                    />
                  )}
                  <span>
                    {row[i] === ''
                      ? column.type === 'number'
                        ? '–'
                        : '(none)'
                      : column.type === 'number'
                        ? numberText(row[i] ?? '')
                        : row[i]}
                  </span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p className="flag">No record matches, so there is nothing to count.</p>}
    </div>
  );
}
