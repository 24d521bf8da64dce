import { afterEach, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const keys = ['service', 'message', 'ms', 'size'];
const line = (k: number, ms: string): string => `{"service":"s","message":"m${k}","ms":${ms},"size":"${k}"}\n`;
const numbers = 'message, number_ms, text_ms';

it('number columns hold for parts from before, for tails and for parts from after', async () => {
  world = await openWorld();
  world.log.append(line(1, '12.5') + line(2, '"fast"'), { keys });
  await world.settled();
  // A restart seals what is in the tail, without the columns.
  await world.worker.stop();
  world = await world.restart({ config: 'store: { numbers: [ms] }' });
  world.log.append(line(3, '-4') + '{"service":"s","message":"m4"}\n', { keys });
  await world.settled();
  const rows = [
    { message: 'm1', number_ms: 12.5, text_ms: '' },
    { message: 'm2', number_ms: null, text_ms: 'fast' },
    { message: 'm3', number_ms: -4, text_ms: '' },
    { message: 'm4', number_ms: null, text_ms: '' },
  ];
  expect(await world.ask(numbers)).toEqual(rows);
  const named: (readonly string[] | undefined)[] = [];
  await world.store.runQuery({
    sql: sources => {
      named.push(sources.numbers);
      return 'SELECT 1';
    },
  });
  expect(named).toEqual([['ms']]);

  // Another field, named before the first one: parts are copied from tails by position.
  await world.worker.stop();
  world = await world.restart({ config: 'store: { numbers: [size, ms] }' });
  world.log.append(line(5, '6'), { keys });
  await world.settled();
  await world.worker.stop();
  const stored = await world.engine.run({
    sql: `SELECT message, number_ms, number_size FROM ${world.database}.records ORDER BY message`,
  });
  expect(stored).toEqual([
    { message: 'm1', number_ms: 12.5, number_size: 1 },
    { message: 'm2', number_ms: null, number_size: 2 },
    { message: 'm3', number_ms: -4, number_size: 3 },
    { message: 'm4', number_ms: null, number_size: null },
    { message: 'm5', number_ms: 6, number_size: 5 },
  ]);
});

it('questions name no tail that never had a row', async () => {
  world = await openWorld();
  const sources = async (): Promise<number> => {
    let n = 0;
    await world.store.runQuery({
      sql: ({ records }) => {
        n = records.length;
        return 'SELECT 1';
      },
    });
    return n;
  };
  expect(await sources()).toBe(1);
  world.log.append(line(1, '1'), { keys });
  await world.settled();
  expect(await sources()).toBe(2);
});
