import { execFileSync } from 'node:child_process';
import { SeverityNumber } from '@opentelemetry/api';
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { eventually, rows } from './ask.ts';

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir();
});
afterAll(async () => {
  await weir.stop();
});

it('takes curl, as the README shows it', async () => {
  const answer = execFileSync(
    'curl',
    [
      '-s',
      '-H',
      'content-type: application/json',
      '--data-binary',
      '{"level":"error","service":"checkout","message":"hello from curl","user":42}',
      `${weir.url}/ingest/json`,
    ],
    { encoding: 'utf8' },
  );
  expect(JSON.parse(answer)).toEqual({ accepted: 1, quarantined: 0, errors: [] });
  const [row] = await eventually(
    () => rows(weir, '{service_name="checkout"} |= "curl"'),
    r => r.length === 1,
  );
  expect(row).toMatchObject({
    message: 'hello from curl',
    level: 'error',
    service: 'checkout',
    attributes: { user: '42' },
  });
});

it('takes pino-loki', async () => {
  const transport = pino.transport({
    target: 'pino-loki',
    options: { host: weir.url, labels: { app: 'shop' }, batching: { interval: 1 }, propsToLabels: [] },
  }) as { end(): void; on(event: string, listener: () => void): void };
  const logger = pino(transport as unknown as pino.DestinationStream);
  logger.warn({ order: 17 }, 'hello from pino');
  await new Promise(done => setTimeout(done, 1500));
  transport.end();
  const [row] = await eventually(
    () => rows(weir, '{app="shop"} |= "pino"'),
    r => r.length === 1,
    15_000,
  );
  expect(row?.message).toContain('hello from pino');
  expect(row?.service).toBe('shop');
  expect(row?.level).toBe('warn');
});

it.each([
  ['OTLP JSON', () => new JsonExporter({ url: `${weir.url}/v1/logs` })],
  ['OTLP protobuf', () => new ProtoExporter({ url: `${weir.url}/v1/logs` })],
])('takes the OpenTelemetry JS exporter, %s', async (name, exporter) => {
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter: exporter() })] });
  provider.getLogger('tests').emit({
    severityNumber: SeverityNumber.ERROR,
    severityText: 'ERROR',
    body: `hello from ${name}`,
    attributes: { 'order.id': 17, nested: { a: [1, 2] } },
  });
  await provider.forceFlush();
  await provider.shutdown();
  const [row] = await eventually(
    () => rows(weir, `{service_name=~".+"} |= "hello from ${name}"`),
    r => r.length === 1,
  );
  expect(row).toMatchObject({ level: 'error', severity: 17, message: `hello from ${name}`, door: 'otlp' });
  expect(row?.attributes.order_id).toBe('17');
});
