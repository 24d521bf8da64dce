import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Why a test of the page was not run. */
export const noChromium = 'SKIPPED: no Chromium; install it or set WEIR_CHROMIUM';

/** A headless browser, of `WEIR_CHROMIUM` or where distributions put it; undefined on a machine without. */
export async function openChromium(): Promise<Browser | undefined> {
  const executablePath =
    process.env.WEIR_CHROMIUM ??
    ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  return executablePath === undefined ? undefined : chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
