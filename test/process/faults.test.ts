import { afterEach, expect, it } from 'vitest';
import { WeirError } from '../../src/base/errors.ts';
import { openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const lines = (from: number, n: number): string =>
  Array.from({ length: n }, (_, i) => `{"service":"s${i % 3}","message":"number ${from + i}"}\n`).join('');
const keys = ['service', 'message'];

it('puts exactly the lines that the engine refuses into quarantine; their neighbours keep their seq', async () => {
  world = await openWorld();
  const first = world.log.append(lines(0, 10), { keys });
  const bad = world.log.append(`${lines(10, 5)}{"service":"s","message":oops}\n${lines(15, 3)}{"service":\n`, { keys });
  world.log.append(lines(18, 2), { keys });
  world.log.append('{"m":"row","l":{}}\n{"m":"row","l":[]}\n', { format: 'rows', door: 'loki', tenant: 't' });
  await world.settled();
  const rows = await world.ask('toString(seq) AS seq, message');
  expect(rows).toHaveLength(21);
  expect(rows.find(r => r.message === 'number 15')?.seq).toBe(String(bad + 6n));
  const quarantine = await world.askQuarantine('toString(seq) AS seq, raw, reason, door, tenant');
  expect(quarantine.map(q => [q.seq, q.raw, q.door, q.tenant])).toEqual([
    [String(bad + 5n), '{"service":"s","message":oops}', 'json', 'default'],
    [String(bad + 9n), '{"service":', 'json', 'default'],
    [String(bad + 13n), '{"m":"row","l":[]}', 'loki', 't'],
  ]);
  for (const { reason } of quarantine) expect(reason).toMatch(/^Code: \d+.*Cannot/s);
  expect(JSON.stringify(quarantine)).not.toContain('spool');
  await world.worker.stop();
  const [ledger] = await world.engine.run({
    sql: `SELECT sum(quarantined) AS q, sum(arraySum(mapValues(stored))) AS s FROM ${world.database}.ledger`,
  });
  expect(ledger).toEqual({ q: '3', s: '21' });
  expect(first).toBe(1n << 32n);
});

it('waits out a full disk and an unknown error, and blames no line for them', async () => {
  world = await openWorld();
  let failures = 0;
  world.engine.before = sql => {
    if (!/INSERT INTO `weir_\d+`.`(tail_\d+|staging)`/.test(sql) || failures >= 5) return;
    failures++;
    throw Object.assign(new WeirError('query_failed', { code: failures % 2 ? 243 : 1001, id: 'x' }), {
      engineCode: failures % 2 ? 243 : 1001,
    });
  };
  world.log.append(lines(0, 10), { keys });
  await world.settled();
  await world.worker.stop();
  expect(failures).toBe(5);
  expect(await world.ask('count() AS n')).toEqual([{ n: '10' }]);
  expect(await world.askQuarantine('raw')).toEqual([]);
});

it('never blames lines when the engine refuses everything', async () => {
  world = await openWorld();
  let broken = true;
  world.engine.before = sql => {
    if (broken && /file\(/.test(sql))
      throw Object.assign(new WeirError('query_failed', { code: 27, id: 'x' }), { engineCode: 27 });
  };
  world.log.append(lines(0, 10), { keys });
  await new Promise(resolve => setTimeout(resolve, 700));
  broken = false;
  await world.settled();
  expect(await world.ask('count() AS n')).toEqual([{ n: '10' }]);
  expect(await world.askQuarantine('raw')).toEqual([]);
});

it('goes on after a clean stop without reading again, and refills what a damaged part took away', async () => {
  world = await openWorld({ bounds: { sealBytes: 2_000, tickMillisMin: 1 } });
  for (let i = 0; i < 4; i++) {
    world.log.append(lines(i * 100, 100), { keys });
    world.log.append('{"raw":"YmFk","reason":"no json","line":3}\n', { format: 'quarantine' });
    await world.settled();
    world.log.roll();
  }
  await world.worker.stop();
  const streams = 'sum(rows) AS rows, uniqExact(stream) AS streams';
  const before = await world.engine.run({ sql: `SELECT ${streams} FROM ${world.database}.streams` });
  expect(before).toEqual([{ rows: '400', streams: '3' }]);

  let reads = 0;
  const took = world.log.take.bind(world.log);
  world.log.take = async (from, bytes) => {
    const frames = await took(from, bytes);
    reads += frames.length;
    return frames;
  };
  const began = performance.now();
  world = await world.restart();
  expect(performance.now() - began).toBeLessThan(3_000);
  await new Promise(resolve => setTimeout(resolve, 100));
  expect(reads).toBe(0);
  await world.worker.stop();

  // A part set aside, as the engine does with a damaged one, and a row of the quarantine gone.
  const parts = await world.engine.run({
    sql: `SELECT name, table FROM system.parts WHERE active AND database = '${world.database}' AND table IN ('records', 'quarantine') ORDER BY rows DESC`,
  });
  for (const table of ['records', 'quarantine']) {
    const part = parts.find(p => p.table === table);
    await world.engine.run({ sql: `ALTER TABLE ${world.database}.${table} DETACH PART '${String(part?.name)}'` });
  }
  const [lost] = await world.ask('count() AS n');
  expect(Number(lost?.n)).toBeLessThan(400);
  world = await world.restart();
  expect(await world.ask('count() AS n, uniqExact(seq) AS u')).toEqual([{ n: '400', u: '400' }]);
  const [quarantine] = await world.engine.run({
    sql: `SELECT count() AS n, uniqExact(seq) AS u FROM ${world.database}.quarantine`,
  });
  expect(quarantine).toEqual({ n: '4', u: '4' });
  expect(await world.engine.run({ sql: `SELECT ${streams} FROM ${world.database}.streams` })).toEqual(before);
  // The ledger agrees again: nothing is refilled the next time.
  expect(await world.store.gaps([1, 2, 3, 4, 5])).toEqual([]);
});

it('refills after a start of the machine, but not what retention took', async () => {
  world = await openWorld({
    bounds: { sealBytes: 2_000, tickMillisMin: 1 },
    config: 'retention: { rules: [{ service: s1, days: 7 }] }',
  });
  world.log.append(lines(0, 90), { keys });
  await world.settled();
  await world.worker.stop();
  const db = world.database;
  const partitions = await world.engine.run({
    sql: `SELECT partition_id AS id, partition FROM system.parts WHERE active AND database = '${db}' AND table = 'records'`,
  });
  expect(partitions).toHaveLength(2);
  for (const { id, partition } of partitions) {
    await world.engine.run({ sql: `ALTER TABLE ${db}.records DROP PARTITION ID '${String(id)}'` });
    if (String(partition).includes('d7')) {
      const name = String(partition).replace(/[()']/g, '').replace(',', '/');
      await world.engine.run({
        sql: `INSERT INTO ${db}.expired (partition, reason, rows) VALUES ('${name}', 'disk', 30)`,
      });
    }
  }
  await world.engine.run({
    sql: `ALTER TABLE ${db}.ledger UPDATE boot = 'another' WHERE 1 SETTINGS mutations_sync = 1`,
  });
  world = await world.restart();
  const rows = await world.engine.run({ sql: `SELECT class, count() AS n FROM ${db}.records GROUP BY class` });
  expect(rows).toEqual([{ class: 'd30', n: '60' }]);
});

it('says clearly that the log does not belong to the store', async () => {
  world = await openWorld();
  world.log.append(lines(0, 5), { keys });
  world.log.roll();
  world.log.append(lines(5, 5), { keys });
  await world.settled();
  await world.worker.stop();
  world.log.frames.length = 1;
  world.log.segments = () => [{ segment: 1, rows: 5, bytes: 1, sealed: false }];
  const { reconcile } = await import('../../src/process/reconcile.ts');
  const inserter = { insert: async () => new Map<number, number>(), tryOut: async () => {} };
  await expect(
    reconcile({
      source: world.log,
      store: world.store,
      inserter,
      tickBytes: 1,
      sealBytes: 1,
      signal: new AbortController().signal,
    }),
  ).rejects.toThrow(/store has records up to segment 2, but the log ends at segment 1/);
});
