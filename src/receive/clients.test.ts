import { once } from 'node:events';
import { SeverityNumber } from '@opentelemetry/api';
import { OTLPLogExporter as HttpExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './doors.test.server.ts';

let weir: TestServer;
beforeAll(async () => {
  weir = await startTestServer();
});
afterAll(() => weir.close());
beforeEach(() => {
  weir.clear();
});

describe('unchanged clients', () => {
  it.each([
    ['http', HttpExporter],
    ['proto', ProtoExporter],
  ])('the OpenTelemetry exporter over %s', async (_, Exporter) => {
    const provider = new LoggerProvider({
      processors: [new BatchLogRecordProcessor({ exporter: new Exporter({ url: `${weir.url}/v1/logs` }) })],
    });
    const logger = provider.getLogger('shop', '1.0');
    for (let k = 0; k < 700; k++) {
      logger.emit({
        severityNumber: SeverityNumber.WARN,
        severityText: 'WARN',
        body: `line ${k}`,
        attributes: { 'http.status': k, nested: { a: [1, 'x'] } },
        timestamp: [1_700_000_000, k],
      });
    }
    await provider.forceFlush();
    await provider.shutdown();
    const rows = weir.rows();
    expect(rows.map(row => row.m)).toEqual(Array.from({ length: 700 }, (_, k) => `line ${k}`));
    expect(rows[699]).toMatchObject({
      t: '1700000000000000699',
      n: 13,
      v: 'warn',
      l: { service_name: expect.stringMatching(/^unknown_service/) },
      a: { http_status: '699', nested_a: '[1,"x"]', scope_name: 'shop', scope_version: '1.0', severity_text: 'WARN' },
    });
  });

  it('pino-loki', async () => {
    const { pinoLoki } = await import('pino-loki');
    const stream = pinoLoki({
      host: weir.url,
      batching: false,
      labels: { application: 'shop' },
      structuredMetaKey: 'meta',
      silenceErrors: false,
    });
    const logger = pino({ base: undefined }, stream);
    logger.info({ user: 7 }, 'one');
    logger.error('two');
    stream.end();
    await once(stream, 'close');
    await expect.poll(() => weir.rows().length).toBe(2);
    const rows = weir.rows().sort((a, b) => a.m.length - b.m.length);
    expect(rows.map(row => row.l)).toEqual([
      { application: 'shop', level: 'error', service_name: 'shop' },
      { application: 'shop', level: 'info', service_name: 'shop' },
    ]);
    expect(rows.map(row => row.v)).toEqual(['error', 'info']);
    expect(rows[0]?.m).toContain('two');
    expect(String(rows[0]?.t)).toMatch(/^\d{19}$/);
  });

  it('pino over plain HTTP', async () => {
    const lines: string[] = [];
    const logger = pino({}, { write: line => lines.push(line) });
    logger.info({ nested: { deep: [1, 2] } }, 'hello');
    logger.warn(new Error('boom'));
    const answer = await fetch(`${weir.url}/ingest/json`, {
      method: 'POST',
      body: lines.join(''),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(await answer.json()).toEqual({ accepted: 2, quarantined: 0, errors: [] });
    expect(weir.headers()[0]?.keys).toEqual(['level', 'time', 'pid', 'hostname', 'nested', 'msg', 'err']);
  });
});
