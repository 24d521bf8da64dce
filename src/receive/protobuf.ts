import { type BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type ByteString, byteString } from './byte-string.ts';

/** Enter the length-delimited field at the reader: gives where it ends. Throws when that is past the end of the message. */
export function enter(reader: BinaryReader): number {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError('a field is longer than the message');
  return end;
}

/** A string field without decoding it. Throws when its wire type is another. */
export function textField(reader: BinaryReader, type: WireType, body: Buffer): ByteString {
  if (type !== WireType.LengthDelimited) throw new TypeError('a string field has another wire type');
  const end = enter(reader);
  const text = byteString(body, reader.pos, end);
  reader.pos = end;
  return text;
}

/** Longer texts are no names. */
const nameBytesMax = 64;
/** The name last seen per hash. Names come again with every record: one string for each costs no allocation, and maps know its hash. */
const namesSeen: ByteString[] = Array.from({ length: 1024 }, () => '');

/** As {@link textField}, for texts of which there are few. */
export function nameField(reader: BinaryReader, type: WireType, body: Buffer): ByteString {
  const before = reader.pos;
  if (type !== WireType.LengthDelimited) return textField(reader, type, body);
  const end = enter(reader);
  const start = reader.pos;
  const length = end - start;
  if (length <= nameBytesMax) {
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (body[i] as number)) | 0;
    const slot = (hash ^ (hash >>> 15)) & (namesSeen.length - 1);
    const known = namesSeen[slot] as ByteString;
    let i = known.length === length ? 0 : -1;
    while (i >= 0 && i < length) i = known.charCodeAt(i) === body[start + i] ? i + 1 : -1;
    reader.pos = end;
    if (i >= 0) return known;
    return (namesSeen[slot] = byteString(body, start, end));
  }
  reader.pos = before;
  return textField(reader, type, body);
}

/** The loop over a message must end exactly where the message does; else a field ran over its end. */
export function leave(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new RangeError('a field runs over the end of its message');
}
