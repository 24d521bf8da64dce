import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../flow/ask.ts';
import { compare, crashRounds, storedIds } from './crash-rounds.ts';

const rounds = process.env.WEIR_TEST_MODE === 'faults' || process.env.WEIR_TEST_MODE === 'full' ? 200 : 50;

it(`${rounds} times kill -9 of program and engine under load: nothing acked is lost, nothing is stored twice`, {
  timeout: rounds * 12_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-crash-'));
  const { journal, target } = await crashRounds(folder, rounds, '');
  try {
    const faults = await eventually(
      async () => compare(journal, await storedIds(target)),
      found => found.length === 0,
      60_000,
    );
    expect(faults.slice(0, 20)).toEqual([]);
    expect(journal.acked.size).toBeGreaterThan(rounds * 50);
  } finally {
    await target.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
