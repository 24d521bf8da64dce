import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../flow.ts';
import { askBytesThrough, askThrough, collect, makeLane } from './admission.ts';

const summary = () => ({ readRows: 0, readBytes: 0, elapsedMs: 0, partial: false, reason: null });
const answerOf = (batches: Record<string, unknown>[][]): Answer => ({
  rows: (async function* () {
    yield* batches;
  })(),
  summary,
});
const question = { sql: () => '' };

describe('a lane', () => {
  it('lets tenants take turns', async () => {
    const lane = makeLane('questions', 1);
    const order: string[] = [];
    const enter = async (tenant: string): Promise<void> => {
      const leave = await lane.enter(tenant);
      order.push(tenant);
      setTimeout(leave, 1);
    };
    await Promise.all(['a', 'a', 'a', 'a', 'b', 'c'].map(enter));
    expect(order).toEqual(['a', 'a', 'b', 'c', 'a', 'a']);
  });

  it('refuses with 429 when too many wait, and when the wait is too long', async () => {
    const lane = makeLane('questions', 1, 1, 20);
    const leave = await lane.enter('a');
    const waiting = lane.enter('a');
    await expect(lane.enter('a')).rejects.toMatchObject({ status: 429, retryAfter: 2 });
    await expect(waiting).rejects.toMatchObject({ status: 429 });
    leave();
    (await lane.enter('a'))();
  });

  it('forgets who goes away while waiting', async () => {
    const lane = makeLane('questions', 1);
    const leave = await lane.enter('a');
    const abort = new AbortController();
    const gone = lane.enter('a', abort.signal);
    const next = lane.enter('a');
    abort.abort();
    await expect(gone).rejects.toMatchObject({ code: 'query_cancelled' });
    leave();
    (await next)();
  });
});

describe('asking through a lane', () => {
  it('gives the place back at the end of the rows, when broken off, on abort, and on failure', async () => {
    const lane = makeLane('questions', 1, 0);
    const ask = askThrough(lane, async () => answerOf([[{ a: 1 }], [{ a: 2 }]]));
    expect(await collect(await ask('t', question))).toEqual([{ a: 1 }, { a: 2 }]);
    for await (const _ of (await ask('t', question)).rows) break;
    const abort = new AbortController();
    await ask('t', { ...question, signal: abort.signal });
    abort.abort();
    const failing = askThrough(lane, async () => {
      throw new Error('no');
    });
    await expect(failing('t', question)).rejects.toMatchObject({ code: 'query_failed' });
    await expect(failing('t', question)).rejects.toMatchObject({ code: 'query_failed' });
  });

  it('holds the place of a byte stream until it is closed', async () => {
    const lane = makeLane('exports', 1, 0);
    const ask = askBytesThrough(lane, async () => Readable.from(['x']));
    const stream = await ask('t', { ...question, format: 'Parquet' });
    await expect(ask('t', { ...question, format: 'Parquet' })).rejects.toMatchObject({ status: 429 });
    stream.destroy();
    await new Promise(resolve => stream.once('close', resolve));
    (await ask('t', { ...question, format: 'Parquet' })).destroy();
  });
});
