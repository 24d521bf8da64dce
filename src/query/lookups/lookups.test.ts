import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';
import { openLookupFiles } from './tables.ts';

let server: QueryServer;
const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;
const none: Record<string, string> = {};
const range = { start: `${t0}`, end: `${t0 + 100n * second}` };

beforeAll(async () => {
  server = await startQueryServer();
  await server.store.tick(
    ['7', '8', '9', '7', ''].map((user, i) => ({
      ts: t0 + BigInt(i) * second,
      message: JSON.stringify({ user, n: i }),
      service: 'web',
      labels: { app: 'web', service_name: 'web' },
      attributes: user === '' ? none : { user_id: user },
    })),
  );
  await server.store.seal();
});
afterAll(() => server.close());

const put = async (name: string, body: string, type = 'text/csv', headers: Record<string, string> = {}) => {
  const reply = await fetch(`${server.url}/api/v1/lookups/${name}`, {
    method: 'PUT',
    body,
    headers: { 'content-type': type, ...headers },
  });
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
};
const rows = async (query: string, headers?: Record<string, string>): Promise<unknown[]> =>
  (await server.frames('/api/v1/query', { query, ...range, direction: 'forward' }, headers)).flatMap(f =>
    f.type === 'rows' ? f.rows.map((r): unknown => r.parsed ?? {}) : f.type === 'table' ? f.rows : [],
  );
const fault = async (query: string): Promise<string> => {
  const reply = await server.post('/api/v1/query', { query, ...range });
  expect(reply.status).toBe(400);
  return ((await reply.json()) as { error: { message: string } }).error.message;
};

describe('lookup tables', () => {
  it('join by a label, from CSV', async () => {
    expect(await put('users', 'id,name,team\n7,"Ann, A.",blue\n8,Bob,\n')).toEqual({
      status: 201,
      body: { name: 'users', key: 'id', columns: ['name', 'team'], rows: 2 },
    });
    expect(await rows('{app="web"} | lookup users on user_id')).toEqual([
      { name: 'Ann, A.', team: 'blue' },
      { name: 'Bob' },
      {},
      { name: 'Ann, A.', team: 'blue' },
      {},
    ]);
    expect(await rows('{app="web"} | lookup users on user_id get name as who | who="Bob"')).toEqual([{ who: 'Bob' }]);
  });

  it('join on parsed labels, feed filters, stats, metrics and exports', async () => {
    expect(
      await rows(
        '{app="web"} | json | lookup users on user get team as squad | squad!="" | stats count() as n by squad',
      ),
    ).toEqual([['blue', '2']]);
    const metric = await server.frames('/api/v1/query', {
      query: 'sum by (team) (count_over_time({app="web"} | lookup users on user_id | team!="" [100s]))',
      ...range,
      step: 100,
    });
    expect(metric.find(f => f.type === 'series')).toMatchObject({ metric: { team: 'blue' } });
    const exported = await server.post('/api/v1/export', {
      query: '{app="web"} | lookup users on user_id | name="Bob"',
      ...range,
    });
    expect((await exported.text()).trim().split('\n')).toHaveLength(1);
  });

  it('go by the rules of parsed labels where names clash', async () => {
    await put(
      'apps',
      JSON.stringify([{ app: 'web', owner: 'core', service_name: 'x', rank: 1, odd: null }]),
      'application/json',
    );
    expect(await rows('{app="web"} | lookup apps on app | limit 1')).toEqual([
      { owner: 'core', service_name_extracted: 'x', rank: '1' },
    ]);
  });

  it('can be listed, read, replaced and deleted, and are durable', async () => {
    await put('gone', 'k,v\na,1\n');
    await put('gone', 'k,v,w\na,2,3\nb,4,5\n');
    expect((await (await server.get('/api/v1/lookups')).json()) as unknown).toMatchObject({
      tables: expect.arrayContaining([{ name: 'gone', key: 'k', columns: ['v', 'w'], rows: 2 }]),
    });
    expect(await (await server.get('/api/v1/lookups/gone')).json()).toEqual([
      { k: 'a', v: '2', w: '3' },
      { k: 'b', v: '4', w: '5' },
    ]);
    const directory = join(server.store.folder, 'lookups');
    expect(openLookupFiles(directory).of('default').get('gone')?.rows).toHaveLength(2);
    expect((await fetch(`${server.url}/api/v1/lookups/gone`, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(`${server.url}/api/v1/lookups/gone`, { method: 'DELETE' })).status).toBe(404);
    expect(openLookupFiles(directory).of('default').has('gone')).toBe(false);
    expect(await fault('{app="web"} | lookup gone on app')).toContain('there is no lookup table "gone"');
  });

  it('belong to their tenant', async () => {
    await put('secret', 'id,name\n7,hidden\n', 'text/csv', { 'x-scope-orgid': 'other' });
    expect(await fault('{app="web"} | lookup secret on user_id')).not.toContain('hidden');
    expect(
      ((await (await server.get('/api/v1/lookups')).json()) as { tables: { name: string }[] }).tables.map(t => t.name),
    ).not.toContain('secret');
    expect(existsSync(join(server.store.folder, 'lookups', 'nobody'))).toBe(false);
  });

  it.each([
    ['users', 'id,name\n7,a\n7,b\n', 'the key "7" is there twice, the second time in row 2'],
    ['users', 'id,name\n,a\n', 'row 1 has no value'],
    ['users', 'id\n7\n', 'at least one more'],
    ['users', 'id,na me\n7,a\n', 'column "na me"'],
    ['users?key=x', 'id,name\n7,a\n', 'no column "x"'],
    ['users', '"open\n', 'no CSV'],
    ['7up', 'id,name\n7,a\n', 'is no name'],
    ['users', `id,name\n${Array.from({ length: 10_001 }, (_, i) => `${i},x`).join('\n')}\n`, 'at most 10000'],
  ])('refuse %s', async (name, body, said) => {
    const { status, body: answer } = await put(name, body);
    expect(status).toBe(400);
    expect(JSON.stringify(answer)).toContain(said.replaceAll('"', '\\"'));
  });

  it('carry values that look like SQL, and the largest table', async () => {
    await put('odd', JSON.stringify([{ k: '7', v: `'); DROP TABLE x; --\\` }]), 'application/json');
    expect((await rows('{app="web"} | lookup odd on user_id | limit 1'))[0]).toEqual({ v: `'); DROP TABLE x; --\\` });
    const many = Array.from({ length: 10_000 }, (_, i) => `${i},name ${i},${'x'.repeat(50)}`);
    expect((await put('many', `id,name,pad\n${many.join('\n')}\n`)).status).toBe(201);
    expect((await rows('{app="web"} | lookup many on user_id get name | name="name 9"'))[0]).toEqual({
      name: 'name 9',
    });
  });

  it('names what is wrong in the stage', async () => {
    expect(await fault('{app="web"} | lookup user on user_id')).toContain('did you mean "users"');
    expect(await fault('{app="web"} | lookup users on user_id get nam')).toContain(
      'has no column "nam"; it has name, team',
    );
    expect(await fault('{app="web"} | lookup users user_id')).toContain('"on"');
    const loki = await server.get(
      `/loki/api/v1/query_range?query=${encodeURIComponent('{app="web"} | lookup users on user_id')}`,
    );
    expect(loki.status).toBe(400);
    expect(await rows('{app="web"} | lookup="x"')).toEqual([]);
  });
});
