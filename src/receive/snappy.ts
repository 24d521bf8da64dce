import { uncompress } from 'snappy';

/** Length a snappy block declares, -1 when it is malformed. */
export function blockLength(block: Buffer): number {
  let length = 0;
  for (let k = 0; k < 5; k++) {
    const byte = block[k];
    if (byte === undefined) return -1;
    length += (byte & 0x7f) * 2 ** (7 * k);
    if (byte < 0x80) return length;
  }
  return -1;
}

/*
 * The framing format of snappy (google/snappy framing_format.txt): chunks of one type byte and three of length, little-endian. Agents name it
 * `x-snappy-framed`; OpenTelemetry Collectors before 2025 sent it under the name `snappy`.
 */

const head = Buffer.from([0xff, 0x06, 0x00, 0x00, ...Buffer.from('sNaPpY')]);
/** A chunk holds at most this much, so a small body cannot say that it is large. */
const chunkBytesMax = 65_536;

/** Whether a body starts as a framed stream does; no block that anybody writes does. */
export const isFramed = (body: Buffer): boolean => body.subarray(0, head.length).equals(head);

const castagnoli = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C, masked as the format has it. */
export function maskedSum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (castagnoli[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The data of a framed stream, at most one chunk more than `bytesMax`. Throws an Error that says what is broken. */
export async function unframe(body: Buffer, bytesMax: number): Promise<Buffer> {
  if (body.length > 0 && !isFramed(body)) throw new Error('no stream identifier at its start');
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (let at = 0; at < body.length && bytes <= bytesMax; ) {
    const type = body[at] ?? 0;
    const end = at + 4 + (at + 4 <= body.length ? body.readUIntLE(at + 1, 3) : 0);
    if (end > body.length || at + 4 > body.length) throw new Error(`cut off in the chunk at byte ${at}`);
    const chunk = body.subarray(at + 4, end);
    if (type <= 1) {
      if (chunk.length < 4) throw new Error(`no checksum in the chunk at byte ${at}`);
      const packed = chunk.subarray(4);
      const length = type === 0 ? blockLength(packed) : packed.length;
      if (length < 0 || length > chunkBytesMax)
        throw new Error(`the chunk at byte ${at} does not have 0 to ${chunkBytesMax} bytes`);
      const data = type === 0 ? ((await uncompress(packed)) as Buffer) : packed;
      if (maskedSum(data) !== chunk.readUInt32LE(0)) throw new Error(`wrong checksum of the chunk at byte ${at}`);
      pieces.push(data);
      bytes += data.length;
    } else if (type < 0x80) throw new Error(`unknown chunk type ${type} at byte ${at}`);
    at = end;
  }
  return Buffer.concat(pieces);
}
