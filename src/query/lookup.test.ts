import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { QueryFrame } from './contract.ts';
import { lookupRanges } from './lookup.ts';

const second = 1_000_000_000n;
const day = 86_400n * second;
const now = BigInt(Date.now()) * 1_000_000n;
const hour = { start: String(now - 3600n * second), end: String(now + second) };
let server: QueryServer;

const lookups = (frames: QueryFrame[]) => frames.flatMap(f => (f.type === 'lookup' ? [f] : []));
const messages = (frames: QueryFrame[]): string[] =>
  frames.flatMap(f => (f.type === 'rows' ? f.rows.map(r => r.message) : []));
const ask = (body: object): Promise<QueryFrame[]> => server.frames('/api/v1/query', { ...hour, widen: true, ...body });

beforeAll(async () => {
  server = await startQueryServer();
  await server.store.tick([
    { ts: now - 400n * day, message: 'ancient order-10001 of user-7001' },
    { ts: now - 5n * day, message: 'this week order-10002' },
    { ts: now - day / 2n, message: 'today order-10003', attributes: { user: 'user-7002' } },
    { ts: now - 60n * second, message: 'just now order-10003' },
    { ts: now + 30n * day, message: 'clock ahead order-10004' },
  ]);
  await server.store.seal();
  await server.store.tick([{ ts: now - 10n * second, tenant: 'other', message: 'foreign order-10009' }]);
});
afterAll(() => server.close());

describe('an id alone', () => {
  it.each([
    ['order-10003', ['just now order-10003'], 1],
    ['user-7002', ['today order-10003'], 2],
    ['order-10002', ['this week order-10002'], 3],
    ['user-7001', ['ancient order-10001 of user-7001'], 4],
    ['order-10004', ['clock ahead order-10004'], 4],
    ['order-1000*', ['just now order-10003'], 1],
    ['order-10009', [], 4],
  ])('%s is found however old it is', async (query, found, looked) => {
    const frames = await ask({ query });
    expect(messages(frames)).toEqual(found);
    const steps = lookups(frames);
    expect(steps.map(step => step.done)).toEqual([...Array<boolean>(looked - 1).fill(false), true]);
    expect(steps[0]).toMatchObject(hour);
    expect(steps.at(-1)?.rows).toBe(found.length);
    expect(frames.at(-1)).toMatchObject({ type: 'end', rows: found.length, partial: false });
  });

  it('is looked for in everything when no range is given, and only in the range when one is', async () => {
    const frames = await server.frames('/api/v1/query', { query: 'order-10002' });
    expect(messages(frames)).toEqual(['this week order-10002']);
    const strict = await server.frames('/api/v1/query', { ...hour, query: 'order-10002' });
    expect(messages(strict)).toEqual([]);
    expect(lookups(strict)).toEqual([]);
  });

  it('is not widened with other words beside it, or on later pages', async () => {
    expect(lookups(await ask({ query: 'order-10002 week' }))).toEqual([]);
    expect(lookups(await ask({ query: 'order-10002', after: `${now},1` }))).toEqual([]);
  });

  it('ends early when the answer was cut off', async () => {
    server.store.cutOff = 'it ran too long';
    const frames = await ask({ query: 'order-10009' });
    server.store.cutOff = null;
    expect(lookups(frames)).toHaveLength(1);
    expect(frames.at(-1)).toMatchObject({ type: 'end', partial: true, reason: 'it ran too long' });
  });
});

it('stretches do not overlap until everything is asked', () => {
  const ranges = lookupRanges({ start: now - 3n * day, end: now });
  expect(ranges.slice(0, -1)).toEqual([
    { start: now - 3n * day, end: now },
    { start: now - 7n * day, end: now - 3n * day },
  ]);
});
