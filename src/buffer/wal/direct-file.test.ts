import { constants, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { open as openHandle } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alignedMemory, openDirect } from './direct-file.ts';
import type { LogFile } from './fs.ts';

let place = '';
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'weir-direct-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const create = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
let made = 0;

async function open(skip: (reason: string) => void): Promise<{ file: LogFile; path: string }> {
  const path = join(place, `file-${++made}`);
  const file = await openDirect(path, create);
  if (!file) skip('this file system has no direct I/O');
  return { file: file as LogFile, path };
}

/** Bytes that tell where they belong. */
const pattern = (length: number, seed: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) % 255 || 1;
  return bytes;
};

describe('a file without the page cache', () => {
  it('has what was appended, in pieces of any size, and zeros up to the end of a block', async ({ skip }) => {
    const piece = fc.oneof(
      fc.integer({ min: 0, max: 20 }),
      fc.constantFrom(4095, 4096, 4097, 8192),
      fc.integer({ min: 0, max: 30_000 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(piece, { maxLength: 4 }), { minLength: 1, maxLength: 6 }), async writes => {
        const { file, path } = await open(skip);
        let whole = Buffer.alloc(0);
        for (const [index, lengths] of writes.entries()) {
          const pieces = lengths.map((length, k) => pattern(length, 17 * index + k));
          const bytes = Buffer.concat(pieces);
          expect(await file.writev(pieces, whole.length)).toBe(bytes.length);
          whole = Buffer.concat([whole, bytes]);
        }
        const found = Buffer.alloc(whole.length + 10_000);
        const read = await file.read(found, 0);
        expect(read).toBe(Math.ceil(whole.length / 4096) * 4096);
        expect(found.subarray(0, whole.length).equals(whole)).toBe(true);
        expect(found.subarray(whole.length).every(byte => byte === 0)).toBe(true);
        const middle = Buffer.alloc(Math.floor(whole.length / 2));
        await file.read(middle, Math.floor(whole.length / 3));
        expect(middle.equals(whole.subarray(Math.floor(whole.length / 3)).subarray(0, middle.length))).toBe(true);
        await file.close();
        expect(readFileSync(path).subarray(0, whole.length).equals(whole)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('takes more at once than goes to the disk in one call', async ({ skip }) => {
    const { file } = await open(skip);
    const first = pattern(1000, 1);
    const large = pattern(9_000_001, 2);
    await file.writev([first], 0);
    expect(await file.writev([large.subarray(0, 5_000_000), large.subarray(5_000_000)], 1000)).toBe(large.length);
    const found = Buffer.alloc(1000 + large.length);
    expect(await file.read(found, 0)).toBe(found.length);
    expect(found.equals(Buffer.concat([first, large]))).toBe(true);
    await file.close();
  });

  it('keeps what is before a write that was not where the last one ended, and what it is cut to', async ({ skip }) => {
    const { file, path } = await open(skip);
    await file.writev([pattern(10_000, 1)], 0);
    await file.truncate(6000);
    expect(statSync(path).size).toBe(6000);
    await file.writev([pattern(500, 2)], 6000);
    const found = Buffer.alloc(6500);
    await file.read(found, 0);
    expect(found.equals(Buffer.concat([pattern(10_000, 1).subarray(0, 6000), pattern(500, 2)]))).toBe(true);
    await file.close();
  });

  it('takes zeros from aligned memory over blocks that are there', async ({ skip }) => {
    const { file, path } = await open(skip);
    await file.writev([pattern(20_000, 1)], 0);
    expect(await file.writev([alignedMemory(8192)], 4096)).toBe(8192);
    const found = readFileSync(path);
    const expected = pattern(20_000, 1).fill(0, 4096, 12_288);
    expect(found.subarray(0, 20_000).equals(expected)).toBe(true);
    await file.close();
  });

  it('goes on through the page cache where the file system refuses a direct call, or the opening', async () => {
    const refusal = Object.assign(new Error('EINVAL: invalid argument'), { code: 'EINVAL' });
    const path = join(place, 'refused');
    const file = await openDirect(path, create, async (at, flags) => {
      const handle = await openHandle(at, Number(flags) & ~constants.O_DIRECT);
      handle.write = () => Promise.reject(refusal);
      return handle;
    });
    const bytes = pattern(5000, 1);
    expect(await file?.writev([bytes], 0)).toBe(5000);
    expect(await file?.writev([bytes], 5000)).toBe(5000);
    await file?.datasync();
    const found = Buffer.alloc(20_000);
    expect(await file?.read(found, 0)).toBe(10_000);
    expect(found.subarray(0, 10_000).equals(Buffer.concat([bytes, bytes]))).toBe(true);
    await file?.close();
    expect(await openDirect(path, constants.O_RDONLY, () => Promise.reject(refusal))).toBeUndefined();
  });
});
