import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChdbStore } from '../../test/query/chdb-store.ts';
import type { PageRow } from '../language/compile.ts';
import { collect } from './admission.ts';
import { askPage } from './ask-page.ts';
import { logsPlanOf } from './plan.ts';

const second = 1_000_000_000n;
const base = 1_790_000_000n * second;
let store: ChdbStore;

/** Three records of each of ten times; those of the even times are in parts, the others in the tail. */
beforeAll(async () => {
  store = new ChdbStore();
  const at = (k: number) =>
    [0, 1, 2].map(i => ({
      ts: base + BigInt(k) * second,
      message: `m${k}.${i}`,
      attributes: { k: `${k}`, i: `${i}` },
    }));
  await store.tick([0, 2, 4, 6, 8].flatMap(at));
  await store.seal();
  await store.tick([1, 3, 5, 7, 9].flatMap(at));
});
afterAll(() => store.close());

const range = { start: base, end: base + 100n * second };

async function page(
  query: string,
  order: { direction: 'backward' | 'forward'; limit: number; after?: { ts: bigint; seq: bigint } },
): Promise<{ messages: string; statements: number; last: { ts: bigint; seq: bigint } }> {
  const before = store.asked.length;
  const plan = logsPlanOf(query);
  const ask: Parameters<typeof askPage>[0] = (_, question) => store.run(question);
  const rows = await collect(await askPage(ask, 'default', plan.page({ tenant: 'default', range }, order), {}));
  const last = rows.at(-1) as PageRow | undefined;
  return {
    messages: rows.map(row => String(row.message)).join(' '),
    statements: store.asked.length - before,
    last: { ts: BigInt(last?.ts ?? 0), seq: BigInt(last?.seq ?? 0) },
  };
}

test('a cut between two times needs one statement', async () => {
  const { messages, statements } = await page('', { direction: 'backward', limit: 6 });
  expect(messages).toBe('m9.2 m9.1 m9.0 m8.2 m8.1 m8.0');
  expect(statements).toBe(1);
});

test('a cut between records of one time takes the nearest by seq', async () => {
  expect(await page('', { direction: 'backward', limit: 4 })).toMatchObject({
    messages: 'm9.2 m9.1 m9.0 m8.2',
    statements: 2,
  });
  expect(await page('', { direction: 'forward', limit: 2 })).toMatchObject({ messages: 'm0.0 m0.1', statements: 2 });
});

test('pages follow each other without a gap or a repetition, whatever their size', async () => {
  const whole = (await page('', { direction: 'backward', limit: 1000 })).messages.split(' ');
  expect(whole).toHaveLength(30);
  for (const limit of [1, 2, 3, 4, 7]) {
    const seen: string[] = [];
    let after: { ts: bigint; seq: bigint } | undefined;
    for (;;) {
      const { messages, last } = await page('', { direction: 'backward', limit, ...(after && { after }) });
      if (messages === '') break;
      seen.push(...messages.split(' '));
      after = last;
    }
    expect(seen).toEqual(whole);
  }
});

test('conditions hold for the second statement as well', async () => {
  const { messages, statements } = await page('{} | i != "1"', { direction: 'backward', limit: 3 });
  expect(messages).toBe('m9.2 m9.0 m8.2');
  expect(statements).toBe(2);
});

test('a page with more text than an answer takes is refused, one with just as much is not', async () => {
  const plan = logsPlanOf('').page({ tenant: 'default', range }, { direction: 'backward', limit: 6 });
  const sizes: number[] = [];
  const sized: Parameters<typeof askPage>[0] = async (_, question) => {
    const answer = await store.run(question);
    const rows = await collect(answer);
    sizes.push(rows.reduce((sum, row) => sum + JSON.stringify(row).length, 0));
    return {
      ...answer,
      rows: (async function* () {
        yield* [rows];
      })(),
    };
  };
  const ask = async (max: number) => collect(await askPage(sized, 'default', plan, {}, max));
  expect(await ask(10_000)).toHaveLength(6);
  const [size = 0] = sizes;
  expect(await ask(size)).toHaveLength(6);
  await expect(ask(size - 1)).rejects.toMatchObject({ code: 'query_limit', message: expect.stringContaining('limit') });
});
