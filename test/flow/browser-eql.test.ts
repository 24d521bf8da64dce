import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noChromium, openChromium } from '../../bench/chromium.ts';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { count, eventually, ndjson } from './ask.ts';
let weir: UnderTest;
let browser: Browser | undefined;
let page: Page;
const complaints: string[] = [];
const at = (id: string) => page.locator(`[data-testid="${id}"]`);

const run = async (query: string): Promise<void> => {
  await at('query-input').fill(query);
  await at('query-input').press('Escape');
  await at('run').click();
};
/** Texts of what stands in the list, from its top. */
const listed = (): Promise<string[]> =>
  page.locator('.group-head, .group-missing, .row-message').evaluateAll(nodes =>
    nodes
      .filter(node => node.closest('.list-box'))
      .map(node => ({ top: node.getBoundingClientRect().top, text: node.textContent ?? '' }))
      .sort((a, b) => a.top - b.top)
      .map(({ text }) => text),
  );

beforeAll(async () => {
  weir = await startWeir();
  const start = Date.now() - 600_000;
  const event = (seconds: number, category: string, user: string, message: string): string =>
    JSON.stringify({
      ts: new Date(start + seconds * 1000).toISOString(),
      service: 'auth',
      message,
      event: { category },
      user: { name: user },
    });
  const lines = [
    event(0, 'login', 'ann', 'ann logs in'),
    event(4, 'file', 'ann', 'ann reads a file'),
    event(10, 'login', 'bob', 'bob logs in <b>bold</b>'),
    event(200, 'file', 'bob', 'bob reads a file'),
  ];
  await weir.post('/ingest/json', lines.join('\n'), ndjson);
  await eventually(
    () => count(weir),
    n => n === lines.length,
  );
  browser = await openChromium();
  if (!browser) return;
  page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  page.on('pageerror', error => complaints.push(String(error)));
  await page.goto(weir.url);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await weir.stop();
});

it('shows sequences as groups of records under their keys and span', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await run('sequence by user.name [login where true] [file where true]');
  expect(await eventually(listed, texts => texts.length >= 6)).toEqual([
    expect.stringMatching(/^user\.name=bob2 events in 3 m 10 s$/),
    expect.stringContaining('bob logs in <b>bold</b>'),
    expect.stringContaining('bob reads a file'),
    expect.stringMatching(/^user\.name=ann2 events in 4 s$/),
    expect.stringContaining('ann logs in'),
    expect.stringContaining('ann reads a file'),
  ]);
  expect(await page.locator('.row b').count()).toBe(0);
  const reading = async (): Promise<string> => (await at('reading').textContent()) ?? '';
  expect(await eventually(reading, text => text.startsWith('EQL'))).toBe('EQL: sequences of eventsExplain');
  await at('explain').click();
  await at('explain-sql').waitFor();
  expect(await at('explain-panel').textContent()).toMatch(/Reads at most \d.*sequences are put together/);
  expect(await at('explain-logql').count()).toBe(0);
  await at('explain').click();
  expect(await at('status-rows').textContent()).toContain('2 sequences, 4 records');
  expect(await at('total').count()).toBe(0);
  expect(await at('live').isDisabled()).toBe(true);
  await page.locator('.row', { hasText: 'ann reads a file' }).click();
  await at('details').waitFor();
  expect(await at('details').textContent()).toContain('ann reads a file');
});

it('a link to a record of a sequence opens it', async ctx => {
  if (!browser) ctx.skip(noChromium);
  const address = new URL(page.url());
  const row = await weir.post('/api/v1/query', JSON.stringify({ query: 'login where user.name == "ann"' }), {
    'content-type': 'application/json',
  });
  const found = /"ts":"(\d+)","seq":"(\d+)"/.exec(row.body);
  address.searchParams.set('at', `${found?.[1]},${found?.[2]}`);
  await page.goto(address.href);
  await at('details').waitFor();
  expect(await at('details').textContent()).toContain('ann logs in');
});

it('says that an event must not be there, where it must not be', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await run('sequence by user.name with maxspan=1m [login where true] ![file where true]');
  expect(await eventually(listed, texts => texts.length === 3)).toEqual([
    expect.stringMatching(/^user\.name=bob1 event$/),
    expect.stringContaining('bob logs in'),
    'no such event, as the query asks',
  ]);
});

it('shows events as the list of records, and counts as a table', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await run('login where user.name : "A*"');
  expect(await eventually(listed, texts => texts.length === 1)).toEqual([expect.stringContaining('ann logs in')]);
  await run('any where true | count event.category');
  await at('stats-table').waitFor();
  expect(await at('stats-table').locator('tbody tr').allTextContents()).toEqual(['login250', 'file250']);
});

it('underlines what is wrong, and searches for words as ever', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await run('login where\n  usr.name == "ann"');
  await at('query-error').waitFor();
  expect(await page.locator('.q-bad').textContent()).toBe('usr');
  expect(await at('query-fault').textContent()).toMatch(/^line 2, column 3Unknown column \[usr\.name\]/);
  // Run again when a record has the field: the fault goes, and the line below says again what the text is.
  const late = JSON.stringify({ service: 'auth', message: 'late', event: { category: 'login' }, usr: { name: 'ann' } });
  await weir.post('/ingest/json', late, ndjson);
  await eventually(
    () => count(weir),
    n => n === 5,
  );
  await at('run').click();
  expect(await eventually(listed, texts => texts.length === 1)).toEqual([expect.stringContaining('late')]);
  expect(await at('query-fault').count()).toBe(0);
  expect(await at('reading').textContent()).toBe('EQL: eventsExplain');
  await run('reads where file');
  await at('empty-clear').waitFor();
  await run('reads file');
  expect(await eventually(listed, texts => texts.length === 2)).toHaveLength(2);
  expect(complaints).toEqual([]);
});
