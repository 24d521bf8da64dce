import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { SqlProgress } from '../../flow.ts';
import { mergeTreeSettings, profileSettings, serverSettings } from './config-file.ts';
import { memoryBudget } from './memory-budget.ts';
import { engineMemory, processUsage } from './process.ts';
import { snapshotsTaken } from '../snapshots-taken.ts';
import { remoteEngine } from './remote.ts';
import { type EmbeddedEngine, embeddedEngine } from './supervisor.ts';

const GiB = 2 ** 30;
const budget = memoryBudget({ engine: GiB, query: 0 }, { total: 8 * GiB, cgroup: undefined });
const data = mkdtempSync(join(tmpdir(), 'weir-engine-test-'));
let engine: EmbeddedEngine;
const starts: { up: boolean; epoch: number }[] = [];

beforeAll(async () => {
  engine = embeddedEngine({ data, budget, sessions: 6 });
  engine.onStart(async () => {
    await engine.run({ sql: 'CREATE DATABASE IF NOT EXISTS w' });
    starts.push({ up: engine.up(), epoch: engine.epoch() });
  });
  await engine.start();
});
afterAll(async () => {
  await engine.stop();
  rmSync(data, { recursive: true });
});

const heavy = 'SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1';
const running = async (): Promise<string[]> =>
  (await engine.run({ sql: "SELECT query FROM system.processes WHERE query NOT LIKE '%system.processes%'" })).map(r =>
    String(r.query),
  );
async function all<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const piece of pieces) list.push(piece);
  return list;
}
const collect = async <T>(rows: AsyncIterable<T[]>): Promise<T[]> => (await all(rows)).flat();
const bytesOf = async (pieces: AsyncIterable<Uint8Array>): Promise<Buffer> => Buffer.concat(await all(pieces));
const socketOf = (pid: number | undefined): string => {
  const argument =
    readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .find(a => a.startsWith('{')) ?? '{}';
  return join((JSON.parse(argument) as { runDirectory: string }).runDirectory, 'engine.sock');
};

test('the allocator of the engine takes our settings', async () => {
  const rows = await engine.run({ sql: 'SELECT * FROM system.jemalloc_stats' });
  const report = Object.values(rows[0] ?? {}).join('\n');
  for (const [name, value] of engineMemory(availableParallelism())
    .split(',')
    .map(setting => setting.split(':')))
    expect(report).toMatch(new RegExp(`opt\\.${name}: "?${value}\\b`));
});

test('listeners were called before the engine was up', () => {
  expect(starts).toEqual([{ up: false, epoch: 1 }]);
  expect(engine.up()).toBe(true);
});

test('the official client works with it unchanged', async () => {
  const agent = new Agent({ keepAlive: true, socketPath: socketOf(engine.pid()) } as ConstructorParameters<
    typeof Agent
  >[0]);
  const client = createClient({ url: 'http://localhost', http_agent: agent, log: { level: 127 } });
  expect(await client.ping()).toEqual({ success: true });
  await client.command({ query: 'CREATE TABLE w.official (a UInt64, s String) ENGINE = Memory' });
  await client.insert({
    table: 'w.official',
    values: [
      { a: 1, s: 'ä\n"' },
      { a: 2, s: '' },
    ],
    format: 'JSONEachRow',
  });
  const answer = await client.query({
    query: 'SELECT * FROM w.official ORDER BY a',
    format: 'JSONEachRow',
    clickhouse_settings: { max_threads: 1 },
  });
  expect(await answer.json()).toEqual([
    { a: '1', s: 'ä\n"' },
    { a: '2', s: '' },
  ]);
  const json = await (await client.query({ query: 'SELECT 1 AS x', format: 'JSON' })).json<{ x: number }>();
  expect(json.data).toEqual([{ x: 1 }]);
  // A status where the engine refuses at once, else an exception in the stream.
  await expect(
    client.query({ query: 'SELECT nope', format: 'JSONEachRow' }).then(refused => refused.json()),
  ).rejects.toThrow(/nope/);
  const late = await client.query({ query: 'SELECT throwIf(number = 1500000) FROM numbers(3000000)', format: 'CSV' });
  await expect(all(late.stream())).rejects.toThrow(/non-zero|error in the stream/);
  await client.close();
  agent.destroy();
});

test('numbers beyond 2^53 arrive whole, and errors carry the engine code but no SQL', async () => {
  expect(await engine.run({ sql: 'SELECT 18446744073709551615 AS x, nan AS n' })).toEqual([
    { x: '18446744073709551615', n: null },
  ]);
  const fault = await engine.run({ sql: 'SELECT secret_column' }).catch((error: unknown) => error);
  expect(fault).toMatchObject({ code: 'query_failed', engineCode: 47 });
  expect((fault as Error).message).not.toContain('secret');
});

test('more queries than sessions wait their turn', async () => {
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      const sql = `SELECT ${i} AS i, count() AS n FROM numbers(1000000)`;
      return i % 2 === 0 ? engine.run({ sql }) : collect(await engine.client.stream({ sql }));
    }),
  );
  expect(answers.map(rows => rows[0]?.i)).toEqual(Array.from({ length: 30 }, (_, i) => i));
});

test('queries of users leave sessions for the service, and abort stops them all', async () => {
  const abort = new AbortController();
  const slow = Array.from({ length: 10 }, () =>
    engine.client.stream({ sql: heavy, signal: abort.signal }).then(collect),
  );
  const settled = Promise.allSettled(slow);
  await vi.waitFor(async () => expect((await running()).length).toBe(3), 5_000);
  expect(await engine.run({ sql: 'SELECT 1 AS x' })).toEqual([{ x: 1 }]);
  abort.abort();
  for (const result of await settled)
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'query_cancelled' } });
  await vi.waitFor(async () => expect(await running()).toEqual([]), 5_000);
});

test('rows come in batches with progress; breaking off stops the query', async () => {
  const progress: SqlProgress[] = [];
  const rows = await engine.client.stream(
    { sql: 'SELECT number, sipHash64(number) AS h FROM numbers(100000000000)' },
    p => progress.push(p),
  );
  let seen = 0;
  for await (const batch of rows) {
    seen += batch.length;
    // progress comes every 100 ms; a fast machine has the rows before
    if (seen > 200_000 && progress.length > 0) break;
  }
  await vi.waitFor(async () => expect(await running()).toEqual([]), 5_000);
  expect(progress.at(-1)?.readRows).toBeGreaterThan(0);
});

test('memory that a statement has freed goes back to the system within a second and a half', async () => {
  const resident = (): number => processUsage(engine.pid()).rssBytes / 1e6;
  await engine.run({ sql: 'SELECT count() FROM (SELECT number FROM numbers(1000) GROUP BY number)' });
  const before = resident();
  await engine.run({
    sql: 'SELECT count() FROM (SELECT toString(number) AS k, count() FROM numbers(2000000) GROUP BY k)',
  });
  // 60 to 75 MB now; with the engine's own decay of 5 s, 48 MB of it would still be there after 1.8 s
  expect(resident() - before).toBeGreaterThan(30);
  await vi.waitFor(
    async () => {
      await engine.run({ sql: 'SELECT 1' });
      expect(resident() - before).toBeLessThan(25);
    },
    { timeout: 1_500, interval: 50 },
  );
});

test('a stream resolves when it started, long before it ends', async () => {
  const start = performance.now();
  const rows = await engine.client.stream({
    sql: heavy,
    settings: { max_execution_time: 2, timeout_overflow_mode: 'break' },
  });
  expect(performance.now() - start).toBeLessThan(1_500);
  // cut off without an error; an aggregation has no answer then
  expect(await collect(rows)).toEqual([]);
  expect(performance.now() - start).toBeGreaterThan(1_900);
});

test('a small answer comes in one piece, like that of a stream', async () => {
  const sql = `SELECT number AS n, concat('ä\\n\\0', toString(number)) AS text FROM numbers(150)`;
  const progress: SqlProgress[] = [];
  const small = await engine.client.stream({ sql, small: true }, p => progress.push(p));
  expect(await collect(small)).toEqual(await collect(await engine.client.stream({ sql })));
  expect(progress.at(-1)?.readRows).toBe(150);
  expect(await collect(await engine.client.stream({ sql: 'SELECT 1 WHERE 0', small: true }))).toEqual([]);
  const refused = engine.client.stream({ sql: 'SELECT secret', small: true });
  await expect(refused).rejects.toMatchObject({ code: 'query_failed', engineCode: 47 });
  expect(await collect(await engine.client.stream({ sql: 'SELECT 2 AS x', small: true }))).toEqual([{ x: 2 }]);
});

test('what a failed statement has written is before no other answer', async () => {
  const sql = "SELECT number AS other, throwIf(number > 100000, 'too far') AS t FROM numbers(200000)";
  const settings = { max_block_size: 1000 };
  const ask: ((statement: { sql: string; settings?: { max_block_size: number } }) => Promise<unknown>)[] = [
    statement => engine.run(statement),
    async statement => collect(await engine.client.stream({ ...statement, small: true })),
    async statement => collect(await engine.client.stream(statement)),
    async statement => JSON.parse(String(await bytesOf(await engine.client.raw(statement, 'JSON')))).data,
  ];
  for (const bad of ask)
    for (const good of ask) {
      await expect(bad({ sql, settings })).rejects.toMatchObject({ engineCode: 395 });
      expect(await good({ sql: 'SELECT 1 AS x' })).toEqual([{ x: 1 }]);
    }
});

test('a small answer ends where it ends, whatever it leaves of the buffer it was written to', async () => {
  // Answers with their last line have a few hundred bytes more than the text, so that one of them has 4,096 and fills the buffer.
  const sizes = Array.from({ length: 400 }, (_, i) => 3700 + i);
  for (const size of sizes) {
    const sql = `SELECT repeat('z', ${size}) AS text`;
    expect(await collect(await engine.client.stream({ sql, small: true }))).toEqual([{ text: 'z'.repeat(size) }]);
  }
});

test('a small answer that takes long after all can be watched, seen to have its snapshot, and stopped', async () => {
  const progress: SqlProgress[] = [];
  const abort = new AbortController();
  const asked = engine.client
    .stream({ sql: heavy, queryId: 'weir-long', small: true, signal: abort.signal }, p => progress.push(p))
    .catch((error: unknown) => error);
  await vi.waitFor(
    async () => expect(await snapshotsTaken(engine, ['weir-other', 'weir-long'])).toEqual(['weir-long']),
    5_000,
  );
  await vi.waitFor(() => expect(progress.at(-1)?.readRows).toBeGreaterThan(0), 5_000);
  expect(progress.at(-1)?.totalRows).toBe(100_000_000_000);
  abort.abort();
  expect(await asked).toMatchObject({ code: 'query_cancelled' });
  await vi.waitFor(async () => expect(await running()).toEqual([]), 5_000);
});

test('a heavy plan on one session does not hold up others', async () => {
  const abort = new AbortController();
  const planning = engine.client
    .stream({ sql: `SELECT (${heavy}) AS x`, signal: abort.signal })
    .catch((error: unknown) => error);
  await new Promise(done => setTimeout(done, 100));
  expect(await collect(await engine.client.stream({ sql: 'SELECT 1 AS x' }))).toEqual([{ x: 1 }]);
  abort.abort();
  expect(await planning).toMatchObject({ code: 'query_cancelled' });
  await vi.waitFor(async () => expect(await running()).toEqual([]), 5_000);
});

test('kill by query id, running or waiting', async () => {
  const queryId = 'kill-me:1';
  const rows = collect(await engine.client.stream({ sql: heavy, queryId }));
  await engine.client.kill(queryId);
  await expect(rows).rejects.toMatchObject({ code: 'query_cancelled' });
});

test('time and memory limits are named', async () => {
  const timed = engine.client.stream({ sql: heavy, settings: { max_execution_time: 0.2 } }).then(collect);
  await expect(timed).rejects.toMatchObject({
    code: 'query_limit',
    engineCode: 159,
    message: expect.stringMatching(/longer than 200 ms.*limits\.query_timeout/),
  });
  const big = engine.run({ sql: 'SELECT number, count() FROM numbers(100000000) GROUP BY number' });
  await expect(big).rejects.toMatchObject({
    code: 'query_limit',
    engineCode: 241,
    message: expect.stringMatching(/more memory than 256.00 MiB.*limits\.query_memory/),
  });
});

test('an error behind the first rows is not taken for the end', async () => {
  const sql = 'SELECT throwIf(number = 1200000) AS x FROM numbers(1500000)';
  await expect(engine.client.stream({ sql }).then(collect)).rejects.toMatchObject({ engineCode: 395 });
  for (const format of ['CSV', 'JSONEachRow', 'Parquet']) {
    await expect(engine.client.raw({ sql }, format).then(bytesOf), format).rejects.toMatchObject({ engineCode: 395 });
  }
});

test('binary and headed formats arrive intact', async () => {
  const sql =
    'SELECT number AS n, concat(char(0, 255, 10, 13), toString(number)) AS s FROM numbers(300000) SETTINGS max_threads = 2';
  const parquet = await bytesOf(await engine.client.raw({ sql }, 'Parquet'));
  writeFileSync(join(data, 'back.parquet'), parquet);
  const [back] = await engine.run({
    sql: `SELECT count() AS c, sum(n) AS total, countIf(s = concat(char(0, 255, 10, 13), toString(n))) AS same FROM file('${join(data, 'back.parquet')}')`,
  });
  expect(back).toEqual({ c: '300000', total: '44999850000', same: '300000' });
  const csv = await bytesOf(
    await engine.client.raw({ sql: 'SELECT number AS n FROM numbers(200000)' }, 'CSVWithNames'),
  );
  expect(csv.toString().match(/"n"/g)).toHaveLength(1);
  const binary = await bytesOf(
    await engine.client.raw({ sql: 'SELECT char(0, 255, 0) AS s FROM numbers(2)' }, 'RowBinary'),
  );
  expect(binary).toEqual(Buffer.from([3, 0, 255, 0, 3, 0, 255, 0]));
});

test('a statement that is refused before it runs leaves its id free', async () => {
  await expect(engine.client.run({ sql: 'SET max_threads = 1', queryId: 'refused' })).rejects.toThrow('failed');
  expect(await engine.client.run({ sql: 'SELECT 1 AS x', queryId: 'refused' })).toEqual([{ x: 1 }]);
});

test('a request whose body is too large is refused', async () => {
  const socket = connect(socketOf(engine.pid()));
  const answer = new Promise<string>((resolve, reject) => {
    let text = '';
    socket.setEncoding('latin1').on('error', reject);
    socket.on('data', (piece: string) => {
      text += piece;
      if (text.includes('\r\n\r\n')) resolve(text);
    });
  });
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${65 * 2 ** 20}\r\n\r\n`);
  for (let i = 0; i < 65; i++) socket.write(Buffer.alloc(2 ** 20, ' '));
  expect(await answer).toMatch(/^HTTP\/1\.1 500 [\s\S]*X-ClickHouse-Exception-Code: 307\b/i);
  socket.destroy();
  expect(await engine.client.run({ sql: 'SELECT 1 AS x' })).toEqual([{ x: 1 }]);
});

test('settings of a statement do not outlive it', async () => {
  await engine.run({ sql: 'CREATE TABLE w.s (x String) ENGINE = Memory' });
  const insert = "INSERT INTO w.s SELECT getSetting('count_distinct_implementation')";
  await engine.run({ sql: insert, settings: { count_distinct_implementation: "o'clock" } });
  for (let i = 0; i < 4; i++) await engine.run({ sql: insert });
  await expect(engine.run({ sql: insert, settings: { no_such_setting: 1 } })).rejects.toMatchObject({
    engineCode: 115,
  });
  for (let i = 0; i < 4; i++) await engine.run({ sql: insert });
  expect(await engine.run({ sql: 'SELECT x, count() AS n FROM w.s GROUP BY x ORDER BY x' })).toEqual([
    { x: "o'clock", n: '1' },
    { x: 'uniqExact', n: '8' },
  ]);
  // By it the row filters know our own statements; a session must not lose it.
  await expect(engine.run({ sql: insert, settings: { log_comment: 'x' } })).rejects.toMatchObject({ engineCode: 36 });
});

test('a statement for a tenant sees its rows only, and nobody reaches other machines', async () => {
  await engine.run({ sql: 'CREATE DATABASE weir' });
  await engine.run({ sql: 'CREATE TABLE weir.records (tenant String, n UInt8) ENGINE = MergeTree ORDER BY tenant' });
  await engine.run({ sql: "INSERT INTO weir.records VALUES ('a', 1), ('b', 2), ('b', 3)" });
  const sums = async (from: string, settings?: Record<string, string>): Promise<unknown> =>
    (await engine.run({ sql: `SELECT toString(sum(n)) AS sum FROM ${from}`, ...(settings && { settings }) }))[0]?.sum;
  for (const from of [
    'weir.records',
    "merge('weir', 'records')",
    '(SELECT * FROM weir.records WHERE 1 OR tenant = 1 :: String)',
  ]) {
    expect([from, await sums(from)]).toEqual([from, '6']);
    expect([from, await sums(from, { log_comment: 'a' })]).toEqual([from, '1']);
    expect([from, await sums(from, { log_comment: '' })]).toEqual([from, '0']);
    expect([from, await sums(from)]).toEqual([from, '6']);
  }
  for (const from of ["url('http://127.0.0.1:1/', CSV, 'n UInt8')", "remote('127.0.0.1:1', system.one)"])
    await expect(sums(from), from).rejects.toMatchObject({ engineCode: 497 });
  await expect(engine.run({ sql: 'BACKUP DATABASE weir TO Null' })).rejects.toThrow(/failed in the engine/);
});

test('the engine took every value of the configuration files', async () => {
  const cores = (await import('node:os')).availableParallelism();
  const read = async (table: string): Promise<Map<string, number>> =>
    new Map(
      (await engine.run({ sql: `SELECT name, value FROM system.${table}` })).map(r => [
        String(r.name),
        r.value === 'true' ? 1 : Number(r.value),
      ]),
    );
  for (const [table, wanted] of [
    ['server_settings', serverSettings({ budget, cores })],
    ['merge_tree_settings', mergeTreeSettings],
    ['settings', profileSettings({ budget, cores })],
  ] as const) {
    const values = await read(table);
    expect(Object.fromEntries(Object.keys(wanted).map(name => [name, values.get(name)])), table).toEqual(wanted);
  }
  expect(
    await engine.run({ sql: "SELECT name FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'" }),
  ).toEqual([]);
});

test('pools with nothing to do are not woken all the time for each table', async () => {
  for (let k = 0; k < 10; k++)
    await engine.run({ sql: `CREATE TABLE w.idle_${k} (a UInt64) ENGINE = MergeTree ORDER BY a` });
  /** How often the threads of this name have slept so far. */
  const pauses = (name: string): number => {
    const tasks = `/proc/${engine.pid()}/task`;
    return readdirSync(tasks)
      .map(thread => readFileSync(`${tasks}/${thread}/status`, 'utf8'))
      .filter(status => status.startsWith(`Name:\t${name}\n`))
      .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]), 0);
  };
  const name = 'BgStrmSchPool';
  const before = pauses(name);
  expect(before).toBeGreaterThan(0);
  await new Promise(done => setTimeout(done, 3_000));
  // Each table has one such task, which a pause of 0.1 s would start several times.
  expect(pauses(name) - before).toBeLessThan(20);
  for (let k = 0; k < 10; k++) await engine.run({ sql: `DROP TABLE w.idle_${k} SYNC` });
});

test('a second engine on the same directory is refused with its holder', async () => {
  const second = embeddedEngine({ data, budget, lockedMillisMax: 0 });
  await expect(second.start()).rejects.toThrow(
    new RegExp(`data directory ${data} is in use by process ${engine.pid()}`),
  );
});

test('a server by URL is the same engine: away it is down, back it counts as restarted', async () => {
  const socketPath = socketOf(engine.pid());
  const serve = async (port: number): Promise<Server> => {
    const server = createServer(client => {
      const upstream = connect(socketPath);
      client.on('error', () => upstream.destroy()).pipe(upstream);
      upstream.on('error', () => client.destroy()).pipe(client);
      server.on('shut', () => client.destroy());
    });
    await new Promise<void>(done => server.listen(port, '127.0.0.1', done));
    return server;
  };
  const server = await serve(0);
  const { port } = server.address() as AddressInfo;
  const remote = remoteEngine({ url: `http://127.0.0.1:${port}`, probeMillis: 50 });
  const told: boolean[] = [];
  remote.onStart(async () => void told.push(remote.up()));
  await remote.start();
  expect([remote.up(), remote.epoch(), told]).toEqual([true, 1, [false]]);
  expect(await remote.run({ sql: 'SELECT 18446744073709551615 AS x' })).toEqual([{ x: '18446744073709551615' }]);
  expect(await collect(await remote.client.stream({ sql: 'SELECT 1 AS x' }))).toEqual([{ x: 1 }]);
  server.close();
  server.emit('shut');
  await vi.waitFor(() => expect(remote.up()).toBe(false), 5_000);
  await expect(remote.run({ sql: 'SELECT 1' })).rejects.toMatchObject({ code: 'engine_down' });
  const again = await serve(port);
  await vi.waitFor(() => expect(remote.up()).toBe(true), 5_000);
  expect(told).toEqual([false, false]);
  await remote.stop();
  again.close();
});

test('killed, it comes back and calls the listeners again', async () => {
  const before = engine.pid();
  const waiting = engine.client.stream({ sql: heavy }).then(collect);
  await new Promise(done => setTimeout(done, 200));
  process.kill(before ?? 0, 'SIGKILL');
  await expect(waiting).rejects.toMatchObject({ code: 'engine_down' });
  await vi.waitFor(() => expect(engine.up()).toBe(false), { timeout: 2_000, interval: 1 });
  await vi.waitFor(() => expect(engine.up()).toBe(true), 10_000);
  expect(starts).toEqual([1, 2].map(epoch => ({ up: false, epoch })));
  expect(engine.pid()).not.toBe(before);
  expect(await engine.run({ sql: 'SELECT 1 AS x' })).toEqual([{ x: 1 }]);
});

test('hung, it is killed by the watchdog and comes back', async () => {
  const other = mkdtempSync(join(tmpdir(), 'weir-engine-hang-'));
  const hanging = embeddedEngine({ data: other, budget, sessions: 3, hangMillis: 1_000 });
  await hanging.start();
  const before = hanging.pid() ?? 0;
  process.kill(before, 'SIGSTOP');
  await vi.waitFor(() => expect([hanging.up(), hanging.epoch()]).toEqual([true, 2]), 15_000);
  expect(hanging.pid()).not.toBe(before);
  expect(() => process.kill(before, 0)).toThrow(/ESRCH/);
  await hanging.stop();
  rmSync(other, { recursive: true });
});

test('a listener that fails the first start fails it, and leaves no process', async () => {
  const other = mkdtempSync(join(tmpdir(), 'weir-engine-listener-'));
  const failing = embeddedEngine({ data: other, budget, sessions: 3 });
  failing.onStart(async () => {
    await failing.run({ sql: 'SELECT nope' });
  });
  await expect(failing.start()).rejects.toMatchObject({ engineCode: 47 });
  expect(failing.up()).toBe(false);
  expect(() => process.kill(failing.pid() ?? 0, 0)).toThrow(/ESRCH/);
  rmSync(other, { recursive: true });
});

test('without people there are no row filters', async () => {
  const other = mkdtempSync(join(tmpdir(), 'weir-engine-alone-'));
  const alone = embeddedEngine({ data: other, budget, sessions: 3, rowFilters: false });
  await alone.start();
  await alone.run({ sql: 'CREATE DATABASE weir' });
  await alone.run({ sql: 'CREATE TABLE weir.records (tenant String) ENGINE = MergeTree ORDER BY tenant' });
  await alone.run({ sql: "INSERT INTO weir.records VALUES ('a')" });
  const sql = 'SELECT count() AS n FROM weir.records';
  expect(await alone.run({ sql, settings: { log_comment: 'b' } })).toEqual([{ n: '1' }]);
  await alone.stop();
  rmSync(other, { recursive: true });
});

test('it stops while queries run', async () => {
  const other = mkdtempSync(join(tmpdir(), 'weir-engine-stop-'));
  const stopping = embeddedEngine({ data: other, budget, sessions: 6 });
  await stopping.start();
  const rows = Array.from({ length: 6 }, () => stopping.client.stream({ sql: heavy }).then(collect));
  const settled = Promise.allSettled([...rows, stopping.run({ sql: heavy })]);
  await new Promise(done => setTimeout(done, 300));
  const start = performance.now();
  await stopping.stop();
  expect(performance.now() - start).toBeLessThan(7_000);
  for (const result of await settled) expect(result.status).toBe('rejected');
  rmSync(other, { recursive: true });
});

test('the child dies with its parent', async () => {
  const other = mkdtempSync(join(tmpdir(), 'weir-engine-parent-'));
  const supervisor = fileURLToPath(new URL('./supervisor.ts', import.meta.url));
  const program = `const { embeddedEngine } = await import(${JSON.stringify(supervisor)});
    const e = embeddedEngine({ data: ${JSON.stringify(other)}, budget: ${JSON.stringify(budget)} });
    await e.start(); console.log(e.pid()); setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(line.toString());
  expect(() => process.kill(child, 0)).not.toThrow();
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow(/ESRCH/), 3_000);
  rmSync(other, { recursive: true });
});
