import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { log } from '../../base/log.ts';
import { type Batch, segmentOfSeq } from '../../base/record.ts';
import { type WeirBuffer } from '../buffer.ts';
import { frameNumbers, testLog } from '../../../test/buffer/test-log.ts';
import { checkLog } from './check.ts';
import { type Fs, nodeFs } from './fs.ts';
import { Quarantine } from './quarantine.ts';
import { listSegments } from './scan.ts';
import { segmentFileName } from './segment.ts';
import { DiskSpace } from './space.ts';
import { Summaries } from './summaries.ts';
import { decodeSummary, encodeSummary, type Summary, summaryFileName } from './summary.ts';
import { verifySegments } from './verify.ts';

// These tests break things on purpose.
log.level = 'silent';

const testedLog = testLog('summaries', 12_000);
const open = testedLog.open;

const count = 20;
function batch(i: number): Batch {
  const agentBatch = { agent: 'agent \u2028 "one"', epoch: 1, sequence: i };
  const header = { tenant: 't', door: 'text', format: 'text', records: 1, received: '1', agentBatch } as const;
  return { header, payload: [Buffer.from(`frame ${i} ${'x'.repeat(2000)}\n`)] };
}

/** A closed log of 20 frames in several segments, each with its summary. */
async function write(): Promise<{ seqs: bigint[]; segments: number[] }> {
  const buffer = await open();
  const seqs: bigint[] = [];
  for (let i = 0; i < count; i++) seqs.push((await buffer.accept(batch(i))).seq);
  await buffer.close();
  return { seqs, segments: [...new Set(seqs.map(segmentOfSeq))] };
}

const pathOf = (segment = 0): string => join(testedLog.directory, segmentFileName(segment));
const summaryOf = (segment = 0): string => join(testedLog.directory, summaryFileName(segment));
const summaries = (): string[] => readdirSync(testedLog.directory).filter(name => name.includes('.sum'));

async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

/** Change the bytes of a file behind everybody's back, as a disk does: the time of its last change stays. */
function rot(path: string, at: number): void {
  const { atime, mtime } = statSync(path);
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  utimesSync(path, atime, mtime);
}

/** The real file system, and how many bytes were read of each segment. */
function countingFs(): { fs: Fs; read: Map<string, number> } {
  const read = new Map<string, number>();
  const fs: Fs = {
    ...nodeFs,
    async open(path, mode) {
      const file = await nodeFs.open(path, mode);
      return {
        read: async (into, position) => {
          const bytes = await file.read(into, position);
          read.set(path, Math.max(read.get(path) ?? 0, position + bytes));
          return bytes;
        },
        writev: (pieces, position) => file.writev(pieces, position),
        datasync: () => file.datasync(),
        truncate: length => file.truncate(length),
        close: () => file.close(),
      };
    },
  };
  return { fs, read };
}

const readBack = (buffer: WeirBuffer): Promise<number[]> => frameNumbers(buffer, 8_000);

const without = (...gone: number[]): number[] =>
  Array.from({ length: count }, (_, i) => i).filter(i => !gone.includes(i));
const indexesIn = (seqs: bigint[], segment: number | undefined): number[] =>
  seqs.flatMap((seq, i) => (segmentOfSeq(seq) === segment ? [i] : []));

const example: Summary = {
  segment: 1_700_000_000,
  salt: 77,
  bytes: 5000,
  modified: 1_764_000_000_123,
  rows: 9,
  frames: 3,
  marks: [{ offset: 64, row: 0, frame: 0 }],
  batches: [
    { row: 0, key: '["t","a\\nb","1",2,"text",10,11]' },
    { row: 4, key: '["t"," é","1",3,"text",10,11]' },
  ],
};

describe('the file', () => {
  it('gives back what was written', () => {
    expect(decodeSummary(encodeSummary(example))).toEqual(example);
    const bare = { ...example, marks: [], batches: [] };
    expect(decodeSummary(encodeSummary(bare))).toEqual(bare);
  });

  it('is nothing when a bit is another, the end is missing or more follows', () => {
    const whole = encodeSummary(example);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // A digit of the checksum in capitals is the same digit.
      expect([undefined, JSON.stringify(example)]).toContain(JSON.stringify(decodeSummary(bytes)));
    }
    for (let end = 0; end < whole.length; end++) expect(decodeSummary(whole.subarray(0, end))).toBeUndefined();
    expect(decodeSummary(Buffer.concat([whole, Buffer.from('\n')]))).toBeUndefined();
    expect(decodeSummary(Buffer.from(whole.toString().replace('summary 1', 'summary 2')))).toBeUndefined();
    const sealed = (text: string): Buffer =>
      Buffer.from(`weir-wal-summary 1 ${crc32(text).toString(16).padStart(8, '0')}\n${text}`);
    expect(decodeSummary(sealed('{"rows":1,"marks":[]}\n7 key\n'))?.batches).toEqual([{ row: 7, key: 'key' }]);
    for (const text of ['', 'null\n', '{}\n', '{"marks":[]}\nno row\n', '{"marks":[]'])
      expect(decodeSummary(sealed(text))).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array(), bytes => decodeSummary(Buffer.from(bytes)) === undefined));
  });
});

describe('a start with summaries', () => {
  it('reads of sealed segments no more than the header, and knows what a start without knows', async () => {
    const { segments } = await write();
    expect(summaries().sort()).toEqual(segments.map(segment => summaryFileName(segment)).sort());
    const { fs, read } = countingFs();
    const first = await open({ fs });
    for (const segment of segments.slice(0, -1)) expect(read.get(pathOf(segment))).toBeLessThanOrEqual(4096);
    expect(statSync(pathOf(segments[0])).size).toBeGreaterThan(4096);
    const known = { segments: first.source.segments(), stats: first.stats() };
    expect(await readBack(first)).toEqual(without());
    await first.close();

    for (const name of summaries()) rmSync(join(testedLog.directory, name));
    const second = await open();
    expect({ segments: second.source.segments(), stats: second.stats() }).toEqual(known);
    expect(known.stats.batchIds).toBe(count);
    await eventually(() => summaries().filter(name => name.endsWith('.sum')).length === segments.length);
  });

  it('answers a batch that comes again with the seq it has, over any number of starts', async () => {
    const { seqs } = await write();
    for (let start = 0; start < 3; start++) {
      const buffer = await open();
      for (let i = 0; i < count; i++) expect((await buffer.accept(batch(i))).seq).toBe(seqs[i]);
      // A segment of its own for the next start to have a summary of.
      await buffer.accept(batch(100 + start));
      await buffer.close();
    }
    expect(await readBack(await open())).toEqual([...without(), 100, 101, 102]);
  });

  it('after a kill between seal and summary, or in the middle of writing one, reads that segment and makes it good', async () => {
    const { segments } = await write();
    const whole = readFileSync(summaryOf(segments[1]));
    rmSync(summaryOf(segments[0]));
    rmSync(summaryOf(segments[1]));
    writeFileSync(`${summaryOf(segments[1])}.new`, whole.subarray(0, 100));
    const { fs, read } = countingFs();
    const buffer = await open({ fs });
    for (const segment of segments.slice(0, 2)) expect(read.get(pathOf(segment))).toBe(statSync(pathOf(segment)).size);
    for (const i of without()) await buffer.accept(batch(i));
    expect(await readBack(buffer)).toEqual(without());
    await eventually(() => existsSync(summaryOf(segments[1])) && existsSync(summaryOf(segments[0])));
    expect(readFileSync(summaryOf(segments[1])).equals(whole)).toBe(true);
    await eventually(() => !summaries().some(name => name.endsWith('.new')));
  });

  const spoil: Record<string, (segments: number[]) => void> = {
    empty: ([, segment]) => writeFileSync(summaryOf(segment), ''),
    'cut short': ([, segment]) => truncateSync(summaryOf(segment), statSync(summaryOf(segment)).size - 1),
    garbage: ([, segment]) => writeFileSync(summaryOf(segment), Buffer.alloc(1000, 'weir-wal-summary 1 00000000\n')),
    'of another segment': ([other, segment]) => copyFileSync(summaryOf(other), summaryOf(segment)),
    'of another version': ([, segment]) =>
      writeFileSync(summaryOf(segment), readFileSync(summaryOf(segment)).fill('9', 17, 18)),
    'of a segment with another salt': ([, segment]) => change(segment, found => ({ salt: found.salt ^ 1 })),
    'of other counts than the next header': ([, segment]) => change(segment, found => ({ rows: found.rows + 1 })),
    'of another time': ([, segment]) => utimesSync(pathOf(segment), 1_700_000_000, 1_700_000_000),
    'older than the segment: it is longer on the disk': ([, segment]) => {
      const { atime, mtime } = statSync(pathOf(segment));
      truncateSync(pathOf(segment), 16_384);
      utimesSync(pathOf(segment), atime, mtime);
    },
  };
  function change(segment: number | undefined, to: (found: Summary) => Partial<Summary>): void {
    const found = decodeSummary(readFileSync(summaryOf(segment)));
    if (!found) throw new Error('no summary to change');
    writeFileSync(summaryOf(segment), encodeSummary({ ...found, batches: [], ...to(found) }));
  }
  it.each(Object.keys(spoil))('one that is %s counts for nothing: the segment is read', async how => {
    const { seqs, segments } = await write();
    spoil[how]?.(segments);
    const { fs, read } = countingFs();
    const buffer = await open({ fs });
    expect(read.get(pathOf(segments[1]))).toBeGreaterThan(4096);
    expect(read.get(pathOf(segments[2]))).toBeLessThanOrEqual(4096);
    expect(await readBack(buffer)).toEqual(without());
    for (let i = 0; i < count; i++) expect((await buffer.accept(batch(i))).seq).toBe(seqs[i]);
    expect(buffer.stats().damaged).toBe(0);
  });

  it('newer than the segment, which lost its end to a power cut: the loss is told at the start', async () => {
    const { seqs, segments } = await write();
    const bytes = readFileSync(pathOf(segments[1]));
    const { atime, mtime } = statSync(pathOf(segments[1]));
    truncateSync(pathOf(segments[1]), bytes.lastIndexOf('wfrm'));
    utimesSync(pathOf(segments[1]), atime, mtime);
    for (let start = 0; start < 2; start++) {
      const buffer = await open();
      expect(buffer.stats().damaged).toBe(1);
      expect(existsSync(summaryOf(segments[1]))).toBe(false);
      expect(await readBack(buffer)).toEqual(without(indexesIn(seqs, segments[1]).at(-1) ?? -1));
      await buffer.close();
    }
  });

  it('does not believe that of a newest segment whose end was torn and cut off', async () => {
    const { segments } = await write();
    const newest = segments.at(-1);
    truncateSync(pathOf(newest), statSync(pathOf(newest)).size - 5);
    for (let start = 0; start < 3; start++) {
      const buffer = await open();
      expect(await readBack(buffer)).toEqual([...without(19), ...Array.from({ length: start }, (_, i) => 100 + i)]);
      await buffer.accept(batch(100 + start));
      await buffer.close();
    }
    expect((await checkLog(testedLog.directory, () => undefined)).damaged).toBe(0);
    expect(decodeSummary(readFileSync(summaryOf(newest)))?.bytes).toBe(statSync(pathOf(newest)).size);
  });
});

describe('damage that the start did not meet', () => {
  const soon = { verify: { afterMs: 0, bytesPerSecond: 1e9 } };
  const places = { 'a head': 'wfrm', 'a batch header': '"tenant"', 'a payload': ' xxx' };
  it.each(Object.entries(places))(
    'in %s is found afterwards, set aside, and met by the next start',
    async (_, text) => {
      const { seqs, segments } = await write();
      const at = readFileSync(pathOf(segments[1])).indexOf(text);
      rot(pathOf(segments[1]), at + 2);
      const buffer = await open(soon);
      await eventually(() => buffer.stats().damaged === 1);
      await buffer.close();
      const kept = readdirSync(join(testedLog.directory, 'quarantine')).filter(name => name.endsWith('.json'));
      expect(kept.map(name => name.split('-')[0])).toEqual([String(segments[1])]);
      expect(existsSync(summaryOf(segments[1]))).toBe(false);
      const again = await open();
      const lost = text === 'wfrm' ? [] : indexesIn(seqs, segments[1]).slice(0, 1);
      expect(await readBack(again)).toEqual(without(...lost));
      expect(again.stats().damaged).toBe(1);
      expect((await checkLog(testedLog.directory, () => undefined)).damaged).toBe(1);
    },
  );

  it('and that a reader met first takes the summary away too', async () => {
    const { segments } = await write();
    const buffer = await open();
    rot(pathOf(segments[1]), readFileSync(pathOf(segments[1])).indexOf(' xxx') + 2);
    await readBack(buffer);
    expect(buffer.stats().damaged).toBe(1);
    expect(existsSync(summaryOf(segments[1]))).toBe(false);
  });

  it('is not looked for in segments that have left, nor after the log was closed', async () => {
    const { segments } = await write();
    const { fs, read } = countingFs();
    const buffer = await open({ fs, verify: { afterMs: 1e8, bytesPerSecond: 1e9 } });
    await buffer.close();
    const { files } = await listSegments(nodeFs, testedLog.directory);
    const options = {
      fs,
      quarantine: new Quarantine(
        fs,
        testedLog.directory,
        new Summaries(fs, testedLog.directory, new DiskSpace(fs, testedLog.directory, 0)),
      ),
    };
    const { signal } = new AbortController();
    await verifySegments(files, { ...options, kept: () => false, afterMs: 0, bytesPerSecond: 1e9, signal });
    for (const segment of segments.slice(0, -1)) expect(read.get(pathOf(segment))).toBeLessThanOrEqual(4096);
    const one = (segment: number): boolean => segment === segments[1];
    await verifySegments(files, { ...options, kept: one, afterMs: 0, bytesPerSecond: 1e9, signal });
    expect(read.get(pathOf(segments[0]))).toBeLessThanOrEqual(4096);
    expect(read.get(pathOf(segments[1]))).toBe(statSync(pathOf(segments[1])).size);
  });
});

describe('summaries', () => {
  it('leave with their segments; those without one are removed by a start', async () => {
    const { segments } = await write();
    writeFileSync(summaryOf((segments[0] ?? 0) - 1), 'of a segment that is no more');
    const buffer = await open({ keepMs: 0 });
    expect(summaries().length).toBe(segments.length);
    await sleep(10);
    buffer.source.stored(2n ** 64n - 1n);
    await buffer.close();
    expect(summaries()).toEqual([summaryFileName(segments.at(-1) ?? 0)]);
  });

  it('are not written of a segment whose sync failed', async () => {
    let failing = false;
    const fs: Fs = {
      ...nodeFs,
      async open(path, mode) {
        const file = await nodeFs.open(path, mode);
        const datasync = (): Promise<void> =>
          failing && path.endsWith('.seg')
            ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'fdatasync' }))
            : file.datasync();
        return {
          read: (into, position) => file.read(into, position),
          writev: (pieces, position) => file.writev(pieces, position),
          datasync,
          truncate: length => file.truncate(length),
          close: () => file.close(),
        };
      },
    };
    const buffer = await open({ fs });
    const { seq } = await buffer.accept(batch(0));
    failing = true;
    await expect(buffer.accept(batch(1))).rejects.toMatchObject({ code: 'log_failed' });
    failing = false;
    const next = await buffer.accept(batch(1));
    await buffer.close();
    expect(summaries()).toEqual([summaryFileName(segmentOfSeq(next.seq))]);
    expect(await readBack(await open())).toEqual([0, 1]);
    expect(segmentOfSeq(seq)).not.toBe(segmentOfSeq(next.seq));
  });

  it('are not written into the reserve of the disk, and the log goes on', async () => {
    const long = (i: number): Batch => {
      const { header, payload } = batch(i);
      return { header: { ...header, agentBatch: { agent: 'a'.repeat(2000), epoch: 1, sequence: i } }, payload };
    };
    // Room for a frame, and not for a summary of three of them.
    const buffer = await open({ freeBytes: 9500, segmentBytes: 13_000, reserveBytes: 5000 });
    const seqs: bigint[] = [];
    for (const i of without()) seqs.push((await buffer.accept(long(i))).seq);
    await buffer.close();
    const segments = [...new Set(seqs.map(segmentOfSeq))];
    expect(segments.length).toBe(7);
    for (const segment of segments.slice(0, -1)) expect(existsSync(summaryOf(segment))).toBe(false);
    const again = await open();
    expect(await readBack(again)).toEqual(without());
    await eventually(() => summaries().length === segments.length);
  });
});
