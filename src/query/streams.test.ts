import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import { WeirError } from '../base/errors.ts';
import type { Question, RunQuery } from '../flow.ts';

let server: QueryServer;
afterEach(() => server.close());

/** An engine that answers rows without end until it is killed. */
function endless() {
  const state = { batches: 0, killed: 0, questions: [] as Question[] };
  const row = { ts: '1', seq: '1', message: 'x'.repeat(1000), labels: {}, attributes: {} };
  const batch = Array.from({ length: 100 }, () => row);
  const run: RunQuery = async question => {
    question.sql(server.store.sources);
    state.questions.push(question);
    return {
      rows: (async function* () {
        try {
          while (!question.signal?.aborted) {
            state.batches++;
            await new Promise(resolve => setTimeout(resolve, 1));
            yield batch.map(r => ({ ...r }));
          }
          throw new WeirError('query_cancelled');
        } finally {
          state.killed++;
        }
      })(),
      summary: () => ({ readRows: 0, readBytes: 0, elapsedMs: 0, partial: false, reason: null }),
    };
  };
  return { state, run };
}
const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise(resolve => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
};

describe('a streamed answer', () => {
  it('holds the engine back when the client does not read, and kills the query when it goes away', async () => {
    const engine = endless();
    server = await startQueryServer({ run: engine.run });
    const client = httpRequest(`${server.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    client.end('{"limit":0}');
    const [response] = await once(client, 'response');
    response.pause();
    await until(() => engine.state.batches > 10);
    let before = -1;
    await until(() => {
      const still = before === engine.state.batches;
      before = engine.state.batches;
      return still;
    });
    const stalled = engine.state.batches;
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(engine.state.batches).toBe(stalled);
    expect(stalled).toBeLessThan(200);
    client.destroy();
    await until(() => engine.state.killed === 1);
  });

  it('ends with an error frame when it is cancelled by name', async () => {
    const engine = endless();
    server = await startQueryServer({ run: engine.run });
    const answer = server.frames('/api/v1/query', { id: 'long' });
    await until(() => engine.state.batches > 2);
    const twice = await server.post('/api/v1/query', { id: 'long' });
    expect([twice.status, await twice.text()]).toEqual([400, expect.stringContaining('running already')]);
    expect((await fetch(`${server.url}/api/v1/query/long`, { method: 'DELETE' })).status).toBe(200);
    const frames = await answer;
    expect(frames[0]).toMatchObject({ type: 'meta', id: 'long' });
    expect(frames.at(-1)).toEqual({
      type: 'error',
      error: { code: 'query_cancelled', message: 'the query was cancelled' },
    });
    expect((await fetch(`${server.url}/api/v1/query/long`, { method: 'DELETE' })).status).toBe(404);
  });

  it('shows progress while the engine works', async () => {
    server = await startQueryServer({
      run: async question => {
        question.sql(server.store.sources);
        question.onProgress?.({ readRows: 5, readBytes: 50, totalRows: 10, elapsedMs: 1 });
        await new Promise(resolve => setTimeout(resolve, 600));
        return {
          rows: (async function* () {})(),
          summary: () => ({ readRows: 10, readBytes: 100, elapsedMs: 600, partial: false, reason: null }),
        };
      },
    });
    const frames = await server.frames('/api/v1/query', {});
    expect(frames.map(f => f.type)).toEqual(['meta', 'progress', 'progress', 'end']);
    expect(frames[1]).toMatchObject({ readRows: 5, readBytes: 50, totalRows: 10 });
  });

  it('never gives an asked timeout more than the config allows', async () => {
    const engine = endless();
    server = await startQueryServer({ run: engine.run });
    for (const [timeout, given] of [
      [1000, 1000],
      [1e9, 60_000],
    ]) {
      const abort = new AbortController();
      const response = await fetch(`${server.url}/api/v1/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ timeout }),
        signal: abort.signal,
      });
      expect(response.status).toBe(200);
      expect(engine.state.questions.at(-1)?.timeoutMs).toBe(given);
      abort.abort();
    }
    await until(() => engine.state.killed === 2);
  });
});

describe('faults of the engine', () => {
  it('never show its text', async () => {
    const run: RunQuery = async question => {
      question.sql(server.store.sources);
      throw new Error('Code: 62. DB::Exception: secret SELECT');
    };
    server = await startQueryServer({ run });
    const own = await server.frames('/api/v1/query', {});
    expect(own.at(-1)).toMatchObject({ type: 'error', error: { code: 'query_failed' } });
    const loki = await server.get('/loki/api/v1/query_range?query=%7Ba%3D%22b%22%7D');
    expect(loki.status).toBe(500);
    const histogram = await server.post('/api/v1/histogram', {});
    expect(histogram.status).toBe(500);
    for (const text of [JSON.stringify(own), await loki.text(), await histogram.text()])
      expect(text).not.toMatch(/secret|DB::/);
  });

  it.each([
    ['engine_down', {}, 503, 503],
    ['overloaded', { reason: 'x', seconds: 2 }, 429, 429],
    ['query_limit', { reason: 'memory of 1 GB; add filters' }, 422, 400],
  ] as const)('%s keeps its status', async (code, values, status, lokiStatus) => {
    server = await startQueryServer({
      run: async () => {
        throw new WeirError(code, values);
      },
    });
    for (const path of ['query', 'histogram', 'fields'])
      expect((await server.post(`/api/v1/${path}`, {})).status).toBe(status);
    for (const path of ['query_range?query=%7Ba%3D%22b%22%7D', 'labels', 'series', 'index/stats']) {
      const response = await server.get(`/loki/api/v1/${path}`);
      expect(response.status).toBe(lokiStatus);
      expect(response.headers.get('retry-after')).toBe(lokiStatus === 400 ? null : '1');
    }
  });
});
