import type { ByteString } from '../byte-string.ts';

/** An AnyValue: bytes are base64 text, an unset value is null. */
export type Value = null | ByteString | boolean | bigint | number | Value[] | Map<ByteString, Value>;

/** Deeper values are refused: they would be read by recursion. */
export const valueDepthMax = 100;

/** A record that cannot be stored as such; its neighbours can. */
export class RecordFault extends Error {}

const numberText = (value: number): string => (Number.isFinite(value) ? String(value) : JSON.stringify(String(value)));

function jsonOf(value: Value): ByteString {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return numberText(value);
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (value instanceof Map) return `{${Array.from(value, ([k, v]) => `${JSON.stringify(k)}:${jsonOf(v)}`).join(',')}}`;
  return String(value);
}

/** A value as text: '' of an unset one, JSON of arrays and maps, where an unset member is null. */
export const textOf = (value: Value): ByteString =>
  typeof value === 'string' ? value : typeof value !== 'object' ? String(value) : value === null ? '' : jsonOf(value);
