import { afterEach, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';
import { WeirError } from '../../base/errors.ts';

let server: QueryServer;
afterEach(() => server.close());

const ask = () => server.post('/_eql/search', { query: 'any where true' });

it.each([
  ['engine_down', 503, 'engine_down_exception'],
  ['overloaded', 429, 'es_rejected_execution_exception'],
] as const)('%s keeps its status', async (code, status, type) => {
  server = await startQueryServer({
    run: async () => {
      throw new WeirError(code, { reason: 'x', seconds: 2 });
    },
  });
  const response = await ask();
  expect(response.status).toBe(status);
  expect(response.headers.get('retry-after')).not.toBeNull();
  expect(await response.json()).toMatchObject({ status, error: { type } });
});

it('what the engine says is never shown', async () => {
  server = await startQueryServer({
    run: async () => {
      throw new Error('Code: 62. DB::Exception: secret SELECT');
    },
  });
  const response = await ask();
  expect(response.status).toBe(500);
  expect(await response.text()).not.toMatch(/secret|DB::/);
});

it('a body of another type is refused', async () => {
  server = await startQueryServer();
  const response = await fetch(`${server.url}/_eql/search`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: '{"query": "any where true"}',
  });
  expect(response.status).toBe(415);
  expect(await response.json()).toMatchObject({
    status: 415,
    error: { reason: expect.stringContaining('text/plain') },
  });
});

it('what the URL says counts more than the body', async () => {
  server = await startQueryServer();
  const response = await server.post('/_eql/search?size=-1&filter_path=error.reason', {
    query: 'any where true',
    size: 1,
  });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('found \\"-1\\"');
});

it('a body that is no JSON, or no object, is refused in the same shape', async () => {
  server = await startQueryServer();
  for (const body of ['{', '[]', '"x"']) {
    const response = await fetch(`${server.url}/_eql/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ status: 400, error: { type: 'illegal_argument_exception' } });
  }
});
