import { afterEach, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const day = 86_400_000;
const ns = (millis: number): string => String(BigInt(millis) * 1_000_000n);

it('drops partitions by class and age, then the oldest days by size, never today; answers stay exact', async () => {
  world = await openWorld({
    config:
      'retention: { days: 3, disk_bytes: 1, rules: [{ service: short, days: 1 }, { level: debug, tenant: t, days: 2 }] }',
    bounds: { tickMillisMin: 1 },
  });
  const now = Date.now();
  // Older partitions are sealed while they are young, as the retention of the log would have it.
  for (const age of [2.5, 1.5, 0]) {
    const received = ns(now - age * day);
    world.log.append('{"service":"short","message":"a"}\n{"service":"long","message":"b","level":"debug"}\n', {
      keys: ['service', 'message', 'level'],
      received,
    });
    world.log.append('{"service":"long","message":"c","level":"debug"}\n', {
      keys: ['service', 'message', 'level'],
      tenant: 't',
      received,
    });
    world.log.append('{"raw":"YmFk","reason":"no json","line":3}\n', { format: 'quarantine', received });
  }
  await world.settled();
  const classes = await world.ask('DISTINCT class');
  expect(classes).toEqual([{ class: 'd1' }, { class: 'd2' }, { class: 'd3' }]);
  await world.worker.stop();
  const left = async (): Promise<string[]> =>
    (
      await world.engine.run({
        sql: `SELECT DISTINCT concat(class, ' ', toString(dateDiff('day', toDate(received), toDate('${new Date(now).toISOString().slice(0, 10)}')))) AS p FROM ${world.database}.records ORDER BY p`,
      })
    ).map(r => String(r.p));
  const sealed = await left();
  expect(sealed).toContain('d3 0');
  const timer = world.store.startRetention();
  const dropped = await timer.run(now);
  timer.stop();
  expect((await left()).every(p => p.endsWith(' 0'))).toBe(true);
  expect(dropped.length).toBeGreaterThanOrEqual(0);
  // What was dropped is no gap to the log.
  expect(await world.store.gaps([1])).toEqual([]);
  const noted = await world.engine.run({ sql: `SELECT count() > 0 AS some FROM ${world.database}.expired` });
  expect(noted).toEqual([{ some: 1 }]);
});
