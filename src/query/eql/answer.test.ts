import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';
import type { QueryFrame, QueryRow } from '../contract.ts';

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;

let server: QueryServer;
beforeAll(async () => {
  server = await startQueryServer();
  const record = (i: number, category: string, user: string) => ({
    ts: t0 + BigInt(i) * second,
    message: `${category} ${i}`,
    service: 'auth',
    labels: { service_name: 'auth' },
    attributes: { event_category: category, user },
  });
  await server.store.tick([record(0, 'login', 'ann'), record(1, 'login', 'bob'), record(2, 'file', 'ann')]);
  await server.store.seal();
  await server.store.tick([record(3, 'login', 'ann'), record(4, 'file', 'bob'), record(90, 'file', 'ann')]);
});
afterAll(() => server.close());

const range = { start: `${t0}`, end: `${t0 + 50n * second}` };
const ask = (query: string, more: Record<string, unknown> = {}): Promise<QueryFrame[]> =>
  server.frames('/api/v1/query', { query, ...range, ...more });
const rowsOf = (frames: QueryFrame[]): QueryRow[] => frames.flatMap(f => (f.type === 'rows' ? f.rows : []));
const messages = async (query: string, more?: Record<string, unknown>): Promise<string[]> =>
  rowsOf(await ask(query, more)).map(row => row.message);
const sequences = (frames: QueryFrame[]): unknown[] =>
  frames.flatMap(f =>
    f.type === 'sequence'
      ? [[...f.keys.map(key => `${key.name}=${key.value}`), ...f.events.map(event => event?.message ?? null)]]
      : [],
  );
const warnings = (frames: QueryFrame[]): string[] => frames.flatMap(f => (f.type === 'warning' ? [f.message] : []));

describe('an EQL text in the query API', () => {
  it('gives events as the rows that the same records are in any other answer', async () => {
    const frames = await ask('file where user == "bob"');
    expect(frames[0]).toMatchObject({
      type: 'meta',
      kind: 'logs',
      whole: true,
      logql: 'file where user == "bob"',
      ...range,
    });
    expect(rowsOf(frames)).toEqual(rowsOf(await ask('{service_name="auth"} | event_category="file" | user="bob"')));
    expect(rowsOf(frames)).toHaveLength(1);
    expect(frames.at(-1)).toMatchObject({ type: 'end', rows: 1, partial: false, reason: null });
  });

  it('keeps to the range, newest first or oldest first', async () => {
    expect(await messages('any where true')).toEqual(['file 4', 'login 3', 'file 2', 'login 1', 'login 0']);
    expect(await messages('file where true', { direction: 'forward' })).toEqual(['file 2', 'file 4']);
    expect(await messages('file where true', { end: `${t0 + 4n * second}` })).toEqual(['file 2']);
    expect(await messages('any where true | sort user')).toEqual(['login 0', 'file 2', 'login 3', 'login 1', 'file 4']);
  });

  it('says when a limit left some out', async () => {
    const newest = await ask('login where true', { limit: 2 });
    expect(rowsOf(newest).map(row => row.message)).toEqual(['login 3', 'login 1']);
    expect(warnings(newest)).toEqual([
      'limit 2 of events reached, there may be more; raise the limit, or narrow the query or its time range',
    ]);
    expect(warnings(await ask('login where true', { limit: 0 }))).toEqual([]);
    const some = await ask('sequence by user [login where true] [file where true]', { limit: 1, direction: 'forward' });
    expect(sequences(some)).toEqual([['user=ann', 'login 0', 'file 2']]);
    expect(warnings(some)).toHaveLength(1);
  });

  it('gives sequences with their keys, newest first, and null for an event that must not be there', async () => {
    const found = await ask('sequence by user [login where true] [file where true]');
    expect(found[0]).toMatchObject({ kind: 'sequences', whole: true });
    expect(sequences(found)).toEqual([
      ['user=bob', 'login 1', 'file 4'],
      ['user=ann', 'login 0', 'file 2'],
    ]);
    expect(found.at(-1)).toMatchObject({ type: 'end', rows: 4 });
    expect(sequences(await ask('sequence by user with maxspan=1s [login where true] ![file where true]'))).toEqual([
      ['user=ann', 'login 3', null],
      ['user=bob', 'login 1', null],
      ['user=ann', 'login 0', null],
    ]);
    expect(sequences(await ask('sample by user [file where true] [login where true]'))).toEqual([
      ['user=bob', 'file 4', 'login 1'],
      ['user=ann', 'file 2', 'login 0'],
    ]);
  });

  it('gives counts as a table', async () => {
    const [, table] = await ask('any where true | count user');
    expect(table).toEqual({
      type: 'table',
      columns: [
        { name: 'user', type: 'text' },
        { name: 'count', type: 'number' },
        { name: 'percent', type: 'number' },
      ],
      rows: [
        ['ann', '3', '60'],
        ['bob', '2', '40'],
      ],
    });
  });

  it('says that a cut-off answer is partial, and why', async () => {
    server.store.cutOff = 'it ran longer than 5 ms';
    try {
      expect((await ask('any where true')).at(-1)).toMatchObject({
        type: 'end',
        partial: true,
        reason: expect.stringContaining('longer than 5 ms') as string,
      });
    } finally {
      server.store.cutOff = null;
    }
  });
});

describe('what cannot be answered', () => {
  const fault = async (path: string, body: object): Promise<unknown> => {
    const reply = await server.post(path, body);
    expect(reply.status).toBe(400);
    return ((await reply.json()) as { error: unknown }).error;
  };

  it.each([
    ['login where user = "x"', 1, 18],
    ['login where\n  usr == "x"', 2, 3],
    ['sequence by user [login where true]', 1, 1],
  ])('%s has its line and column', async (query, line, column) => {
    expect(await fault('/api/v1/query', { query, ...range })).toMatchObject({ code: 'bad_query', line, column });
  });

  it('has no pages', async () => {
    expect(await fault('/api/v1/query', { query: 'any where true', after: '1,1' })).toMatchObject({
      message: expect.stringContaining('no next page') as string,
    });
  });

  it.each(['histogram', 'fields', 'tail', 'export'])('%s says that it does not answer EQL', async name => {
    expect(await fault(`/api/v1/${name}`, { query: 'any where user == "ann"', ...range })).toMatchObject({
      code: 'bad_query',
      message: expect.stringContaining('this is EQL') as string,
    });
  });

  it('check names the language and the kind of answer; while typing nothing is offered', async () => {
    const check = async (query: string): Promise<unknown> => (await server.post('/api/v1/check', { query })).json();
    const understood = { ok: true, language: 'eql', notes: [] };
    expect(await check(' any where true ')).toEqual({ ...understood, kind: 'logs', logql: 'any where true' });
    expect(await check('any where true | count')).toMatchObject({ ...understood, kind: 'table' });
    expect(await check('sample by a [x where true] [y where true]')).toMatchObject({
      ...understood,
      kind: 'sequences',
    });
    expect(await check('login where a = 1')).toMatchObject({ ok: false, error: { line: 1, column: 15 } });
    expect(await check('nobody knows where it went')).toMatchObject({ ok: true, language: 'search' });
  });
});
