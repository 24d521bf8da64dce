import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { QueryFrame } from './contract.ts';

let server: QueryServer;
const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;

beforeAll(async () => {
  server = await startQueryServer();
  const record = (i: number, app: string, user: string, ms: string, message: string) => ({
    ts: t0 + BigInt(i) * second,
    message,
    service: app,
    labels: { app, service_name: app },
    attributes: { user, ...(ms === '' ? {} : { ms }) },
  });
  await server.store.tick([
    record(0, 'web', 'ann', '10', 'start'),
    record(1, 'web', 'bob', '9', 'get /a'),
    record(2, 'db', 'ann', '200', 'query'),
    record(3, 'web', 'ann', '', 'get /b'),
    record(4, 'web', 'cid', 'n/a', 'boom'),
    record(5, 'db', 'bob', '-5', 'query'),
    record(6, 'web', 'ann', '1e2', 'get /c'),
    record(7, 'web', 'bob', '30', 'stop'),
  ]);
  await server.store.seal();
  // Of another tenant, so that it is in no other test.
  await server.store.tick(
    ['NaN', '5', 'inf', '-Infinity', '7', 'nan'].map((ms, i) => ({
      ...record(i, 'odd', 'eve', ms, ms),
      tenant: 'odd',
    })),
  );
  await server.store.tick([record(8, 'web', 'dan', '7', 'late boom'), record(9, 'web', 'dan', '8', 'end')]);
});
afterAll(() => server.close());

const ask = (query: string, more: Record<string, unknown> = {}): Promise<QueryFrame[]> =>
  server.frames('/api/v1/query', { query, start: `${t0}`, end: `${t0 + 100n * second}`, ...more });
const messages = async (query: string, more?: Record<string, unknown>): Promise<string[]> =>
  (await ask(query, more)).flatMap(f =>
    f.type === 'rows' ? f.rows.map(r => `${r.context ? '~' : ''}${r.message}`) : [],
  );
const table = async (
  query: string,
  more?: Record<string, unknown>,
): Promise<{ columns: string[]; rows: string[][] }> => {
  const frames = (await ask(query, more)).filter(f => f.type === 'table');
  return { columns: frames[0]?.columns.map(c => `${c.name}:${c.type}`) ?? [], rows: frames.flatMap(f => f.rows) };
};
const fault = async (
  query: string,
  more: Record<string, unknown> = {},
  path = '/api/v1/query',
): Promise<{ message: string; line?: number; column?: number }> => {
  const reply = await server.post(path, { query, ...more });
  expect(reply.status).toBe(400);
  return ((await reply.json()) as { error: { message: string; line?: number; column?: number } }).error;
};

describe('distinct, sort, limit', () => {
  it('keeps the newest row of each combination, or the oldest when read forward', async () => {
    expect(await messages('{app=~".+"} | distinct app')).toEqual(['end', 'query']);
    expect(await messages('{app=~".+"} | distinct app', { direction: 'forward' })).toEqual(['start', 'query']);
    expect(await messages('{app="web"} | distinct app, user', { direction: 'forward' })).toEqual([
      'start',
      'get /a',
      'boom',
      'late boom',
    ]);
  });

  it('sorts numbers by value, then texts, then what lacks the field', async () => {
    expect(await messages('{app=~".+"} | sort ms')).toEqual([
      'query', // -5
      'late boom', // 7
      'end', // 8
      'get /a', // 9
      'start', // 10
      'stop', // 30
      'get /c', // 1e2
      'query', // 200
      'boom', // n/a
      'get /b', // missing
    ]);
    expect((await messages('{app=~".+"} | sort user desc, ms desc')).slice(0, 4)).toEqual([
      'end',
      'late boom',
      'boom',
      'stop',
    ]);
  });

  it('limits where it stands', async () => {
    expect(await messages('{app=~".+"} | limit 3')).toEqual(['end', 'late boom', 'stop']);
    expect(await messages('{app=~".+"} | limit 3 | sort ms')).toEqual(['late boom', 'end', 'stop']);
    expect(await messages('{app=~".+"} | sort ms desc | limit 2 | distinct user')).toEqual(['query']);
  });

  it('works behind words, stages and a line format', async () => {
    expect(await messages('get | sort ms')).toEqual(['get /a', 'get /c', 'get /b']);
    expect(await messages('{app="web"} |= "get" | line_format "{{.user}} {{__line__}}" | distinct user')).toEqual([
      'ann get /c',
      'bob get /a',
    ]);
    expect(await messages('{app="web"} | pattern "get /<path>" | path != "" | sort path desc | limit 1')).toEqual([
      'get /c',
    ]);
  });

  it('says when there are more rows, and has no next page', async () => {
    const frames = await ask('{app=~".+"} | sort ms', { limit: 4 });
    expect(frames.find(f => f.type === 'meta')).toMatchObject({
      kind: 'logs',
      whole: true,
      logql: '{app=~".+"} | sort ms',
    });
    expect(frames.find(f => f.type === 'warning')).toMatchObject({
      message: expect.stringContaining('more than 4 rows'),
    });
    expect(frames.at(-1)).toMatchObject({ type: 'end', rows: 4 });
    expect((await fault('{app="web"} | limit 3', { after: `${t0},1` })).message).toContain('no next page');
  });
});

describe('context', () => {
  it('shows the neighbours in the stream, each row once, over the border of parts and tail', async () => {
    expect(await messages('{app=~".+"} |= "boom" | context 1', { direction: 'forward' })).toEqual([
      '~get /b',
      'boom',
      '~get /c',
      '~stop',
      'late boom',
      '~end',
    ]);
    expect(await messages('boom | context 100')).toHaveLength(8);
    expect(await messages('{app="db"} |= "boom" | context 5')).toEqual([]);
  });
});

it('takes words such as NaN and inf for texts', async () => {
  const frames = async (query: string): Promise<QueryFrame[]> =>
    server.frames('/api/v1/query', { query, start: `${t0}`, end: `${t0 + 100n * second}` }, { 'x-scope-orgid': 'odd' });
  const rows = (await frames('{app="odd"} | sort ms')).flatMap(f => (f.type === 'rows' ? f.rows : []));
  expect(rows.map(row => row.message)).toEqual(['5', '7', '-Infinity', 'NaN', 'inf', 'nan']);
  const stats = await frames('{app="odd"} | stats count(ms), sum(ms), avg(ms), max(ms), median(ms)');
  expect(stats.flatMap(f => (f.type === 'table' ? f.rows : []))).toEqual([['6', '12', '6', '7', '6']]);
});

describe('stats', () => {
  it('counts and aggregates by fields, what is most first', async () => {
    expect(
      await table(
        '{app=~".+"} | stats count() as n, avg(ms), max(ms) as most, count(ms) as given, uniq(user) as users by app',
      ),
    ).toEqual({
      columns: ['app:text', 'n:number', 'avg_ms:number', 'most:number', 'given:number', 'users:number'],
      rows: [
        // web: 10 9 (none) n/a 100 30 7 8
        ['web', '8', String((10 + 9 + 100 + 30 + 7 + 8) / 6), '100', '7', '4'],
        ['db', '2', '97.5', '200', '2', '2'],
      ],
    });
  });

  it('knows quantiles, first and last, and gives one row without by', async () => {
    // -5 7 8 9 10 30 100 200: p50 between 9 and 10, p25 at 1.75 of 7..: 7 + 0.75 * 1
    expect(
      (
        await table(
          '{app=~".+"} | stats median(ms), p25(ms), quantile(1, ms) as top, min(ms), sum(ms), first(user), last(user)',
        )
      ).rows,
    ).toEqual([['9.5', '7.75', '200', '-5', '359', 'ann', 'dan']]);
    expect((await table('{app="nothing"} | stats count()')).rows).toEqual([['0']]);
    expect((await table('{app="nothing"} | stats avg(ms) by app')).rows).toEqual([]);
    expect((await table('{app="web"} |= "boom" | ms="n/a" | stats avg(ms), stddev(ms)')).rows).toEqual([['', '']]);
  });

  it('takes level and service as people say them', async () => {
    expect((await table('{app=~".+"} | stats count() as n by service, level')).rows).toEqual([
      ['web', 'info', '8'],
      ['db', 'info', '2'],
    ]);
    expect((await table('{app="db"} | label_format service="own" | stats count() by service')).rows).toEqual([
      ['own', '2'],
    ]);
  });

  it('can be sorted, limited and made distinct by its columns, and groups on parsed fields', async () => {
    expect(
      (await table('{app="web"} | pattern "<verb> <_>" | stats count() as n by verb | sort verb | limit 2')).rows,
    ).toEqual([
      ['boom', '1'],
      ['end', '1'],
    ]);
    expect((await table('{app=~".+"} | stats count() as n by user | sort n, user desc | distinct n')).rows).toEqual([
      ['cid', '1'],
      ['dan', '2'],
      ['bob', '3'],
      ['ann', '4'],
    ]);
    const [meta] = await ask('{app=~".+"} | stats count() by (app, user)');
    expect(meta).toMatchObject({ kind: 'table', logql: '{app=~".+"} | stats count() as count by app, user' });
  });
});

describe('what is refused', () => {
  it.each([
    ['{app="web"} | stats', 'an aggregation'],
    ['{app="web"} | stats coun()', 'did you mean count'],
    ['{app="web"} | stats avg()', 'a field'],
    ['{app="web"} | stats count(), count()', 'two columns'],
    ['{app="web"} | stats count() as n by app | sort nn', 'no column "nn"'],
    ['{app="web"} | limit 0', 'from 1 to'],
    ['{app="web"} | limit 1.5', 'whole number'],
    ['{app="web"} | sort ms | json', 'only these may follow'],
    ['{app="web"} | limit 3 | context 2', 'must come first'],
    ['{app="web"} | context 100000', 'from 1 to 1000'],
    ['{app="web"} | stats quantile(2, ms)', 'from 0 to 1'],
    ['{app="web"} | distinct', 'a field'],
    ['rate({app="web"}[1m]) | limit 5', 'for log queries'],
  ])('%s', async (query, said) => {
    const { message, line, column } = await fault(query);
    expect(message).toContain(said);
    expect([line, (column ?? 0) > 5]).toEqual([1, true]);
  });

  it('is no part of LogQL: the Loki API refuses it, labels of these names stay labels', async () => {
    const reply = await server.get(`/loki/api/v1/query_range?query=${encodeURIComponent('{app="web"} | limit 3')}`);
    expect(reply.status).toBe(400);
    expect(await messages('{app="web"} | limit="3"')).toEqual([]);
    expect(await messages('{app="web"} | sort != "x" | limit 1')).toEqual(['end']);
    expect(await messages('{app="web"} |= "| limit 3"')).toEqual([]);
    expect((await fault('{app="web"} | limit 3', {}, '/api/v1/tail')).message).toContain('searches only');
  });
});
