import { promisify } from 'node:util';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { compressSync } from 'snappy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WeirError } from '../base/errors.ts';
import { decompress, type Encoding, encodingOf } from './decompress.ts';
import { xxHash32 } from './lz4.ts';
import { maskedSum } from './snappy.ts';

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const pieces = (data: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(data.length / 65_536) }, (_, k) => data.subarray(k * 65_536, (k + 1) * 65_536));

/** A frame of independent blocks of 64 KiB: one literal and a match for a run of one byte, else as it is. */
function lz4Frame(data: Buffer): Buffer {
  const descriptor = Buffer.from([0x64, 0x40]);
  const blocks = pieces(data).flatMap(piece => {
    if (piece.length < 300 || piece.some(byte => byte !== piece[0]))
      return [uint32((piece.length | 0x80000000) >>> 0), piece];
    const rest = piece.length - 1 - 5 - 19;
    const run = Buffer.concat([
      Buffer.from([0x1f, piece[0] ?? 0, 1, 0]),
      Buffer.alloc(Math.floor(rest / 255), 255),
      Buffer.from([rest % 255, 0x50]),
      piece.subarray(0, 5),
    ]);
    return [uint32(run.length), run];
  });
  const head = Buffer.concat([uint32(0x184d2204), descriptor, Buffer.from([(xxHash32(descriptor) >>> 8) & 0xff])]);
  return Buffer.concat([head, ...blocks, uint32(0), uint32(xxHash32(data))]);
}

const identifier = Buffer.from('ff060000734e61507059', 'hex');
const chunk = (type: number, data: Buffer, packed: Buffer): Buffer =>
  Buffer.concat([uint32(((packed.length + 4) << 8) | type), uint32(maskedSum(data)), packed]);
const snappyFramed = (data: Buffer): Buffer =>
  Buffer.concat([identifier, ...pieces(data).map(piece => chunk(0, piece, compressSync(piece)))]);

const text = Buffer.from('a line of text\n'.repeat(1000));
const forms: [string, Encoding, (data: Buffer) => Buffer][] = [
  ['gzip', 'gzip', data => gzipSync(data)],
  ['zlib', 'deflate', data => deflateSync(data)],
  ['raw deflate', 'deflate', data => deflateRawSync(data)],
  ['zstd', 'zstd', data => zstdCompressSync(data)],
  ['brotli', 'br', data => brotliCompressSync(data)],
  ['snappy', 'snappy', data => compressSync(data)],
  ['framed snappy', 'x-snappy-framed', snappyFramed],
  ['framed snappy under the name of snappy', 'snappy', snappyFramed],
  ['lz4', 'lz4', lz4Frame],
];

describe('decompress', () => {
  it.each(forms)('undoes %s', async (_, encoding, compress) => {
    expect((await decompress(compress(text), encoding, text.length)).equals(text)).toBe(true);
    expect((await decompress(compress(Buffer.alloc(0)), encoding, 10)).length).toBe(0);
  });

  it.each(forms)('stops a bomb of %s at the limit', async (_, encoding, compress) => {
    const bomb = compress(Buffer.alloc(32 * 1024 * 1024));
    const before = process.memoryUsage.rss();
    await expect(decompress(bomb, encoding, 1024 * 1024)).rejects.toThrow(
      'body is larger than 1048576 bytes after decompression',
    );
    expect(process.memoryUsage.rss() - before).toBeLessThan(24 * 1024 * 1024);
  });

  it.each(forms)('refuses a cut or broken body of %s', async (_, encoding, compress) => {
    const whole = compress(text);
    for (const broken of [whole.subarray(0, whole.length - 3), Buffer.from('certainly not compressed')]) {
      await expect(decompress(broken, encoding, 1 << 20)).rejects.toMatchObject({ code: 'bad_request', status: 400 });
    }
  });

  it('takes all members of gzip and all frames of zstd, and refuses junk behind them', async () => {
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const two = Buffer.concat([compress('first '), compress('second')]);
      expect((await decompress(two, encoding, 100)).toString()).toBe('first second');
      await expect(decompress(two, encoding, 8)).rejects.toMatchObject({ code: 'body_too_large' });
      await expect(decompress(Buffer.concat([two, Buffer.from('junkjunk')]), encoding, 100)).rejects.toMatchObject({
        code: 'bad_request',
      });
    }
  });

  it.each([
    // Written by liblz4 (with size; linked blocks, all checksums) and by a Rust library: what ours reads is not only what ours writes.
    ['lz4', 'BCJNGGhALAEAAAAAAACEGwAAAP8AYSBsaW5lIG9mIHRleHQKDwD/BlB0ZXh0CgAAAAA='],
    ['lz4', 'BCJNGHxALAEAAAAAAAD6GwAAAP8AYSBsaW5lIG9mIHRleHQKDwD/BlB0ZXh0CuPkP9AAAAAAhdaAqA=='],
    ['x-snappy-framed', '/wYAAHNOYVBwWQAlAADaM9iDrAI4YSBsaW5lIG9mIHRleHQK/g8A/g8A/g8A/g8Acg8A'],
  ] as const)('reads what other programs wrote: %s', async (encoding, base64) => {
    const wanted = 'a line of text\n'.repeat(20);
    const body = Buffer.from(base64, 'base64');
    expect((await decompress(body, encoding, 1000)).toString()).toBe(wanted);
    const skippable = Buffer.concat(
      encoding === 'lz4'
        ? [uint32(0x184d2a51), uint32(3), Buffer.from('abc'), body]
        : [body, Buffer.from('fe030000000000', 'hex')],
    );
    expect((await decompress(Buffer.concat([skippable, body]), encoding, 1000)).toString()).toBe(wanted + wanted);
  });

  it('believes no block and no chunk what it says of its size, and no checksum that is wrong', async () => {
    const faulty = async (encoding: Encoding, body: Buffer): Promise<string> =>
      decompress(body, encoding, 1 << 20).then(
        () => 'taken',
        (error: Error) => error.message,
      );
    const huge = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x61]);
    expect(await faulty('x-snappy-framed', Buffer.concat([identifier, chunk(0, huge, huge)]))).toContain('0 to 65536');
    const framed = snappyFramed(text);
    framed[14] = (framed[14] ?? 0) ^ 1;
    expect(await faulty('x-snappy-framed', framed)).toContain('wrong checksum of the chunk at byte 10');
    const frame = lz4Frame(text);
    frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 1;
    expect(await faulty('lz4', frame)).toContain('wrong checksum of the frame');
    const early = Buffer.from([0x1f, 0x61, 9, 0, 0]);
    const head = lz4Frame(Buffer.alloc(0)).subarray(0, 7);
    expect(await faulty('lz4', Buffer.concat([head, uint32(early.length), early]))).toContain(
      'a match before the start',
    );
  });

  const lz4Head = (flags: number, sizes: number): Buffer => {
    const descriptor = Buffer.from([flags, sizes]);
    return Buffer.concat([uint32(0x184d2204), descriptor, Buffer.from([(xxHash32(descriptor) >>> 8) & 0xff])]);
  };

  it('follows matches of lz4 into the 64 KB of the blocks before, however many blocks there are', async () => {
    // Each block: 14 new bytes, then 100 that stand 60,000 bytes back, then 5 new ones.
    const start = Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 7919) >>> 5));
    const blocks = [uint32((start.length | 0x80000000) >>> 0), start];
    let wanted = start;
    for (let k = 0; k < 3000; k++) {
      const fresh = Buffer.from(Array.from({ length: 19 }, (_, i) => k * 31 + i * 7));
      const block = Buffer.concat([
        Buffer.from([0xef]),
        fresh.subarray(0, 14),
        Buffer.from([60_000 & 255, 60_000 >> 8, 100 - 4 - 15, 0x50]),
        fresh.subarray(14),
      ]);
      blocks.push(uint32(block.length), block);
      const from = wanted.length + 14 - 60_000;
      wanted = Buffer.concat([wanted, fresh.subarray(0, 14), wanted.subarray(from, from + 100), fresh.subarray(14)]);
    }
    const frame = Buffer.concat([lz4Head(0x44, 0x40), ...blocks, uint32(0), uint32(xxHash32(wanted))]);
    expect((await decompress(frame, 'lz4', 10_000_000)).equals(wanted)).toBe(true);
  });

  it.each([
    [
      'blocks',
      Buffer.concat([lz4Head(0x40, 0x70), ...Array<Buffer>(50_000).fill(Buffer.from([1, 0, 0, 0, 0])), uint32(0)]),
    ],
    [
      'frames',
      Buffer.concat(
        Array<Buffer>(50_000).fill(Buffer.concat([lz4Head(0x40, 0x70), Buffer.from([1, 0, 0, 0, 0]), uint32(0)])),
      ),
    ],
  ])('takes no time for lz4 %s without data', async (_, body) => {
    const before = process.cpuUsage();
    await decompress(body, 'lz4', 1_000_000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(2);
  });

  it.each(['lz4', 'x-snappy-framed'] as const)(
    'throws nothing but bad_request and body_too_large, whatever the bytes: %s',
    async encoding => {
      const whole = encoding === 'lz4' ? lz4Frame(Buffer.alloc(70_000, 'a')) : snappyFramed(Buffer.alloc(70_000, 'a'));
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          async changes => {
            const body = Buffer.from(whole);
            for (const [at, byte] of changes) body[at] = byte;
            await decompress(body, encoding, 60_000).catch((error: WeirError) => {
              if (error.code !== 'bad_request' && error.code !== 'body_too_large') throw error;
            });
          },
        ),
      );
    },
  );

  it('names encodings in any case', () => {
    expect([
      encodingOf('GZip'),
      encodingOf('x-gzip'),
      encodingOf('Zstd'),
      encodingOf('identity'),
      encodingOf(''),
      encodingOf(undefined),
    ]).toEqual(['gzip', 'gzip', 'zstd', undefined, undefined, undefined]);
    expect([encodingOf('zlib'), encodingOf('lz4'), encodingOf('x-snappy-framed')]).toEqual([
      'deflate',
      'lz4',
      'x-snappy-framed',
    ]);
    for (const other of ['compress', 'gzip, gzip', 'gzip;q=1', 'constructor'])
      expect(() => encodingOf(other)).toThrow('use gzip, deflate, zstd, snappy, lz4 or br');
  });

  it('lets the event loop run meanwhile', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await decompress(gzipSync(Buffer.alloc(32 << 20)), 'gzip', 64 << 20);
    await promisify(setImmediate)();
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(1);
  });
});
