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

/** The loop over a message must end exactly where the message does; else a field ran over its end. */
export function leave(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new RangeError('a field runs over the end of its message');
}
