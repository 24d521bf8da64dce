import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WeirError } from '../../base/errors.ts';
import { log } from '../../base/log.ts';
import type { Batch } from '../../base/record.ts';
import type { FrameSource } from '../../flow.ts';
import { openBuffer, type WeirBuffer } from '../buffer.ts';
import { checkLog } from './check.ts';
import { type Fs, type LogFile, nodeFs, type OpenMode } from './fs.ts';

// These tests break things on purpose.
log.level = 'silent';

type Fault = 'error' | 'full' | 'short' | 'torn';

const systemError = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${code}: injected, ${syscall}`), { code, syscall });

/**
 * A file system whose calls number `from` to `until` fail; all others are real. `short`: writes take half of the bytes and say so; `torn`: half of the bytes arrive,
 * then an error. A sync only keeps what the file was, so that a power cut can be played, and the loops are quick.
 */
class FaultyFs implements Fs {
  calls = 0;
  from = Number.POSITIVE_INFINITY;
  until = Number.POSITIVE_INFINITY;
  fault: Fault = 'error';
  readonly synced = new Map<number, Buffer>();
  /** What a file was when its sync failed. */
  readonly unsynced = new Map<number, Buffer>();

  private failing(): boolean {
    this.calls += 1;
    return this.calls >= this.from && this.calls <= this.until;
  }

  private step(syscall: string): void {
    if (this.failing()) throw systemError(this.fault === 'full' ? 'ENOSPC' : 'EIO', syscall);
  }

  async open(path: string, mode: OpenMode): Promise<LogFile> {
    if (!mode.startsWith('read')) this.step('open');
    const file = await nodeFs.open(path, mode);
    if (mode.startsWith('read')) return file;
    // A file made ready for the next segment gets another name.
    const { ino } = statSync(path);
    return {
      read: (into, position) => file.read(into, position),
      writev: async (pieces, position) => {
        if (!this.failing()) return file.writev(pieces, position);
        if (this.fault === 'error' || this.fault === 'full')
          throw systemError(this.fault === 'full' ? 'ENOSPC' : 'EIO', 'writev');
        const bytes = Buffer.concat(pieces);
        const written = await file.writev([bytes.subarray(0, bytes.length >> 1)], position);
        if (this.fault === 'torn') throw systemError('EIO', 'writev');
        return written;
      },
      datasync: async () => {
        const fails = this.failing();
        const bytes = Buffer.alloc(100_000);
        (fails ? this.unsynced : this.synced).set(ino, bytes.subarray(0, await file.read(bytes, 0)));
        if (fails) throw systemError(this.fault === 'full' ? 'ENOSPC' : 'EIO', 'fdatasync');
      },
      truncate: async length => {
        this.step('ftruncate');
        await file.truncate(length);
      },
      close: async () => {
        await file.close();
        this.step('close');
      },
    };
  }

  stat = (path: string) => nodeFs.stat(path);
  list = (path: string) => nodeFs.list(path);
  makeDirectory = (path: string) => nodeFs.makeDirectory(path);
  async link(path: string, name: string): Promise<void> {
    this.step('link');
    await nodeFs.link(path, name);
  }
  async unlink(path: string): Promise<void> {
    this.step('unlink');
    await nodeFs.unlink(path);
  }
  async rename(path: string, name: string): Promise<void> {
    this.step('rename');
    await nodeFs.rename(path, name);
  }
  syncDirectory(): Promise<void> {
    return new Promise(resolve => {
      this.step('fsync');
      resolve();
    });
  }
  freeBytes = (): Promise<number> => Promise.resolve(1e12);
}

const places: string[] = [];
function newPlace(): string {
  const place = mkdtempSync(join(tmpdir(), 'weir-faults-'));
  places.push(place);
  return join(place, 'wal');
}
afterEach(() => {
  for (const place of places.splice(0)) rmSync(place, { recursive: true, force: true });
});

const settings = { keepMs: 1e9, keepBytes: 1e9, segmentBytes: 3000 };

function batch(text: string): Batch {
  const header = { tenant: 't', door: 'text', format: 'text', records: 1, received: '1' } as const;
  return { header, payload: [Buffer.from(`${text}\n`)] };
}

/** What was acknowledged, and how the rest was refused. */
type Journal = { acked: Map<string, bigint>; refusals: WeirError[] };
const newJournal = (): Journal => ({ acked: new Map(), refusals: [] });

async function send(buffer: WeirBuffer, text: string, journal: Journal): Promise<void> {
  try {
    const { seq } = await buffer.accept(batch(text));
    journal.acked.set(text, seq);
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    journal.refusals.push(error);
  }
}

async function readBack(source: FrameSource): Promise<Map<string, bigint>> {
  const found = new Map<string, bigint>();
  for (let from = 0n; ; ) {
    const frames = await source.take(from, 2000);
    if (frames.length === 0) return found;
    for (const { seq, payload } of frames) {
      const text = Buffer.from(payload).toString().trimEnd();
      expect(found.has(text)).toBe(false);
      found.set(text, seq);
      from = seq + 1n;
    }
  }
}

/** Sequential and concurrent appends over several segments; returns what became of each. */
async function workload(buffer: WeirBuffer, journal: Journal): Promise<void> {
  for (let i = 0; i < 6; i++) await send(buffer, `one ${i} ${'x'.repeat(600)}`, journal);
  await Promise.all(Array.from({ length: 12 }, (_, i) => send(buffer, `many ${i} ${'y'.repeat(400)}`, journal)));
}

async function openWith(fs: Fs, directory: string): Promise<WeirBuffer | undefined> {
  try {
    return await openBuffer({ ...settings, directory, fs });
  } catch (error) {
    if (error instanceof WeirError && error.code === 'log_unusable') return undefined;
    throw error;
  }
}

/** After a restart everything acknowledged is there, with its seq; at most the torn end is set aside, and the log is whole. */
async function expectKept(directory: string, journal: Journal): Promise<void> {
  const buffer = await openBuffer({ ...settings, directory, fs: new FaultyFs() });
  const found = await readBack(buffer.source);
  for (const [text, seq] of journal.acked) expect(found.get(text)).toBe(seq);
  const { damaged } = buffer.stats();
  await buffer.close();
  expect(damaged).toBeLessThanOrEqual(1);
  expect(await checkLog(directory, () => undefined)).toEqual({ damaged: 0 });
}

/** The workload with the fault, then one append after the fault is over, in the same process. */
async function runWith(fs: FaultyFs, directory: string, journal: Journal): Promise<void> {
  const buffer = await openWith(fs, directory);
  if (!buffer) return;
  await workload(buffer, journal);
  const live = await readBack(buffer.source);
  const { acked } = journal;
  assert.deepEqual(live, new Map([...acked].sort(([, a], [, b]) => (a < b ? -1 : 1))));
  fs.from = Number.POSITIVE_INFINITY;
  await send(buffer, 'after the fault', journal);
  assert.ok(acked.has('after the fault'));
  await buffer.close();
}

describe('every call of the file system fails once, or from then on', () => {
  const faults: Fault[] = ['error', 'full', 'short', 'torn'];
  const spans = [
    { name: 'once', calls: 0 },
    { name: 'three times', calls: 2 },
    { name: 'for long', calls: 60 },
  ];
  it.each(faults.flatMap(fault => spans.map(span => ({ fault, ...span }))))(
    '$fault $name',
    async ({ fault, calls }) => {
      let reached = true;
      let n = 0;
      while (reached) {
        n += 1;
        const directory = newPlace();
        const fs = new FaultyFs();
        fs.fault = fault;
        fs.from = n;
        fs.until = n + calls;
        const journal = newJournal();
        await runWith(fs, directory, journal);
        reached = fs.calls >= n;
        for (const refusal of journal.refusals) {
          expect(['disk_full', 'log_failed']).toContain(refusal.code);
          expect(refusal.retry).toBe(true);
        }
        await expectKept(directory, journal);
        rmSync(directory, { recursive: true });
      }
      expect(n).toBeGreaterThan(40);
    },
  );
});

describe('power cut', () => {
  it('loses nothing acknowledged when of the last write some sectors arrived and others did not, in the block that it shares with the one before too', async () => {
    let random = 7;
    const next = (below: number): number => {
      random = (random * 1103515245 + 12345) % 2 ** 31;
      return (random >> 8) % below;
    };
    let torn = 0;
    for (let round = 0; round < 60; round++) {
      const directory = newPlace();
      const fs = new FaultyFs();
      const journal = newJournal();
      const buffer = await openBuffer({ ...settings, segmentBytes: 20_480, directory, fs });
      for (let i = 0; i < 3 + next(5); i++) await send(buffer, `one ${i} ${'x'.repeat(1 + next(3000))}`, journal);
      // The write of the next append, then its sync, and all that is tried after it.
      fs.from = fs.calls + 2;
      await send(buffer, `last ${'y'.repeat(1 + next(6000))}`, journal);
      for (const [ino, after] of fs.unsynced) {
        const name = readdirSync(directory).find(each => statSync(join(directory, each)).ino === ino);
        const before = fs.synced.get(ino);
        if (!name?.endsWith('.seg') || !before) continue;
        const length = next(2) ? after.length : before.length;
        const mixed = Buffer.concat([before, Buffer.alloc(Math.max(0, length - before.length))], length);
        for (let at = 0; at < length; at += 512) if (next(2)) after.copy(mixed, at, at, Math.min(at + 512, length));
        const copy = newPlace();
        cpSync(directory, copy, { recursive: true, filter: each => !/lock|spare/.test(each) });
        writeFileSync(join(copy, name), mixed);
        await expectKept(copy, journal);
        torn += 1;
      }
      await buffer.close();
    }
    expect(torn).toBeGreaterThan(30);
  });

  it('loses nothing acknowledged when unsynced bytes vanish, are zeroed or scrambled', async () => {
    let random = 42;
    const next = (below: number): number => {
      random = (random * 1103515245 + 12345) % 2 ** 31;
      return random % below;
    };
    for (let round = 0; round < 60; round++) {
      const directory = newPlace();
      const fs = new FaultyFs();
      const journal = newJournal();
      const buffer = await openBuffer({ ...settings, directory, fs });
      // The sync of some group hangs with the power: its bytes are written and not acknowledged.
      fs.from = 30 + next(60);
      fs.until = fs.from + 1;
      await workload(buffer, journal);
      await buffer.close();
      const newest =
        readdirSync(directory)
          .filter(name => name.endsWith('.seg'))
          .sort()
          .at(-1) ?? '';
      const path = join(directory, newest);
      const { ino } = statSync(path);
      const durable = fs.synced.get(ino) ?? Buffer.alloc(0);
      const unsynced = Buffer.alloc(1 + next(3000), next(2) ? 0 : 'wfrm');
      // Behind the last durable frame: in blocks that were there, or in new ones.
      const end = durable.findLastIndex(byte => byte !== 0) + 1 + 4;
      const inPlace = end < durable.length && next(2) === 1;
      if (inPlace) unsynced.copy(durable, end + next(durable.length - end));
      writeFileSync(path, inPlace ? durable : Buffer.concat([durable, unsynced]));
      await expectKept(directory, journal);
      rmSync(directory, { recursive: true });
    }
  });
});
