import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';

const second = 1_000_000_000n;
const day = 86_400n * second;
/** Midnight of 2023-11-15. */
const t0 = 1_700_006_400n * second;
const api = '/loki/api/v1';
let server: QueryServer;

const url = (path: string, parameters: Record<string, string>): string =>
  `${api}/${path}?${new URLSearchParams({ start: `${t0}`, end: `${t0 + 60n * second}`, ...parameters })}`;
const text = async (path: string): Promise<string> => {
  const response = await server.get(path);
  const body = await response.text();
  expect(response.status, body).toBe(200);
  return body;
};
const json = async (path: string): Promise<Record<string, unknown>> => JSON.parse(await text(path));

beforeAll(async () => {
  server = await startQueryServer();
  await server.store.tick([
    {
      ts: t0 + second,
      message: '{"status":500,"took":"12ms","http":{"route-name":"/a"},"ok":true,"tags":["x"]}',
      labels: { env: 'prod', pod: '1', shard: '17' },
      attributes: { size: '10kB', user: 'ann' },
      template: 'T1',
      level: 'error',
    },
    {
      ts: t0 + 11n * second,
      message: '{"status":200.5,"took":"1s"}',
      labels: { env: 'prod', pod: '1', shard: '18' },
      template: 'T1',
    },
  ]);
  server.store.session.query("INSERT INTO weir.templates VALUES ('default', 'T1', 'took <_>')");
  await server.store.seal();
  await server.store.tick([
    { ts: t0 + 21n * second, message: 'status=404 user=bob free text', service: 'api', template: 'T2' },
    { ts: t0 + 31n * second, message: 'GET /users/17 took 8ms', service: 'api', template: 'T2' },
    { ts: t0 + 2n * day, message: 'two days later', service: 'api' },
  ]);
});
afterAll(() => server.close());

describe('index/volume', () => {
  const bytes = { web: 106, api: 51 };

  it('names series by the labels of the selector, largest first, as a vector at the end of the range', async () => {
    const body = await text(url('index/volume', { query: '{service_name=~".+"}' }));
    expect(body).toMatch(/^\{"status":"success","data":\{"resultType":"vector","result":\[.*\],"stats":\{/);
    expect(JSON.parse(body).data.result).toEqual([
      { metric: { service_name: 'web' }, value: [1_700_006_460, String(bytes.web)] },
      { metric: { service_name: 'api' }, value: [1_700_006_460, String(bytes.api)] },
    ]);
  });

  it('takes all labels without selector, the target labels where they are there, or label names', async () => {
    const metrics = async (parameters: Record<string, string>): Promise<unknown> =>
      (
        (await json(url('index/volume', parameters))).data as { result: { metric: object; value: [number, string] }[] }
      ).result.map(r => [r.metric, Number(r.value[1])]);
    expect(await metrics({ query: '{}' })).toHaveLength(3);
    expect(await metrics({ query: '{service_name=~".+"}', targetLabels: 'env,pod' })).toEqual([
      [{ env: 'prod', pod: '1' }, bytes.web],
    ]);
    expect(await metrics({ query: '{service_name=~".+"}', targetLabels: 'env', aggregateBy: 'labels' })).toEqual([
      [{ env: '' }, bytes.web],
    ]);
    for (const query of ['{}', '{service_name=~".+"}'])
      expect(await metrics({ query, aggregateBy: 'labels' })).toEqual([
        [{ service_name: '' }, bytes.web + bytes.api],
        [{ env: '' }, bytes.web],
        [{ pod: '' }, bytes.web],
        [{ shard: '' }, bytes.web],
      ]);
  });

  it('is exact over whole days and their ends', async () => {
    for (const [start, end, total] of [
      [t0 - day, t0 + 3n * day, bytes.web + bytes.api + 14],
      [t0 + 2n * second, t0 + 2n * day + 1n, bytes.web + bytes.api - 78 + 14],
      [t0 + 2n * second, t0 + 2n * day, bytes.web + bytes.api - 78],
    ] as const) {
      const answer = await json(
        url('index/volume', {
          start: `${start}`,
          end: `${end}`,
          query: '{service_name=~".+"}',
          targetLabels: 'service_name',
          aggregateBy: 'labels',
        }),
      );
      expect(answer.data, `${end - start}`).toMatchObject({
        result: [{ metric: { service_name: '' }, value: [expect.anything(), String(total)] }],
      });
    }
  });

  it('says when series are left out', async () => {
    const answer = await json(url('index/volume', { query: '{service_name=~".+"}', limit: '1' }));
    expect(answer).toMatchObject({
      warnings: [expect.stringMatching(/more than 1 series.*limits\.volume_series, 1000/)],
      data: { result: [{ metric: { service_name: 'web' } }] },
    });
    expect((await server.get(url('index/volume', { query: '{}', limit: '5000' }))).status).toBe(200);
  });

  it('gives a matrix of buckets at multiples of the step for volume_range', async () => {
    const answer = await json(url('index/volume_range', { query: '{service_name=~".+"}', step: '20s' }));
    expect(answer.data).toMatchObject({
      resultType: 'matrix',
      result: [
        { metric: { service_name: 'web' }, values: [[1_700_006_419.999, '106']] },
        {
          metric: { service_name: 'api' },
          values: [[1_700_006_439.999, '51']],
        },
      ],
    });
  });

  it.each([
    [{ query: '{}', aggregateBy: 'pods' }, /aggregateBy "pods" is not series or labels/],
    [{ query: '{}', limit: '0' }, /limit must be a positive value/],
    [{ query: '{a=' }, /^parse error at line 1, col 4/],
    [{ query: '{a="b"} |= "x"' }, /^only label matchers are supported/],
    [{ query: 'rate({a="b"}[1m])' }, /^only label matchers are supported/],
  ])('refuses %j', async (parameters, message) => {
    const response = await server.get(url('index/volume', parameters));
    expect([response.status, await response.text()]).toEqual([400, expect.stringMatching(message)]);
  });
});

it('detects labels, but none that hold ids only', async () => {
  expect(await json(url('detected_labels', {}))).toEqual({
    detectedLabels: [
      { label: 'env', cardinality: 1 },
      { label: 'pod', cardinality: 1 },
      { label: 'service_name', cardinality: 2 },
    ],
  });
  expect(await json(url('detected_labels', { query: '{service_name="api"}' }))).toEqual({
    detectedLabels: [{ label: 'service_name', cardinality: 1 }],
  });
});

describe('detected_fields', () => {
  it('finds metadata, JSON and logfmt, with types, counts and paths', async () => {
    const { fields, limit } = await json(url('detected_fields', { query: '{service_name=~".+"}' }));
    expect(limit).toBe(1000);
    const found = new Map((fields as { label: string }[]).map(field => [field.label, field]));
    expect(Object.fromEntries(found)).toEqual({
      detected_level: { label: 'detected_level', type: 'string', cardinality: 2, parsers: null },
      size: { label: 'size', type: 'bytes', cardinality: 1, parsers: null },
      user: { label: 'user', type: 'string', cardinality: 2, parsers: ['logfmt'] },
      status: { label: 'status', type: 'float', cardinality: 3, parsers: ['logfmt', 'json'], jsonPath: ['status'] },
      took: { label: 'took', type: 'duration', cardinality: 2, parsers: ['json'], jsonPath: ['took'] },
      http_route_name: {
        label: 'http_route_name',
        type: 'string',
        cardinality: 1,
        parsers: ['json'],
        jsonPath: ['http', 'route-name'],
      },
      ok: { label: 'ok', type: 'boolean', cardinality: 1, parsers: ['json'], jsonPath: ['ok'] },
    });
    const body = await text(url('detected_fields', { query: '{service_name="web"} | json' }));
    expect(body).toMatch(/^\{"fields":\[\{"label":"\w+","type":"\w+","cardinality":\d+,"parsers":/);
  });

  it('keeps to the newest lines and to the number of fields', async () => {
    const one = await json(
      url('detected_fields', { query: '{service_name=~".+"}', line_limit: '2', field_limit: '2' }),
    );
    expect(one).toMatchObject({ limit: 2, fields: [{}, {}] });
    expect(JSON.stringify(one)).not.toContain('json');
  });

  it('lists the values of a field', async () => {
    expect(await json(url('detected_field/status/values', { query: '{service_name=~".+"}' }))).toEqual({
      values: ['404', '200.5', '500'],
      limit: 1000,
    });
    expect(await json(url('detected_field/nope/values', { query: '{service_name=~".+"}', limit: '5' }))).toEqual({
      values: [],
      limit: 5,
    });
  });
});

it('counts patterns by level and step; those of the tail are shown by their shape', async () => {
  const answer = await json(url('patterns', { query: '{service_name=~".+"}', step: '10s' }));
  expect(answer).toEqual({
    status: 'success',
    data: [
      {
        pattern: expect.stringMatching(/^(status=<_> user=bob free text|GET \/users\/<_> took <_>)$/),
        level: 'info',
        samples: [
          [1_700_006_420, 1],
          [1_700_006_430, 1],
        ],
      },
      { pattern: 'took <_>', level: 'error', samples: [[1_700_006_400, 1]] },
      { pattern: 'took <_>', level: 'info', samples: [[1_700_006_410, 1]] },
    ],
  });
  expect(await json(url('patterns', { query: '{service_name="nope"}' }))).toEqual({ status: 'success', data: [] });
});

describe('what clients ask about the server', () => {
  it('says its limits to Logs Drilldown', async () => {
    expect(await json(`${api}/drilldown-limits`)).toMatchObject({
      limits: {
        max_query_series: 500,
        max_query_length: '30d1h',
        volume_enabled: true,
        max_entries_limit_per_query: 5000,
      },
      pattern_ingester_enabled: true,
      version: expect.stringMatching(/^3\./),
    });
  });

  it.each([
    'query_range?query={service_name="web"}',
    'query?query=vector(1)&time=4',
    'labels',
    'label',
    'label/env/values',
    'series',
    'index/stats',
    'index/volume?query={}',
    'index/volume_range?query={}',
    'detected_labels',
    'detected_fields?query={service_name="web"}',
    'detected_field/status/values?query={service_name="web"}',
    'patterns?query={service_name="web"}',
    'format_query?query={service_name="web"}',
    'status/buildinfo',
    'drilldown-limits',
  ])('answers %s to GET, HEAD, POST with a form, and OPTIONS', async path => {
    const [name = '', search = ''] = path.split('?');
    const at = `${server.url}${api}/${name}`;
    const parameters = new URLSearchParams(search.replaceAll('+', '%2B'));
    const get = await fetch(`${at}?${parameters}`);
    const body = await get.text();
    expect([get.status, get.headers.get('content-type')], body).toEqual([200, 'application/json; charset=utf-8']);
    const head = await fetch(`${at}?${parameters}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      200,
      'application/json; charset=utf-8',
      '',
    ]);
    const post = await fetch(at, { method: 'POST', body: parameters });
    const withoutTimes = (answer: string): string => answer.replace(/"(stats|data)":.*|:17\d+.*/, '');
    expect([post.status, withoutTimes(await post.text())]).toEqual([200, withoutTimes(body)]);
    const options = await fetch(at, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([200, 'GET, HEAD, POST, OPTIONS']);
    expect(options.headers.get('access-control-allow-origin')).toBe(null);
  });
});
