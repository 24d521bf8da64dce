import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';

const second = 1_000_000_000n;
/** Far from now, so that every request names its range. */
const t0 = 1_700_000_000n * second;
let server: QueryServer;

const range = `start=${t0}&end=${t0 + 60n * second}`;
const api = '/loki/api/v1';
const query = (text: string, more = ''): string =>
  `${api}/query_range?query=${encodeURIComponent(text)}&${range}${more}`;
const json = async (
  path: string,
  headers?: Record<string, string>,
): Promise<{ data: { result: unknown[] } } & Record<string, unknown>> => {
  const response = await server.get(path, headers);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text);
};
const categorize = { 'X-Loki-Response-Encoding-Flags': 'categorize-labels' };

beforeAll(async () => {
  server = await startQueryServer();
  // The first two are parts, the rest is the tail.
  await server.store.tick([
    { ts: t0 + 1n, message: 'GET /a status=200', service: 'web', labels: { env: 'prod' }, attributes: { host: 'h1' } },
    {
      ts: t0 + second,
      message: 'GET /b status=500',
      service: 'web',
      labels: { env: 'prod' },
      level: 'error',
      traceId: 'ab12',
    },
  ]);
  await server.store.seal();
  await server.store.tick([
    { ts: t0 + 2n * second + 123n, message: '{"user":"ann","took":12}', service: 'api' },
    { ts: t0 + 60n * second, message: 'at the end, exclusive', service: 'web' },
  ]);
});
afterAll(() => server.close());

describe('query_range of logs', () => {
  it('merges all labels and regroups lines by the full set; members in the order Grafana needs', async () => {
    const response = await server.get(query('{service_name=~".+"}'));
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(text).toMatch(
      /^\{"status":"success","data":\{"resultType":"streams","result":\[.*\],"stats":\{"summary":\{.*\},"querier":\{.*\},"ingester":\{.*\}\}\}\}$/,
    );
    const { summary } = JSON.parse(text).data.stats;
    expect(summary).toMatchObject({ totalEntriesReturned: 3, totalPostFilterLines: 3, queueTime: 0, splits: 0 });
    expect(summary.totalLinesProcessed).toBeGreaterThanOrEqual(3);
    expect(summary.totalBytesProcessed).toBeGreaterThanOrEqual(58);
    expect(JSON.parse(text).data.result).toEqual([
      {
        stream: { detected_level: 'info', service_name: 'api' },
        values: [[`${t0 + 2n * second + 123n}`, '{"user":"ann","took":12}']],
      },
      {
        stream: { detected_level: 'error', env: 'prod', service_name: 'web', trace_id: 'ab12' },
        values: [[`${t0 + second}`, 'GET /b status=500']],
      },
      {
        stream: { detected_level: 'info', env: 'prod', host: 'h1', service_name: 'web' },
        values: [[`${t0 + 1n}`, 'GET /a status=200']],
      },
    ]);
  });

  it('keeps categories apart when asked', async () => {
    const text = await (
      await server.get(query('{service_name=~".+"} | logfmt | drop GET', '&direction=FORWARD'), categorize)
    ).text();
    expect(text).toMatch(
      /^\{"status":"success","data":\{"resultType":"streams","encodingFlags":\["categorize-labels"\],"result":\[/,
    );
    expect(JSON.parse(text).data.result[0]).toEqual({
      stream: { env: 'prod', service_name: 'web' },
      values: [
        [
          `${t0 + 1n}`,
          'GET /a status=200',
          { structuredMetadata: { detected_level: 'info', host: 'h1' }, parsed: { status: '200' } },
        ],
        [
          `${t0 + second}`,
          'GET /b status=500',
          { structuredMetadata: { detected_level: 'error', trace_id: 'ab12' }, parsed: { status: '500' } },
        ],
      ],
    });
  });

  it('takes the newest or the oldest, with limit over all streams', async () => {
    const newest = await json(query('{service_name=~".+"}', '&limit=1'));
    expect(newest.data.result).toMatchObject([{ values: [[`${t0 + 2n * second + 123n}`, expect.anything()]] }]);
    const oldest = await json(query('{service_name=~".+"}', '&limit=1&direction=forward'));
    expect(oldest.data.result).toMatchObject([{ values: [[`${t0 + 1n}`, expect.anything()]] }]);
  });

  it('keeps entries at least interval apart', async () => {
    const answer = await json(query('{service_name="web"}', '&interval=5s'));
    expect(answer.data.result).toMatchObject([{ values: [[`${t0 + second}`, expect.anything()]] }]);
  });

  it('answers [] and not null when nothing matches', async () => {
    expect((await json(query('{service_name="nope"}'))).data.result).toEqual([]);
  });

  it('takes a form body', async () => {
    const body = new URLSearchParams({
      query: '{service_name="api"}',
      start: String(t0),
      end: String(t0 + 60n * second),
    });
    const response = await fetch(`${server.url}${api}/query_range`, { method: 'POST', body });
    expect((await response.json()) as object).toMatchObject({ data: { resultType: 'streams', result: [{}] } });
  });

  it('says when an answer is partial', async () => {
    server.store.cutOff = 'max_execution_time of 60 s';
    try {
      const text = await (await server.get(query('{service_name="api"}'))).text();
      // What to do about it is part of the reason (store/run-query.ts).
      expect(text).toMatch(
        /^\{"status":"success","warnings":\["the answer is partial: max_execution_time of 60 s"\],"data":/,
      );
    } finally {
      server.store.cutOff = null;
    }
  });
});

describe('metrics', () => {
  it('answers a matrix with points at start, start+step, ..', async () => {
    const answer = await json(query('sum by (service_name) (count_over_time({service_name=~".+"}[30s]))', '&step=30'));
    expect(answer.data).toMatchObject({ resultType: 'matrix' });
    expect(answer.data.result).toEqual([
      { metric: { service_name: 'api' }, values: [[1700000030, '1']] },
      {
        metric: { service_name: 'web' },
        values: [
          [1700000030, '2'],
          [1700000060, '1'],
        ],
      },
    ]);
  });

  it.each([4, 4_000_000_000])(
    'answers the health check of the Grafana data source with exactly one sample (time=%d)',
    async time => {
      const answer = await json(
        `${api}/query?query=${encodeURIComponent('vector(1)+vector(1)')}&time=${time}&limit=100`,
      );
      expect(answer.data).toMatchObject({ resultType: 'vector', result: [{ metric: {}, value: [time, '2'] }] });
      expect(answer.data.result).toHaveLength(1);
    },
  );

  it('answers instant vectors and scalars', async () => {
    const time = `&time=${t0 + 30n * second}`;
    const vector = await json(
      `${api}/query?query=${encodeURIComponent('sum(count_over_time({service_name="web"}[1m]))')}${time}`,
    );
    expect(vector.data.result).toEqual([{ metric: {}, value: [1700000030, '2'] }]);
    const scalar = await json(`${api}/query?query=${encodeURIComponent('1+1')}&time=4`);
    expect(scalar.data).toMatchObject({ resultType: 'scalar', result: [4, '2'] });
  });

  it('gives every sample of an instant answer, also of equal labels', async () => {
    const renamed =
      'label_replace(sum by (service_name) (count_over_time({service_name=~".+"}[1m])), "service_name", "x", "service_name", ".+")';
    const counted = `count(${renamed})`;
    const ask = (text: string) => json(`${api}/query?query=${encodeURIComponent(text)}&time=${t0 + 30n * second}`);
    const [all, count] = [await ask(renamed), await ask(counted)];
    const metrics = (all.data.result as { metric: object }[]).map(({ metric }) => metric);
    expect(metrics.length).toBeGreaterThan(1);
    expect(metrics).toEqual(metrics.map(() => ({ service_name: 'x' })));
    expect(count.data.result).toMatchObject([{ value: [1700000030, String(metrics.length)] }]);
  });

  it('answers the log volume panel', async () => {
    const volume = 'sum by (level, detected_level) (count_over_time({service_name=~".+"} | drop __error__ [1m]))';
    const answer = await json(query(volume, '&step=60000ms'), categorize);
    expect(answer.data.result).toContainEqual({ metric: { detected_level: 'error' }, values: [[1700000060, '1']] });
  });
});

describe('labels', () => {
  it.each([
    [`${api}/labels?${range}`, ['env', 'service_name']],
    [`${api}/label?${range}`, ['env', 'service_name']],
    [`${api}/labels?${range}&query=${encodeURIComponent('{service_name="api"}')}`, ['service_name']],
    [`${api}/label/service_name/values?${range}`, ['api', 'web']],
    [`${api}/label/service_name/values?${range}&query=${encodeURIComponent('{env="prod"}')}`, ['web']],
    [`${api}/label/nope/values?${range}`, []],
    [`${api}/labels?start=1&end=2`, []],
  ])('%s', async (path, data) => expect(await json(path)).toEqual({ status: 'success', data }));

  it('lists series by any of the selectors', async () => {
    const all = [{ env: 'prod', service_name: 'web' }, { service_name: 'api' }];
    expect((await json(`${api}/series?${range}`)).data).toEqual(all);
    expect((await json(`${api}/series?${range}&match[]={}`)).data).toEqual(all);
    const some = `&match[]=${encodeURIComponent('{env="prod"}')}&match[]=${encodeURIComponent('{service_name="api"}')}`;
    expect((await json(`${api}/series?${range}${some}`)).data).toEqual(all);
    const one = encodeURIComponent('{service_name=~".*", env=""}');
    expect((await json(`${api}/series?${range}&match=${one}`)).data).toEqual(all.slice(1));
  });

  it('counts for index/stats', async () => {
    const stats = await json(`${api}/index/stats?${range}&query=${encodeURIComponent('{service_name="web"}')}`);
    expect(stats).toEqual({ streams: 1, chunks: 1, entries: 2, bytes: 34 });
  });
});

describe('the rest that clients ask', () => {
  it('reports a 3.x build', async () =>
    expect(await json(`${api}/status/buildinfo`)).toMatchObject({ version: expect.stringMatching(/^3\./) }));

  it('formats a query', async () => {
    expect(await json(`${api}/format_query?query=${encodeURIComponent('{a="b"}|="x"')}`)).toEqual({
      status: 'success',
      data: '{a="b"} |= "x"',
    });
    const long = `sum by (a) (rate({a="b"} |= "${'x'.repeat(90)}" | json | c="d" [5m]))`;
    expect(await json(`${api}/format_query?query=${encodeURIComponent(long)}`)).toEqual({
      status: 'success',
      data: `sum by (a)(\n  rate(\n    {a="b"}\n      |= "${'x'.repeat(90)}"\n      | json\n      | c="d" [5m]\n  )\n)`,
    });
    const bad = await server.get(`${api}/format_query?query=${encodeURIComponent('{a=')}`);
    expect(bad.status).toBe(400);
    expect(await bad.json()).toEqual({
      status: 'invalid-query',
      error: expect.stringMatching(/^parse error at line 1, col 4: /),
    });
  });
});

describe('errors are text that names the fault', () => {
  it.each([
    ['a parse error', query('{a="b"'), 400, /^parse error at line 1, col 7: /],
    ['an empty selector', query('{}'), 400, /^parse error : queries require at least one/],
    ['no query', `${api}/query_range?${range}`, 400, /^parse error : /],
    [
      'a log query as instant',
      `${api}/query?query=${encodeURIComponent('{a="b"}')}`,
      400,
      /^log queries are not supported as an instant query type/,
    ],
    ['limit 0', query('{a="b"}', '&limit=0'), 400, /^limit must be a positive value$/],
    ['a limit over the limit', query('{a="b"}', '&limit=5001'), 400, /5001 > 5000.*limits\.query_rows/],
    ['a direction', query('{a="b"}', '&direction=up'), 400, /invalid direction 'up'/],
    ['too many points', query('count_over_time({a="b"}[1m])', '&step=0.001'), 400, /11,000 points.*step/],
    [
      'a long range',
      `${api}/query_range?query=${encodeURIComponent('{a="b"}')}&start=1&end=3000000`,
      400,
      /^the query time range exceeds the limit \(query length: 34d17h19m59s, limit: 30d1h\).*limits\.query_length/,
    ],
    ['no step of a log query', query('{a="b"}', '&step=soon'), 400, /step: cannot parse "soon" to a valid duration/],
    ['a zero step of a log query', query('{a="b"}', '&step=0'), 400, /zero or negative/],
    ['limit 0 of an instant query', `${api}/query?query=1&limit=0`, 400, /^limit must be a positive value$/],
    ['a direction of an instant query', `${api}/query?query=1&direction=up`, 400, /invalid direction 'up'/],
    [
      'a filter where streams are asked for',
      `${api}/series?match[]=${encodeURIComponent('{a="b"} |= "x"')}`,
      400,
      /^only label matchers/,
    ],
    ['a negative step', query('count_over_time({a="b"}[1m])', '&step=-5'), 400, /zero or negative/],
    ['limit 0 of a metric query', query('vector(1)', '&limit=0'), 400, /^limit must be a positive value$/],
    ['a direction of a metric query', query('vector(1)', '&direction=up'), 400, /invalid direction 'up'/],
    ['a negative interval of a metric query', query('vector(1)', '&interval=-1'), 400, /^interval must be >= 0$/],
    ['a negative interval', query('{a="b"}', '&interval=-1'), 400, /^interval must be >= 0$/],
    [
      'an end before the start',
      `${api}/query_range?query=${encodeURIComponent('{a="b"}')}&start=5&end=4`,
      400,
      /^end timestamp must not be before or equal to start time/,
    ],
    ['a zero step', query('count_over_time({a="b"}[1m])', '&step=0'), 400, /zero or negative/],
    ['a time', `${api}/labels?start=yesterday`, 400, /start: cannot read "yesterday"/],
    ['a long query', query(`{a="${'x'.repeat(131_072)}"}`).slice(0, 40), 400, /parse error/],
    ['tail without upgrade', `${api}/tail?query=${encodeURIComponent('{a="b"}')}`, 400, /WebSocket/],
  ])('%s', async (_, path, status, text) => {
    const response = await server.get(path);
    expect(await response.text()).toMatch(text);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('text/plain');
  });

  it.each(['query_range', 'labels', 'series', 'index/stats', 'format_query'])(
    '%s takes GET and POST only',
    async path => {
      const response = await fetch(`${server.url}${api}/${path}`, { method: 'PUT' });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
      expect(await response.text()).toBe('PUT is not allowed here; use GET or POST');
    },
  );

  it('refuses a query text that is too long', async () => {
    const body = new URLSearchParams({ query: `{a="${'x'.repeat(131_072)}"}` });
    const response = await fetch(`${server.url}${api}/query_range`, { method: 'POST', body });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('131072')]);
  });

  it('refuses what is nested deeper than the stack goes', async () => {
    const body = new URLSearchParams({ query: `1${' + 1'.repeat(30_000)}`, start: '1', end: '2', step: '1' });
    const response = await fetch(`${server.url}${api}/query_range`, { method: 'POST', body });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('nest less')]);
  });

  it('refuses more series than the limit, saying so', async () => {
    await server.store.tick(
      Array.from({ length: 501 }, (_, i) => ({
        ts: t0 + BigInt(i),
        message: 'x',
        service: 'many',
        attributes: { n: String(i) },
        tenant: 'many',
      })),
    );
    const response = await server.get(query('count_over_time({service_name="many"}[1m])', '&step=60'), {
      'X-Scope-OrgID': 'many',
    });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringMatching(/^maximum of series \(500\) reached for a single query/),
    ]);
  });
});
