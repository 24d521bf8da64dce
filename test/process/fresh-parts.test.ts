import { afterEach, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const parts = async (): Promise<unknown> =>
  world.engine.run({
    sql: `SELECT part_type AS type, level, toString(sum(rows)) AS n FROM system.parts
WHERE active AND rows > 0 AND database = '${world.database}' AND table = 'records' GROUP BY type, level`,
  });

it('a seal is a part of one file with all columns, however large, and its first merge a file for each', async () => {
  world = await openWorld({ bounds: { sealBytes: 1_000_000 } });
  // More than the 10 MiB from which the engine makes a file for each column.
  const text = 'as the next one '.repeat(500);
  const line = (k: number): string => `{"service":"s","message":"${k} ${text}"}\n`;
  for (let k = 0; k < 4_000; k += 1_000)
    world.log.append(Array.from({ length: 1_000 }, (_, i) => line(k + i)).join(''), { keys: ['service', 'message'] });
  await world.settled();
  await world.worker.stop();
  expect(await parts()).toEqual([{ type: 'Compact', level: 0, n: '4000' }]);
  const columns =
    'toString(count()) AS n, toString(uniqExact(message)) AS messages, toString(sum(length(message))) AS bytes';
  const before = await world.ask(columns);
  await world.engine.run({ sql: `OPTIMIZE TABLE ${world.database}.records FINAL` });
  expect(await parts()).toEqual([{ type: 'Wide', level: 1, n: '4000' }]);
  expect(await world.ask(columns)).toEqual(before);
  expect(before).toMatchObject([{ n: '4000', messages: '4000' }]);
});
