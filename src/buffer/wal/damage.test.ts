import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { log } from '../../base/log.ts';
import { type Batch, type BatchHeader, segmentOfSeq } from '../../base/record.ts';
import { type WeirBuffer } from '../buffer.ts';
import { frameNumbers, testLog } from '../../../test/buffer/test-log.ts';
import { checkLog } from './check.ts';
import { exportLog } from './export.ts';
import { type Fs, nodeFs } from './fs.ts';
import { segmentFileName } from './segment.ts';

// These tests break things on purpose.
log.level = 'silent';

const testedLog = testLog('damage', 4_000);
const open = testedLog.open;

function batch(text: string, header: Partial<BatchHeader> = {}): Batch {
  const records = text.split('\n').length;
  const full: BatchHeader = { tenant: 't', door: 'text', format: 'text', records, received: '1', ...header };
  return { header: full, payload: [Buffer.from(`${text}\n`)] };
}

const textOf = (i: number): string => `frame ${i} ${'x'.repeat(500)}`;

/** A closed log of 20 frames in several segments; where each frame is. */
async function write(count = 20): Promise<{ seqs: bigint[]; segments: number[] }> {
  const buffer = await open();
  const seqs: bigint[] = [];
  for (let i = 0; i < count; i++) seqs.push((await buffer.accept(batch(textOf(i)))).seq);
  await buffer.close();
  return { seqs, segments: [...new Set(seqs.map(segmentOfSeq))] };
}

const pathOf = (segment: number | undefined): string => join(testedLog.directory, segmentFileName(segment ?? 0));

function flipIn(path: string, text: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(text);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

const readBack = (buffer: WeirBuffer): Promise<number[]> => frameNumbers(buffer, 3_000);

const without = (...gone: number[]): number[] => Array.from({ length: 20 }, (_, i) => i).filter(i => !gone.includes(i));
const indexesIn = (seqs: bigint[], segment: number | undefined): number[] =>
  seqs.flatMap((seq, i) => (segmentOfSeq(seq) === segment ? [i] : []));
const quarantined = (): string[] =>
  existsSync(join(testedLog.directory, 'quarantine'))
    ? readdirSync(join(testedLog.directory, 'quarantine')).sort()
    : [];

async function check(): Promise<{ damaged: number; lines: string[] }> {
  const lines: string[] = [];
  return { ...(await checkLog(testedLog.directory, line => lines.push(line))), lines };
}

describe('damage', () => {
  it.each(['wfrm', 'wend'])(
    'of the edge %s of a whole frame in the newest segment is mended: the frame stays, and checks find nothing afterwards',
    async magic => {
      const { segments } = await write();
      const path = pathOf(segments.at(-1));
      const bytes = readFileSync(path);
      const whole = Buffer.from(bytes);
      const at = bytes.lastIndexOf(magic);
      expect(at).toBeGreaterThan(0);
      bytes.fill(0, at, at + 44);
      writeFileSync(path, bytes);
      expect((await check()).damaged).toBe(1);
      for (let start = 0; start < 2; start++) {
        const buffer = await open();
        expect(await readBack(buffer)).toEqual(without());
        await buffer.close();
        expect((await check()).damaged).toBe(0);
      }
      expect(readFileSync(path).equals(whole)).toBe(true);
      expect(quarantined().length).toBe(2);
    },
  );

  it.each(['refused', 'cut short'])(
    'of an edge that cannot be mended, the write is %s, costs nothing; the next start mends it',
    async how => {
      const { segments } = await write();
      const path = pathOf(segments.at(-1));
      const whole = readFileSync(path);
      writeFileSync(path, Buffer.from(whole).fill(0, whole.lastIndexOf('wfrm'), whole.lastIndexOf('wfrm') + 44));
      const failing: Fs = {
        ...nodeFs,
        async open(place, mode) {
          const file = await nodeFs.open(place, mode);
          if (mode !== 'change') return file;
          return {
            ...file,
            writev: (pieces, position) =>
              how === 'refused'
                ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
                : file.writev([Buffer.concat(pieces).subarray(0, 20)], position),
          };
        },
      };
      const first = await open({ fs: failing });
      expect(await readBack(first)).toEqual(without());
      await first.close();
      expect((await check()).damaged).toBe(1);
      const second = await open();
      expect(await readBack(second)).toEqual(without());
      await second.close();
      expect((await check()).damaged).toBe(0);
      expect(readFileSync(path).equals(whole)).toBe(true);
    },
  );

  it('in the middle costs that frame only; it is kept, counted once and told', async () => {
    const { seqs } = await write();
    flipIn(pathOf(segmentOfSeq(seqs[8] ?? 0n)), 'frame 8 ');
    expect((await check()).damaged).toBe(1);
    for (let start = 0; start < 2; start++) {
      const buffer = await open();
      expect(await readBack(buffer)).toEqual(without(8));
      expect(await readBack(buffer)).toEqual(without(8));
      expect(buffer.stats().damaged).toBe(1);
      expect(buffer.source.segments().reduce((sum, segment) => sum + (segment.lost ?? 0), 0)).toBe(1);
      expect(quarantined().length).toBe(2);
      await buffer.close();
    }
    const [bytes, said] = quarantined().map(name =>
      readFileSync(join(testedLog.directory, 'quarantine', name), 'utf8'),
    );
    expect(bytes).toContain('8 xxxx');
    expect(JSON.parse(said ?? '')).toMatchObject({ rows: 1, reason: 'the checksum of the payload does not match' });
  });

  it('in the last frame of the newest segment is cut off, and the log goes on', async () => {
    const { seqs } = await write();
    flipIn(pathOf(segmentOfSeq(seqs[19] ?? 0n)), 'frame 19 ');
    const buffer = await open();
    expect(await readBack(buffer)).toEqual(without(19));
    const { seq } = await buffer.accept(batch(textOf(20)));
    expect(seq).toBeGreaterThan(seqs[19] ?? 0n);
    expect(await readBack(buffer)).toEqual([...without(19), 20]);
    expect(quarantined().length).toBe(2);
    await buffer.close();
    expect((await check()).damaged).toBe(0);
  });

  it('of a torn end is no damage: cut off, nothing else touched', async () => {
    const { segments } = await write();
    const path = pathOf(segments.at(-1));
    const whole = statSync(path).size;
    truncateSync(path, whole - 5);
    const before = await check();
    expect(before.damaged).toBe(0);
    expect(before.lines.join('\n')).toContain('no whole frame');
    expect(await readBack(await open())).toEqual(without(19));
    expect(statSync(path).size).toBeLessThan(whole - 400);
  });

  it('of a segment header loses nothing', async () => {
    const { segments } = await write();
    for (const segment of segments) {
      const bytes = readFileSync(pathOf(segment));
      writeFileSync(pathOf(segment), bytes.fill(0, 0, 64));
    }
    expect((await check()).damaged).toBe(segments.length);
    expect(await readBack(await open())).toEqual(without());
  });

  it('of a whole disk block at the start of a segment costs the frames in it', async () => {
    const { seqs, segments } = await write();
    const bytes = readFileSync(pathOf(segments[1]));
    writeFileSync(pathOf(segments[1]), bytes.fill(0, 0, 1024));
    const [first, second] = indexesIn(seqs, segments[1]);
    expect(await readBack(await open())).toEqual(without(first ?? 0, second ?? 0));
  });

  it.each(['missing', 'empty'])('by a segment that is %s: starts, says which rows, gives the others', async how => {
    const { seqs, segments } = await write();
    if (how === 'missing') rmSync(pathOf(segments[1]));
    else truncateSync(pathOf(segments[1]), 0);
    const buffer = await open();
    expect(await readBack(buffer)).toEqual(without(...indexesIn(seqs, segments[1])));
    const { damaged, lines } = await check();
    expect(damaged).toBe(1);
    const rows = indexesIn(seqs, segments[1]).length;
    expect(lines.join('\n')).toContain(how === 'missing' ? `with rows 0 to ${rows - 1}` : `${rows} rows lost`);
    await buffer.accept(batch(textOf(20)));
    expect((await readBack(buffer)).at(-1)).toBe(20);
  });

  it('by a sealed segment that ends early is noticed though its last frame is whole', async () => {
    const { seqs, segments } = await write();
    const frames = indexesIn(seqs, segments[0]);
    const bytes = readFileSync(pathOf(segments[0]));
    truncateSync(pathOf(segments[0]), bytes.lastIndexOf('wfrm'));
    expect((await check()).lines.join('\n')).toContain('1 rows lost: the file ends early');
    expect(await readBack(await open())).toEqual(without(frames.at(-1) ?? 0));
  });

  it('by a copy of a segment under another number: not read, not overwritten, told', async () => {
    const { segments } = await write();
    const copy = pathOf((segments.at(-1) ?? 0) + 1);
    copyFileSync(pathOf(segments[1]), copy);
    copyFileSync(pathOf(segments[1]), `${pathOf(segments[1])}.bak`);
    const buffer = await open();
    await buffer.accept(batch(textOf(20)));
    expect(await readBack(buffer)).toEqual([...without(), 20]);
    expect((await check()).lines.join('\n')).toContain(`copy of segment ${segments[1]}`);
    expect(readFileSync(copy)).toEqual(readFileSync(pathOf(segments[1])));
  });

  it('by a newer format is refused, not skipped', async () => {
    const { segments } = await write();
    const bytes = readFileSync(pathOf(segments[1]));
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
    writeFileSync(pathOf(segments[1]), bytes);
    await expect(open()).rejects.toMatchObject({ code: 'log_unusable' });
  });

  it('that appears at the newest frames while running does not make waiting consumers spin', async () => {
    const buffer = await open();
    // More than a block: the last one is written again with what follows it, which would mend it.
    const { seq } = await buffer.accept(batch(`${textOf(0)}${'x'.repeat(5000)}`));
    flipIn(pathOf(segmentOfSeq(seq)), 'frame 0 ');
    await buffer.source.waitFor(0n, 10_000);
    // The first time from memory, which forgets it.
    expect(await buffer.source.take(0n, 1000)).toHaveLength(1);
    expect(await buffer.source.take(0n, 1000)).toEqual([]);
    const began = performance.now();
    await buffer.source.waitFor(0n, 100);
    expect(performance.now() - began).toBeGreaterThan(90);
    const waiting = buffer.source.waitFor(0n, 10_000);
    await buffer.accept(batch(textOf(1)));
    await waiting;
    expect(await readBack(buffer)).toEqual([1]);
  });
});

describe('retention', () => {
  it('removes whole stored segments that are too old or too many, oldest first, never the newest', async () => {
    const { seqs, segments } = await write();
    const count = (): number => readdirSync(testedLog.directory).filter(name => name.endsWith('.seg')).length;
    const kept = await open({ keepMs: 1e9, keepBytes: 1e9 });
    kept.source.stored(2n ** 64n - 1n);
    await kept.close();
    expect(count()).toBe(segments.length);

    const capped = await open({ keepMs: 1e9, keepBytes: 9000 });
    capped.source.stored(seqs[7] ?? 0n);
    await capped.close();
    expect(count()).toBe(segments.length - 1);

    const aged = await open({ keepMs: 0, keepBytes: 1e9 });
    await new Promise(resolve => setTimeout(resolve, 10));
    aged.source.stored(2n ** 64n - 1n);
    await aged.close();
    expect(count()).toBe(1);
    const { seq } = await (await open()).accept(batch('next'));
    expect(seq).toBeGreaterThan(seqs.at(-1) ?? 0n);
  });
});

describe('export and check', () => {
  it('export writes each record with its header, byte-true, while the log is open', async () => {
    const buffer = await open();
    const { seq } = await buffer.accept(batch('{"a":12345678901234567890}', { door: 'json', format: 'json' }));
    await buffer.accept(batch('say "hi"\n\ttab', { tenant: 'b', hints: { labels: { service: 's' } } }));
    const invalid = batch('x');
    await buffer.accept({ ...invalid, payload: [Buffer.from([0xff, 0x0a])] });
    const out = new PassThrough();
    const chunks: Buffer[] = [];
    out.on('data', (chunk: Buffer) => chunks.push(chunk));
    expect(await exportLog(testedLog.directory, out)).toEqual({ records: 4, damaged: 0 });
    const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
    expect(lines[0]).toContain('"record":{"a":12345678901234567890}}');
    const common = { door: 'text', format: 'text', received: '1' };
    expect(lines.slice(1).map(line => JSON.parse(line) as object)).toEqual([
      { seq: String(seq + 1n), tenant: 'b', ...common, hints: { labels: { service: 's' } }, text: 'say "hi"' },
      { seq: String(seq + 2n), tenant: 'b', ...common, hints: { labels: { service: 's' } }, text: '\ttab' },
      { seq: String(seq + 3n), tenant: 't', ...common, base64: '/w==' },
    ]);
    const slow = new PassThrough({ highWaterMark: 1 });
    const sip = setInterval(() => slow.read(), 1);
    expect(await exportLog(testedLog.directory, slow)).toEqual({ records: 4, damaged: 0 });
    clearInterval(sip);
    const one = new PassThrough().resume();
    expect(await exportLog(testedLog.directory, one, { tenant: 'b', from: seq + 2n })).toEqual({
      records: 1,
      damaged: 0,
    });
  });

  it('check prints a line per segment and a total', async () => {
    const { segments } = await write();
    const { damaged, lines } = await check();
    expect(damaged).toBe(0);
    expect(lines.length).toBe(segments.length + 1);
    expect(lines[0]).toMatch(/^segment \d+: 5 frames, 5 records, \d+ bytes: ok$/);
    expect(lines.at(-1)).toMatch(/20 frames, 20 records, \d+ bytes: no damage$/);
  });
});
