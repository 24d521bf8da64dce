import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import type { HistogramAnswer, QueryFrame, QueryRow } from '../../src/query/contract.ts';
import { count, eventually, frames, json, ndjson } from './ask.ts';

/** Answers of the real engine under time limits that are too short, against the answers without. */
const base = 1_790_000_000_000;
const seconds = 4_000;
const perSecond = 45;
const range = { start: `${base}000000`, end: `${base + seconds * 1000}000000` };
/** Little to plan and much to run: expressions over long lines, none of which ends early. It takes seconds and many blocks of rows, by which a question sees how it gets on. */
const slow = `{service_name=~".+"} ${['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(c => `!~ "(?:${c}|x)[a-z ]{4,30}${c}[^0-9]+[0-9]+ZZ"`).join(' ')} | regexp "^n=(?P<n>[0-9]+) (?P<head>.*[a-f].*)(?P<tail>[a-z] .*[0-9])$" | head != "" | tail != ""`;

let weir: UnderTest;
let strict: UnderTest;
const filler = 'abc def request completed caller '.repeat(30);
const lines = (from: number): string =>
  Array.from({ length: 20_000 }, (_, i) => {
    const at = from + i;
    const message = `n=${at % 97} ${at * 7919} ${filler}${at}`;
    return JSON.stringify({ ts: base + Math.floor((at * 1000) / perSecond), service: `s${at % 3}`, message });
  }).join('\n');

beforeAll(async () => {
  [weir, strict] = await Promise.all([startWeir({}), startWeir({ config: 'limits:\n  query_timeout: 80ms\n' })]);
  for (const each of [weir, strict])
    for (let from = 0; from < seconds * perSecond; from += 20_000) {
      const reply = await each.post('/ingest/json', lines(from), ndjson);
      if (reply.status >= 300) throw new Error(reply.body);
    }
  for (const each of [weir, strict])
    await eventually(
      () => count(each),
      n => n === seconds * perSecond,
      60_000,
    );
}, 120_000);
afterAll(async () => {
  await Promise.all([weir?.stop(), strict?.stop()]);
});

type End = Extract<QueryFrame, { type: 'end' }>;
type Metric = Extract<QueryFrame, { type: 'series' }>;
const endOf = (all: QueryFrame[]): End | undefined => all.find(frame => frame.type === 'end');
const refused = (all: QueryFrame[]): boolean => endOf(all) === undefined;
/**
 * The part of the range that a partial answer names; undefined when it is whole, or refused, or when its rows were sent as they were found (`distinct`) and are right as far as
 * they go. Throws when it does not say what it must.
 */
function coveredBy(all: QueryFrame[], what: string): End['covered'] {
  const end = endOf(all);
  const said = end ? (end.reason ?? '') : JSON.stringify(all.at(-1));
  const named = new RegExp(`limits\\.query_timeout.*answered, and exact, ${what} 2026-.*raise the limit`);
  const wanted = end?.covered ? named : end?.partial === false ? /^$/ : /limits\.query_timeout.*raise the limit/;
  if (!wanted.test(said) || (end?.covered && !end.partial)) throw new Error(said);
  return end?.covered;
}
/**
 * All answers to a question that is asked with time limits until two answers are partial, however fast the machine is just now: from a limit that may be far too
 * short, longer where nothing could be answered, shorter where something was.
 */
async function untilPartial(
  what: string,
  ask: (timeout: number) => Promise<QueryFrame[]>,
): Promise<{ all: QueryFrame[]; covered: End['covered'] }[]> {
  const answers: { all: QueryFrame[]; covered: End['covered'] }[] = [];
  let timeout = 500;
  while (answers.filter(({ all }) => endOf(all)?.partial).length < 2) {
    if (answers.length === 40) throw new Error(`fewer than 2 partial answers in 40 tries, the last with ${timeout} ms`);
    const all = await ask(timeout);
    answers.push({ all, covered: coveredBy(all, what) });
    timeout = Math.ceil(timeout * (refused(all) ? 1.25 : 0.85));
  }
  return answers;
}
const metric = (query: string, step: number, more: object): Promise<QueryFrame[]> =>
  frames(weir, { query, step, ...range, ...more });

it.each([
  [`sum by (service_name) (count_over_time(${slow} [60s]))`, 20],
  [`quantile_over_time(0.9, ${slow} | unwrap n [30s]) by (service_name)`, 30],
])(
  '%s: what a partial answer has is exact',
  async (query, step) => {
    const points = (all: QueryFrame[]): [string, [number, string][]][] =>
      all.filter((f): f is Metric => f.type === 'series').map(f => [JSON.stringify(f.metric), f.values]);
    // With `explain` nothing kept is used.
    const whole = points(await metric(query, step, { explain: true }));
    const end = `${base + Math.floor(seconds / step) * step * 1000}000000`;
    for (const { all, covered = { start: '0', end } } of await untilPartial('are the evaluations from', timeout =>
      metric(query, step, { timeout, explain: true }),
    )) {
      const from = Number(BigInt(covered.start) / 1_000_000n) / 1000;
      const expected = whole
        .map(([name, values]): [string, [number, string][]] => [name, values.filter(([t]) => t >= from)])
        .filter(([, values]) => values.length > 0);
      expect(points(all)).toEqual(refused(all) ? [] : expected);
      expect(covered.end).toBe(end);
    }
  },
  120_000,
);

it('the histogram counts whole buckets from the newest on', async () => {
  const ask = async (target: UnderTest): Promise<{ status: number; body: string }> =>
    target.post('/api/v1/histogram', JSON.stringify({ query: slow, ...range, buckets: 80 }), json);
  const whole = JSON.parse((await ask(weir)).body) as HistogramAnswer;
  const { status, body } = await ask(strict);
  const part = JSON.parse(body) as Partial<HistogramAnswer>;
  expect([status === 200 ? part.partial : status, body]).toEqual([
    status === 200 ? true : 422,
    expect.stringContaining('limits.query_timeout'),
  ]);
  const from = Number(BigInt(part.covered?.start ?? 0) / 1_000_000n) / 1000;
  expect(part.buckets).toEqual(status === 200 ? whole.buckets.filter(({ t }) => t >= from) : undefined);
});

it('groups and orders are those of the part of the range that is named', async () => {
  for (const shape of ['stats count(), p90(n) by service_name', 'sort n desc', 'distinct n']) {
    const query = `${slow} | ${shape}`;
    const rows = (all: QueryFrame[]): unknown[] =>
      all.flatMap((f): unknown[] => (f.type === 'rows' || f.type === 'table' ? f.rows : []));
    // Which record stands for a value is open until all were seen.
    const known = (list: unknown[]): string[] =>
      list.map(row => JSON.stringify(shape === 'distinct n' ? (row as QueryRow).parsed?.n : row));
    const whole = known(rows(await frames(weir, { query, ...range })));
    for (const { all, covered } of await untilPartial('are the records from', timeout =>
      frames(weir, { query, ...range, timeout }),
    )) {
      // A table that was cut off while its rows were on their way.
      if (endOf(all)?.reason?.includes('some of the rows of')) continue;
      const expected = covered ? known(rows(await frames(weir, { query, ...covered }))) : whole;
      const right = known(rows(all)).filter(row => expected.includes(row));
      expect(known(rows(all))).toEqual(right);
      expect(covered ? right.length : 0).toBe(covered ? expected.length : 0);
    }
  }
}, 120_000);

it('the Loki API warns of what is left out, and refuses one number that cannot be whole', async () => {
  const query = encodeURIComponent(`sum(count_over_time(${slow} [60s]))`);
  const times = `start=${range.start}&end=${range.end}&step=10`;
  const { status, body } = await strict.get(`/loki/api/v1/query_range?query=${query}&${times}`);
  expect(`${status} ${body}`).toMatch(
    /^(?:200 \{"status":"success","warnings":\["[^"]*limits\.query_timeout[^"]*are the evaluations from 2026-|400 .*limits\.query_timeout)/,
  );
  const one = encodeURIComponent(`sum(count_over_time(${slow} [2h]))`);
  const instant = await strict.get(`/loki/api/v1/query?query=${one}&time=${range.end}`);
  expect(instant.status).toBe(400);
  expect(instant.body).toMatch(
    /longer than 80 ms \(limits\.query_timeout.*one number, which cannot be answered in part.*raise the limit/,
  );
});
