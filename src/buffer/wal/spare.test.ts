import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { log } from '../../base/log.ts';
import type { Batch } from '../../base/record.ts';
import { openBuffer, type WeirBuffer } from '../buffer.ts';
import { frameNumbers } from '../../../test/buffer/test-log.ts';
import { checkLog } from './check.ts';
import { nodeFs } from './fs.ts';
import { segmentFileName } from './segment.ts';

// These tests break things on purpose.
log.level = 'silent';

const segmentBytes = 20_480;
let place = '';
let directory = '';
const opened: WeirBuffer[] = [];
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'weir-spare-'));
  directory = join(place, 'wal');
});
afterEach(async () => {
  for (const buffer of opened.splice(0)) await buffer.close();
  rmSync(place, { recursive: true, force: true });
});

async function open(at = directory, fs = nodeFs): Promise<WeirBuffer> {
  const buffer = await openBuffer({ directory: at, keepMs: 1e9, keepBytes: 1e9, segmentBytes, reserveBytes: 0, fs });
  opened.push(buffer);
  return buffer;
}

function batch(i: number): Batch {
  const header = { tenant: 't', door: 'text', format: 'text', records: 1, received: '1' } as const;
  return { header, payload: [Buffer.from(`frame ${i} ${'x'.repeat(1000)}\n`)] };
}

/** Appends one after the other, with time for the file of the next segment to be made. */
async function append(buffer: WeirBuffer, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    await buffer.accept(batch(i));
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

const readBack = (buffer: WeirBuffer): Promise<number[]> => frameNumbers(buffer, 5_000);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const segmentFiles = (at = directory): string[] =>
  readdirSync(at)
    .filter(name => name.endsWith('.seg'))
    .sort()
    .map(name => join(at, name));
const newestOf = (at = directory): string => segmentFiles(at).at(-1) ?? '';

/** What a killed program leaves: a copy of the directory while the log is open. `change` breaks the newest segment. */
async function afterKill(change: (bytes: Buffer, end: number) => void = () => undefined): Promise<WeirBuffer> {
  const copy = join(place, 'copy');
  cpSync(directory, copy, { recursive: true, filter: name => !/lock/.test(name) });
  const bytes = readFileSync(newestOf(copy));
  change(bytes, bytes.lastIndexOf('wend') + 44);
  writeFileSync(newestOf(copy), bytes);
  return open(copy);
}

describe('segments whose blocks are written ahead', () => {
  it('begin as soon as one is ready, have their full length while they are used, and only what is in them afterwards', async () => {
    const buffer = await open();
    await append(buffer, 0, 30);
    const files = segmentFiles();
    expect(files.length).toBeGreaterThan(1);
    expect(statSync(newestOf()).size).toBe(segmentBytes);
    // The first grew as it was written and was left early.
    expect(statSync(files[0] ?? '').size).toBeLessThan(segmentBytes * 0.6);
    expect(await readBack(buffer)).toEqual(upTo(30));
    const lines: string[] = [];
    expect(await checkLog(directory, line => lines.push(line))).toEqual({ damaged: 0 });
    expect(lines.join('\n')).not.toContain('no whole frame');

    await buffer.close();
    expect(existsSync(join(directory, 'next.spare'))).toBe(false);
    for (const file of segmentFiles()) {
      const bytes = readFileSync(file);
      expect(bytes.length).toBe(bytes.lastIndexOf('wend') + 44);
    }
    expect(await readBack(await open())).toEqual(upTo(30));
  });

  it('after a kill: everything is there, the unused blocks are given back and are no damage', async () => {
    const buffer = await open();
    await append(buffer, 0, 30);
    const again = await afterKill((bytes, end) => {
      expect(bytes.length - end).toBeGreaterThan(1000);
      writeFileSync(join(place, 'copy', 'next.spare'), Buffer.alloc(segmentBytes));
    });
    expect(await readBack(again)).toEqual(upTo(30));
    expect(again.stats().damaged).toBe(0);
    const copy = join(place, 'copy');
    expect(statSync(newestOf(copy)).size).toBeLessThan(segmentBytes);
    expect(existsSync(join(copy, 'next.spare'))).toBe(false);
    await append(again, 30, 40);
    expect(await readBack(again)).toEqual(upTo(40));
  });

  it('after a torn write: what was torn is set aside, without the zeros behind it', async () => {
    await append(await open(), 0, 30);
    const again = await afterKill((bytes, end) => bytes.write('wfrm and then a part of a frame', end));
    expect(await readBack(again)).toEqual(upTo(30));
    const kept = readdirSync(join(place, 'copy', 'quarantine')).filter(name => name.endsWith('.bytes'));
    expect(kept.map(name => readFileSync(join(place, 'copy', 'quarantine', name), 'utf8'))).toEqual([
      'wfrm and then a part of a frame',
    ]);
  });

  it('after a power cut that took the middle of the last frame: it is a torn end, no lost row', async () => {
    await append(await open(), 0, 30);
    const again = await afterKill((bytes, end) => bytes.fill(0, end - 500, end - 100));
    expect(await readBack(again)).toEqual(upTo(29));
    expect(again.source.segments().reduce((sum, segment) => sum + (segment.lost ?? 0), 0)).toBe(0);
    await append(again, 30, 31);
    expect(await readBack(again)).toEqual([...upTo(29), 30]);
  });

  it('never take a name that is there, whoever made it', async () => {
    const buffer = await open();
    await append(buffer, 0, 1);
    const first = Number(/(\d+)\.seg$/.exec(newestOf())?.[1]);
    const strangers = upTo(4).map(i => join(directory, segmentFileName(first + 1 + i)));
    for (const name of strangers) writeFileSync(name, 'a copy that somebody put here');
    await append(buffer, 1, 40);
    expect(strangers.map(name => readFileSync(name, 'utf8'))).toEqual(
      upTo(4).map(() => 'a copy that somebody put here'),
    );
    expect(await readBack(buffer)).toEqual(upTo(40));
  });

  it.each([
    [
      'a file system without second names',
      { link: () => Promise.reject(Object.assign(new Error('no'), { code: 'EPERM' })) },
    ],
    ['little room on the disk', { freeBytes: () => Promise.resolve(3 * segmentBytes) }],
  ])('are done without on %s', async (_, calls) => {
    const buffer = await open(directory, { ...nodeFs, ...calls });
    await append(buffer, 0, 40);
    expect(statSync(newestOf()).size).toBeLessThan(segmentBytes);
    expect(await readBack(buffer)).toEqual(upTo(40));
  });
});
