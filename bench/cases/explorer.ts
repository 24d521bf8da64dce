import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openChromium } from '../chromium.ts';
import { quantile, type Result } from '../statistics.ts';
import { startWeir } from '../weir-under-test.ts';
import { prepared, send } from './ingest.ts';

const sizeOf = (folder: string, ending: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith(ending))
    .reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name))).length, 0);

/** Size of the explorer's code, and frame times while its list of 100,000 loaded rows is scrolled by the wheel in headless Chromium. */
export async function explorerCase(): Promise<Result[]> {
  const page = resolve(import.meta.dirname, '../../dist/web');
  const results: Result[] = [
    {
      case: 'explorer',
      what: 'JavaScript, gzip',
      value: sizeOf(page, '.js') / 1024,
      unit: 'KB',
      target: { most: 200 },
    },
    { case: 'explorer', what: 'CSS, gzip', value: sizeOf(page, '.css') / 1024, unit: 'KB', target: { most: 20 } },
  ];
  const browser = await openChromium();
  if (!browser) return results;
  const weir = await startWeir();
  try {
    await send(weir, '/ingest/json', prepared('flat', 100_000));
    const tab = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    await tab.goto(`${weir.url}/?rows=100000&range=24h`);
    await tab.waitForFunction(
      () => Number(document.querySelector('[data-testid="log-list"]')?.getAttribute('aria-rowcount')) >= 100_000,
      undefined,
      { timeout: 60_000 },
    );
    await tab.mouse.move(700, 600);
    const frames = tab.evaluate(
      () =>
        new Promise<number[]>(done => {
          const times: number[] = [];
          let last = performance.now();
          const tick = (now: number): void => {
            times.push(now - last);
            last = now;
            if (times.length < 400) requestAnimationFrame(tick);
            else done(times.slice(5));
          };
          requestAnimationFrame(tick);
        }),
    );
    for (let k = 0; k < 300; k++) {
      await tab.mouse.wheel(0, 180);
      await tab.waitForTimeout(15);
    }
    const times = await frames;
    results.push(
      {
        case: 'explorer',
        what: 'frames under 20 ms while scrolling 100,000 rows',
        value: (100 * times.filter(t => t < 20).length) / times.length,
        unit: '%',
        target: { least: 95 },
      },
      { case: 'explorer', what: 'frame p99', value: quantile(times, 0.99), unit: 'ms' },
    );
  } finally {
    await browser.close();
    await weir.stop();
  }
  return results;
}
