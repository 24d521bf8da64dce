import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startWeir } from '../../bench/weir-under-test.ts';
import { eventually } from '../flow/ask.ts';
import { compare, type Journal, produce, storedIds } from './crash-rounds.ts';

// A power cut without pulling a plug: the data directory is an ext4 file system in a file. The whole program is frozen, the backing file is
// copied while mounted (what was not synced is not in it), and Weir is started on the copy as after another boot.

const rounds = process.env.WEIR_TEST_MODE === 'full' ? 20 : process.env.WEIR_TEST_MODE === 'faults' ? 10 : 2;
const run = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

function treeOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter(n => /^\d+$/.test(n))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // Ended meanwhile.
    }
  }
  const inside = (each: number): boolean =>
    each === pid || (parents.has(each) && each > 1 && inside(parents.get(each) ?? 0));
  return [...parents.keys()].filter(inside);
}

/** Kernel writeback is held while the image is copied, since a copy under writeback is torn in ways no power cut is. */
function holdWriteback<T>(work: () => T): T {
  const knob = '/proc/sys/vm/dirty_writeback_centisecs';
  const before = readFileSync(knob, 'utf8');
  writeFileSync(knob, '0');
  try {
    return work();
  } finally {
    writeFileSync(knob, before);
  }
}

it(`${rounds} power cuts under load: after the start on what had reached the disk, every acked record is found exactly once`, {
  timeout: rounds * 90_000,
}, async ctx => {
  const work = mkdtempSync(join(tmpdir(), 'weir-cut-'));
  const image = join(work, 'image');
  const disk = join(work, 'disk');
  mkdirSync(disk);
  const able =
    process.getuid?.() === 0 &&
    run('truncate', '-s', '3G', image) &&
    run('mkfs.ext4', '-q', '-F', image) &&
    run('mount', '-o', 'loop', image, disk);
  if (!able) {
    rmSync(work, { recursive: true, force: true });
    ctx.skip('SKIPPED: power cuts need root and loop devices');
  }
  const journal: Journal = { acked: new Set(), unsure: [] };
  let current = disk;
  let torn = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const boot = join(work, `boot-${round}`);
      writeFileSync(boot, `${randomUUID()}\n`);
      const wrap = [
        'unshare',
        '-m',
        'sh',
        '-c',
        `mount --bind ${boot} /proc/sys/kernel/random/boot_id && exec "$0" "$@"`,
      ];
      // Small segments and seals, so that a cut meets parts, merges and several segments of the log.
      const weir = await startWeir({ folder: current, config: 'wal: {segment_bytes: 4MiB}\n', wrap });
      const before = new Set(journal.acked);
      const faults = await eventually(
        async () => compare({ acked: before, unsure: journal.unsure }, await storedIds(weir)),
        found => found.length === 0,
        60_000,
      );
      expect(faults.slice(0, 10), `round ${round}`).toEqual([]);
      let stopLoad: () => void = () => undefined;
      const until = new Promise<void>(done => {
        stopLoad = done;
      });
      const load = produce(weir.url, journal, round, until);
      await sleep(3000 + 700 * (round % 5));
      const frozen = treeOf(weir.pid);
      // Writes are acked to the journal only while the program runs, so freezing it first makes the journal and the image agree.
      for (const pid of frozen) process.kill(pid, 'SIGSTOP');
      stopLoad();
      const copy = join(work, `image-${round}`);
      const copied = holdWriteback(() => run('cp', '--sparse=always', image, copy));
      expect(copied).toBe(true);
      for (const pid of frozen.reverse()) process.kill(pid, 'SIGKILL');
      await Promise.all([weir.kill(), load]);
      await sleep(200);
      expect(run('umount', current)).toBe(true);
      // The journal of the file system is replayed by mounting; a copy that e2fsck then still finds torn is no power cut but our copying.
      expect(run('mount', '-o', 'loop', copy, disk)).toBe(true);
      run('umount', disk);
      if (!run('e2fsck', '-f', '-n', copy)) torn++;
      rmSync(image);
      spawnSync('mv', [copy, image]);
      expect(run('mount', '-o', 'loop', image, disk)).toBe(true);
      current = disk;
    }
    const weir = await startWeir({ folder: current, config: 'wal: {segment_bytes: 4MiB}\n' });
    const faults = await eventually(
      async () => compare(journal, await storedIds(weir)),
      found => found.length === 0,
      60_000,
    );
    await weir.stop();
    expect(faults.slice(0, 10), `${journal.acked.size} acked records, ${torn} torn copies`).toEqual([]);
    expect(journal.acked.size).toBeGreaterThan(1000);
  } finally {
    spawnSync('umount', ['-l', disk]);
    rmSync(work, { recursive: true, force: true });
  }
});
