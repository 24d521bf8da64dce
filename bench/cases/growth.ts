import { generate } from '../generate.ts';
import type { Result } from '../statistics.ts';
import type { UnderTest } from '../weir-under-test.ts';
import { send } from './ingest.ts';
import { measureQueries, type QueryFigure, queryCases } from './queries.ts';

/** The same queries at two sizes of one store: indexed classes should not grow with it, scans linearly. */
export async function growthCase(
  target: UnderTest,
  sizes: readonly [number, number],
  repeats: number,
): Promise<Result[]> {
  const stepMs = 10;
  const baseMs = Date.now() - sizes[1] * stepMs - 60_000;
  const figures: QueryFigure[][] = [];
  let sent = 0;
  for (const size of sizes) {
    // Later rows continue the time axis of the earlier ones; each batch is generated as it is sent, since the larger set does not fit in memory.
    const from = sent;
    await send(
      target,
      '/ingest/json',
      generate('flat', { rows: size - from, seed: 42 + from, baseMs: baseMs + from * stepMs, stepMs }, 2 ** 20),
    );
    sent = size;
    await target.settle();
    const range = { start: `${BigInt(baseMs) * 1_000_000n}`, end: `${BigInt(baseMs + size * stepMs) * 1_000_000n}` };
    const cases = queryCases(size, Math.ceil((size * stepMs) / 1000)).filter(c =>
      [
        'last 100',
        'service and level, last 100',
        'needle token',
        'trace lookup',
        'level histogram',
        'p99 by service',
      ].includes(c.id),
    );
    figures.push(await measureQueries(target, cases, range, repeats));
  }
  const [small, large] = figures;
  return (small ?? []).map((before, i) => {
    const after = large?.[i];
    const scan = before.id === 'level histogram' || before.id === 'p99 by service';
    const ratio = (after?.cpuMs ?? Number.NaN) / before.cpuMs;
    return {
      case: 'growth',
      what: `${before.id}, ${sizes[0] / 1e6} M to ${sizes[1] / 1e6} M rows`,
      value: ratio,
      unit: 'x',
      target: { most: scan ? (1.2 * sizes[1]) / sizes[0] : 2 },
      note: `${before.cpuMs.toFixed(1)} to ${after?.cpuMs.toFixed(1)} CPU-ms`,
    };
  });
}
