import type { QueryRow } from '../query/contract.ts';
import type { Format, Output } from './output.ts';
import { clean } from './terminal.ts';
import { clockText, dayText } from './time.ts';

/** Attributes that the line already says in another place. */
const shownElsewhere = new Set([
  'level',
  'severity',
  'lvl',
  'detected_level',
  'severity_number',
  'severity_text',
  'service',
  'service_name',
]);

/** Turns rows into the text of one format. Keeps the day of the last row, so that a new day is announced once. */
export function createRowText(output: Pick<Output, 'format' | 'paint'>): (row: QueryRow) => string {
  const formats: Record<Format, (row: QueryRow) => string> = {
    raw: row => `${row.message}\n`,
    ndjson: row => `${JSON.stringify(row)}\n`,
    default: forPeople(output.paint),
  };
  return formats[output.format];
}

function forPeople(paint: Output['paint']): (row: QueryRow) => string {
  let day = '';
  return row => {
    const today = dayText(row.ts);
    const head = today === day ? '' : `${paint.dim(`-- ${today} --`)}\n`;
    day = today;
    // Lines after the first are indented, so that a record is seen as one.
    const message = clean(row.message)
      .replace(/\n(?=[^])/g, '\n    ')
      .replace(/\n+$/, '');
    return `${head}${paint.dim(clockText(row.ts))} ${paint.badge(row.level)} ${paint.service(row.service)} ${message}${fieldsText(row, paint)}\n`;
  };
}

function fieldsText(row: QueryRow, paint: Output['paint']): string {
  const fields = { ...row.attributes, ...row.parsed };
  // A message that is an object says its fields itself.
  if (row.message.startsWith('{')) return '';
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (shownElsewhere.has(name) || row.message.includes(value)) continue;
    text += ` ${clean(name)}=${clean(/[\s"]/.test(value) ? JSON.stringify(value) : value)}`;
  }
  return text === '' ? '' : paint.dim(text);
}
