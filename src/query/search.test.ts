import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { CheckAnswer, HistogramAnswer, QueryFrame } from './contract.ts';

// Search texts end to end: typed text in, rows of the real engine out. Half of the records are in parts, half in the tail.

const second = 1_000_000_000n;
/** 2023-11-14T22:13:20Z */
const t0 = 1_700_000_000n * second;
const range = { start: String(t0), end: String(t0 + 3600n * second) };
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
let server: QueryServer;

/** By its first word a record is named in the tables below. */
const records = [
  {
    message: 'a1 payment timeout after 900 ms',
    service: 'payment',
    level: 'error',
    attributes: { status: '500', latency_ms: '900', user_id: 'user-4711' },
  },
  {
    message: 'a2 Payment accepted',
    service: 'payment',
    level: 'info',
    attributes: { status: '200', latency_ms: '20', client: '10.1.2.3' },
  },
  {
    message: 'a3 connection refused by upstream',
    service: 'web',
    level: 'warn',
    labels: { env: 'prod', status: '503' },
    traceId: trace,
  },
  {
    message: '{"id":"a4","status":404,"latency_ms":700,"http":{"method":"GET"},"user":"ann"}',
    service: 'web',
    level: 'info',
  },
  {
    message: 'id=a5 level=warn status=500 latency_ms=oops path="/api/v1/users" took=1.5s size=20MB',
    service: 'api',
    level: 'warn',
  },
  {
    message: '{"id":"a6","status":"200","user":"bob","note":"timeout in a_timeout_b"}',
    service: 'api',
    level: 'debug',
  },
  { message: 'a7 nothing to see', service: 'api', level: 'fatal', attributes: { user: 'ann lee', empty: '' } },
  {
    message: `a8 handled request ${trace} for 550e8400-e29b-41d4-a716-446655440000`,
    service: 'gateway',
    level: 'info',
  },
] as const;

const nameOf = (message: string): string => /\ba\d\b/.exec(message)?.[0] ?? message;
async function found(query: string): Promise<string> {
  const frames = await server.frames('/api/v1/query', { ...range, query, direction: 'forward' });
  const last = frames.at(-1);
  if (last?.type !== 'end') throw new Error(JSON.stringify(last));
  return frames.flatMap((f: QueryFrame) => (f.type === 'rows' ? f.rows.map(r => nameOf(r.message)) : [])).join(' ');
}

beforeAll(async () => {
  server = await startQueryServer();
  const made = records.map((record, i) => ({ ...record, ts: t0 + BigInt(i) * 60n * second }));
  await server.store.tick(made.slice(0, 4));
  await server.store.seal();
  await server.store.tick(made.slice(4));
});
afterAll(() => server.close());

describe('search text on the engine', () => {
  it.each([
    ['', 'a1 a2 a3 a4 a5 a6 a7 a8'],
    ['timeout', 'a1 a6'],
    ['PAYMENT', 'a1 a2'],
    ['payment timeout', 'a1'],
    ['payment -timeout', 'a2'],
    ['timeout OR refused', 'a1 a3 a6'],
    ['"connection refused"', 'a3'],
    ['"refused connection"', ''],
    ['conn*', 'a3'],
    ['*fused', 'a3'],
    ['refuse', ''],
    ['re?used', 'a3'],
    ['/conn.*upstream/', 'a3'],
    ['message:(nothing OR accepted)', 'a2 a7'],
    ['service:web', 'a3 a4'],
    ['-service:(web or api)', 'a1 a2 a8'],
    ['service:*a*', 'a1 a2 a5 a6 a7 a8'],
    ['level:>=warn', 'a1 a3 a5 a7'],
    ['level:warning', 'a3 a5'],
    ['-level:info', 'a1 a3 a5 a6 a7'],
    ['status:500', 'a1 a5'],
    ['status=500', 'a1 a5'],
    ['status:200', 'a2 a6'],
    ['-status:200', 'a1 a3 a4 a5 a7 a8'],
    ['status:503', 'a3'],
    ['status:>=500', 'a1 a3 a5'],
    ['status:[400 TO 499]', 'a4'],
    ['status:[400 TO 500}', 'a4'],
    ['status:(404 or 503)', 'a3 a4'],
    ['status:(404 OR >500)', 'a3 a4'],
    ['status:5*', 'a1 a3 a5'],
    ['status:/[45]0[04]/', 'a1 a4 a5'],
    ['status!~"2.."', 'a1 a3 a4 a5 a7 a8'],
    ['status:*', 'a1 a2 a3 a4 a5 a6'],
    ['_missing_:status', 'a7 a8'],
    ['latency_ms:>500', 'a1 a4'],
    ['NOT latency_ms:>500', 'a2 a3 a5 a6 a7 a8'],
    ['took:>1s', 'a5'],
    ['took:>2s', ''],
    ['size:>=20MB', 'a5'],
    ['user:ann', 'a4'],
    ['user:"ann lee"', 'a7'],
    ['user:ann*', 'a4 a7'],
    ['user:>b', 'a6'],
    ['http.method:GET', 'a4'],
    ['http_method:GET', 'a4'],
    ['path="/api/v1/users"', 'a5'],
    ['path:/api/v1/users', 'a5'],
    ['env:prod', 'a3'],
    ['client:10.0.0.0/8', 'a2'],
    ['client:[10.1.2.0 TO 10.1.2.9]', 'a2'],
    ['client:192.168.0.0/16', ''],
    ['empty:""', 'a1 a2 a3 a4 a5 a6 a7 a8'],
    ['nosuchfield:1', ''],
    ['timeout OR status:500', 'a1 a5 a6'],
    ['(timeout OR service:web) -status:404', 'a1 a3 a6'],
    ['NOT (status:200 OR service:api)', 'a1 a3 a4 a8'],
    ['error: timeout', ''],
    // close words
    ['timout~', 'a1 a6'],
    ['TIMOUT~1', 'a1 a6'],
    ['timeuot~1', 'a1 a6'],
    ['timt~1', ''],
    ['-conection~1', 'a1 a2 a4 a5 a6 a7 a8'],
    ['user:bon~1', 'a6'],
    ['"connection by"~1', 'a3'],
    ['"connection upstream"~1', ''],
    ['"Connection UPSTREAM"~2', 'a3'],
    ['"refused connection"~2', 'a3'],
    ['"refused connection"~1', ''],
    ['"nothing nothing"~5', ''],
    ['"timeout payment ms"~9', 'a1'],
    // one of several
    ['status:IN [404 503]', 'a3 a4'],
    ['IN [refused accepted]', 'a2 a3'],
    ['"connection ref"*', 'a3'],
    ['user:"ann l"*', 'a7'],
    ['timeout^2', 'a1 a6'],
    ['severity:>=17', ''],
    ['severity:9', 'a1 a2 a3 a4 a5 a6 a7 a8'],
    ['door:json service:web', 'a3 a4'],
    ['timestamp:>=2023-11-14T22:18:20Z', 'a6 a7 a8'],
    ['timestamp:[2023-11-14T22:13:20Z TO 2023-11-14T22:14:20Z]', 'a1 a2'],
    ['timestamp:2023-11-15', ''],
    ['timestamp:<now-1d status:500', 'a1 a5'],
    [`trace_id:${trace}`, 'a3'],
    ['trace_id:4bf92*', 'a3'],
    [trace, 'a3 a8'],
    [trace.toUpperCase(), 'a3 a8'],
    ['user-4711', 'a1'],
    ['4bf92f35*', 'a3 a8'],
    ['user-47*', ''],
    ['550e8400-e29b-41d4-a716-446655440000', 'a8'],
    ['550e8400-e29b-41d4-a716-44665544000', ''],
    ['anywhere:user-4711', 'a1'],
    ['-user-4711 payment', 'a2'],
    ['status:500 | logfmt | took="1.5s"', 'a5'],
    ['timeout |= "900"', 'a1'],
    ['{service_name="api"} | search "status:500 OR user:bob"', 'a5 a6'],
    ['{service_name="api"} | line_format "made {{.service_name}}" | search "made -api"', ''],
  ])('%s', async (query, names) => expect(await found(query)).toBe(names));

  it('counts the same in the histogram and inside a metric query', async () => {
    const histogram = (await (
      await server.post('/api/v1/histogram', { ...range, query: 'status:>=500 OR timeout' })
    ).json()) as HistogramAnswer;
    expect(histogram.total).toBe(4);
    const frames = await server.frames('/api/v1/query', {
      start: range.end,
      end: range.end,
      query: 'sum(count_over_time({} | search "status:>=500 OR timeout" [2h]))',
    });
    expect(frames.find(f => f.type === 'series')).toMatchObject({ values: [[Number(t0 / second) + 3600, '4']] });
  });

  it('says what it understood', async () => {
    const answer = (await (
      await server.post('/api/v1/check', { query: 'error or -status:200' })
    ).json()) as CheckAnswer;
    expect(answer).toEqual({
      ok: true,
      kind: 'logs',
      language: 'search',
      reading: 'error AND \\or AND NOT status:200',
      logql: expect.stringContaining('| search "NOT status:200"'),
      notes: ['"or" in lower case is a word here; write OR to combine'],
    });
  });
});
