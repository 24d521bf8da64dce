import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { log } from '../base/log.ts';
import type { Batch } from '../base/record.ts';
import { openDemo } from './demo-data.ts';

log.level = 'silent';
const directory = mkdtempSync(join(tmpdir(), 'weir-demo-data-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('goes on with the sample day where it was stopped', async () => {
  const kept: Batch[] = [];
  /** Starts on the directory, until the day is whole or so many batches are there. */
  const start = async (fresh: boolean, batches: number): Promise<void> => {
    const marker = join(directory, 'sample-data');
    await new Promise<void>((done, fail) => {
      const demo = openDemo({
        accept: async batch => {
          kept.push(batch);
          if (kept.length >= batches) stop();
          return { seq: BigInt(kept.length) };
        },
        wanted: true,
        fresh,
        directory,
      });
      const watch = setInterval(() => {
        if (!readFileSync(marker, 'utf8').includes('loading')) stop();
      }, 20);
      function stop(): void {
        clearInterval(watch);
        demo.stop();
        done();
      }
      demo.start().catch(fail);
    });
    // What was accepted last is noted before the load sees that it is to stop.
    await new Promise(resolve => setTimeout(resolve, 50));
  };
  await start(true, 5);
  expect(readFileSync(join(directory, 'sample-data'), 'utf8')).toMatch(/^loading day=\d+ records=[1-9]\d+$/m);
  await start(false, Number.POSITIVE_INFINITY);
  expect(readFileSync(join(directory, 'sample-data'), 'utf8')).not.toContain('loading');
  const day = kept.filter(batch => batch.header.records > 500);
  const bodies = day.map(batch => Buffer.concat(batch.payload).toString());
  expect(new Set(bodies).size).toBe(bodies.length);
  expect(day.reduce((sum, batch) => sum + batch.header.records, 0)).toBeGreaterThan(250_000);
}, 60_000);
