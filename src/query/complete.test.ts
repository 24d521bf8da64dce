import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { CompleteAnswer, Completion } from './contract.ts';

const now = BigInt(Date.now()) * 1_000_000n;
let server: QueryServer;

/** `text` with the cursor at `^`, or at its end. */
async function complete(text: string, headers: Record<string, string> = {}): Promise<CompleteAnswer> {
  const cursor = text.includes('^') ? text.indexOf('^') : text.length;
  const reply = await server.post('/api/v1/complete', { query: text.replace('^', ''), cursor }, headers);
  expect(reply.status, await reply.clone().text()).toBe(200);
  return (await reply.json()) as CompleteAnswer;
}
const labels = (answer: CompleteAnswer): string[] => answer.items.map(item => item.label);
const find = (answer: CompleteAnswer, label: string): Completion | undefined =>
  answer.items.find(item => item.label === label);

beforeAll(async () => {
  server = await startQueryServer();
  const record = (i: number) => ({
    ts: now - BigInt(i) * 1_000_000_000n,
    service: i % 3 === 0 ? 'payment' : 'web shop',
    level: i % 4 === 0 ? ('error' as const) : ('info' as const),
    labels: { env: 'prod' },
    attributes: { user_id: `u${i % 5}`, http: JSON.stringify({ method: 'GET', request: { bytes: 7 } }) },
    message: i % 2 === 0 ? `{"status":${i % 3 === 0 ? 500 : 200},"path":"/a b"}` : `took=${i}ms region=eu`,
  });
  await server.store.tick(Array.from({ length: 60 }, (_, i) => record(i)));
  await server.store.seal();
  await server.store.tick([
    {
      ts: now,
      message: 'x=1',
      tenant: 'other',
      service: 'foreign',
      labels: { secret: 'a' },
      attributes: { hidden: 'b' },
    },
  ]);
});
afterAll(() => server.close());

describe('EQL', () => {
  it('offers fields and their values', async () => {
    expect(labels(await complete('any where us'))).toContain('user_id');
    const values = await complete('sequence by user_id [any where user_id == "u');
    expect(find(values, 'u1')).toMatchObject({ kind: 'value', insert: '"u1"', count: 12 });
    expect(labels(await complete('any where user_id '))).toContain('== ');
    expect((await complete('any where user_id == "u^1"')).to).toBe(25);
  });

  it('offers what is inside of objects in place of these', async () => {
    expect(labels(await complete('any where http'))).toEqual(['http.method', 'http.request.bytes']);
    expect(labels(await complete('http.'))).toEqual(['http.method', 'http.request.bytes']);
    expect(labels(await complete('{env="prod"} | http'))).toEqual(['http']);
    const values = await complete('any where http.method == "');
    expect(find(values, 'GET')).toMatchObject({ insert: '"GET"', count: 60 });
    expect(find(await complete('http.request.bytes:'), '7')).toMatchObject({ insert: '7' });
    // The name of a field that no record meets is exchanged for another.
    expect(await complete('htt^p.x:5 env:prod')).toMatchObject({ from: 0, to: 7 });
    expect(labels(await complete('htt^p.x:5 env:prod'))).toEqual(['http.method', 'http.request.bytes']);
    expect(labels(await complete('htt^p.x>=5 env:prod'))).toEqual(['http.method', 'http.request.bytes']);
  });
});

describe('search text', () => {
  it.each([
    ['', ['service', 'level', 'message', 'env', 'user_id', 'status', 'took'], ['AND', 'sum']],
    ['ser', ['service'], ['level', 'service_name']],
    ['error ', ['AND', 'OR', 'NOT', 'service'], ['sum']],
    ['sum', ['sum', 'sum_over_time'], ['AND']],
    ['pay', ['payment'], []],
    ['PRO', ['prod'], ['payment']],
    ['service:', ['payment', 'web shop'], ['foreign', 'AND']],
    ['level:', ['error', 'info', 'fatal'], []],
    ['status:', ['500', '200'], []],
    ['status=', ['500', '200'], []],
    ['status:>', ['500', '200'], []],
    ['took:', ['1ms'], []],
    ['env:', ['prod'], []],
    ['user_id:u', ['u0', 'u4'], []],
    ['service:(pay', ['payment'], []],
    ['-service:pay', ['payment'], []],
    ['error OR (lev', ['level'], []],
    ['_exists_:us', ['user_id'], []],
    ['timestamp:', ['>=now-1h'], []],
    ['service:payment status:', ['500'], ['200']],
    ['"a phrase ser', [], ['service']],
  ])('%s', async (text, offered, absent) => {
    const found = labels(await complete(text));
    expect(found).toEqual(expect.arrayContaining(offered));
    for (const label of absent) expect(found).not.toContain(label);
  });

  it('says what a choice replaces, how it is written, and how often it is there', async () => {
    const answer = await complete('error service:we^b x');
    expect([answer.from, answer.to]).toEqual([14, 17]);
    expect(find(answer, 'web shop')).toEqual({ kind: 'value', label: 'web shop', insert: '"web shop"', count: 40 });
    expect(find(await complete('us'), 'user_id')).toMatchObject({ kind: 'field', insert: 'user_id:', count: 60 });
    expect(find(await complete('pay'), 'payment')).toMatchObject({ insert: 'service:payment', detail: 'service' });
    expect(find(await complete('pro'), 'prod')).toMatchObject({ insert: 'env:prod', detail: 'env', count: 60 });
  });
});

describe('LogQL', () => {
  it.each([
    ['{', ['env', 'service_name'], ['user_id', 'status']],
    ['{env="prod", ser', ['service_name'], ['env']],
    ['{service_name', ['service_name'], []],
    ['{service_name ', ['=', '!=', '=~', '!~'], []],
    ['{service_name=', ['payment', 'web shop'], []],
    ['{service_name="pa', ['payment'], ['web shop']],
    ['{service_name="payment"', ['}', ','], []],
    ['{service_name="payment"} ', ['|=', '!=', '|~', '|'], ['json', 'sum']],
    ['{service_name="payment"} | ', ['json', 'logfmt', 'line_format', 'search', 'stats', 'env'], ['unwrap']],
    ['error | stats count() by ', ['env', 'user_id'], ['json']],
    ['{service_name="payment"} | js', ['json'], ['logfmt']],
    ['{env="prod"} | json | sta', ['status'], []],
    ['{env="prod"} | json | status ', ['=', '>', '>='], []],
    ['{env="prod"} | json | status=', ['500', '200'], []],
    ['{env="prod"} | json | detected_level="', ['error', 'fatal'], []],
    ['{env="prod"} | json | status="500" ', ['|', 'and', 'or'], []],
    ['{env="prod"} | keep ', ['env', 'user_id'], []],
    ['sum by (', ['env', 'user_id'], ['sum']],
    ['sum by (env', ['env'], []],
    ['sum(', ['rate', 'count_over_time'], ['{']],
    ['rate(', ['{'], ['rate', 'sum']],
    ['sum(rate({env="prod"} | ', ['unwrap', 'json'], ['stats']],
    ['rate({env="prod"}[', ['5m', '1h'], ['json']],
    ['sum(rate({env="prod"}[5m])) ', ['by', '/', '>'], []],
    ['error | ', ['json', 'line_format'], ['AND']],
    ['|= "x" | lo', ['logfmt'], []],
  ])('%s', async (text, offered, absent) => {
    const found = labels(await complete(text));
    expect(found).toEqual(expect.arrayContaining(offered));
    for (const label of absent) expect(found).not.toContain(label);
  });

  it('writes values as strings and replaces an open one', async () => {
    const answer = await complete('{service_name="we^');
    expect([answer.from, answer.to]).toEqual([14, 17]);
    expect(answer.items[0]).toMatchObject({ label: 'web shop', insert: '"web shop"' });
  });
});

it('never offers what other tenants have', async () => {
  for (const text of ['', 'hid', 'sec', 'service:', 'for', '{', '{service_name=', '{env="prod"} | ']) {
    const found = labels(await complete(text));
    for (const name of ['secret', 'hidden', 'foreign']) expect(found).not.toContain(name);
  }
  expect(labels(await complete('service:', { 'x-scope-orgid': 'other' }))).toEqual(['foreign']);
});

it('answers every cut of a query without an error', async () => {
  const text = 'a (b:"c d" OR x:[1 TO 2]) | json | y=~"z" # {';
  for (let cursor = 0; cursor <= text.length; cursor += 3) {
    const reply = await server.post('/api/v1/complete', { query: text, cursor });
    expect(reply.status).toBe(200);
  }
});
