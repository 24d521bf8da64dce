import { afterEach, expect, it } from 'vitest';
import { compileCondition } from '../../src/language/condition.ts';
import { openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const hour = 3_600_000;
const ever = { start: 0n, end: 4_000_000_000n * 1_000_000_000n };
const keys = ['service', 'message', 'user'];
const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
/** Later than every bound of time: cancelling is over, and what was on its way has arrived. */
const later = (): number => Date.now() + 48 * hour;

const open = async (sealBytes = 1_000): Promise<World> => {
  world = await openWorld({ compileCondition, bounds: { sealBytes, tickMillisMin: 1 } });
  return world;
};
let written = 0;
/** Records of two services and two users, all received an hour ago unless said otherwise. */
async function append(records: number, header: { tenant?: string; received?: string } = {}): Promise<void> {
  const lines = Array.from({ length: records }, (_, i) => {
    const user = (written + i) % 2 === 0 ? 'ann' : 'bob';
    return `{"service":"s${i % 3}","message":"{\\"user\\":\\"${user}\\",\\"n\\":${written + i}}","user":"${user}"}\n`;
  });
  written += records;
  world.log.append(lines.join(''), { keys, received: String(now() - BigInt(hour) * 1_000_000n), ...header });
  await world.settled();
}
/** Rows of each user in parts and tails. */
const users = async (): Promise<unknown> =>
  world.ask("countIf(attributes['user'] = 'ann') AS ann, countIf(attributes['user'] = 'bob') AS bob");
const inParts = async (): Promise<unknown> =>
  (
    await world.engine.run({
      sql: `SELECT tenant, attributes['user'] AS user, count() AS n FROM ${world.database}.records GROUP BY tenant, user ORDER BY tenant, user`,
    })
  ).map(row => `${String(row.tenant)} ${String(row.user)} ${String(row.n)}`);
const streamRows = async (): Promise<unknown> =>
  (
    await world.engine.run({
      sql: `SELECT tenant, sum(rows) AS n FROM ${world.database}.streams GROUP BY tenant ORDER BY tenant`,
    })
  ).map(row => `${String(row.tenant)} ${String(row.n)}`);
const request = (query: string, more: object = {}) =>
  world.store.deletes.add({ tenant: 'default', query, created: now(), ...ever, ...more });
const carryOut = async (): Promise<string[]> => {
  const removal = world.store.startRemoval(() => world.worker.lag().records === 0);
  try {
    return await removal.run(later());
  } finally {
    await removal.stop();
  }
};

it('removes what matches and was received before, from parts, tails, streams and ledger; nothing else', async () => {
  await open();
  for (let i = 0; i < 5; i++) await append(60);
  await append(20, { tenant: 'other' });
  await world.worker.stop();
  world = await world.restart();
  const made = await request('{service_name=~".+"} | json | user="ann"');
  expect(world.store.deletes.hidden('default')).toHaveLength(1);
  expect(world.store.deletes.hidden('other')).toEqual([]);
  // Received later: not what was asked for.
  await append(10, { received: String(now() + 1_000_000n) });
  expect(await carryOut()).toEqual([made.id]);
  expect(await inParts()).toEqual(['default bob 150', 'other ann 10', 'other bob 10']);
  expect(await users()).toEqual([{ ann: '15', bob: '165' }]);
  expect(await streamRows()).toEqual(['default 150', 'other 20']);
  expect(await world.store.gaps([1])).toEqual([]);
  expect(world.store.deletes.hidden('default')).toEqual([]);
  expect(world.store.deletes.list('default')).toMatchObject([{ id: made.id, state: 'processed' }]);
  // As after a start of the program.
  await world.worker.stop();
  world = await world.restart();
  expect(world.store.deletes.list('default')).toEqual([{ ...made, state: 'processed' }]);
  expect(await inParts()).toEqual(['default ann 5', 'default bob 155', 'other ann 10', 'other bob 10']);
});

it('hides until the tail is sealed without the rows', async () => {
  await open(1_000_000);
  await append(60);
  const made = await request('{service_name=~".+", user!="x"} |= "ann"', { end: now() });
  expect(await carryOut()).toEqual([]);
  expect(world.store.deletes.list('default')).toMatchObject([{ state: 'processing' }]);
  expect(world.store.deletes.hidden('default')).toHaveLength(1);
  expect(await world.store.deletes.cancel('default', made.id)).toBe('processing');
  await world.worker.stop();
  expect(await inParts()).toEqual(['default bob 30']);
  expect(await streamRows()).toEqual(['default 30']);
  expect(await world.store.gaps([1])).toEqual([]);
  world = await world.restart();
  expect(await carryOut()).toEqual([made.id]);
});

it('removes whole parts and partitions, and stores on', async () => {
  await open();
  await append(60, { received: String(now() - BigInt(50 * hour) * 1_000_000n) });
  await append(60);
  await append(60, { tenant: 'other' });
  await world.worker.stop();
  world = await world.restart();
  await request('{service_name=~"s.*"}');
  expect(await carryOut()).toHaveLength(1);
  expect(await inParts()).toEqual(['other ann 30', 'other bob 30']);
  expect(await streamRows()).toEqual(['other 60']);
  const empty = `SELECT count() AS n FROM system.parts WHERE active AND rows = 0 AND database = '${world.database}'`;
  expect(await world.engine.run({ sql: empty })).toEqual([{ n: '0' }]);
  for (let i = 0; i < 3; i++) await append(60, { received: String(now()) });
  await world.worker.stop();
  await world.engine.run({ sql: `OPTIMIZE TABLE ${world.database}.records FINAL` });
  expect(await inParts()).toEqual(['default ann 90', 'default bob 90', 'other ann 30', 'other bob 30']);
  expect(await world.store.gaps([1])).toEqual([]);
});

it('does not bring rows back when the store is refilled from the log', async () => {
  await open();
  for (let i = 0; i < 4; i++) await append(60);
  await world.worker.stop();
  world = await world.restart();
  await request('{service_name=~".+"} | json | user="ann"');
  expect(await carryOut()).toHaveLength(1);
  // A damaged part after a power cut: the rows of the segment are read from the log again.
  const [part] = await world.engine.run({
    sql: `SELECT name FROM system.parts WHERE active AND database = '${world.database}' AND table = 'records' LIMIT 1`,
  });
  await world.engine.run({ sql: `ALTER TABLE ${world.database}.records DETACH PART '${String(part?.name)}'` });
  await world.engine.run({
    sql: `ALTER TABLE ${world.database}.ledger UPDATE boot = 'another' WHERE 1 SETTINGS mutations_sync = 1`,
  });
  expect(await inParts()).not.toEqual(['default bob 120']);
  world = await world.restart();
  await world.settled();
  expect(await inParts()).toEqual(['default bob 120']);
  expect(await streamRows()).toEqual(['default 120']);
});

it('waits for the comparison with the log after a power cut, so that no gap is taken for a removal', async () => {
  await open();
  await append(60);
  await world.worker.stop();
  await request('{service_name=~".+"}');
  await world.engine.run({
    sql: `ALTER TABLE ${world.database}.ledger UPDATE boot = 'another' WHERE 1 SETTINGS mutations_sync = 1`,
  });
  expect(await carryOut()).toEqual([]);
  expect(world.store.deletes.list('default')).toMatchObject([{ state: 'received' }]);
});

const deaths: [string, RegExp][] = [
  ['before it is noted as begun', /INSERT INTO `weir_\d+`.`deletes` .*'processing'/],
  ['before the parts are rewritten', /`records` DELETE IN PARTITION/],
  ['while they are rewritten', /FROM system.mutations/],
  ['before the ledger is corrected', /INSERT INTO `weir_\d+`.`ledger`/],
  ['while the streams are counted', /`streams` REPLACE PARTITION/],
  ['before it is noted as done', /INSERT INTO `weir_\d+`.`deletes` .*'processed'/],
];
it.each(deaths)('goes on after the engine died %s', async (_, where) => {
  await open();
  for (let i = 0; i < 3; i++) await append(60);
  await world.worker.stop();
  world = await world.restart();
  const made = await request('{service_name=~".+"} | json | user="ann"');
  let hits = 0;
  world.engine.before = sql => {
    if (where.test(sql) && ++hits === 1) world.engine.crash();
  };
  await expect(carryOut()).rejects.toMatchObject({ code: 'engine_down' });
  expect(hits).toBe(1);
  world.engine.before = () => {};
  await world.engine.start();
  await world.settled();
  expect(world.store.deletes.hidden('default')).toHaveLength(1);
  expect(await carryOut()).toEqual([made.id]);
  expect(await inParts()).toEqual(['default bob 90']);
  expect(await streamRows()).toEqual(['default 90']);
});

it('stops at once although parts are being rewritten, and takes the request up again', async () => {
  await open();
  await append(60);
  await world.worker.stop();
  world = await world.restart();
  const made = await request('{service_name=~".+"} | json | user="ann"');
  const removal = world.store.startRemoval(() => true);
  let asked = 0;
  world.engine.before = sql => {
    if (/FROM system.mutations/.test(sql) && ++asked === 1) void removal.stop();
  };
  // A mutation that never ends, as far as anyone can see.
  const { engine } = world;
  const run = engine.run.bind(engine);
  world.engine.run = async statement =>
    /FROM system.mutations/.test(statement.sql) ? (await run(statement), [{ reason: '' }]) : run(statement);
  await expect(removal.run(later())).rejects.toMatchObject({ name: 'AbortError' });
  expect(asked).toBe(1);
  world.engine.run = run;
  world.engine.before = () => {};
  expect(world.store.deletes.list('default')).toMatchObject([{ state: 'processing' }]);
  expect(await carryOut()).toEqual([made.id]);
  expect(await inParts()).toEqual(['default bob 30']);
});

it('shows the records again when a request is cancelled, and forgets it for good', async () => {
  await open();
  await append(60);
  const made = await request('{service_name=~".+"}');
  expect(await world.store.deletes.cancel('other', made.id)).toBe('unknown');
  expect(await world.store.deletes.cancel('default', made.id)).toBe('cancelled');
  expect(world.store.deletes.hidden('default')).toEqual([]);
  world = await world.restart();
  expect(world.store.deletes.list('default')).toEqual([]);
  expect(await carryOut()).toEqual([]);
  expect(await users()).toEqual([{ ann: '30', bob: '30' }]);
});
