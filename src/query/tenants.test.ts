import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;
const range = { start: String(t0), end: String(t0 + 60n * second) };
const inUrl = `start=${range.start}&end=${range.end}`;
const selector = encodeURIComponent('{service_name=~".+"}');
const api = '/loki/api/v1';
const metric = 'sum by (service_name, user) (count_over_time({service_name=~".+"}[1m]))';
const tenants = ['anna', 'bert'] as const;
let server: QueryServer;

beforeAll(async () => {
  server = await startQueryServer();
  const records = tenants.map(tenant => ({
    tenant,
    ts: t0 + second,
    message: `secret of ${tenant}`,
    service: `svc-${tenant}`,
    labels: { [`label_${tenant}`]: tenant },
    attributes: { user: tenant },
    template: `of ${tenant}`,
  }));
  await server.store.tick(records);
  await server.store.seal();
  await server.store.tick(records);
  await server.store.session.insert({
    table: 'weir.quarantine',
    values: tenants.map(tenant => ({
      tenant,
      received: '1700000000.0',
      seq: '1',
      door: 'json',
      line: 1,
      reason: `not JSON: ${tenant}`,
      raw: tenant,
    })),
  });
});
afterAll(() => server.close());

/** `mark`: what the answer must hold instead of the tenant's name, where answers have counts and no names. */
type Endpoint = [name: string, ask: (headers: Record<string, string>) => Promise<string>, mark?: string];
const get = (path: string, mark?: string): Endpoint => [
  path,
  async headers => (await server.get(path, headers)).text(),
  mark,
];
const post = (path: string, body: object, mark?: string): Endpoint => [
  `${path} ${JSON.stringify(body)}`,
  async headers => (await server.post(path, body, headers)).text(),
  mark,
];

/** What a live tail says within its first frames: history, then a tick in which both tenants have a record. */
const tailOf: Endpoint = [
  `${api}/tail`,
  headers =>
    new Promise((resolve, reject) => {
      const url = `${server.url.replace('http', 'ws')}${api}/tail?query=${selector}&start=${t0}`;
      const socket = new WebSocket(url, { headers });
      let text = '';
      socket.on('error', reject);
      socket.on('message', data => {
        if (text === '')
          void server.store.tick(
            tenants.map(tenant => ({ tenant, ts: t0, message: `new ${tenant}`, service: tenant })),
          );
        else socket.close();
        text += (data as Buffer).toString();
      });
      socket.on('close', () => resolve(text));
    }),
];
const ownTail: Endpoint = [
  '/api/v1/tail',
  async headers => {
    const abort = new AbortController();
    const response = await fetch(`${server.url}/api/v1/tail`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ start: range.start }),
      signal: abort.signal,
    });
    let text = '';
    let ticked = false;
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes('"rows"') && !ticked) {
        ticked = true;
        await server.store.tick(tenants.map(tenant => ({ tenant, ts: t0, message: `new ${tenant}`, service: tenant })));
      }
      if (text.includes('new ')) break;
    }
    abort.abort();
    return text;
  },
];

const answers: Endpoint[] = [
  post('/api/v1/query', range),
  post('/api/v1/query', { ...range, query: 'secret' }),
  post('/api/v1/query', { ...range, query: metric, step: 60 }),
  post('/api/v1/histogram', range, '"total":2'),
  post('/api/v1/fields', range),
  post('/api/v1/patterns', range),
  post('/api/v1/export', range),
  post('/api/v1/export', { ...range, format: 'csv' }),
  get('/api/v1/status', '"records":2'),
  get('/api/v1/quarantine'),
  get(`${api}/query_range?query=${selector}&${inUrl}`),
  get(`${api}/query_range?query=${encodeURIComponent(metric)}&${inUrl}`),
  get(`${api}/query?query=${encodeURIComponent(metric)}&time=${range.end}`),
  get(`${api}/labels?${inUrl}`),
  get(`${api}/label/service_name/values?${inUrl}`),
  get(`${api}/series?${inUrl}`),
  get(`${api}/index/stats?${inUrl}`, '"entries":2'),
  get(`${api}/index/volume?query=${selector}&${inUrl}`),
  get(`${api}/index/volume_range?query=${selector}&${inUrl}&step=60`),
  get(`${api}/detected_labels?${inUrl}`, '"detectedLabels":[{'),
  get(`${api}/detected_fields?query=${selector}&${inUrl}`, '"cardinality":1'),
  get(`${api}/detected_field/user/values?query=${selector}&${inUrl}`),
  get(`${api}/patterns?query=${selector}&${inUrl}`),
];

describe('two tenants never see each other', () => {
  it.each([...answers, tailOf, ownTail])('%s', async (_, ask, mark) => {
    for (const [me, other] of [
      ['anna', 'bert'],
      ['bert', 'anna'],
    ] as const) {
      const text = await ask({ 'X-Scope-OrgID': me });
      expect(text).not.toContain('error"');
      expect(text).not.toContain(other);
      expect(text).toContain(mark ?? me);
    }
  });

  it.each(answers)('the default tenant sees none of it: %s', async (_, ask) => {
    const text = await ask({});
    for (const tenant of tenants) expect(text).not.toContain(tenant);
  });

  it('cancels only its own queries', async () => {
    const response = await fetch(`${server.url}/api/v1/query/mine`, {
      method: 'DELETE',
      headers: { 'X-Scope-OrgID': 'anna' },
    });
    expect(response.status).toBe(404);
  });

  it('refuses impossible tenants', async () => {
    for (const tenant of ['anna|', 'a b', '..', 'x'.repeat(151)]) {
      const response = await server.get(`${api}/labels`, { 'X-Scope-OrgID': tenant });
      expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('X-Scope-OrgID')]);
    }
  });
});

describe('several tenants at once', () => {
  // The live tails above have added records of other services.
  const services = encodeURIComponent('{service_name=~"svc-.+"}');
  const both = { 'X-Scope-OrgID': 'bert|anna|anna' };
  const data = async (path: string): Promise<unknown> =>
    ((await (await server.get(path, both)).json()) as { data: unknown }).data;

  it('gives the rows of all, each with its tenant as a label', async () => {
    const found = (await data(`${api}/query_range?query=${services}&${inUrl}`)) as {
      result: { stream: Record<string, string>; values: unknown[] }[];
    };
    expect(
      found.result.map(r => `${r.stream.__tenant_id__} ${r.stream.service_name} ${r.values.length}`).toSorted(),
    ).toEqual(['anna svc-anna 2', 'bert svc-bert 2']);
    const headers = { ...both, 'X-Loki-Response-Encoding-Flags': 'categorize-labels' };
    const text = await (await server.get(`${api}/query_range?query=${services}&${inUrl}`, headers)).text();
    expect(text).toContain('"stream":{"__tenant_id__":"anna","label_anna":"anna","service_name":"svc-anna"},"values":');
  });

  it('lets a selector and a grouping choose among them', async () => {
    const one = encodeURIComponent('{service_name=~"svc-.+", __tenant_id__="bert"} |= "secret"');
    expect(await data(`${api}/query_range?query=${one}&${inUrl}`)).toMatchObject({
      result: [{ stream: { __tenant_id__: 'bert' } }],
    });
    const counts = encodeURIComponent('sum by (__tenant_id__) (count_over_time({service_name=~"svc-.+"}[1m]))');
    expect(await data(`${api}/query?query=${counts}&time=${range.end}`)).toMatchObject({
      result: [
        { metric: { __tenant_id__: 'anna' }, value: [1_700_000_060, '2'] },
        { metric: { __tenant_id__: 'bert' }, value: [1_700_000_060, '2'] },
      ],
    });
  });

  it('shows the tenants among labels, values and series', async () => {
    expect(await data(`${api}/labels?${inUrl}`)).toEqual(['__tenant_id__', 'label_anna', 'label_bert', 'service_name']);
    expect(await data(`${api}/label/__tenant_id__/values?${inUrl}`)).toEqual(['anna', 'bert']);
    expect(
      await data(`${api}/series?${inUrl}&match=${encodeURIComponent('{__tenant_id__="anna", label_anna!=""}')}`),
    ).toEqual([{ __tenant_id__: 'anna', label_anna: 'anna', service_name: 'svc-anna' }]);
    expect(await (await server.get(`${api}/index/stats?query=${services}&${inUrl}`, both)).json()).toMatchObject({
      streams: 2,
      entries: 4,
    });
  });
});
