import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noChromium, openChromium } from '../../bench/chromium.ts';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { count, eventually, ndjson } from './ask.ts';

let weir: UnderTest;
let browser: Browser | undefined;
let page: Page;
const complaints: string[] = [];

/** Screenshots are kept when a folder for them is named. */
const shoot = async (name: string): Promise<void> => {
  const folder = process.env.WEIR_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
};
const at = (id: string) => page.locator(`[data-testid="${id}"]`);
const total = async (): Promise<string> => (await at('total').textContent()) ?? '';

beforeAll(async () => {
  weir = await startWeir();
  browser = await openChromium();
  if (!browser) return;
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.on('pageerror', error => complaints.push(String(error)));
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});
afterAll(async () => {
  await browser?.close();
  await weir.stop();
});

it('waits for the first log and shows it by itself', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await page.goto(weir.url);
  await at('waiting').waitFor();
  await shoot('waiting');
  const now = Date.now();
  const lines = Array.from({ length: 3000 }, (_, i) =>
    JSON.stringify({
      ts: new Date(now - (3000 - i) * 800).toISOString(),
      service: ['web', 'cart', 'payments'][i % 3],
      level: i % 10 === 0 ? 'error' : 'info',
      message: i % 10 === 0 ? `timeout after ${i} ms <b>not bold</b>` : `request ${i} done`,
      user: i % 7,
    }),
  );
  expect((await weir.post('/ingest/json', lines.join('\n'), ndjson)).status).toBe(200);
  await eventually(
    () => count(weir),
    n => n === 3000,
  );
  await page.locator('.row').first().waitFor({ timeout: 20_000 });
  expect(await page.locator('.row').count()).toBeGreaterThan(10);
  await shoot('first-rows');
});

it('searches for words, and text of records stays text', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('query-input').fill('timeout');
  await at('query-input').press('Enter');
  expect(await eventually(total, text => /\b300\b/.test(text))).toMatch(/\b300\b/);
  const firstRow = (): Promise<string> => page.locator('.row').first().innerText();
  expect(await eventually(firstRow, text => text.includes('not bold'))).toContain('<b>not bold</b>');
  expect(await page.locator('.row b').count()).toBe(0);
  expect(new URL(page.url()).search).toContain('timeout');
  await shoot('search');
});

it('shows the kinds of lines; a click narrows to one or hides it', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('query-input').fill('');
  await at('query-input').press('Enter');
  await at('patterns-toggle').click();
  const kinds = (): Promise<string[]> => page.locator('.pattern-open').allTextContents();
  expect(await eventually(kinds, list => list.length === 2)).toEqual([
    'request <_> done',
    'timeout after <_> ms <b>not bold</b>',
  ]);
  expect(await page.locator('.pattern-count').allTextContents()).toEqual(['2,700', '300']);
  expect(new URL(page.url()).searchParams.get('view')).toBe('patterns');
  await shoot('patterns');
  await at('pattern-hide').first().click();
  expect(await eventually(kinds, list => list.length === 1)).toEqual(['timeout after <_> ms <b>not bold</b>']);
  expect(await at('query-input').inputValue()).toBe('!> "request <_> done"');
  await page.locator('.pattern-open').first().click();
  await page.locator('.row').first().waitFor();
  expect(await eventually(total, text => /\b300\b/.test(text))).toMatch(/\b300\b/);
});

it('underlines what is wrong and says where', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('query-input').fill('{service_name="web"} | json | status >');
  await at('query-input').press('Enter');
  await at('query-error').waitFor();
  expect(await at('query-error').textContent()).toMatch(/line 1|column|col/i);
  await shoot('query-error');
});

it('underlines a fault in search text while typing, and says what to write instead', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('query-input').fill('level:eror timeout');
  await at('query-input').press('Escape');
  await at('query-fault').waitFor();
  expect(await at('query-fault').textContent()).toContain('unknown level "eror"; levels are trace');
  expect(await page.locator('.q-bad').textContent()).toBe('eror');
});

it('suggests fields and values, and Enter runs when nothing is chosen', async ctx => {
  if (!browser) ctx.skip(noChromium);
  const box = at('query-input');
  await box.fill('');
  await box.pressSequentially('serv');
  await at('completions').waitFor();
  expect(await box.getAttribute('aria-expanded')).toBe('true');
  await box.press('Tab');
  expect(await box.inputValue()).toBe('service:');
  const offered = (): Promise<string[]> => page.locator('.completion-label').allTextContents();
  expect(await eventually(offered, list => list.includes('payments'))).toEqual(
    expect.arrayContaining(['web', 'cart', 'payments']),
  );
  await shoot('suggestions');
  await box.pressSequentially('ca');
  expect(await eventually(offered, list => list.join() === 'cart')).toEqual(['cart']);
  await box.press('ArrowDown');
  expect(await box.getAttribute('aria-activedescendant')).toBe('query-completion-0');
  await box.press('Enter');
  expect(await box.inputValue()).toBe('service:cart');
  expect(new URL(page.url()).searchParams.get('q')).not.toBe('service:cart');
  await box.pressSequentially(' le');
  await at('completions').waitFor();
  await box.press('Escape');
  expect(await at('completions').count()).toBe(0);
  await box.press('Backspace');
  await box.press('Backspace');
  await box.press('Enter');
  expect(await eventually(total, text => /1,?000/.test(text))).toMatch(/1,?000/);
  expect(new URL(page.url()).searchParams.get('q')).toBe('service:cart');
});

it('says how a search was read, what it became, and what it would read', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('query-input').fill('timeout -service:web user:>3');
  await at('query-input').press('Enter');
  const reading = async (): Promise<string> => (await at('reading').textContent()) ?? '';
  expect(await eventually(reading, text => text.includes('user:>3'))).toContain(
    'timeout AND NOT service:web AND user:>3',
  );
  await at('explain').click();
  await at('explain-cost').waitFor();
  expect(await at('explain-logql').textContent()).toContain('{service_name!="web"}');
  expect(await at('explain-sql').textContent()).toContain('hasAllTokens');
  expect(await at('explain-cost').textContent()).toMatch(/3 k records|3,000 records/);
  await shoot('explain');
  await at('explain').click();
  expect(await at('explain-panel').count()).toBe(0);
});

it('finds an id however old it is, and says where it was', async ctx => {
  if (!browser) ctx.skip(noChromium);
  const old = new Date(Date.now() - 40 * 86_400_000).toISOString();
  const record = { ts: old, service: 'web', message: 'an old order', order: 'order-20001' };
  expect((await weir.post('/ingest/json', `${JSON.stringify(record)}\n`, ndjson)).status).toBe(200);
  await eventually(
    () => count(weir),
    n => n === 3001,
  );
  await at('query-input').fill('order-20001');
  await at('query-input').press('Enter');
  await at('found-elsewhere').waitFor();
  expect(await at('found-elsewhere').textContent()).toContain('Not in the last 1h');
  await page.getByText('an old order').first().waitFor();
  expect(await eventually(total, text => text.startsWith('1 records'))).toMatch(/^1 records/);
  await shoot('id');
  await at('query-input').fill('order-99999');
  await at('query-input').press('Enter');
  await page.getByText('everything that is stored was searched').waitFor();
});

it('opens a record and filters by a click on its value', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('query-input').fill('{service_name="payments"}');
  await at('query-input').press('Enter');
  await eventually(total, text => /1,?000/.test(text));
  // The answer's rows come after its counts, and replace those that stand there.
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('.row')];
    return rows.length > 0 && rows.every(row => row.textContent?.includes('payments'));
  });
  // By place, since rows are a pool whose order in the document says nothing.
  const open = async (): Promise<boolean> => {
    await at('log-list').click({ position: { x: 600, y: 50 } });
    await page.waitForTimeout(500);
    return at('details').isVisible();
  };
  expect(await eventually(open, shown => shown, 20_000)).toBe(true);
  await shoot('details');
  await at('filter-user').first().click();
  const narrowed = await eventually(
    async () => Number(((await total()).match(/[\d,]+/)?.[0] ?? '0').replaceAll(',', '')),
    n => n > 0 && n < 1000,
  );
  expect(narrowed).toBeLessThan(200);
  expect(await at('query-input').inputValue()).toContain('user');
});

it('shows neighbours of matches quieter than the matches', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('query-input').fill('timeout | context 1');
  await at('query-input').press('Escape');
  await at('run').click();
  const quiet = page.locator('.row-context');
  await quiet.first().waitFor();
  expect(await quiet.first().textContent()).toMatch(/request \d+ done/);
  const colour = (rows: ReturnType<typeof page.locator>): Promise<string> =>
    rows
      .first()
      .locator('.row-message')
      .evaluate(node => getComputedStyle(node).color);
  expect(await colour(quiet)).not.toBe(await colour(page.locator('.row:not(.row-context)', { hasText: 'timeout' })));
  expect(await at('status-rows').textContent()).toMatch(/^[\d,]+ records$/);
});

it('zooms by brushing the histogram', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('query-input').fill('');
  await at('query-input').press('Enter');
  await eventually(total, text => /3,?000/.test(text));
  const box = await at('histogram').boundingBox();
  if (!box) throw new Error('the histogram has no place on the page');
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.8, box.y + box.height / 2, { steps: 8 });
  await page.mouse.up();
  const zoomed = await eventually(
    async () => Number(((await total()).match(/[\d,]+/)?.[0] ?? '0').replaceAll(',', '')),
    n => n > 0 && n < 3000,
  );
  expect(zoomed).toBeLessThan(3000);
  await shoot('zoomed');
  await page.goBack();
  expect(await eventually(total, text => /3,?000/.test(text))).toMatch(/3,?000/);
});

it('tails live, pauses and goes on', async ctx => {
  if (!browser) ctx.skip(noChromium);
  await at('live').click();
  await at('live-bar').waitFor();
  await weir.post('/ingest/json', '{"service":"web","message":"arrived while watching"}\n', ndjson);
  await page.getByText('arrived while watching').first().waitFor({ timeout: 10_000 });
  await shoot('live');
  await at('live-pause').click();
  await weir.post('/ingest/json', '{"service":"web","message":"arrived while paused"}\n', ndjson);
  await page.waitForTimeout(1500);
  expect(await page.getByText('arrived while paused').count()).toBe(0);
  await at('live-pause').click();
  await page.getByText('arrived while paused').first().waitFor({ timeout: 10_000 });
});

it('meets no error in the browser', ctx => {
  if (!browser) ctx.skip(noChromium);
  // The refused query of the test above is an answer of status 400, which browsers log.
  expect(complaints.filter(text => !text.includes('400'))).toEqual([]);
});
