import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startWeir } from '../../bench/weir-under-test.ts';
import { eventually, ndjson } from '../flow/ask.ts';
import { compare, type Journal, storedIds } from './crash-rounds.ts';

it('answers 503 with Retry-After on a full disk, loses nothing acked, and resumes without a restart when space returns', {
  timeout: 180_000,
}, async ctx => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-full-'));
  if (
    process.getuid?.() !== 0 ||
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=700m', 'tmpfs', folder]).status !== 0
  ) {
    rmSync(folder, { recursive: true });
    ctx.skip('SKIPPED: a small tmpfs can be mounted by root only');
  }
  const weir = await startWeir({ folder, config: 'wal: {segment_bytes: 16MiB}\n' });
  try {
    const journal: Journal = { acked: new Set(), unsure: [] };
    let k = 0;
    const post = async (): Promise<{ status: number; headers: Record<string, unknown>; body: string }> => {
      const ids = Array.from({ length: 100 }, (_, i) => `b${k}i${i}`);
      k++;
      const reply = await weir.post(
        '/ingest/json',
        ids
          .map(id => JSON.stringify({ service: 'full', message: `record ${id} of a crash round ${'x'.repeat(200)}` }))
          .join('\n'),
        ndjson,
      );
      if (reply.status === 200) for (const id of ids) journal.acked.add(id);
      else journal.unsure.push(ids);
      return reply;
    };
    for (let i = 0; i < 20; i++) expect((await post()).status).toBe(200);

    const filler = join(folder, 'filler');
    const space = statfsSync(folder);
    const left = space.bavail * space.bsize;
    // In pieces, since the last write is cut short by the full disk.
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M', `count=${Math.ceil(left / 2 ** 20) + 1}`], {
      stdio: 'ignore',
    });
    const refused = await eventually(post, reply => reply.status === 503, 30_000);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.body).toMatch(/disk|space/i);
    expect((await weir.get('/healthz')).status).toBe(200);

    unlinkSync(filler);
    const resumed = await eventually(post, reply => reply.status === 200, 30_000);
    expect(resumed.status, resumed.body).toBe(200);
    for (let i = 0; i < 20; i++) expect((await post()).status).toBe(200);
    const faults = await eventually(
      async () => compare(journal, await storedIds(weir)),
      found => found.length === 0,
      60_000,
    );
    expect(faults.slice(0, 10)).toEqual([]);
    writeFileSync(join(folder, 'writable'), 'yes');
  } finally {
    await weir.stop();
    spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
});
