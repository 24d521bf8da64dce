import type { QueryFrame } from '../query/contract.ts';
import type { Output } from './output.ts';
import { clean } from './terminal.ts';

type Table = Extract<QueryFrame, { type: 'table' }>;

/** Twelve digits: what comes behind is the error of binary fractions (`803.0499999999998`). Whole numbers and what is no number stay as they are. */
const decimalText = (text: string): string =>
  text.includes('.') && Number.isFinite(Number(text)) ? String(Number(Number(text).toPrecision(12))) : text;

/** A table as an object per row (numbers as numbers, null where there was none), tab-separated, or in columns for people. The whole table at once, since widths depend on all rows. */
export function tableText(
  { columns, rows }: Pick<Table, 'columns' | 'rows'>,
  output: Pick<Output, 'format' | 'paint'>,
): string {
  if (output.format === 'ndjson') {
    const cell = (text: string, i: number): string | number | null => {
      if (columns[i]?.type !== 'number') return text;
      return text === '' || !Number.isFinite(Number(text)) ? text || null : Number(text);
    };
    return rows
      .map(row => `${JSON.stringify(Object.fromEntries(columns.map((c, i) => [c.name, cell(row[i] ?? '', i)])))}\n`)
      .join('');
  }
  const shown = rows.map(row =>
    row.map((cell, i) =>
      output.format === 'default' && columns[i]?.type === 'number'
        ? decimalText(cell)
        : clean(cell).replaceAll('\n', ' '),
    ),
  );
  if (output.format === 'raw') return shown.map(row => `${row.join('\t')}\n`).join('');
  const widths = columns.map((c, i) => Math.max(c.name.length, ...shown.map(row => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (columns[i]?.type === 'number' ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${output.paint.dim(line(columns.map(c => c.name)))}\n${shown.map(row => `${line(row)}\n`).join('')}`;
}
