import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChdbStore } from '../../test/query/chdb-store.ts';
import { WeirError } from '../base/errors.ts';
import type { Answer } from '../flow.ts';
import type { Ask } from './admission.ts';
import { KeptSeries } from './kept-series.ts';
import { planOf } from './plan.ts';
import type { SeriesAnswer, SeriesQuestion } from './series.ts';

const second = 1_000_000_000n;
const base = 1_790_000_000n * second;
let store: ChdbStore;
let kept: KeptSeries;
/** What a statement costs: ms for its planning, and ms for each second of the log that it reads. */
let cost = { fixed: 0, perSecond: 0 };
/** Seconds of the log of which one statement may hold what it counts in memory. */
let memory = Number.POSITIVE_INFINITY;
/** Seconds of the log that each statement read, up to its end. */
let asked: { seconds: number; end: bigint }[] = [];
let afterEachStatement = (): void => {};

beforeEach(async () => {
  store = new ChdbStore();
  kept = new KeptSeries(store.partsNow, () => '', 100_000);
  [cost, memory, asked] = [{ fixed: 0, perSecond: 0 }, Number.POSITIVE_INFINITY, []];
  afterEachStatement = () => {};
  await store.tick(Array.from({ length: 150 }, (_, i) => record(i, ['web', 'api', 'db'][i % 3])));
  await store.seal();
});
afterEach(() => store.close());

const record = (at: number, service = 'web') => ({ ts: base + BigInt(at) * second, message: `m${at}`, service });
/** The real answers of the store, with the costs of a large one. */
const ask: Ask = async (_, question) => {
  let read = { seconds: 0, end: 0n };
  const { timeoutMs = 0, signal, onProgress } = question;
  const answer = await store.run({
    ...question,
    sql: sources => {
      const sql = question.sql({
        ...sources,
        parts: { ...required(sources.parts), times: { from: 0n, to: 2n ** 63n } },
      });
      const [, from = '0'] = /timestamp > fromUnixTimestamp64Nano\((?:toInt64\()?(-?\d+)/.exec(sql) ?? [];
      const [, to = '0'] = /timestamp <= fromUnixTimestamp64Nano\((?:toInt64\()?(-?\d+)/.exec(sql) ?? [];
      read = { seconds: Number((BigInt(to) - BigInt(from)) / second), end: BigInt(to) };
      return sql;
    },
  });
  asked.push(read);
  if (read.seconds > memory)
    throw new WeirError('query_limit', { reason: 'it needed more memory than 1 GiB; raise limits.query_memory' });
  const needed = cost.fixed + read.seconds * cost.perSecond;
  for (const part of [0.02, 0.04, 0.08, 0.16, 0.32]) {
    if (timeoutMs > 0 && needed > 0)
      onProgress?.({
        readRows: read.seconds * part,
        readBytes: 0,
        totalRows: read.seconds,
        elapsedMs: cost.fixed + (needed - cost.fixed) * part,
      });
    if (signal?.aborted) throw new WeirError('query_cancelled');
  }
  const partial = timeoutMs > 0 && needed > timeoutMs;
  const summary: Answer['summary'] = () => ({
    ...answer.summary(),
    elapsedMs: partial ? timeoutMs : needed,
    partial,
    reason: partial ? 'too slow' : null,
  });
  afterEachStatement();
  const none = (async function* () {})();
  return { rows: partial ? none : answer.rows, summary };
};
function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing');
  return value;
}

const question = (query: string, from: number, to: number, step: number, timeoutMs = 1000): SeriesQuestion => {
  const plan = planOf(query, 'loki');
  if (plan.kind !== 'metric') throw new Error('not a metric query');
  const range = { start: base + BigInt(from) * second, end: base + BigInt(to) * second };
  const common = {
    tenant: 'default',
    plan,
    range,
    stepNs: BigInt(step) * second,
    max: 100,
    tooMany: 'refuse' as const,
  };
  return { ...common, timeoutMs, onProgress: () => {} };
};
const unlimited = (q: SeriesQuestion): Promise<SeriesAnswer> =>
  new KeptSeries(store.partsNow, () => '', 0).ask((_, each) => store.run(each), { ...q, timeoutMs: 0, fresh: true });

/** The evaluations of `whole` that `answer` says it covers, and nothing else. */
function coveredPart(whole: SeriesAnswer, { covered }: SeriesAnswer): SeriesAnswer['series'] {
  const from = Number((covered?.start ?? 0n) / 1_000_000n);
  return whole.series
    .map(({ metric, points }) => ({ metric, points: points.filter(([at]) => at >= from) }))
    .filter(({ points }) => points.length > 0);
}

it('what one statement can do in time is one statement', async () => {
  cost = { fixed: 50, perSecond: 4 };
  const q = question('count_over_time({service_name=~".+"}[20s])', 0, 150, 10);
  const answer = await kept.ask(ask, q);
  expect(asked).toHaveLength(1);
  expect(answer.summary.partial).toBe(false);
  expect(answer.series).toEqual((await unlimited(q)).series);
});

it('what is too much is answered in part, the newest evaluations first and each of them exact', async () => {
  cost = { fixed: 20, perSecond: 12 };
  const q = question('sum by (service_name) (count_over_time({service_name=~".+"}[20s]))', 0, 150, 5);
  const covered: unknown[] = [];
  const answer = await kept.ask(ask, { ...q, onCovered: done => covered.push(done) });
  expect(answer.summary.partial).toBe(true);
  expect(answer.summary.elapsedMs).toBeLessThanOrEqual(1000);
  expect(answer.covered?.end).toBe(q.range.end);
  expect(answer.summary.reason).toMatch(
    /^it ran longer than 1000 ms \(limits\.query_timeout, .*\); answered, and exact, are the evaluations from 2026-\S+ to 2026-\S+; .* raise the limit$/,
  );
  expect(answer.series).toHaveLength(3);
  expect(answer.series[0]?.points.length).toBeGreaterThan(2);
  expect(answer.series).toEqual(coveredPart(await unlimited(q), answer));
  // The first try over everything was given up; the others go back in time from the end, each reading as far back as its windows go.
  expect(asked[0]?.seconds).toBe(170);
  const ends = asked.slice(1).map(each => each.end);
  expect(ends[0]).toBe(q.range.end);
  expect(ends).toEqual([...ends].sort((a, b) => (a < b ? 1 : -1)));
  expect(covered).toContainEqual(answer.covered);
});

it('asking again goes on where it stopped, also after the client had gone away', async () => {
  cost = { fixed: 20, perSecond: 12 };
  const q = question('count_over_time({service_name="api"}[10s])', 0, 150, 5);
  const whole = await unlimited(q);
  const points: number[] = [];
  for (let i = 0; i < 10; i++) {
    const answer = await kept.ask(ask, q);
    expect(answer.series).toEqual(coveredPart(whole, answer));
    points.push(answer.series[0]?.points.length ?? 0);
    if (!answer.summary.partial) break;
  }
  expect(points.length).toBeGreaterThan(2);
  expect(points).toEqual([...points].sort((a, b) => a - b));
  expect(points.at(-1)).toBe(whole.series[0]?.points.length);
  asked = [];
  expect((await kept.ask(ask, q)).series).toEqual(whole.series);
  expect(asked).toEqual([]);

  const other = question('count_over_time({service_name="db"}[10s])', 0, 150, 5);
  const gone = new AbortController();
  let statements = 0;
  afterEachStatement = () => {
    if (++statements === 2) gone.abort(new WeirError('query_cancelled'));
  };
  await expect(kept.ask(ask, { ...other, signal: gone.signal })).rejects.toThrow(/cancelled|killed/);
  expect(statements).toBe(2);
  afterEachStatement = () => {};
  asked = [];
  const later = await kept.ask(ask, other);
  expect(later.series).toEqual(coveredPart(await unlimited(other), later));
  expect(required(asked[0]).end).toBeLessThan(other.range.end);
});

it('one number that does not fit is refused with the limit and what to do, never answered in part', async () => {
  cost = { fixed: 0, perSecond: 20 };
  for (const query of ['sum(count_over_time({service_name=~".+"}[100s]))', 'topk(1, rate({service_name=~".+"}[100s]))'])
    await expect(kept.ask(ask, question(query, 100, 100, 1))).rejects.toThrow(
      /passed its limit: it ran longer than 1000 ms \(limits\.query_timeout.*one evaluation is one number.*raise the limit/,
    );
  await expect(kept.ask(ask, question('rate({service_name=~".+"}[200s])', 0, 150, 10))).rejects.toThrow(
    /not even the newest part of it was done/,
  );
});

it('what needs too much memory is computed in pieces too; one evaluation that does is refused', async () => {
  memory = 60;
  const q = question('rate({service_name=~".+"}[20s])', 0, 150, 10);
  const answer = await kept.ask(ask, q);
  expect(answer.summary.partial).toBe(false);
  expect(answer.series).toEqual((await unlimited(q)).series);
  expect(asked.slice(1).every(({ seconds }) => seconds <= 60)).toBe(true);
  memory = 10;
  await expect(kept.ask(ask, question('rate({service_name=~".+"}[25s])', 0, 150, 10))).rejects.toThrow(
    'limits.query_memory',
  );
});

it('the bound of series holds over all pieces together', async () => {
  cost = { fixed: 0, perSecond: 5 };
  await store.tick(Array.from({ length: 140 }, (_, i) => record(i, `s${String(i).padStart(3, '0')}`)));
  await store.seal();
  const q = { ...question('count_over_time({service_name=~"s.+"}[5s])', 0, 150, 5, 700), max: 60 };
  await expect(kept.ask(ask, q)).rejects.toThrow('maximum of series (60)');
  const cut = await kept.ask(ask, { ...q, tooMany: 'cut' });
  expect(cut.series).toHaveLength(60);
  expect(cut.left).toBeGreaterThan(0);
  const all = new Map((await unlimited({ ...q, max: 1000 })).series.map(each => [JSON.stringify(each.metric), each]));
  for (const each of cut.series) expect(all.get(JSON.stringify(each.metric))?.points).toEqual(each.points);
});

const queries = [
  'count_over_time({service_name=~".+"}[15s])',
  'sum by (service_name) (rate({service_name=~".+"}[10s] offset 5s))',
  'topk(1, sum by (service_name) (count_over_time({service_name=~".+"}[30s])))',
  'absent_over_time({service_name="api"}[2s])',
  'sum(count_over_time({service_name="web"}[10s])) / sum(count_over_time({service_name=~".+"}[40s]))',
];

it('whatever the costs and whatever comes in between, a covered evaluation is what a computation without limits gives', async () => {
  const turn = fc.record({
    query: fc.nat({ max: queries.length - 1 }),
    from: fc.integer({ min: 0, max: 60 }),
    length: fc.integer({ min: 10, max: 120 }),
    step: fc.constantFrom(2, 5, 7),
    fixed: fc.integer({ min: 0, max: 200 }),
    perSecond: fc.integer({ min: 1, max: 60 }),
    late: fc.option(fc.integer({ min: 0, max: 150 })),
    seal: fc.boolean(),
  });
  let partial = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 2, maxLength: 6 }), async turns => {
      for (const { query, from, length, step, late, seal, ...costs } of turns) {
        if (late !== null) await store.tick([record(late, 'late')]);
        if (seal) await store.seal();
        cost = costs;
        const q = question(queries[query] ?? '', from, from + length, step);
        const answer = await kept.ask(ask, q).catch((error: WeirError) => {
          if (!error.message.includes('limits.query_timeout')) throw error;
        });
        if (!answer) continue;
        expect(answer.series).toEqual(coveredPart(await unlimited(q), answer));
        if (answer.summary.partial) partial++;
      }
    }),
    { numRuns: 25 },
  );
  expect(partial).toBeGreaterThan(0);
}, 120_000);
