import { attributeNames, fieldCandidates, serviceNameLabels, unknownService } from '../../base/fields.ts';
import type { FieldHints } from '../../base/record.ts';
import { type ByteString, byteString, bytesOf, fromText, parseJson } from '../byte-string.ts';
import { eventTimeNs } from '../event-time.ts';
import { skipValue, viewOf } from './skip.ts';

/** A field of an object: its name, and its value both as a JSON string for the row and as plain text. */
type Field = { name: ByteString; json: ByteString; text: ByteString };

const isSpace = (c: number | undefined): boolean => c === 0x20 || c === 0x09 || c === 0x0d;

function textOf(token: ByteString): ByteString {
  return token.includes('\\') ? (parseJson(bytesOf(token)) as ByteString) : token.slice(1, -1);
}

/**
 * The top-level fields of the valid object at `start`, in order, nulls left out. A second field of the same name becomes `name_2`,
 * so that both are kept. `shape` has the bytes of `source` with blanks for line ends; values are cut from `source`.
 */
function fieldsOf(shape: Buffer, source: Buffer, start: number): Field[] {
  const words = viewOf(shape);
  const fields: Field[] = [];
  const names = new Set<ByteString>();
  let i = start;
  const space = (): void => {
    while (isSpace(shape[i])) i++;
  };
  space();
  i++;
  space();
  while (shape[i] !== 0x7d) {
    let end = skipValue(shape, words, i);
    const own = textOf(byteString(source, i, end));
    i = end;
    space();
    i++;
    space();
    end = skipValue(shape, words, i);
    const token = byteString(source, i, end);
    i = end;
    space();
    if (shape[i] === 0x2c) i++;
    space();
    if (token === 'null') continue;
    let name = own;
    for (let k = 2; names.has(name); k++) name = `${own}_${k}`;
    names.add(name);
    const isString = token.startsWith('"');
    fields.push({ name, json: isString ? token : JSON.stringify(token), text: isString ? textOf(token) : token });
  }
  return fields;
}

const object = (pairs: Iterable<readonly [ByteString, ByteString]>): ByteString =>
  `{${Array.from(pairs, ([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;

/**
 * The row of the valid object at `start` to `end`: what the SQL of the process room makes of a `json` payload, for the few objects that
 * may not go there. Nothing is parsed into numbers; strings keep their escapes, nested values their text.
 */
export function canonicalRow(shape: Buffer, source: Buffer, start: number, end: number, hints: FieldHints): ByteString {
  const fields = fieldsOf(shape, source, start);
  const attributes = new Map(fields.map(field => [field.name, field]));
  const first = (names: readonly string[]): Field | undefined => {
    const name = names.find(n => attributes.has(n));
    return name === undefined ? undefined : attributes.get(name);
  };
  const hinted = (hint: string | undefined, names: readonly string[]): readonly string[] =>
    hint === undefined ? names : [fromText(hint)];
  const row: [ByteString, ByteString][] = [];

  const time = first(hinted(hints.timeField, fieldCandidates.time));
  const ns = time && eventTimeNs(time.text, hints.timeUnit);
  if (time && ns !== undefined) {
    row.push(['t', String(ns)]);
    attributes.delete(time.name);
  }
  const message = first(hinted(hints.messageField, fieldCandidates.message));
  row.push(['m', message?.json ?? JSON.stringify(byteString(source, start, end))]);
  if (message) attributes.delete(message.name);

  const labels = new Map<ByteString, ByteString>();
  for (const name of [...fieldCandidates.labels, ...(hints.labelFields ?? []).map(fromText)]) {
    const field = attributes.get(name);
    if (field && field.text !== '') labels.set(name, field.json);
    attributes.delete(name);
  }
  for (const [name, value] of Object.entries(hints.labels ?? {}))
    if (!labels.has(fromText(name))) labels.set(fromText(name), fromText(JSON.stringify(value)));
  if (!labels.has('service_name')) {
    const source = serviceNameLabels.find(name => labels.has(name));
    labels.set('service_name', (source && labels.get(source)) ?? JSON.stringify(unknownService));
  }
  row.push(['l', object(labels)]);

  const level = first(fieldCandidates.level);
  if (level) row.push(['v', level.json]);
  const number = first(fieldCandidates.severityNumber)?.text;
  if (number !== undefined && /^(?:[1-9]|1\d|2[0-4])$/.test(number)) row.push(['n', number]);
  for (const [column, names] of [
    ['i', fieldCandidates.traceId],
    ['p', fieldCandidates.spanId],
  ] as const) {
    const id = first(names);
    if (id === undefined) continue;
    row.push([column, /^[0-9a-f]+$/i.test(id.text) ? JSON.stringify(id.text.toLowerCase()) : id.json]);
    attributes.delete(id.name);
  }
  if (attributes.size > 0) {
    const names = attributeNames([...attributes.keys()]);
    row.push(['a', object(Array.from(attributes, ([name, field]) => [names.get(name) ?? name, field.json] as const))]);
  }
  return object(row);
}
