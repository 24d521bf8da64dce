import { eventTimeMaxNs, eventTimeMinNs, levelNames } from '../../base/fields.ts';
import { type ByteString, jsonString } from '../byte-string.ts';
import { jsonObject, type Labels } from '../stream-labels.ts';

/** What the rows of one stream have in common, as JSON text. */
export type StreamPrefix = { head: ByteString; level: ByteString | undefined };

function levelOf(pairs: ReadonlyMap<ByteString, ByteString>): ByteString | undefined {
  for (const name of levelNames) {
    const value = pairs.get(name);
    if (value) return value;
  }
  return undefined;
}

export function streamPrefix(labels: Labels): StreamPrefix {
  return { head: `{"l":${jsonObject(labels)}`, level: levelOf(labels) };
}

const hex = /^[0-9a-fA-F]+$/;
const idText = (id: ByteString): ByteString => JSON.stringify(hex.test(id) ? id.toLowerCase() : id);

/**
 * The row of an entry. `ns` is decimal text, checked with {@link fitsStore}. Metadata `trace_id` and `span_id` have columns of their own;
 * `detected_level` becomes the level, which the store gives back under that name.
 */
export function entryRow(
  stream: StreamPrefix,
  ns: string,
  line: ByteString,
  metadata: Map<ByteString, ByteString> | undefined,
): ByteString {
  let row = `${stream.head},"t":${ns},"m":${JSON.stringify(line)}`;
  let level = stream.level;
  if (metadata !== undefined && metadata.size > 0) {
    const traceId = metadata.get('trace_id');
    const spanId = metadata.get('span_id');
    level = metadata.get('detected_level') ?? level ?? levelOf(metadata);
    if (traceId) row += `,"i":${idText(traceId)}`;
    if (spanId) row += `,"p":${idText(spanId)}`;
    metadata.delete('trace_id');
    metadata.delete('span_id');
    metadata.delete('detected_level');
    if (metadata.size > 0) row += `,"a":${jsonObject(metadata)}`;
  }
  return level ? `${row},"v":${jsonString(level)}}` : `${row}}`;
}

/** Whether decimal text is a time in ns that the store can hold. */
export function fitsStore(ns: string): boolean {
  if (/^\d{1,18}$/.test(ns)) return true;
  if (!/^-?\d{1,20}$/.test(ns)) return false;
  const value = BigInt(ns);
  return value >= eventTimeMinNs && value <= eventTimeMaxNs;
}
