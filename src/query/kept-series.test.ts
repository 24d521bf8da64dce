import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChdbStore } from '../../test/query/chdb-store.ts';
import type { Ask } from './admission.ts';
import { KeptSeries } from './kept-series.ts';
import { planOf } from './plan.ts';
import type { SeriesAnswer } from './series.ts';

const second = 1_000_000_000n;
const base = 1_790_000_000n * second;
let store: ChdbStore;
let kept: KeptSeries;
let hidden = '';
const ask: Ask = (_, question) => store.run(question);

beforeEach(() => {
  store = new ChdbStore();
  kept = new KeptSeries(store.partsNow, () => hidden, 100_000);
});
afterEach(() => store.close());

const question = (query: string, from: number, to: number, step: number) => {
  const plan = planOf(query, 'loki');
  if (plan.kind !== 'metric') throw new Error('not a metric query');
  const range = { start: base + BigInt(from) * second, end: base + BigInt(to) * second };
  return { tenant: 'default', plan, range, stepNs: BigInt(step) * second, max: 100, tooMany: 'refuse' as const };
};
type Asked = ReturnType<typeof question>;

async function count(asked: Asked): Promise<{ answer: SeriesAnswer; statements: string[] }> {
  const before = store.asked.length;
  const answer = await kept.ask(ask, asked);
  return { answer, statements: store.asked.slice(before) };
}
const fresh = (asked: Asked): Promise<SeriesAnswer> => kept.ask(ask, { ...asked, fresh: true });
const record = (at: number, service = 'web') => ({ ts: base + BigInt(at) * second, message: `m${at}`, service });

it('a question that comes again over parts needs no statement; a later window only its new times', async () => {
  await store.tick([1, 15, 25, 40, 58].map(at => record(at)));
  await store.seal();
  const asked = question('count_over_time({service_name="web"}[20s])', 0, 60, 10);
  const first = await count(asked);
  expect(first.statements).toHaveLength(1);
  const again = await count(asked);
  expect(again.statements).toEqual([]);
  expect(again.answer.series).toEqual(first.answer.series);
  const later = await count(question('count_over_time({service_name="web"}[20s])', 20, 80, 10));
  expect(later.statements).toHaveLength(1);
  expect(later.answer.series).toEqual(
    (await fresh(question('count_over_time({service_name="web"}[20s])', 20, 80, 10))).series,
  );
  expect(later.statements[0]).toContain(String(base + 70n * second));
});

it('records in a tail are seen at once, and so are late ones that came to the parts', async () => {
  await store.tick([1, 15, 25].map(at => record(at)));
  await store.seal();
  const asked = question('sum by (service_name) (count_over_time({service_name=~".+"}[10s]))', 0, 100, 10);
  await count(asked);
  await store.tick([record(72), record(95, 'api')]);
  const withTail = await count(asked);
  expect(withTail.answer.series).toEqual((await fresh(asked)).series);
  expect(withTail.answer.series).toHaveLength(2);
  await store.tick([record(3, 'late')]);
  await store.seal();
  const sealed = await count(asked);
  expect(sealed.answer.series).toEqual((await fresh(asked)).series);
  expect(sealed.answer.series).toHaveLength(3);
  store.history.lost();
  expect((await count(asked)).statements).toHaveLength(1);
  hidden = 'a delete request';
  expect((await count(asked)).statements).toHaveLength(1);
  hidden = '';
  expect((await count(asked)).statements).toHaveLength(0);
});

it('memory is bounded by the values kept, the longest unused go first', async () => {
  kept = new KeptSeries(store.partsNow, () => hidden, 60);
  await store.tick([1, 15, 25].map(at => record(at)));
  await store.seal();
  const queries = [10, 20, 30, 40, 50].map(s => question(`count_over_time({service_name="web"}[${s}s])`, 0, 100, 10));
  for (const each of queries) await count(each);
  expect(kept.points).toBeLessThanOrEqual(60);
  const [oldest, newest] = [queries[0], queries.at(-1)];
  if (!oldest || !newest) throw new Error('no queries');
  expect((await count(newest)).statements).toHaveLength(0);
  expect((await count(oldest)).statements).toHaveLength(1);
});

it('what cannot be kept is computed: failures and too many series', async () => {
  await store.tick([1, 2, 3].map(at => record(at, `s${at}`)));
  await store.seal();
  const failing = question('sum_over_time({service_name=~".+"} | label_format x="no" | unwrap x [10s])', 0, 60, 10);
  for (let i = 0; i < 2; i++) await expect(kept.ask(ask, failing)).rejects.toThrow('SampleExtractionErr');
  const many = { ...question('count_over_time({service_name=~".+"}[10s])', 0, 60, 10), max: 2 };
  for (let i = 0; i < 2; i++) await expect(kept.ask(ask, many)).rejects.toThrow('maximum of series (2)');
  for (let i = 0; i < 2; i++)
    expect(await kept.ask(ask, { ...many, tooMany: 'cut' })).toMatchObject({ left: 1, series: { length: 2 } });
});

const queries = [
  'count_over_time({service_name=~".+"}[15s])',
  'sum by (service_name) (rate({service_name=~".+"}[10s] offset 5s))',
  'topk(1, sum by (service_name) (count_over_time({service_name=~".+"}[30s])))',
  'absent_over_time({service_name="api"}[20s])',
  'sum(count_over_time({service_name="web"}[10s])) / sum(count_over_time({service_name=~".+"}[40s]))',
];

it('whatever comes in between, an answer is what a computation would give', async () => {
  const step = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('tick' as const),
        at: fc.array(fc.integer({ min: 0, max: 140 }), { minLength: 1, maxLength: 4 }),
        service: fc.constantFrom('web', 'api', 'db'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('seal' as const) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('ask' as const),
        query: fc.nat({ max: queries.length - 1 }),
        from: fc.integer({ min: 0, max: 8 }),
        length: fc.integer({ min: 1, max: 8 }),
      }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 14 }), async steps => {
      const answers: { kept: unknown; computed: unknown }[] = [];
      for (const each of steps) {
        if (each.do === 'tick') await store.tick(each.at.map(at => record(at, each.service)));
        else if (each.do === 'seal') await store.seal();
        else {
          const asked = question(queries[each.query] ?? '', each.from * 10, (each.from + each.length) * 10, 10);
          answers.push({ kept: (await kept.ask(ask, asked)).series, computed: (await fresh(asked)).series });
        }
      }
      expect(answers.map(each => each.kept)).toEqual(answers.map(each => each.computed));
    }),
    { numRuns: 25 },
  );
}, 120_000);
