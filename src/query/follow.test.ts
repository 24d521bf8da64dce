import { describe, expect, it } from 'vitest';
import { WeirError } from '../base/errors.ts';
import type { OnVisible } from '../flow.ts';
import type { Ask } from './admission.ts';
import { type Followed, follow } from './follow.ts';

/** A store of seqs; becomes visible by ticks. */
function makeSeqs() {
  const visible: bigint[] = [];
  let listener: (from: bigint, to: bigint) => void = () => undefined;
  let failures = 0;
  const ask: Ask = async (_, question) => {
    if (failures-- > 0) throw new WeirError('engine_down');
    const [kind, from, limit] = question.sql({ records: [], quarantine: [], streams: [], templates: '' }).split(' ');
    const found = visible.filter(seq => seq >= BigInt(from ?? 0));
    const rows =
      kind === 'rows'
        ? found.slice(0, Number(limit)).map(seq => ({ seq: String(seq) }))
        : [{ skipped: String(found.length), last: String(found.at(-1) ?? 0) }];
    return {
      rows: (async function* () {
        if (rows.length > 0) yield rows;
      })(),
      summary: () => ({ readRows: 0, readBytes: 0, elapsedMs: 0, partial: false, reason: null }),
    };
  };
  const listen: OnVisible = on => {
    listener = on;
    return () => {
      listener = () => undefined;
    };
  };
  return {
    ask,
    listen,
    fail: (times: number) => {
      failures = times;
    },
    tick(count: number) {
      const from = BigInt(visible.length);
      for (let i = 0; i < count; i++) visible.push(from + BigInt(i));
      listener(from, from + BigInt(count));
    },
  };
}
const sql = {
  settings: {},
  rowsFrom: (_: unknown, from: bigint, limit: number) => `rows ${from} ${limit}`,
  countFrom: (_: unknown, from: bigint) => `count ${from}`,
};

async function take(stream: AsyncGenerator<Followed>, count: number): Promise<string[]> {
  const seqs: string[] = [];
  while (seqs.length < count) {
    const { value, done } = await stream.next();
    if (done) break;
    if ('rows' in value) seqs.push(...value.rows.map(r => String(r.seq)));
    else seqs.push(`skipped ${value.skipped}`);
  }
  return seqs;
}
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));

describe('following what becomes visible', () => {
  it('gives every row once and in order, whatever the size of the ticks', async () => {
    const store = makeSeqs();
    const abort = new AbortController();
    store.tick(5);
    const stream = follow({ tenant: 't', sql, border: 3n, signal: abort.signal }, store.ask, store.listen);
    expect(await take(stream, 2)).toEqual(['3', '4']);
    const more = take(stream, 9_001);
    store.tick(1);
    await new Promise(resolve => setTimeout(resolve, 5));
    store.tick(4000);
    store.tick(5000);
    expect(await more).toEqual(numbers(5, 9006));
    abort.abort();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('waits for an engine that restarts', async () => {
    const store = makeSeqs();
    const stream = follow(
      { tenant: 't', sql, border: 0n, signal: new AbortController().signal },
      store.ask,
      store.listen,
    );
    store.tick(1);
    store.fail(2);
    expect(await take(stream, 1)).toEqual(['0']);
    await stream.return(undefined);
  });

  it('skips to now when the reader is too far behind, and counts what it skipped', async () => {
    const store = makeSeqs();
    const question = { tenant: 't', sql, border: 0n, lagMillis: 20, signal: new AbortController().signal };
    const stream = follow(question, store.ask, store.listen);
    store.tick(1);
    expect(await take(stream, 1)).toEqual(['0']);
    const next = stream.next();
    store.tick(10);
    await next;
    store.tick(700);
    await new Promise(resolve => setTimeout(resolve, 40));
    expect(await take(stream, 1)).toEqual(['skipped 700']);
    const after = take(stream, 2);
    store.tick(2);
    expect(await after).toEqual(['711', '712']);
    await stream.return(undefined);
  });
});
