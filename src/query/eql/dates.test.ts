import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';

const at = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;

let server: QueryServer;
beforeAll(async () => {
  server = await startQueryServer();
  const record = (message: string, time: string, attributes: Record<string, string>) => ({
    ts: at(time),
    message,
    attributes: { event_category: 'a', ...attributes },
  });
  await server.store.tick([
    record('1', '2026-05-01T10:00:00Z', { made: '2026-05-01T09:00:00Z', other: '2026-05-01' }),
    record('2', '2026-05-01T10:00:02.500Z', { made: '2026-05-01T11:00:00.000+02:00', other: 'two' }),
  ]);
  await server.store.seal();
  await server.store.tick([
    record('3', '2026-05-01T10:00:03Z', { made: '2026-05-01 09:30:00', other: '9999-12-31T00:00:00Z' }),
    record('4', '2026-05-02T00:00:00Z', { made: '["2020-01-01T00:00:00Z","2026-05-03"]', other: 'now-1h' }),
    record('5', '2026-05-02T00:00:01Z', { made: '1777629600000' }),
  ]);
});
afterAll(() => server.close());

async function ask(query: string, more: object = {}): Promise<string> {
  const response = await server.post('/_eql/search', { query, ...more });
  const answer = (await response.json()) as { hits: { events: { _source: { message: string } }[] } };
  return answer.hits.events.map(event => event._source.message).join(' ');
}

describe('of a time that is not written to its end', () => {
  it.each([
    ['@timestamp == "2026-05-01T10:00:02Z"', '2'],
    ['@timestamp == "2026-05-01T10:00:02.5Z"', '2'],
    ['@timestamp == "2026-05-01T10:00:02.4Z"', ''],
    ['@timestamp == "2026-05-01"', '1 2 3'],
    ['@timestamp != "2026-05-01"', '4 5'],
    ['@timestamp > "2026-05-01T10:00:02Z"', '3 4 5'],
    ['@timestamp >= "2026-05-01T10:00:02Z"', '2 3 4 5'],
    ['@timestamp <= "2026-05-01T10:00:02Z"', '1 2'],
    ['@timestamp < "2026-05-01T10:00:02Z"', '1'],
    ['"2026-05-01" < @timestamp', '4 5'],
    ['"2026-05-01" >= @timestamp', '1 2 3'],
    ['@timestamp > "2026-05"', '4 5'],
    ['@timestamp > "2026-05-01||/M"', ''],
    ['@timestamp > "2026-05-01||+0d"', '1 2 3 4 5'],
    ['@timestamp in ("2026-05-02", "2026-05-01T10:00:03Z")', '3 4 5'],
    ['@timestamp <= 1777629602499', '1'],
  ])('the last moment that it may mean is looked at by > and <=: %s', async (condition, found) => {
    expect(await ask(`any where ${condition}`)).toBe(found);
  });

  it.each([
    [{ range: { '@timestamp': { lte: '2026-05-01' } } }, '1 2 3'],
    [{ range: { '@timestamp': { gt: '2026-05-01' } } }, '4 5'],
    [{ range: { '@timestamp': { lte: '01/05/2026', format: 'dd/MM/yyyy' } } }, '1 2 3'],
    [{ range: { '@timestamp': { lte: '2026-05-01', time_zone: '+14:00' } } }, ''],
    [{ range: { made: { lte: '2026-05-01T11:00:00', time_zone: '+02:00' } } }, '1 2 4'],
    [{ range: { made: { gt: '2026-05-01||/d' } } }, '4'],
    [{ term: { '@timestamp': '2026-05-01T10:00:02Z' } }, '2'],
  ])('in a filter, too: %j', async (filter, found) => {
    expect(await ask('any where true', { filter })).toBe(found);
  });
});

describe('texts that are dates are compared as times', () => {
  it.each([
    ['made == "2026-05-01T09:00:00Z"', '1 2'],
    ['made == "2026-05-01T09:00:00.000Z"', '1 2'],
    ['made != "2026-05-01T09:00:00Z"', '3 4 5'],
    ['made > "2026-05-01T09:00:00Z"', '3 4 5'],
    ['made > "2026-05-01"', '4'],
    ['made < "2026-05-01"', '4'],
    ['made == "2026-05-01T10:00:00Z"', '5'],
    ['made < "2019-12-31||+2d"', '4'],
    ['made > "now-1s"', ''],
    ['made in ("2026-05-01T09:30:00Z", "2020-01-01", "x", "y", "z")', '3 4'],
    ['other == "2026-05-01"', '1'],
    ['other == "9999-12-31T00:00:00Z"', '3'],
    ['other == "now-1h"', '4'],
    ['other == "two"', '2'],
    ['other == "2026-13-45"', ''],
  ])('%s', async (condition, found) => {
    expect(await ask(`any where ${condition}`)).toBe(found);
  });
});

it('a type is named and nothing is sent', async () => {
  const asked = { method: 'DELETE', headers: { 'content-type': 'application/json' } };
  const kept = await server.post('/_eql/search', {
    query: 'any where true',
    wait_for_completion_timeout: '10s',
    keep_on_completion: true,
  });
  const { id } = (await kept.json()) as { id: string };
  const gone = await fetch(`${server.url}/_eql/search/${id}`, asked);
  expect(await gone.json()).toEqual({ acknowledged: true });
  const empty = await fetch(`${server.url}/_eql/search`, { ...asked, method: 'POST' });
  expect(empty.status).toBe(400);
  expect(await empty.json()).toMatchObject({ error: { reason: 'query is null or empty' } });
});
