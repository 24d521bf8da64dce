import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';
import { parseConfig } from '../../base/config.ts';
import { WeirError } from '../../base/errors.ts';

const second = 1_000_000_000n;
const t0 = 1_700_006_400n * second;
let server: QueryServer;
let hasMemory = (): boolean => true;
const config = parseConfig(
  'limits: { query_rows: 5, query_series: 2, query_points: 10, query_length: 2h, volume_series: 2 }',
);

beforeAll(async () => {
  server = await startQueryServer(
    {
      config,
      run(question) {
        if (hasMemory()) return server.store.run(question);
        throw new WeirError('query_limit', { reason: 'limits.query_memory, 1 MiB' });
      },
    },
    '/weir/logs',
  );
  await server.store.tick(
    Array.from({ length: 12 }, (_, i) => ({ ts: t0 + BigInt(i), message: `m${i}`, service: `s${i % 3}` })),
  );
});
afterAll(() => server.close());

const get = async (path: string, parameters: Record<string, string>): Promise<[number, string]> => {
  const search = new URLSearchParams({ start: `${t0}`, end: `${t0 + 60n * second}`, ...parameters });
  const response = await server.get(`/weir/logs/loki/api/v1/${path}?${search}`);
  return [response.status, await response.text()];
};
const logs = '{service_name=~".+"}';
const counts = `count_over_time(${logs}[1m])`;

it.each([
  ['query_range', { query: logs, limit: '6' }, /max entries limit per query exceeded, .*\(6 > 5\).*limits\.query_rows/],
  ['tail', { query: logs, limit: '6' }, /\(6 > 5\)/],
  [
    'query_range',
    { query: counts, step: '30' },
    /^maximum of series \(2\) reached for a single query.*limits\.query_series/,
  ],
  ['query', { query: counts, time: `${t0 + 60n * second}` }, /^maximum of series \(2\) reached/],
  [
    'query_range',
    { query: counts, step: '5' },
    /^exceeded maximum resolution of 10 points per time series\. Try increasing the value of the step parameter \(12 points asked\).*limits\.query_points/,
  ],
  ['index/volume_range', { query: logs, step: '5' }, /^exceeded maximum resolution of 10 points/],
  ['patterns', { query: logs, start: `${t0 - 200n * second}` }, /^exceeded maximum resolution of 10 points/],
  [
    'query_range',
    { query: logs, start: `${t0 - 7200n * second}` },
    /^the query time range exceeds the limit \(query length: 2h1m, limit: 2h\).*limits\.query_length/,
  ],
])('%s %j names the limit, the value and what to do', async (path, parameters, message) => {
  expect(await get(path, parameters)).toEqual([400, expect.stringMatching(message)]);
});

it('answers what is within the limits', async () => {
  const [status, body] = await get('query_range', { query: logs });
  expect([status, [...body.matchAll(/"m\d+"/g)].length]).toEqual([200, 5]);
  expect((await get('query_range', { query: `sum(${counts})`, step: '6' }))[0]).toBe(200);
  const volume = JSON.parse((await get('index/volume', { query: logs, limit: '5000' }))[1]) as {
    warnings: string[];
    data: { result: unknown[] };
  };
  expect(volume.data.result).toHaveLength(2);
  expect(volume.warnings).toEqual([expect.stringMatching(/limits\.volume_series, 2/)]);
});

it('answers with and without the path prefix, live tails too', async () => {
  expect((await server.get('/loki/api/v1/status/buildinfo')).status).toBe(200);
  expect((await server.get('/weir/logs/loki/api/v1/status/buildinfo')).status).toBe(200);
  expect((await server.get('/weir/logs/ready')).status).toBe(200);
  expect((await server.get('/weir/logsloki/api/v1/status/buildinfo')).status).toBe(404);
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/weir/logs/loki/api/v1/tail?${new URLSearchParams({ query: logs, start: `${t0}`, limit: '5' })}`,
  );
  const frame = await new Promise<string>((resolve, reject) => {
    socket.on('message', data => resolve((data as Buffer).toString()));
    socket.on('error', reject);
  });
  socket.close();
  expect([...frame.matchAll(/"m\d+"/g)]).toHaveLength(5);
});

it('says in an error that a metric answer was cut to nothing, because Grafana fails on warnings beside no series', async () => {
  // Nothing is asked about tails then.
  await server.store.seal();
  let statements = 0;
  // The newest evaluations are computed, then no other is.
  hasMemory = () => ++statements === 2;
  try {
    const nothing = { query: 'count_over_time({service_name="none"}[1s])', step: '6' };
    expect(await get('query_range', nothing)).toEqual([
      400,
      expect.stringMatching(
        /the answer is partial: .*limits\.query_memory.*answered, and exact, are the evaluations from/,
      ),
    ]);
    expect(statements).toBeGreaterThan(2);
  } finally {
    hasMemory = () => true;
  }
});
