import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { log } from '../../base/log.ts';
import { openBuffer, type WeirBuffer } from '../buffer.ts';
import { checkLog } from './check.ts';

// The log against real processes and a real full disk; what it says about that is expected.
log.level = 'silent';

let place = '';
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'weir-process-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const bufferModule = join(import.meta.dirname, '..', 'buffer.ts');
const settings = { keepMs: 1e9, keepBytes: 1e9, segmentBytes: 200_000 };

/** A process that appends without end, 8 at a time, and notes each acknowledged batch in a journal before it goes on. */
const writerProgram = `
  const [directory, journal, round] = process.argv.slice(1);
  const { openSync, writeSync } = await import('node:fs');
  const { openBuffer } = await import(${JSON.stringify(bufferModule)});
  const { accept } = await openBuffer({ directory, ...${JSON.stringify(settings)} });
  const file = openSync(journal, 'a');
  process.stdout.write('writing');
  const lane = async lane => {
    for (let i = 0; ; i++) {
      const text = round + '/' + lane + '/' + i;
      const payload = [Buffer.from(text + ' ' + 'x'.repeat((i * 37) % 3000) + '\\n')];
      const { seq } = await accept({ header: { tenant: 't', door: 'text', format: 'text', records: 1, received: '1' }, payload });
      writeSync(file, text + ' ' + seq + '\\n');
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => lane(i)));
`;

function startWriter(directory: string, journal: string, round: number) {
  const args = ['--input-type=module', '-e', writerProgram, directory, journal, String(round)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const writing = new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the writer ended before it wrote')));
  });
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => resolve());
  });
  return { child, writing, ended };
}

async function readBack({ source }: WeirBuffer): Promise<Map<string, bigint>> {
  const found = new Map<string, bigint>();
  for (let from = 0n; ; ) {
    const frames = await source.take(from, 1_000_000);
    if (frames.length === 0) return found;
    for (const { seq, payload } of frames) {
      const text = Buffer.from(payload).toString().split(' ')[0] ?? '';
      expect(found.has(text)).toBe(false);
      found.set(text, seq);
      from = seq + 1n;
    }
  }
}

describe('processes', () => {
  it('kill -9 while writing loses nothing acknowledged, and the next start is not blocked', async () => {
    const directory = join(place, 'wal');
    const journal = join(place, 'journal');
    for (let round = 0; round < 6; round++) {
      const { child, writing, ended } = startWriter(directory, journal, round);
      await writing;
      await new Promise(resolve => setTimeout(resolve, 50 + round * 60));
      child.kill('SIGKILL');
      await ended;
    }
    const buffer = await openBuffer({ directory, ...settings });
    const found = await readBack(buffer);
    const acked = readFileSync(journal, 'utf8').trimEnd().split('\n');
    expect(acked.length).toBeGreaterThan(100);
    for (const line of acked) {
      const [text = '', seq] = line.split(' ');
      expect(`${text} ${found.get(text)}`).toBe(`${text} ${seq}`);
    }
    const segments = buffer.source.segments();
    await buffer.close();
    expect((await checkLog(directory, () => undefined)).damaged).toBe(0);
    const summaries = readdirSync(directory).filter(name => name.endsWith('.sum'));
    expect(summaries.length).toBeGreaterThan(1);
    for (const name of summaries) rmSync(join(directory, name));
    const again = await openBuffer({ directory, ...settings });
    expect(again.source.segments()).toEqual(segments);
    expect(await readBack(again)).toEqual(found);
    await again.close();
  });

  it('a second process, or a second open in this one, is refused and told who has the log', async () => {
    const directory = join(place, 'wal');
    const { child, writing, ended } = startWriter(directory, join(place, 'journal'), 0);
    await writing;
    const refusal = { code: 'log_unusable', message: expect.stringContaining(`pid ${child.pid}`) as string };
    await expect(openBuffer({ directory, ...settings })).rejects.toMatchObject(refusal);
    child.kill('SIGKILL');
    await ended;
    const buffer = await openBuffer({ directory, ...settings });
    await expect(openBuffer({ directory, ...settings })).rejects.toMatchObject({ code: 'log_unusable' });
    await buffer.close();
    await (await openBuffer({ directory, ...settings })).close();
  });
});

describe('full disk', () => {
  const header = { tenant: 't', door: 'text', format: 'text', records: 1, received: '1' } as const;

  it('refuses with disk_full, keeps what was acknowledged, goes on when space returns', async ctx => {
    const disk = join(place, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch (error) {
      ctx.skip(`needs root and mount for a small tmpfs: ${(error as Error).message.trim()}`);
    }
    try {
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(500_000));
      const directory = join(disk, 'wal');
      const buffer = await openBuffer({ directory, ...settings, reserveBytes: 0 });
      let acked = 0;
      const append = async (): Promise<string> => {
        try {
          await buffer.accept({ header, payload: [Buffer.from(`${acked} ${'x'.repeat(30_000)}\n`)] });
          acked += 1;
          return 'ok';
        } catch (error) {
          return (error as { code: string }).code;
        }
      };
      while ((await append()) === 'ok') expect(acked).toBeLessThan(100);
      expect(await append()).toBe('disk_full');
      expect(buffer.stats().failing).toContain('the log cannot be written');
      expect((await readBack(buffer)).size).toBe(acked);
      const full = acked;

      // A restart on the full disk serves what is there and goes on refusing.
      await buffer.close();
      const again = await openBuffer({ directory, ...settings, reserveBytes: 0 });
      expect((await readBack(again)).size).toBe(full);
      await expect(again.accept({ header, payload: [Buffer.alloc(50_000, 'x')] })).rejects.toMatchObject({
        code: 'disk_full',
        retryAfter: 5,
      });
      rmSync(ballast);
      await again.accept({ header, payload: [Buffer.from('space is back\n')] });
      expect((await readBack(again)).size).toBe(full + 1);
      await again.close();
      expect((await checkLog(directory, () => undefined)).damaged).toBe(0);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('keeps the reserve free', async () => {
    const { nodeFs } = await import('./fs.ts');
    let free = 10_000;
    const fs = { ...nodeFs, freeBytes: () => Promise.resolve(free) };
    const buffer = await openBuffer({ directory: join(place, 'wal'), ...settings, reserveBytes: 5000, fs });
    const append = (bytes: number) => buffer.accept({ header, payload: [Buffer.alloc(bytes, 'x')] });
    await append(1000);
    await expect(append(6000)).rejects.toMatchObject({ code: 'disk_full', status: 503, retry: true });
    free = 100_000;
    await append(6000);
    await buffer.close();
  });

  it('refuses with overloaded when too many bytes wait', async () => {
    const buffer = await openBuffer({ directory: join(place, 'wal'), ...settings });
    const big = Buffer.alloc(60 * 2 ** 20);
    const appends = [1, 2, 3].map(() => buffer.accept({ header, payload: [big] }));
    const results = await Promise.allSettled(appends);
    expect(results.map(result => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect((results[2] as PromiseRejectedResult).reason).toMatchObject({ code: 'overloaded', status: 429 });
    await buffer.close();
  });
});
