import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { ExplainAnswer } from './contract.ts';

const t0 = 1_700_000_000_000_000_000n;
const range = { start: String(t0), end: String(t0 + 3_600_000_000_000n) };
let server: QueryServer;

const explain = async (body: object, headers: Record<string, string> = {}): Promise<ExplainAnswer> =>
  (await (await server.post('/api/v1/explain', { ...range, ...body }, headers)).json()) as ExplainAnswer;

beforeAll(async () => {
  server = await startQueryServer();
  await server.store.session.queryAsync(
    'ALTER TABLE weir.records ADD INDEX trace trace_id TYPE bloom_filter GRANULARITY 1',
  );
  for (const [tenant, count] of [
    ['default', 20_000],
    ['other', 30_000],
  ] as const)
    await server.store.tick(
      Array.from({ length: count }, (_, i) => ({
        tenant,
        ts: t0 + BigInt(i) * 1_000_000n,
        message: `line ${i}`,
        traceId: `trace-${tenant}-${i}`,
      })),
    );
  await server.store.seal();
  await server.store.tick([
    { ts: t0, message: 'fresh' },
    { ts: t0, tenant: 'other', message: 'foreign' },
  ]);
});
afterAll(() => server.close());

describe('POST /api/v1/explain', () => {
  it('tells tree, LogQL, SQL and cost without running the query', async () => {
    const asked = server.store.asked.length;
    const answer = await explain({ query: 'error status:>500' });
    expect(answer).toMatchObject({
      kind: 'logs',
      language: 'search',
      reading: 'error AND status:>500',
      notes: [],
      tree: { kind: 'logs', selector: [], stages: [{ kind: 'line_filter' }, { kind: 'search' }] },
    });
    expect(answer.logql).toContain('| search "status:>500"');
    expect(answer.sql).toContain("hasAllTokens(lower(message), ['error'])");
    expect(answer.estimate).toMatchObject({ unsealed: 1 });
    expect(answer.estimate.rows).toBeGreaterThanOrEqual(20_000);
    expect(answer.estimate.bytes).toBeGreaterThan(100_000);
    for (const sql of server.store.asked.slice(asked))
      expect(sql).toMatch(/^EXPLAIN|^SELECT sum\(c\)|system\.columns|LIMIT 4096\)$/);
  });

  it('shows which index leaves what', async () => {
    const all = await explain({ query: '' });
    expect(all.fullScan).toBe(true);
    const one = await explain({ query: 'trace_id:trace-default-77' });
    expect(one.fullScan).toBe(false);
    const bloom = one.indexes.find(index => index.name === 'trace');
    expect(bloom?.granules.after).toBeLessThan(bloom?.granules.before ?? 0);
    expect(one.estimate.rows).toBeLessThan(all.estimate.rows);
    const later = await explain({ query: '', start: String(t0 + 19_000_000_000n) });
    expect(later.estimate.granules).toBeLessThan(all.estimate.granules);
  });

  it('tells no other tenant’s volume', async () => {
    const none = await explain({ query: '' }, { 'x-scope-orgid': 'nobody' });
    // A block may be shared at its border, so one block is the least the engine can say.
    expect(none.estimate.unsealed).toBe(0);
    expect(none.estimate.granules).toBeLessThanOrEqual(1);
    for (const index of none.indexes) expect(index.granules.before).toBeLessThanOrEqual(1);
    const own = await explain({ query: '' });
    for (const index of own.indexes) expect(index.granules.before).toBeLessThanOrEqual(4);
  });

  it('explains for several tenants at once', async () => {
    const both = await explain({ query: 'line' }, { 'x-scope-orgid': 'default|other' });
    expect(both.estimate.unsealed).toBe(2);
    expect(both.estimate.rows).toBeGreaterThanOrEqual(50_000);
    expect(both.estimate.bytes).toBeGreaterThan(200_000);
  });

  it('explains metrics, and says where a query is broken', async () => {
    const metric = await explain({ query: 'sum by (level) (rate({service_name="web"}[5m]))' });
    expect(metric).toMatchObject({ kind: 'metric', language: 'logql' });
    expect(metric.estimate.rows).toBeGreaterThan(0);
    const broken = await server.post('/api/v1/explain', { query: 'a OR' });
    expect(broken.status).toBe(400);
    expect(await broken.json()).toMatchObject({ error: { code: 'bad_query', line: 1, column: 3 } });
  });

  it('takes half an emoji, which JSON can say, for U+FFFD', async () => {
    for (const query of ['timeout \ud83d', '{service_name="web"} |= "\ud83d"', 'any where message : "*\ud83d*"']) {
      expect((await explain({ query })).sql).toContain('\ufffd');
      const found = await server.post('/api/v1/query', { ...range, query });
      expect([query, found.status]).toEqual([query, 200]);
    }
  });

  it('explains EQL: tree, the statement for its candidates, and what that would read', async () => {
    const chain =
      'sequence by trace_id with maxspan=5m [any where message : "line 7*"] [any where message : "line 8*"]';
    const answer = await explain({ query: chain });
    expect(answer).toMatchObject({
      kind: 'eql',
      language: 'eql',
      notes: [expect.stringContaining('sequences are put together')],
      tree: { kind: 'sequence', steps: [{}, {}] },
    });
    expect(answer.logql).toBeUndefined();
    expect(answer.sql).toMatch(/SELECT[^]*line 8/i);
    expect(answer.estimate.rows).toBeGreaterThanOrEqual(20_000);
    expect(answer.estimate.unsealed).toBe(1);
    const one = await explain({ query: 'any where trace_id == "trace-default-77"' });
    expect(one.notes).toEqual([]);
    expect(one.estimate.rows).toBeGreaterThan(0);
    const none = await explain({ query: 'any where user.name == "ann"' }, { 'x-scope-orgid': 'nobody' });
    expect(none).toMatchObject({ sql: '', estimate: { rows: 0 }, notes: [expect.stringContaining('no record')] });
    const broken = await server.post('/api/v1/explain', { query: 'any where user ==' });
    expect([broken.status, await broken.json()]).toMatchObject([400, { error: { code: 'bad_query', line: 1 } }]);
  });
});
