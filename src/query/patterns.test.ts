import { afterAll, beforeAll, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { PatternsAnswer } from './contract.ts';

const second = 1_000_000_000n;
/** Midnight of 2023-11-15. */
const t0 = 1_700_006_400n * second;
let server: QueryServer;

async function patterns(body: Record<string, unknown>): Promise<PatternsAnswer> {
  const response = await server.post('/api/v1/patterns', { start: `${t0}`, end: `${t0 + 60n * second}`, ...body });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as PatternsAnswer;
}

beforeAll(async () => {
  server = await startQueryServer();
  await server.store.tick([
    { ts: t0 + second, message: 'took 9 ms', template: 'T1', level: 'error' },
    { ts: t0 + 2n * second, message: 'took 7 ms', template: 'T1', level: 'info' },
    { ts: t0 + 31n * second, message: 'took 8 ms', template: 'T1', level: 'info' },
    { ts: t0 + 32n * second, message: 'cache is cold', template: 'T2', level: 'warn' },
  ]);
  server.store.session.query("INSERT INTO weir.templates VALUES ('default', 'T1', 'took <_> ms')");
  server.store.session.query("INSERT INTO weir.templates VALUES ('default', 'T2', 'cache is cold')");
  await server.store.seal();
  await server.store.tick([{ ts: t0 + 41n * second, message: 'user 17 left', template: 'T3', level: 'info' }]);
});
afterAll(() => server.close());

it('adds the levels of a pattern up, over time, from parts and from the tail', async () => {
  const answer = await patterns({ buckets: 2 });
  expect(answer).toMatchObject({ step: 30, total: 5, others: 0, partial: false });
  expect(answer.patterns).toEqual([
    {
      pattern: 'took <_> ms',
      mined: true,
      total: 3,
      levels: { error: 1, info: 2 },
      first: `${t0 + second}`,
      last: `${t0 + 31n * second}`,
      series: [
        [1_700_006_400, 2],
        [1_700_006_430, 1],
      ],
    },
    expect.objectContaining({ pattern: 'cache is cold', total: 1, levels: { warn: 1 } }),
    expect.objectContaining({ pattern: 'user <_> left', mined: false, total: 1 }),
  ]);
});

it('counts what the query matches, and says how many records are of patterns that are not listed', async () => {
  expect(await patterns({ query: 'took', limit: 1 })).toMatchObject({ total: 3, others: 0 });
  const one = await patterns({ limit: 1 });
  expect([one.total, one.others, one.patterns.length]).toEqual([5, 2, 1]);
  expect(await patterns({ query: 'nothing-like-it' })).toMatchObject({ total: 0, others: 0, patterns: [] });
});

it('finds the records of a pattern by a pattern filter', async () => {
  for (const { pattern, total } of (await patterns({})).patterns)
    expect(await patterns({ query: `|> ${JSON.stringify(pattern)}` })).toMatchObject({ total });
});

it.each([
  [{ query: 'level:eror' }, 'eror'],
  [{ limit: 0 }, 'limit'],
  [{ query: 'sum(rate({a="b"}[1m]))' }, 'metric'],
])('refuses %o', async (body, word) => {
  const response = await server.post('/api/v1/patterns', body);
  expect(response.status).toBe(400);
  expect(await response.text()).toContain(word);
});
