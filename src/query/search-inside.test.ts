import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { QueryFrame } from './contract.ts';

// Fields inside of attributes that are objects or lists, and of pairs in brackets. Half of the records are in parts, half in the tail.

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;
const range = { start: String(t0), end: String(t0 + 3600n * second) };
let server: QueryServer;

const records: { message: string; attributes?: Record<string, string> }[] = [
  { message: 'a1', attributes: { http: '{"method":"GET","request":{"bytes":1500}}', tags: '["red","Blue"]' } },
  { message: 'a2', attributes: { http: '{"method":"PUT","request.bytes":20}', tags: '["green"]', codes: '[404,500]' } },
  { message: 'a3', attributes: { http_method: 'GET', http: '{"method":"HEAD"}', tags: 'red' } },
  { message: 'a4', attributes: { k8s: '{"pod":{"name":"web-0"},"labels":["x","y"]}', tags: '[unclosed red' } },
  { message: 'a5 Request timeout (retry=2)' },
  { message: 'a6 fetch failed [code=E42, retry=12] f=g(x)' },
];

async function found(query: string): Promise<string> {
  const frames = await server.frames('/api/v1/query', { ...range, query, direction: 'forward' });
  const last = frames.at(-1);
  if (last?.type !== 'end') throw new Error(JSON.stringify(last));
  const messages = frames.flatMap((f: QueryFrame) => (f.type === 'rows' ? f.rows.map(r => r.message) : []));
  return messages.map(message => message.slice(0, 2)).join(' ');
}

beforeAll(async () => {
  server = await startQueryServer();
  const made = records.map((record, i) => ({ ...record, service: 'web', ts: t0 + BigInt(i) * second }));
  await server.store.tick(made.slice(0, 3));
  await server.store.seal();
  await server.store.tick(made.slice(3));
});
afterAll(() => server.close());

describe('a search looks inside', () => {
  it.each([
    // an attribute of the whole name comes first
    ['http.method:GET', 'a1 a3'],
    ['http_method:HEAD', ''],
    ['-http.method:GET', 'a2 a4 a5 a6'],
    ['http.method:P*', 'a2'],
    ['http.request.bytes:>1000', 'a1'],
    ['http.request.bytes:<1000', 'a2'],
    ['http.method:*', 'a1 a2 a3'],
    ['_missing_:http.method', 'a4 a5 a6'],
    ['http.method:""', 'a4 a5 a6'],
    ['k8s.pod.name:web-0', 'a4'],
    ['k8s.labels:y', 'a4'],
    ['tags:red', 'a1 a3'],
    ['tags:blue', ''],
    ['tags:B*', 'a1'],
    ['tags:(green OR Blue)', 'a1 a2'],
    ['-tags:red', 'a2 a4 a5 a6'],
    ['codes:500', 'a2'],
    ['codes:>450', 'a2'],
    ['codes:>500', ''],
    ['tags:"[unclosed red"', 'a4'],
    ['Request timeout (retry=2)', 'a5'],
    ['retry:2', 'a5'],
    ['retry:>5', 'a6'],
    ['code:E42', 'a6'],
    ['f:"g(x)"', 'a6'],
  ])('%s', async (query, names) => {
    expect(await found(query)).toBe(names);
  });
});
