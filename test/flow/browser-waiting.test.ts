import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noChromium, openChromium } from '../../bench/chromium.ts';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { count, eventually, ndjson } from './ask.ts';

// What the page shows while an answer is on its way, when it was given up, and when no server answers.
let weir: UnderTest;
let browser: Browser | undefined;
let page: Page;
const at = (id: string) => page.locator(`[data-testid="${id}"]`);
const ask = async (query: string): Promise<void> => {
  await at('query-input').fill(query);
  await at('query-input').press('Escape');
  await at('query-input').press('Enter');
};
const rows = (): Promise<string[]> => page.locator('.row .row-message').allInnerTexts();

beforeAll(async () => {
  weir = await startWeir();
  const now = Date.now();
  const lines = ['one apple', 'one pear', 'two apples'].map((message, i) =>
    JSON.stringify({ ts: new Date(now - 1000 * i).toISOString(), service: 'fruit', message }),
  );
  await weir.post('/ingest/json', lines.join('\n'), ndjson);
  await eventually(
    () => count(weir),
    n => n === 3,
  );
  browser = await openChromium();
  if (!browser) return;
  page = await browser.newPage({ viewport: { width: 1200, height: 700 } });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await weir.stop();
});

it('tells rows of the query before from an answer, and says what was cancelled', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await page.goto(weir.url);
  expect(await eventually(rows, texts => texts.length === 3)).toHaveLength(3);
  expect(await page.locator('.stale').count()).toBe(0);
  const held: Route[] = [];
  await page.route('**/api/v1/query', route => void held.push(route));
  await ask('pear');
  await page.locator('.stale').waitFor();
  expect(await at('status-rows').count()).toBe(0);
  await at('cancel').click();
  await at('cancelled').waitFor();
  await page.unroute('**/api/v1/query');
  await at('cancelled').getByRole('button').click();
  expect(await eventually(rows, texts => texts.join() === 'one pear')).toEqual(['one pear']);
  expect(await page.locator('.stale').count()).toBe(0);
});

it('goes on with the query at the key /', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await page.goto(`${weir.url}/?q=one`);
  expect(await eventually(rows, texts => texts.length === 2)).toHaveLength(2);
  await page.keyboard.press('/');
  await page.keyboard.type(' pear');
  await page.keyboard.press('Escape');
  await at('run').click();
  expect(await eventually(rows, texts => texts.join() === 'one pear')).toEqual(['one pear']);
  expect(await at('query-input').inputValue()).toBe('one pear');
});

it('says once that no server answers, goes on by itself when one does, and keeps what is being typed', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await page.route('**/api/**', route => route.abort());
  await ask('apple');
  await at('query-error').waitFor();
  expect(await at('query-error').textContent()).toContain('does not answer');
  expect(await page.locator('.panel-error').count()).toBe(0);
  await at('query-input').fill('apple more');
  await page.unroute('**/api/**');
  expect(await eventually(rows, texts => texts.join() === 'one apple', 20_000)).toEqual(['one apple']);
  expect(await at('query-input').inputValue()).toBe('apple more');
});
