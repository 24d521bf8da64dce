import { setImmediate as pause } from 'node:timers/promises';

/*
 * The LZ4 frame format (lz4_Frame_format.md): OpenTelemetry Collectors offer it, node:zlib has it not. Frames follow one another; skippable frames
 * are skipped; dictionaries are not supported.
 */

const magic = 0x184d2204;
const windowBytes = 65_536;
/** Bytes read and unpacked between two pauses. */
const pauseBytes = 1_048_576;
const prime = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1].map(value => value | 0) as [
  number,
  number,
  number,
  number,
  number,
];
const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** xxHash-32 with seed 0, the format's checksum. */
export function xxHash32(bytes: Buffer): number {
  const [p1, p2, p3, p4, p5] = prime;
  let hash = p5;
  let at = 0;
  if (bytes.length >= 16) {
    let [a, b, c, d] = [(p1 + p2) | 0, p2, 0, -p1 | 0];
    const round = (lane: number, offset: number): number =>
      Math.imul(rotate((lane + Math.imul(bytes.readInt32LE(offset), p2)) | 0, 13), p1);
    for (; at + 16 <= bytes.length; at += 16) {
      a = round(a, at);
      b = round(b, at + 4);
      c = round(c, at + 8);
      d = round(d, at + 12);
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  hash = (hash + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4)
    hash = Math.imul(rotate((hash + Math.imul(bytes.readInt32LE(at), p3)) | 0, 17), p4);
  for (; at < bytes.length; at++) hash = Math.imul(rotate((hash + Math.imul(bytes[at] ?? 0, p5)) | 0, 11), p1);
  hash = Math.imul(hash ^ (hash >>> 15), p2);
  hash = Math.imul(hash ^ (hash >>> 13), p3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const cut = (): Error => new Error('cut off within a block');

/** A length that goes on in further bytes while they are 255. */
function longLength(block: Buffer, from: number, length: number): [length: number, at: number] {
  let at = from;
  for (let byte = 255; byte === 255; length += byte) {
    const next = block[at++];
    if (next === undefined) throw cut();
    byte = next;
  }
  return [length, at];
}

/** Write the data of one block into `out` from `start`; gives where it ends. Matches reach back to `floor` at most. */
function readBlock(block: Buffer, out: Buffer, start: number, floor: number): number {
  let to = start;
  for (let at = 0; at < block.length; ) {
    const token = block[at++] ?? 0;
    let literals = token >>> 4;
    if (literals === 15) [literals, at] = longLength(block, at, literals);
    if (at + literals > block.length) throw cut();
    if (to + literals > out.length) throw new Error('a block is larger than the frame says');
    block.copy(out, to, at, at + literals);
    to += literals;
    at += literals;
    if (at === block.length) return to;
    if (at + 2 > block.length) throw cut();
    const back = block.readUInt16LE(at);
    at += 2;
    let length = token & 15;
    if (length === 15) [length, at] = longLength(block, at, length);
    length += 4;
    const from = to - back;
    if (back === 0 || from < floor) throw new Error('a match before the start');
    if (to + length > out.length) throw new Error('a block is larger than the frame says');
    if (back >= length) out.copyWithin(to, from, from + length);
    else for (let k = 0; k < length; k++) out[to + k] = out[from + k] ?? 0;
    to += length;
  }
  throw cut();
}

/**
 * The data of all frames, at most one block more than `bytesMax`. Lets others run after every MiB. Throws an Error that says what is broken.
 */
export async function unLz4(body: Buffer, bytesMax: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let at = 0;
  let paused = 0;
  /** Where blocks are unpacked, one behind the other, with the 64 KB before them; used again, so that empty blocks and frames cost next to nothing. */
  let room = Buffer.alloc(0);
  const need = (count: number): number => {
    if (at + count > body.length) throw new Error(`cut off at byte ${body.length}`);
    at += count;
    return at - count;
  };
  const pausedAt = async (): Promise<number> => {
    await pause();
    return bytes + at;
  };
  while (at < body.length && bytes <= bytesMax) {
    if (bytes + at - paused >= pauseBytes) paused = await pausedAt();
    const kind = body.readUInt32LE(need(4));
    if (kind >>> 4 === 0x184d2a5) {
      need(body.readUInt32LE(need(4)));
      continue;
    }
    if (kind !== magic) throw new Error(`no frame at byte ${at - 4}`);
    const start = need(2);
    const [flags = 0, sizes = 0] = body.subarray(start, at);
    if (flags >>> 6 !== 1) throw new Error(`unknown version ${flags >>> 6}`);
    if (flags & 1) throw new Error('dictionaries are not supported');
    const [linked, blockSums, contentSum] = [(flags & 32) === 0, (flags & 16) !== 0, (flags & 4) !== 0];
    const blockBytes = 256 << (2 * ((sizes >>> 4) & 7));
    if (blockBytes < windowBytes) throw new Error(`unknown block size ${(sizes >>> 4) & 7}`);
    if (flags & 8) need(8);
    const headerSum = (xxHash32(body.subarray(start, at)) >>> 8) & 0xff;
    if (body[need(1)] !== headerSum) throw new Error(`wrong checksum of the frame at byte ${start - 4}`);
    const first = pieces.length;
    if (room.length < windowBytes + 2 * blockBytes) room = Buffer.allocUnsafe(windowBytes + 2 * blockBytes);
    let to = 0;
    for (let said = body.readUInt32LE(need(4)); said !== 0; said = body.readUInt32LE(need(4))) {
      const length = said & 0x7fffffff;
      if (length > blockBytes) throw new Error(`a block of ${length} bytes where ${blockBytes} are the most`);
      const block = body.subarray(need(length), at);
      if (blockSums && body.readUInt32LE(need(4)) !== xxHash32(block)) throw new Error('wrong checksum of a block');
      if (bytes + at - paused >= pauseBytes) paused = await pausedAt();
      if (to + blockBytes > room.length) {
        room.copyWithin(0, to - windowBytes, to);
        to = windowBytes;
      }
      const from = to;
      if (said >>> 31 === 0) to = readBlock(block, room.subarray(0, from + blockBytes), from, linked ? 0 : from);
      else to += block.copy(room, from);
      if (to > from) pieces.push(Buffer.from(room.subarray(from, to)));
      bytes += to - from;
      if (bytes > bytesMax) return Buffer.concat(pieces);
    }
    if (contentSum) {
      const content = pieces.length - first === 1 ? pieces[first] : Buffer.concat(pieces.slice(first));
      if (content && body.readUInt32LE(need(4)) !== xxHash32(content)) throw new Error('wrong checksum of the frame');
    }
  }
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
}
