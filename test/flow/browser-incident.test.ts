import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noChromium, openChromium } from '../../bench/chromium.ts';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { count, eventually } from './ask.ts';

// The way from "something is wrong" to the planted cause in the sample data, as somebody goes it who sees the page for the first time.
const cause = 'fraud check inside open transaction, connection held';
let weir: UnderTest;
let browser: Browser | undefined;
let page: Page;
const at = (id: string) => page.locator(`[data-testid="${id}"]`);

beforeAll(async () => {
  weir = await startWeir({ demo: true });
  await eventually(
    () => count(weir),
    n => n > 300_000,
    60_000,
  );
  browser = await openChromium();
  if (!browser) return;
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await weir.stop();
});

it('offers the problems and what is new among them', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await page.goto(weir.url);
  await at('example').click();
  expect(await at('query-input').inputValue()).toBe('level:>=warn');
  await at('patterns-toggle').click();
  await page.getByRole('button', { name: 'First' }).click();
  const first = at('pattern').first();
  expect(
    await eventually(
      () => first.innerText(),
      text => text.includes(cause),
    ),
  ).toContain(cause);
  expect(await first.locator('[data-testid="pattern-new"]').count()).toBe(1);
  // The sample data is older than the range, so what had always been there is not new.
  expect(await at('pattern').filter({ hasText: 'memory rss' }).locator('[data-testid="pattern-new"]').count()).toBe(0);
  await first.locator('.pattern-open').click();
  await page.locator('.row').first().waitFor();
});

it('shows what JSON lines say before their fields, or as they were sent', async ctx => {
  if (!browser) ctx.skip(noChromium);
  // All rows in view: those of the query before stand there until the first of the new one come.
  const texts = () => page.locator('.row .row-message').allInnerTexts();
  const allBegin = (start: string) => (shown: string[]) => shown.length > 0 && shown.every(t => t.startsWith(start));
  const first = async (start: string) => (await eventually(texts, allBegin(start)))[0];
  expect(await first(cause)).toMatch(/^fraud check .* held\s+version=v1\.8\.3 /);
  await at('view-menu').click();
  await at('choice-as-sent').click();
  expect(await first('{')).toMatch(/^\{"level":40,"time":\d+,/);
  await at('choice-message-first').click();
  expect(await first(cause)).toContain(cause);
});
