import assert from 'node:assert/strict';
import { afterEach, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const lines = (from: number, n: number): string =>
  Array.from(
    { length: n },
    (_, i) => `{"ts":"2026-11-20T00:00:00Z","service":"s${i % 5}","message":"number ${from + i}"}\n`,
  ).join('');
const keys = ['ts', 'service', 'message'];
const count = 'count() AS n, uniqExact(seq) AS u, toString(max(seq)) AS last';

it('shows every acknowledged record exactly once to questions that run while tails are sealed', async () => {
  world = await openWorld({ bounds: { sealBytes: 60_000, tickMillisMin: 1 } });
  const { log } = world;
  let visible = 0n;
  world.worker.onVisible((_, to) => {
    visible = to;
  });
  let appended = 0;
  const until = performance.now() + 6_000;
  const writer = (async () => {
    while (performance.now() < until) {
      log.append(lines(appended, 100), { keys });
      appended += 100;
      if (appended % 5_000 === 0) log.roll();
      await new Promise(resolve => setTimeout(resolve, 4));
    }
  })();
  let asked = 0;
  const faults: string[] = [];
  const rowsUpTo = (seq: bigint): number =>
    log.frames.filter(f => f.seq < seq).reduce((n, f) => n + f.header.records, 0);
  const reader = async (): Promise<void> => {
    while (performance.now() < until) {
      const before = rowsUpTo(visible);
      const [row] = await world.ask(count);
      asked++;
      const n = Number(row?.n);
      if (n !== Number(row?.u)) faults.push(`${n} rows, ${Number(row?.u)} different`);
      if (n < before) faults.push(`${n} rows, ${before} were visible before`);
      // Ticks go in in order, so what is seen is a prefix of the log.
      if (n !== rowsUpTo(BigInt(String(row?.last)) + 1n)) faults.push(`${n} rows up to ${String(row?.last)}`);
    }
  };
  await Promise.all([writer, reader(), reader(), reader(), reader()]);
  await world.settled();
  const [all] = await world.ask(count);
  const seals = await world.engine.run({ sql: `SELECT count() AS n FROM ${world.database}.ledger` });
  expect(faults).toEqual([]);
  expect(Number(all?.n)).toBe(appended);
  expect(asked).toBeGreaterThan(20);
  expect(Number(seals[0]?.n)).toBeGreaterThan(4);
});

it('tells at every start how far records are visible, before more come', async () => {
  world = await openWorld({ bounds: { tickMillisMin: 1 } });
  expect(world.border()).toBe(1n << 32n);
  world.log.append(lines(0, 50), { keys });
  await world.settled();
  const last = world.log.frames.at(-1);
  assert(last, 'a frame was appended');
  expect(world.border()).toBe(last.seq + 50n);
  await world.worker.stop();
  world = await world.restart();
  expect(world.border()).toBe(last.seq + 50n);
});

it('seals a tail of many blocks into one part per partition', async () => {
  world = await openWorld({ bounds: { tickMillisMin: 1 } });
  for (let i = 0; i < 20; i++) {
    world.log.append(lines(i * 50, 50), { keys });
    await world.settled();
  }
  await world.worker.stop();
  const parts = await world.engine.run({
    sql: `SELECT count() AS parts, sum(rows) AS rows FROM system.parts WHERE active AND database = '${world.database}' AND table = 'records'`,
  });
  expect(parts).toEqual([{ parts: '1', rows: '1000' }]);
  const last = world.log.frames.at(-1);
  assert(last, 'frames were appended');
  expect(world.log.storedUntil()).toBe(last.seq + 50n);
});

it('gives the table one part a seal and nothing else, however many seals came before', async () => {
  world = await openWorld({ bounds: { sealBytes: 1_000, tickMillisMin: 1 } });
  for (let i = 0; i < 8; i++) {
    world.log.append(lines(i * 50, 50), { keys });
    if (i === 3) world.log.append('{"raw":"eA==","reason":"odd","line":1}\n', { format: 'quarantine' });
    await world.settled();
  }
  await world.worker.stop();
  const parts = await world.engine.run({
    sql: `SELECT sum(rows) AS all, countIf(rows = 0) AS empty, max(level) AS merged FROM system.parts WHERE active AND database = '${world.database}' AND table = 'records'`,
  });
  expect(parts).toEqual([{ all: '400', empty: '0', merged: 0 }]);
  expect(await world.askQuarantine('raw')).toEqual([{ raw: 'x' }]);
});

// Where a process may die, by the statement it was about to send; then everything starts anew on the same directory and log.
const deaths: [string, RegExp][] = [
  ['while a tick is inserted', /INSERT INTO `weir_\d+`.`tail_\d+` \(/],
  ['before there is a staging table', /CREATE TABLE `?weir_\d+`?.`?staging`? \(/],
  ['before staging is filled', /INSERT INTO `weir_\d+`.`staging` SELECT/],
  ['before the first partition moves', /`staging` MOVE PARTITION/],
  ['after records moved, before streams are written', /INSERT INTO `weir_\d+`.`streams` /],
  ['before the ledger is written', /INSERT INTO `weir_\d+`.`ledger`/],
  ['before the tail is dropped', /DROP TABLE IF EXISTS `weir_\d+`.`tail_/],
];

it.each(deaths)('loses and doubles nothing when it dies %s', async (_, where) => {
  world = await openWorld({
    config: 'retention: { rules: [{ service: s1, days: 7 }] }',
    bounds: { sealBytes: 20_000, tickMillisMin: 1 },
  });
  let appended = 0;
  const append = (n: number): void => {
    world.log.append(lines(appended, n), { keys });
    world.log.append('not json\n', { format: 'quarantine' });
    const frame = world.log.frames.at(-1);
    assert(frame, 'a frame was appended');
    frame.payload = Buffer.from('{"raw":"YmFk","reason":"no json","line":3}\n');
    appended += n;
  };
  append(120);
  await world.settled();
  let hits = 0;
  world.engine.before = sql => {
    if (where.test(sql) && ++hits === 1) world.engine.crash();
  };
  for (let i = 0; i < 20; i++) {
    append(60);
    if (i === 10) world.log.roll();
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  for (let i = 0; i < 500 && hits === 0; i++) await new Promise(resolve => setTimeout(resolve, 10));
  world.engine.before = () => {};
  expect(hits).toBeGreaterThan(0);
  await world.engine.start();
  await world.settled();
  append(30);
  await world.settled();
  await world.worker.stop();
  const [row] = await world.ask(count);
  expect(row).toMatchObject({ n: String(appended), u: String(appended) });
  const [quarantine] = await world.engine.run({
    sql: `SELECT count() AS n, uniqExact(seq) AS u FROM ${world.database}.quarantine`,
  });
  expect(quarantine).toEqual({ n: '22', u: '22' });
  expect(await streamRows()).toBe(appended);
});

/** Records by the sums of the streams. */
async function streamRows(): Promise<number> {
  const [row] = await world.engine.run({ sql: `SELECT sum(rows) AS n FROM ${world.database}.streams` });
  return Number(row?.n);
}

it.each(['before', 'after'] as const)(
  'counts the streams anew when their INSERT fails %s it was carried out',
  async when => {
    world = await openWorld({ bounds: { sealBytes: 20_000, tickMillisMin: 1 } });
    let failed = 0;
    world.engine[when] = sql => {
      if (/INSERT INTO `weir_\d+`.`streams` /.test(sql) && ++failed === 2)
        throw new Error('Code: 1000. the answer is lost');
    };
    for (let i = 0; i < 20; i++) {
      world.log.append(lines(i * 60, 60), { keys });
      await world.settled();
    }
    await world.worker.stop();
    expect(failed).toBeGreaterThan(2);
    expect(await streamRows()).toBe(1_200);
    const [row] = await world.ask(count);
    expect(row).toMatchObject({ n: '1200', u: '1200' });
  },
);
