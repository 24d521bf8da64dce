import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from 'node:zlib';
import type { LogFile } from './fs.ts';
import { firstPlace } from './scan.ts';
import {
  decodeSegmentHeader,
  edgeBytes,
  encodeEdges,
  encodeSegmentHeader,
  findSalt,
  segmentHeaderBytes,
} from './segment.ts';
import { type DamageStep, type FrameStep, walk } from './walk.ts';
import { FileWindow } from './window.ts';

const identity = { segment: 1700000000, salt: 0x1234abcd };

function frameOf(frame: number, row: number, records: number, payload: Buffer, of = identity): Buffer {
  const header = Buffer.from(JSON.stringify({ tenant: 't', door: 'text', format: 'text', records, received: '1' }));
  const head = Buffer.concat([Buffer.alloc(edgeBytes), header]);
  const tail = Buffer.alloc(edgeBytes);
  const sizes = { headerBytes: header.length, payloadBytes: payload.length };
  encodeEdges(of, { frame, row, records, ...sizes, headerCrc: crc32(header), payloadCrc: crc32(payload) }, head, tail);
  return Buffer.concat([head, payload, tail]);
}

const segmentHeader = encodeSegmentHeader({ ...identity, created: 1, previous: undefined });

type Written = { bytes: Buffer; frames: { start: number; end: number; row: number; payload: Buffer }[] };

function segmentOf(payloads: Buffer[]): Written {
  const pieces = [segmentHeader];
  const frames: Written['frames'] = [];
  let start = segmentHeaderBytes;
  let row = 0;
  for (const [index, payload] of payloads.entries()) {
    const records = (index % 3) + 1;
    const bytes = frameOf(index, row, records, payload);
    frames.push({ start, end: start + bytes.length, row, payload });
    pieces.push(bytes);
    start += bytes.length;
    row += records;
  }
  return { bytes: Buffer.concat(pieces), frames };
}

function fileOf(bytes: Buffer): LogFile {
  const refuse = (): never => {
    throw new Error('a reader must not write');
  };
  return {
    read: (into, position) => Promise.resolve(bytes.copy(into, 0, position)),
    writev: refuse,
    datasync: refuse,
    truncate: refuse,
    close: () => Promise.resolve(),
  };
}

async function walkAll(bytes: Buffer, payloads: boolean, windowBytes = 4096) {
  const frames: FrameStep[] = [];
  const damage: DamageStep[] = [];
  const window = new FileWindow(fileOf(bytes), bytes.length, windowBytes);
  for await (const step of walk(window, identity, firstPlace, payloads))
    if (step.kind === 'frame') frames.push(step);
    else damage.push(step);
  return { frames, damage };
}

/** Bytes with their place in the original, -1 for foreign ones: shows which frames came through whole. */
type Traced = { bytes: number[]; origins: number[] };

const change = fc.record({
  kind: fc.constantFrom('flip', 'overwrite', 'delete', 'insert', 'repeat', 'truncate'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 1, max: 300 }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function apply({ bytes, origins }: Traced, { kind, at, length, bytes: junk }: Change): void {
  const place = segmentHeaderBytes + Math.floor(at * (bytes.length - segmentHeaderBytes));
  const foreign = (count: number): number[] => Array.from({ length: count }, () => -1);
  if (kind === 'flip' && place < bytes.length) {
    bytes[place] = (bytes[place] ?? 0) ^ (1 << (length % 8));
    origins[place] = -1;
  } else if (kind === 'overwrite') {
    const count = Math.min(junk.length, bytes.length - place);
    bytes.splice(place, count, ...junk.subarray(0, count));
    origins.splice(place, count, ...foreign(count));
  } else if (kind === 'delete') {
    bytes.splice(place, length);
    origins.splice(place, length);
  } else if (kind === 'insert') {
    bytes.splice(place, 0, ...junk);
    origins.splice(place, 0, ...foreign(junk.length));
  } else if (kind === 'repeat') {
    const copy = bytes.slice(Math.max(segmentHeaderBytes, place - length), place);
    bytes.splice(place, 0, ...copy);
    origins.splice(place, 0, ...foreign(copy.length));
  } else if (kind === 'truncate') {
    bytes.length = Math.max(segmentHeaderBytes, bytes.length - length);
    origins.length = bytes.length;
  }
}

function wholeFrames(written: Written, traced: Traced): Written['frames'] {
  return written.frames.filter(({ start, end }) => {
    const first = traced.origins.indexOf(start);
    return (
      first >= 0 && Array.from({ length: end - start }, (_, i) => i).every(i => traced.origins[first + i] === start + i)
    );
  });
}

describe('walk', () => {
  const payloads = fc.array(
    fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes)),
    { minLength: 1, maxLength: 12 },
  );

  it('gives every undamaged frame and nothing else, whatever happened to the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        payloads,
        fc.array(change, { maxLength: 4 }),
        fc.integer({ min: 64, max: 3000 }),
        async (contents, changes, windowBytes) => {
          const written = segmentOf(contents);
          const traced = { bytes: [...written.bytes], origins: [...written.bytes.keys()] };
          for (const one of changes) apply(traced, one);
          const bytes = Buffer.from(traced.bytes);
          const { frames, damage } = await walkAll(bytes, true, windowBytes);

          const byRow = new Map(written.frames.map(frame => [frame.row, frame]));
          for (const frame of frames) expect(byRow.get(frame.edge.row)?.payload.equals(frame.payload)).toBe(true);
          const rows = frames.map(frame => frame.edge.row);
          expect([...new Set(rows)].sort((a, b) => a - b)).toEqual(rows);
          expect(rows).toEqual(expect.arrayContaining(wholeFrames(written, traced).map(frame => frame.row)));
          const given = frames.reduce((sum, frame) => sum + frame.edge.records, 0);
          const lost = damage.reduce((sum, step) => sum + (step.rows ?? 0), 0);
          const last = frames.at(-1);
          const toEnd = last === undefined || damage.some(step => step.toEnd);
          expect(toEnd || given + lost === last.next.row).toBe(true);

          await walkAll(bytes, false, windowBytes);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('never throws and gives nothing for arbitrary bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async bytes => {
        const { frames } = await walkAll(Buffer.concat([segmentHeader, bytes]), true, 100);
        expect(frames).toEqual([]);
      }),
    );
  });

  it('loses nothing to a single flipped bit in a head or a tail, and one frame to one elsewhere', async () => {
    const written = segmentOf([Buffer.from('one\n'), Buffer.from('two\n'), Buffer.from('three\n')]);
    const [, two] = written.frames;
    if (!two) throw new Error('no second frame');
    for (let at = two.start; at < two.end; at++) {
      const bytes = Buffer.from(written.bytes);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      const { frames, damage } = await walkAll(bytes, true);
      const edge = at < two.start + edgeBytes || at >= two.end - edgeBytes;
      expect(frames.length).toBe(edge ? 3 : 2);
      expect(damage.map(step => step.rows)).toEqual([edge ? 0 : 2]);
    }
  });

  it('loses at most the frame that bytes were removed from or added to', async () => {
    const written = segmentOf([Buffer.from('one\n'), Buffer.from('two two two two\n'), Buffer.from('three\n')]);
    const [, two] = written.frames;
    if (!two) throw new Error('no second frame');
    const rowsOf = async (bytes: Buffer): Promise<number[]> =>
      (await walkAll(bytes, true)).frames.map(frame => frame.edge.row);
    for (let at = two.start; at < two.end; at++)
      for (const count of [1, 10, two.end - at]) {
        const before = written.bytes.subarray(0, at);
        const removed = Buffer.concat([before, written.bytes.subarray(Math.min(at + count, two.end))]);
        expect(await rowsOf(removed)).toEqual(expect.arrayContaining([0, 3]));
        const added = Buffer.concat([before, Buffer.alloc(count, 'w'), written.bytes.subarray(at)]);
        expect(await rowsOf(added)).toEqual(expect.arrayContaining([0, 3]));
      }
  });

  it('does not take a frame inside a payload for one of the log', async () => {
    const foreign = frameOf(9, 90, 1, Buffer.from('forged\n'), { ...identity, salt: 5 });
    const written = segmentOf([Buffer.from('a\n'), Buffer.concat([foreign, Buffer.from('\n')]), Buffer.from('c\n')]);
    const second = written.frames[1]?.start ?? 0;
    const bytes = Buffer.from(written.bytes);
    bytes.fill(0, second, second + edgeBytes);
    expect((await walkAll(bytes, true)).frames.map(frame => frame.edge.row)).toEqual([0, 1, 3]);
    bytes.fill(0, second, second + edgeBytes + 40);
    expect((await walkAll(bytes, true)).frames.map(frame => frame.edge.row)).toEqual([0, 3]);
  });

  it('finds the next frame wherever the pieces that it reads happen to end', async () => {
    const written = segmentOf([Buffer.alloc(1000, 'x'), Buffer.from('after\n')]);
    const bytes = Buffer.from(written.bytes);
    bytes.fill(0, segmentHeaderBytes, (written.frames[0]?.end ?? 0) - 1);
    for (let windowBytes = 64; windowBytes < 200; windowBytes++)
      expect((await walkAll(bytes, true, windowBytes)).frames.map(frame => frame.edge.row)).toEqual([1]);
  });

  it('finds the salt without the segment header', () => {
    const { bytes } = segmentOf([Buffer.from('wfrm\n'), Buffer.from('b\n')]);
    expect(findSalt(bytes.subarray(100), identity.segment)).toBe(identity.salt);
    expect(findSalt(bytes.subarray(100), identity.segment + 1)).toBe(undefined);
  });

  it('refuses an unknown version, and tells damage from it', () => {
    const newer = Buffer.from(segmentHeader);
    newer.writeUInt32LE(2, 8);
    expect(decodeSegmentHeader(newer)).toBe(undefined);
    newer.writeUInt32LE(crc32(newer.subarray(0, 60)), 60);
    expect(() => decodeSegmentHeader(newer)).toThrow('format version 2');
  });

  it('reads around blocks that the disk cannot read', async () => {
    const written = segmentOf(Array.from({ length: 10 }, (_, i) => Buffer.alloc(3000, i)));
    const file = fileOf(written.bytes);
    const bad = { ...file };
    bad.read = (into, position) =>
      position <= 8192 && position + into.length > 8192
        ? Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }))
        : file.read(into, position);
    const rows: number[] = [];
    for await (const step of walk(new FileWindow(bad, written.bytes.length, 65536), identity, firstPlace, true))
      if (step.kind === 'frame') rows.push(step.edge.row);
    const readable = written.frames.filter(frame => frame.end <= 8192 || frame.start >= 12288);
    expect(rows).toEqual(readable.map(frame => frame.row));
  });
});
