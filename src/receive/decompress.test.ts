import { promisify } from 'node:util';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { decompress, type Encoding, encodingOf } from './decompress.ts';

const text = Buffer.from('a line of text\n'.repeat(1000));
const forms: [string, Encoding, (data: Buffer) => Buffer][] = [
  ['gzip', 'gzip', data => gzipSync(data)],
  ['zlib', 'deflate', data => deflateSync(data)],
  ['raw deflate', 'deflate', data => deflateRawSync(data)],
  ['zstd', 'zstd', data => zstdCompressSync(data)],
  ['brotli', 'br', data => brotliCompressSync(data)],
  ['snappy', 'snappy', data => compressSync(data)],
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

  it('names encodings in any case', () => {
    expect([
      encodingOf('GZip'),
      encodingOf('x-gzip'),
      encodingOf('Zstd'),
      encodingOf('identity'),
      encodingOf(''),
      encodingOf(undefined),
    ]).toEqual(['gzip', 'gzip', 'zstd', undefined, undefined, undefined]);
    for (const other of ['lz4', 'gzip, gzip', 'gzip;q=1', 'constructor'])
      expect(() => encodingOf(other)).toThrow('use gzip, deflate, zstd, snappy or br');
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
