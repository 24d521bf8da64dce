import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { build } from 'vite';
import { noChromium, openChromium } from '../../bench/chromium.ts';
import { startWeir } from '../../bench/weir-under-test.ts';
import { eventually, rows } from './ask.ts';

/** What a shop's own page would load: the OpenTelemetry exporters as they are built for browsers, and a beacon. */
const script = `
import { OTLPLogExporter as Json } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as Proto } from '@opentelemetry/exporter-logs-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
window.send = async (url, body) => {
  for (const [name, exporter] of [
    ['json', new Json({ url: url + '/v1/logs', timeoutMillis: 1000 })],
    ['proto', new Proto({ url: url + '/v1/logs', headers: { 'x-scope-orgid': 'default' }, timeoutMillis: 1000 })],
  ]) {
    const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] });
    provider.getLogger('page').emit({ body: body + ' ' + name });
    await provider.shutdown();
  }
  const blob = new Blob([JSON.stringify({ message: body + ' beacon' })], { type: 'application/json' });
  navigator.sendBeacon(url + '/ingest/json', blob);
};`;

/** The script as one file for browsers. */
async function bundled(): Promise<string> {
  const name = 'virtual:sender';
  const built = await build({
    configFile: false,
    root: resolve(import.meta.dirname, '../..'),
    logLevel: 'silent',
    plugins: [
      { name: 'sender', resolveId: id => (id === name ? id : null), load: id => (id === name ? script : null) },
    ],
    build: { write: false, rollupOptions: { input: name } },
  });
  const [first] = Array.isArray(built) ? built : [built];
  const file = first && 'output' in first ? first.output[0] : undefined;
  return file?.code ?? '';
}

it('takes logs of a web page of an origin in cors_origins, and none of others', async ctx => {
  const browser = await openChromium();
  if (!browser) return ctx.skip(noChromium);
  const code = await bundled();
  const shop = createServer((request, response) => {
    const isScript = request.url === '/sender.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? code : '<!doctype html><script type="module" src="/sender.js"></script>');
  }).listen(0, '127.0.0.1');
  await once(shop, 'listening');
  const { port } = shop.address() as AddressInfo;
  const weir = await startWeir({ config: `cors_origins: ["http://127.0.0.1:${port}"]` });
  try {
    for (const host of ['localhost', '127.0.0.1']) {
      const page = await browser.newPage();
      await page.goto(`http://${host}:${port}/`);
      await page.evaluate(
        ([url = '', body = '']) =>
          (globalThis as unknown as { send(u: string, b: string): Promise<void> }).send(url, body),
        [weir.url, host],
      );
    }
    const stored = await eventually(
      () => rows(weir, ''),
      all => all.length >= 3,
    );
    expect(stored.map(row => row.message).sort()).toEqual(['127.0.0.1 beacon', '127.0.0.1 json', '127.0.0.1 proto']);
  } finally {
    await browser.close();
    await weir.stop();
    shop.close();
  }
});
