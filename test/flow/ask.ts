import type { HistogramAnswer, QueryFrame, QueryRow } from '../../src/query/contract.ts';
import type { UnderTest } from '../../bench/weir-under-test.ts';

type Target = Pick<UnderTest, 'post' | 'get'>;
export const json = { 'content-type': 'application/json' };
export const ndjson = { 'content-type': 'application/x-ndjson' };

/** All frames of a query of Weir's own API. Default range: everything. */
export async function frames(target: Target, body: Record<string, unknown>): Promise<QueryFrame[]> {
  const reply = await target.post(
    '/api/v1/query',
    JSON.stringify({ start: '1970-01-01T00:00:00Z', end: '2262-01-01T00:00:00Z', ...body }),
    { ...json, ...(typeof body.tenant === 'string' ? { 'x-scope-orgid': body.tenant } : {}) },
  );
  if (reply.status !== 200) throw new Error(`query answered ${reply.status}: ${reply.body}`);
  return reply.body
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as QueryFrame);
}

/** Log rows of a query. */
export async function rows(target: Target, query: string, more: Record<string, unknown> = {}): Promise<QueryRow[]> {
  const all = await frames(target, { query, limit: 5000, ...more });
  const last = all.at(-1);
  if (last?.type !== 'end') throw new Error(`the last frame is not an end: ${JSON.stringify(last)}`);
  return all.flatMap(frame => (frame.type === 'rows' ? frame.rows : []));
}

/** Number of records that match, by the histogram (which is never capped). */
export async function count(target: Target, query = ''): Promise<number> {
  const reply = await target.post(
    '/api/v1/histogram',
    JSON.stringify({ query, start: '1970-01-01T00:00:00Z', end: '2262-01-01T00:00:00Z', buckets: 1 }),
    json,
  );
  if (reply.status !== 200) throw new Error(`histogram answered ${reply.status}: ${reply.body}`);
  return (JSON.parse(reply.body) as HistogramAnswer).total;
}

/** Asks again until the answer is as wanted, or gives the last one. Records are visible a fraction of a second after their ack. */
export async function eventually<T>(
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    let answer: T | undefined;
    let fault: unknown;
    try {
      answer = await ask();
      if (wanted(answer)) return answer;
    } catch (error) {
      fault = error;
    }
    if (Date.now() > end) {
      if (fault) throw fault;
      return answer as T;
    }
    await new Promise(done => setTimeout(done, 50));
  }
}
