import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChdbStore, type TestRecord } from '../../test/query/chdb-store.ts';
import type { Deletes } from '../flow.ts';
import type { PageRow } from '../language/compile.ts';
import { collect } from './admission.ts';
import { askPage } from './ask-page.ts';
import { KnownStreams } from './known-streams.ts';
import { logsPlanOf } from './plan.ts';
import { sourcesFor } from './sources-for.ts';

const second = 1_000_000_000n;
const base = 1_790_000_000n * second;
const range = { start: base, end: base + 1000n * second };
const nothingHidden: Pick<Deletes, 'hidden'> = { hidden: () => [] };
let store: ChdbStore;
let next = 0n;

const record = (service: string, more: Partial<TestRecord> = {}): TestRecord => ({
  ts: base + next++ * second,
  service,
  message: `m${next}`,
  labels: { pod: `${service}-\u{1F98A}"\\` },
  attributes: { pod: 'of the record', k: `${next}` },
  ...more,
});

beforeAll(async () => {
  store = new ChdbStore();
  await store.tick([record('web'), record('db'), record('web', { tenant: 'b', labels: { zone: 'x' } })]);
  await store.seal();
  await store.tick([record('web'), record('db', { level: 'error' })]);
});
afterAll(() => store.close());

type Asked = { rows: PageRow[]; statements: string[] };

async function page(streams: KnownStreams | undefined, query = '', tenant = 'default'): Promise<Asked> {
  const before = store.asked.length;
  const plan = logsPlanOf(query).page({ tenant, range }, { direction: 'backward', limit: 100 });
  const ask: Parameters<typeof askPage>[0] = (_, question) =>
    store.run({ ...question, sql: sources => question.sql(sourcesFor(tenant, sources, nothingHidden)) });
  const rows = (await collect(await askPage(ask, tenant, plan, { streams }))) as PageRow[];
  return { rows, statements: store.asked.slice(before) };
}

const readsLabels = (sql: string): boolean => /\blabels, attributes/.test(sql);

async function familiar(tenant = 'default'): Promise<KnownStreams> {
  const streams = new KnownStreams(1e6);
  for (let i = 0; i < 11; i++) await page(streams, '', tenant);
  return streams;
}

test('once the streams of ten pages were known labels are not read any more, and rows are the same', async () => {
  const streams = new KnownStreams(1e6);
  for (let i = 0; i < 11; i++) expect((await page(streams)).statements.map(readsLabels)).toEqual([true]);
  for (const query of ['', '{service_name="db"}', '{} | detected_level="error"', '{pod!=""} |= "m"']) {
    const brief = await page(streams, query);
    expect(brief.statements.map(readsLabels)).toEqual([false]);
    const whole = await page(undefined, query);
    expect(brief.rows.length).toBeGreaterThan(0);
    expect(brief.rows).toEqual(whole.rows);
    expect(JSON.stringify(brief.rows)).toBe(JSON.stringify(whole.rows));
  }
});

test('what a parser computes is asked for whole', async () => {
  const streams = await familiar();
  const { rows } = await page(streams, '{} | json');
  expect(rows).toEqual((await page(undefined, '{} | json')).rows);
});

test('a stream that is new is asked for, in the tail and in parts, and known from then on', async () => {
  for (const where of ['tail', 'parts']) {
    const streams = await familiar();
    await store.tick([record(`new in ${where}`)]);
    if (where === 'parts') await store.seal();
    const { rows, statements } = await page(streams);
    expect(statements.map(readsLabels)).toEqual([false, true]);
    expect(rows).toEqual((await page(undefined)).rows);
    expect(rows[0]?.labels).toMatchObject({ service_name: `new in ${where}` });
    // Whether others are new as well is found out first.
    for (let i = 0; i < 10; i++) expect((await page(streams)).statements.map(readsLabels)).toEqual([true]);
    expect((await page(streams)).statements.map(readsLabels)).toEqual([false]);
  }
});

test('tenants know their own streams only, and those of joined tenants carry the tenant', async () => {
  const streams = await familiar();
  expect(streams.familiar('b')).toBe(false);
  expect((await page(streams, '', 'b')).rows.map(row => row.labels)).toEqual([{ service_name: 'web', zone: 'x' }]);
  const joined = await familiar('b|default');
  const { rows, statements } = await page(joined, '', 'b|default');
  expect(statements.map(readsLabels)).toEqual([false]);
  expect(rows).toEqual((await page(undefined, '', 'b|default')).rows);
  expect(new Set(rows.map(row => row.labels.__tenant_id__))).toEqual(new Set(['b', 'default']));
});

test('all is forgotten when it is more than the bound, names of tenants included', () => {
  const row = (stream: number): Record<string, unknown> => ({
    stream: `${stream}`,
    labels: { service_name: 'a'.repeat(50) },
    service: 'a',
  });
  const streams = new KnownStreams(5_000);
  streams.learn('t', [row(1)]);
  expect(streams.fill('t', [row(1)])).toBe(true);
  streams.learn(
    't',
    Array.from({ length: 20 }, (_, i) => row(i)),
  );
  expect(streams.fill('t', [row(19)])).toBe(true);
  streams.learn(
    't',
    Array.from({ length: 20 }, (_, i) => row(100 + i)),
  );
  expect(streams.fill('t', [row(119)])).toBe(false);
  streams.learn('t', [row(1)]);
  for (let i = 0; i < 100; i++) streams.learn(`t|u${i}`, []);
  expect(streams.fill('t', [row(1)])).toBe(false);
});
