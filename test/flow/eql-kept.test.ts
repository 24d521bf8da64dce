import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { eventually, json, ndjson } from './ask.ts';

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir({});
  const lines = [1, 2, 3].map(id => JSON.stringify({ '@timestamp': Date.now(), event: { category: 'process' }, id }));
  await weir.post('/ingest/json', lines.join('\n'), ndjson);
  await eventually(
    async () => (await call('POST', '/_eql/search', { query: 'any where true' })).body.hits?.events?.length,
    found => found === lines.length,
  );
}, 60_000);
afterAll(() => weir?.stop());

type Answer = {
  id?: string;
  is_running?: boolean;
  is_partial?: boolean;
  hits?: { total: object; events?: { _source: { id: number } }[] };
  error?: { type: string; reason: string };
  completion_status?: number;
  start_time_in_millis?: number;
  expiration_time_in_millis?: number;
};

async function call(
  method: string,
  path: string,
  body?: object,
  tenant = 'default',
): Promise<{ status: number; body: Answer }> {
  const reply = await fetch(`${weir.url}${path}`, {
    method,
    headers: { ...(body && json), 'x-scope-orgid': tenant },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: (await reply.json()) as Answer };
}

const query = 'process where id > 1';

it('answers at once when the search is done in time, with an id only when it is kept', async () => {
  const waited = await call('POST', '/_eql/search', { query, wait_for_completion_timeout: '30s' });
  expect(waited.body).toMatchObject({
    is_running: false,
    hits: { events: [{ _source: { id: 2 } }, { _source: { id: 3 } }] },
  });
  expect(waited.body.id).toBeUndefined();
  const kept = await call('POST', '/logs/_eql/search', { query, keep_on_completion: true, keep_alive: '2m' });
  expect(kept.body).toMatchObject({ is_running: false, is_partial: false });
  const fetched = await call('GET', `/_eql/search/${kept.body.id}`);
  expect(fetched.body).toEqual(kept.body);
  const status = await call('GET', `/_eql/search/status/${kept.body.id}`);
  expect(status.body).toMatchObject({ id: kept.body.id, is_running: false, is_partial: false, completion_status: 200 });
  expect((status.body.expiration_time_in_millis ?? 0) - (status.body.start_time_in_millis ?? 0)).toBe(120_000);
});

it('goes on behind an id, and is fetched by it', async () => {
  const began = await call('POST', '/_eql/search', { query, wait_for_completion_timeout: '0ms' });
  expect(began.body).toMatchObject({ is_running: true, is_partial: true, hits: { events: [] } });
  const path = `/_eql/search/${began.body.id}`;
  const done = await call('GET', `${path}?wait_for_completion_timeout=30s&keep_alive=1h`);
  expect(done.body).toMatchObject({
    id: began.body.id,
    is_running: false,
    hits: { total: { value: 2, relation: 'eq' } },
  });
  expect((await call('GET', path, undefined, 'other')).status).toBe(404);
  expect(await call('DELETE', path)).toMatchObject({ status: 200, body: { acknowledged: true } });
  const gone = await call('GET', path);
  expect(gone).toMatchObject({ status: 404, body: { error: { type: 'resource_not_found_exception' } } });
  expect((await call('GET', path.replace('search/', 'search/status/'))).status).toBe(404);
  expect((await call('DELETE', path)).status).toBe(404);
});

it('keeps why a search failed', async () => {
  const wrong = { query: 'process where nosuch == 1', wait_for_completion_timeout: '0ms' };
  const began = await call('POST', '/_eql/search', wrong);
  const done = await call('GET', `/_eql/search/${began.body.id}?wait_for_completion_timeout=30s`);
  expect(done).toMatchObject({ status: 400, body: { error: { type: 'verification_exception' } } });
  const status = await call('GET', `/_eql/search/status/${began.body.id}`);
  expect(status.body).toMatchObject({ is_running: false, completion_status: 400 });
});

it.each([
  [{ query: 'process where', wait_for_completion_timeout: '1s' }, 'parsing_exception', 'line 1:14'],
  [
    { query, wait_for_completion_timeout: 'soon' },
    'illegal_argument_exception',
    '[wait_for_completion_timeout] must be a duration',
  ],
  [{ query, keep_alive: '31d' }, 'illegal_argument_exception', 'to 30d'],
  [{ query, keep_on_completion: 'maybe' }, 'illegal_argument_exception', '[keep_on_completion] must be true or false'],
])('refuses %j', async (body, type, reason) => {
  const answer = await call('POST', '/_eql/search', body);
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { type, reason: expect.stringContaining(reason) as string } },
  });
});

it('refuses parameters that a kept search does not have', async () => {
  const { body } = await call('POST', '/_eql/search', { query, keep_on_completion: true });
  expect(await call('GET', `/_eql/search/${body.id}?size=5`)).toMatchObject({ status: 400 });
});
