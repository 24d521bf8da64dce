import { spawnSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, type Result } from './statistics.ts';

const seconds = (work: () => void): number => {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1e9;
};

/** fdatasync times in ms of `count` appends of `bytes` to a fresh file in `folder`. */
export function syncTimes(folder: string, bytes: number, count: number): number[] {
  const file = openSync(join(folder, `sync-${bytes}`), 'w');
  const block = Buffer.alloc(bytes, 'x');
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    times.push(
      1000 *
        seconds(() => {
          writeSync(file, block);
          fdatasyncSync(file);
        }),
    );
  }
  closeSync(file);
  return times;
}

/** The same beside a load: an append and fdatasync every `everyMs` until the signal aborts, without blocking this process. */
export async function syncTimesBeside(
  folder: string,
  bytes: number,
  everyMs: number,
  signal: AbortSignal,
): Promise<number[]> {
  const file = await open(join(folder, `sync-beside-${bytes}`), 'w');
  const block = Buffer.alloc(bytes, 'x');
  const times: number[] = [];
  while (!signal.aborted) {
    await file.write(block);
    const start = performance.now();
    await file.datasync();
    times.push(performance.now() - start);
    await sleep(everyMs);
  }
  await file.close();
  return times;
}

/** What this machine can do, measured in the same run as the cases, so that every figure can be read as a share of its limit. */
export function machineLimits(small: boolean): Result[] {
  const folder = mkdtempSync(join(tmpdir(), 'weir-limits-'));
  const results: Result[] = [];
  const size = 64 * 2 ** 20;
  const block = Buffer.alloc(size, 1);
  const copy = Buffer.alloc(size);
  seconds(() => block.copy(copy));
  results.push({
    case: 'limits',
    what: 'memory copy, one core',
    value: (8 * size) / 1e9 / seconds(() => Array.from({ length: 8 }, () => block.copy(copy))),
    unit: 'GB/s',
  });

  const path = join(folder, 'sequential');
  const file = openSync(path, 'w+');
  const total = (small ? 4 : 16) * size;
  const write = seconds(() => {
    for (let at = 0; at < total; at += size) writeSync(file, block);
    fdatasyncSync(file);
  });
  results.push({ case: 'limits', what: 'sequential write and fdatasync', value: total / 1e6 / write, unit: 'MB/s' });
  const megabyte = Buffer.alloc(2 ** 20);
  const read = seconds(() => {
    for (let at = 0; at < total; at += megabyte.length) readSync(file, megabyte, 0, megabyte.length, at);
  });
  results.push({ case: 'limits', what: 'page cache read', value: total / 1e9 / read, unit: 'GB/s' });
  closeSync(file);

  for (const [bytes, name] of [
    [4096, '4 KB'],
    [65536, '64 KB'],
    [2 ** 20, '1 MB'],
  ] as const) {
    const times = syncTimes(folder, bytes, small ? 100 : 400);
    results.push({
      case: 'limits',
      what: `append and fdatasync ${name}, p50`,
      value: quantile(times, 0.5),
      unit: 'ms',
    });
    results.push({
      case: 'limits',
      what: `append and fdatasync ${name}, p99`,
      value: quantile(times, 0.99),
      unit: 'ms',
    });
  }
  rmSync(folder, { recursive: true, force: true });
  const cpu = spawnSync('sh', ['-c', "grep -m1 'model name' /proc/cpuinfo | cut -d: -f2"], {
    encoding: 'utf8',
  }).stdout.trim();
  results.push({
    case: 'limits',
    what: 'cores',
    value: Number(spawnSync('nproc', { encoding: 'utf8' }).stdout),
    unit: '',
    note: cpu,
  });
  return results;
}
