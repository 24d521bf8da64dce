import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;
const api = '/loki/api/v1';
const range = { start: `${t0}`, end: `${t0 + 60n * second}` };
let server: QueryServer;

beforeAll(async () => {
  server = await startQueryServer();
  const records = (tenant: string) =>
    ['ann', 'bob'].map((user, i) => ({
      tenant,
      ts: t0 + BigInt(i) * second,
      message: `{"user":"${user}"}`,
      attributes: { user },
    }));
  for (const tenant of ['a', 'b']) await server.store.tick(records(tenant));
  await server.store.seal();
  for (const tenant of ['a', 'b']) await server.store.tick(records(tenant));
});
afterAll(() => server.close());
afterEach(async () => {
  for (const { request_id: id } of await listed()) await call('DELETE', { request_id: String(id), force: 'true' });
});

const call = (method: string, parameters: Record<string, string>, tenant = 'a'): Promise<Response> =>
  fetch(`${server.url}${api}/delete?${new URLSearchParams(parameters)}`, {
    method,
    headers: { 'X-Scope-OrgID': tenant },
  });
const listed = async (tenant = 'a'): Promise<Record<string, unknown>[]> =>
  (await (await call('GET', {}, tenant)).json()) as Record<string, unknown>[];

/** Everything that shows records, as one text. */
async function shown(tenant: string): Promise<string> {
  const headers = { 'X-Scope-OrgID': tenant };
  const search = new URLSearchParams({ query: '{service_name="web"}', ...range });
  const metric = new URLSearchParams({ query: 'count_over_time({service_name="web"} | json [1m])', time: range.end });
  const texts = [
    server.get(`${api}/query_range?${search}`, headers),
    server.get(`${api}/query?${metric}`, headers),
    server.get(`${api}/detected_fields?${search}`, headers),
    server.get(`${api}/detected_field/user/values?${search}`, headers),
    server.get(`${api}/index/volume?${search}`, headers),
    server.post('/api/v1/query', range, headers),
    server.post('/api/v1/export', range, headers),
    server.post('/api/v1/fields', range, headers),
    server.post('/api/v1/histogram', range, headers),
  ].map(async response => (await response).text());
  return (await Promise.all(texts)).join('\n');
}

describe('a delete request', () => {
  it('hides its records from everything at once, is listed, and gives them back when it is cancelled', async () => {
    const before = await shown('a');
    expect(before).toContain('ann');
    expect(before).toContain('"total":4');
    const made = await call('POST', {
      query: '{service_name="web"} | json | user="ann"',
      start: '1700000000',
      end: '1700000060',
    });
    expect([made.status, await made.text()]).toEqual([204, '']);
    const after = await shown('a');
    expect(after).not.toContain('ann');
    expect(after).toContain('bob');
    expect(after).toContain('"total":2');
    expect(await shown('b')).toContain('ann');
    const both = await server.get(
      `${api}/query_range?${new URLSearchParams({ query: '{service_name="web"} |= "ann"', ...range })}`,
      { 'X-Scope-OrgID': 'a|b' },
    );
    const { data } = (await both.json()) as { data: { result: { stream: object; values: unknown[] }[] } };
    expect(data.result).toMatchObject([
      { stream: { __tenant_id__: 'b' }, values: [expect.anything(), expect.anything()] },
    ]);

    const text = await (await call('GET', {})).text();
    expect(text).toMatch(
      /^\[\{"request_id":"[\w-]+","start_time":1700000000,"end_time":1700000060,"query":"\{service_name=\\"web\\"\} \| json \| user=\\"ann\\"","status":"received","created_at":\d{10}\}\]$/,
    );
    const id = String((await listed())[0]?.request_id);
    expect(made.headers.get('x-delete-request-id')).toBe(id);
    expect(await listed('b')).toEqual([]);
    expect((await call('DELETE', { request_id: id }, 'b')).status).toBe(404);
    expect((await call('DELETE', { request_id: id })).status).toBe(204);
    expect(await listed()).toEqual([]);
    expect(await shown('a')).toContain('ann');
  });

  it('takes PUT, a form, RFC 3339, and no end', async () => {
    const put = await call('PUT', { query: '{service_name="web"}', start: '2023-11-14T22:13:20.5Z' });
    expect(put.status).toBe(204);
    const form = await fetch(`${server.url}${api}/delete`, {
      method: 'POST',
      headers: { 'X-Scope-OrgID': 'a' },
      body: new URLSearchParams({ query: '{service_name="other"}', start: '1', max_interval: '1h' }),
    });
    expect(form.status).toBe(204);
    // Of the two users at :20 and :21 only the first is left.
    const text = await shown('a');
    expect(text).toContain('ann');
    expect(text).not.toContain('bob');
  });

  it.each([
    [{ start: '1' }, 400, /^query not set$/],
    [{ query: '{a="b"' }, 400, /^parse error at line 1, col 7/],
    [{ query: 'rate({a="b"}[1m])', start: '1' }, 400, /metric query/],
    [{ query: '{}', start: '1' }, 400, /at least one/],
    [{ query: '{a="b"}' }, 400, /^start time not set$/],
    [
      { query: '{a="b"}', start: 'now' },
      400,
      /^invalid start time: require unix seconds or RFC3339 format \(found "now"\)/,
    ],
    [{ query: '{a="b"}', start: '1', end: '2100-01-01T00:00:00Z' }, 400, /^deletes in the future are not allowed$/],
    [{ query: '{a="b"}', start: '20', end: '10' }, 400, /^start time can't be greater than end time$/],
    [{ query: '{a="b"}', start: '10', end: '20', max_interval: '1h' }, 400, /^max_interval can't be greater .*\(10s\)/],
  ])('refuses %j', async (parameters, status, message) => {
    const response = await call('POST', parameters);
    expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(message)]);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await listed()).toEqual([]);
  });

  it('is for one tenant, and a wrong id is said', async () => {
    expect((await call('POST', { query: '{a="b"}', start: '1' }, 'a|b')).status).toBe(400);
    const gone = await call('DELETE', { request_id: 'nope' });
    expect([gone.status, await gone.text()]).toEqual([404, 'could not find delete request with given id']);
  });
});
