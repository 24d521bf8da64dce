import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;

type Answer = {
  is_partial: boolean;
  timed_out: boolean;
  hits: { events?: { _source: Record<string, unknown> }[]; sequences?: unknown[] };
  shard_failures?: { reason: { reason: string } }[];
  error?: { type: string; reason: string };
  status?: number;
};

let server: QueryServer;
beforeAll(async () => {
  server = await startQueryServer();
  await server.store.tick([
    { ts: t0, message: 'one', attributes: { event_category: 'a', "it's \\ `odd`": 'x', user: "o'neil\\" } },
    { ts: t0 + second, message: 'two', attributes: { event_category: 'b', user: "o'neil\\" } },
  ]);
  await server.store.seal();
  await server.store.tick([
    { ts: t0 + 2n * second, message: 'three', attributes: { event_category: 'a', user: 'b' } },
    // Both `timestamp` (the column) and `@timestamp` were sent.
    {
      tenant: 'both',
      ts: t0,
      message: 'late',
      attributes: { event_category: 'a', _timestamp: '2024-01-01T00:00:09Z' },
    },
    {
      tenant: 'both',
      ts: t0 + second,
      message: 'early',
      attributes: { event_category: 'b', _timestamp: '1704067203' },
    },
    { tenant: 'both', ts: t0 + 2n * second, message: 'without', attributes: { event_category: 'c' } },
  ]);
});
afterAll(() => server.close());

async function ask(body: object, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await server.post('/_eql/search', body, headers);
  return (await response.json()) as Answer;
}
const messages = (answer: Answer): unknown[] => (answer.hits.events ?? []).map(event => event._source.message);

describe('what a user types', () => {
  it.each([
    ['any where user == "o\'neil\\\\"', ['one', 'two']],
    ['any where `it\'s \\ ``odd``` == "x"', ['one']],
    ['any where ?`a\') OR 1=1 --` == "x"', []],
    ['any where user : "o\'*"', ['one', 'two']],
    ['any where user regex "o\'.*"', ['one', 'two']],
    ['any where user in ("\') OR (1=1", "b", "c", "d")', ['three']],
    ["\"a') OR ('1'='1\" where true", []],
  ])('never becomes SQL: %s', async (query, found) => {
    expect(messages(await ask({ query }))).toEqual(found);
  });

  it('is read over parts and tail, by tenant', async () => {
    expect(messages(await ask({ query: 'any where true' }))).toEqual(['one', 'two', 'three']);
    expect(messages(await ask({ query: 'a where true' }, { 'x-scope-orgid': 'both' }))).toEqual(['late']);
    expect((await ask({ query: 'sequence [a where true] [b where true] [a where true]' })).hits.sequences).toHaveLength(
      1,
    );
  });
});

it('orders by @timestamp as sent where another name gave the column its time', async () => {
  const both = { 'x-scope-orgid': 'both' };
  expect(messages(await ask({ query: 'any where true' }, both))).toEqual(['without', 'early', 'late']);
  expect(messages(await ask({ query: 'any where @timestamp >= "2024-01-01T00:00:03Z"' }, both))).toEqual([
    'early',
    'late',
  ]);
  expect(
    (await ask({ query: 'sequence with maxspan=6s [b where true] [a where true]' }, both)).hits.sequences,
  ).toHaveLength(1);
  expect(
    (await ask({ query: 'sequence with maxspan=5s [b where true] [a where true]' }, both)).hits.sequences,
  ).toHaveLength(0);
});

describe('an answer that was cut off', () => {
  it.each(['any where true', 'sequence [a where true] [b where true]'])('says so: %s', async query => {
    server.store.cutOff = 'it ran longer than 5 ms';
    try {
      const partial = await ask({ query });
      expect(partial).toMatchObject({ is_partial: true, timed_out: true });
      expect(partial.shard_failures?.[0]?.reason.reason).toContain('longer than 5 ms');
      const refused = await ask({ query, allow_partial_search_results: false });
      expect(refused).toMatchObject({ status: 400, error: { type: 'query_limit_exception' } });
    } finally {
      server.store.cutOff = null;
    }
  });
});
