import type { QueryRow } from '../../../query/contract.ts';
import { jsonField, readJsonLine } from './json-line.ts';

/** Longest key=value tail put behind a message; the rest is in the details. */
const tailMax = 600;
const hidden = new Set(['detected_level', 'level', 'severity', 'lvl']);

/** What a row shows of a record: its message, and its fields as `key=value` text. */
export type RowText = { message: string; tail: string /** The tail is part of the message. */; json: boolean };

/** A message that is a JSON object shows what it says first and its other fields behind that, unless messages are wanted as they came. */
export function rowText(row: QueryRow, asSent: boolean): RowText {
  const read = asSent ? null : readJsonLine(row.message);
  if (!read) return { message: row.message, tail: fieldsTail(row), json: false };
  return { message: read.text, tail: row.parsed ? fieldsTail(row) : cutTail(read.fields), json: true };
}

const cutTail = (text: string): string => (text.length > tailMax ? `${text.slice(0, tailMax)}…` : text);

/** The fields of a record, those shown elsewhere in the row left out. Empty when the message is the whole JSON object anyway. */
function fieldsTail(row: QueryRow): string {
  if (row.message.startsWith('{') && !row.parsed) return '';
  let text = '';
  for (const source of [row.attributes, row.parsed]) {
    for (const name in source) {
      if (hidden.has(name)) continue;
      const value = source[name] ?? '';
      text += `${text ? ' ' : ''}${name}=${/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;
      if (text.length > tailMax) return cutTail(text);
    }
  }
  return text;
}

/** The value of a named column; stream labels, attributes and parsed labels are one name space, the latest wins. A field of a JSON message where there is none of them. */
export function fieldValue(row: QueryRow, name: string): string {
  if (name === 'service') return row.service;
  if (name === 'level') return row.level;
  if (name === 'door') return row.door;
  return row.parsed?.[name] ?? row.attributes[name] ?? row.labels[name] ?? jsonField(row.message, name);
}

/** A record as one copied line: time, level, service, message as it came, fields. */
export function plainLine(row: QueryRow, time: string): string {
  const { tail } = rowText(row, true);
  return `${time} ${row.level.toUpperCase()} ${row.service} ${row.message}${tail ? ` ${tail}` : ''}`;
}

/** The address of a record in `after` cursors and permalinks. */
export const cursorOf = (row: QueryRow): string => `${row.ts},${row.seq}`;

const lastSeq = 2n ** 64n - 1n;

/** The cursor next to a record, such that what comes after it in the direction starts with the record itself. */
export function cursorAt(cursor: string, direction: 'forward' | 'backward'): string {
  const [ts = '0', seq = '0'] = cursor.split(',');
  const at = BigInt(seq);
  if (direction === 'forward') return at > 0n ? `${ts},${at - 1n}` : `${BigInt(ts) - 1n},${lastSeq}`;
  return at < lastSeq ? `${ts},${at + 1n}` : `${BigInt(ts) + 1n},0`;
}
