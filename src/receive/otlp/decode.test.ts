import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WeirError } from '../../base/errors.ts';
import { startTestServer, type TestServer } from '../doors.test.server.ts';
import { decodeOtlpJson } from './decode-json.ts';
import { decodeOtlpProtobuf } from './decode-protobuf.ts';

type AnyValue = {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number;
  bytesValue?: string;
  arrayValue?: { values: AnyValue[] };
  kvlistValue?: { values: KeyValue[] };
};
type KeyValue = { key: string; value: AnyValue };
type Request = {
  resourceLogs: {
    resource?: { attributes: KeyValue[] };
    scopeLogs: {
      scope?: { name?: string; version?: string; attributes?: KeyValue[] };
      logRecords: Record<string, unknown>[];
    }[];
  }[];
};

const L = WireType.LengthDelimited;

function writeValue(writer: BinaryWriter, value: AnyValue): void {
  if (value.stringValue !== undefined) writer.tag(1, L).string(value.stringValue);
  else if (value.boolValue !== undefined) writer.tag(2, WireType.Varint).bool(value.boolValue);
  else if (value.intValue !== undefined) writer.tag(3, WireType.Varint).int64(value.intValue);
  else if (value.doubleValue !== undefined) writer.tag(4, WireType.Bit64).double(value.doubleValue);
  else if (value.arrayValue) {
    writer.tag(5, L).fork();
    for (const inner of value.arrayValue.values) {
      writer.tag(1, L).fork();
      writeValue(writer, inner);
      writer.join();
    }
    writer.join();
  } else if (value.kvlistValue) {
    writer.tag(6, L).fork();
    writePairs(writer, 1, value.kvlistValue.values);
    writer.join();
  } else if (value.bytesValue !== undefined) writer.tag(7, L).bytes(Buffer.from(value.bytesValue, 'base64'));
}

function writePairs(writer: BinaryWriter, field: number, pairs: KeyValue[]): void {
  for (const { key, value } of pairs) {
    writer.tag(field, L).fork().tag(1, L).string(key).tag(2, L).fork();
    writeValue(writer, value);
    writer.join().join();
  }
}

/** The protobuf of a request given as its JSON; scopes before the resource, records before the scope, which is as legal. */
function toProtobuf(request: Request): Buffer {
  const writer = new BinaryWriter();
  for (const { resource, scopeLogs } of request.resourceLogs) {
    writer.tag(1, L).fork();
    for (const { scope, logRecords } of scopeLogs) {
      writer.tag(2, L).fork();
      for (const record of logRecords as {
        timeUnixNano?: string;
        severityNumber?: number;
        severityText?: string;
        body?: AnyValue;
        attributes?: KeyValue[];
        flags?: number;
        traceId?: string;
        spanId?: string;
        observedTimeUnixNano?: string;
        eventName?: string;
        droppedAttributesCount?: number;
      }[]) {
        writer.tag(2, L).fork();
        writer.tag(99, WireType.Varint).uint32(1);
        if (record.timeUnixNano) writer.tag(1, WireType.Bit64).fixed64(record.timeUnixNano);
        if (record.severityNumber) writer.tag(2, WireType.Varint).int32(record.severityNumber);
        if (record.severityText) writer.tag(3, L).string(record.severityText);
        if (record.body) {
          writer.tag(5, L).fork();
          writeValue(writer, record.body);
          writer.join();
        }
        writePairs(writer, 6, record.attributes ?? []);
        if (record.droppedAttributesCount) writer.tag(7, WireType.Varint).uint32(record.droppedAttributesCount);
        if (record.flags) writer.tag(8, WireType.Bit32).fixed32(record.flags);
        if (record.traceId) writer.tag(9, L).bytes(Buffer.from(record.traceId, 'hex'));
        if (record.spanId) writer.tag(10, L).bytes(Buffer.from(record.spanId, 'hex'));
        if (record.observedTimeUnixNano) writer.tag(11, WireType.Bit64).fixed64(record.observedTimeUnixNano);
        if (record.eventName) writer.tag(12, L).string(record.eventName);
        writer.join();
      }
      if (scope) {
        writer
          .tag(1, L)
          .fork()
          .tag(1, L)
          .string(scope.name ?? '')
          .tag(2, L)
          .string(scope.version ?? '');
        writePairs(writer, 3, scope.attributes ?? []);
        writer.join();
      }
      writer.join();
    }
    if (resource) {
      writer.tag(1, L).fork();
      writePairs(writer, 1, resource.attributes);
      writer.join();
    }
    writer.join();
  }
  return Buffer.from(writer.finish());
}

const s = (key: string, stringValue: string): KeyValue => ({ key, value: { stringValue } });

const sample: Request = {
  resourceLogs: [
    {
      resource: {
        attributes: [
          s('service.name', 'shop'),
          s('k8s.pod.name', 'pod-1'),
          s('host.name', 'h1'),
          { key: 'os', value: { kvlistValue: { values: [s('type', 'linux')] } } },
        ],
      },
      scopeLogs: [
        {
          scope: { name: 'lib', version: '1.2', attributes: [s('sc', 'x')] },
          logRecords: [
            {
              timeUnixNano: '1700000000123456789',
              observedTimeUnixNano: '1700000000999999999',
              severityNumber: 13,
              severityText: 'Warning',
              body: { stringValue: 'héllo "x"' },
              traceId: '5b8aa5a2d2c872e8321cf37308d69df2',
              spanId: '051581bf3cb55c13',
              flags: 1,
              eventName: 'ev',
              droppedAttributesCount: 2,
              attributes: [
                { key: 'http.status', value: { intValue: '9007199254740993' } },
                { key: 'ok', value: { boolValue: true } },
                { key: 'ratio', value: { doubleValue: 0.25 } },
                { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }] } } },
                { key: 'raw', value: { bytesValue: 'AQI=' } },
                s('host.name', 'other'),
              ],
            },
            {
              observedTimeUnixNano: '5',
              body: { kvlistValue: { values: [s('a', 'b'), { key: 'n', value: { doubleValue: 1.5 } }] } },
              severityText: 'debug',
              traceId: '00000000000000000000000000000000',
              spanId: 'abcd',
            },
            {},
          ],
        },
      ],
    },
  ],
};
const l = { service_name: 'shop', k8s_pod_name: 'pod-1' };
const shared = { host_name: 'h1', os_type: 'linux', sc: 'x', scope_name: 'lib', scope_version: '1.2' };
const expected = [
  {
    l,
    m: 'héllo "x"',
    t: '1700000000123456789',
    n: 13,
    v: 'warn',
    i: '5b8aa5a2d2c872e8321cf37308d69df2',
    p: '051581bf3cb55c13',
    a: {
      http_status: '9007199254740993',
      ok: 'true',
      ratio: '0.25',
      list: '["a",1]',
      raw: 'AQI=',
      host_name: 'other',
      host_name_2: 'h1',
      severity_number: '13',
      severity_text: 'Warning',
      dropped_attributes_count: '2',
      flags: '1',
      event_name: 'ev',
      observed_timestamp: '1700000000999999999',
      os_type: 'linux',
      sc: 'x',
      scope_name: 'lib',
      scope_version: '1.2',
    },
  },
  { l, m: '{"a":"b","n":1.5}', t: '5', v: 'debug', a: { severity_text: 'debug', ...shared } },
  { l, m: '', a: shared },
];

let weir: TestServer;
beforeAll(async () => {
  weir = await startTestServer();
});
afterAll(() => weir.close());
beforeEach(() => {
  weir.clear();
});

const send = (
  body: Buffer | string,
  type: string,
  headers: Record<string, string> = {},
  path = '/v1/logs',
): Promise<Response> =>
  fetch(weir.url + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'content-type': type, ...headers },
  });
const protobuf = 'application/x-protobuf';
const json = 'application/json';

describe('OTLP logs', () => {
  it('makes the same rows of both encodings', async () => {
    const binary = await send(toProtobuf(sample), protobuf);
    expect([binary.status, binary.headers.get('content-type'), (await binary.arrayBuffer()).byteLength]).toEqual([
      200,
      protobuf,
      0,
    ]);
    expect(weir.rows()).toEqual(expected);
    weir.clear();
    const text = await send(JSON.stringify(sample), `${json}; charset=utf-8`, {}, '/otlp/v1/logs');
    expect([text.status, text.headers.get('content-type'), await text.text()]).toEqual([200, json, '{}']);
    expect(weir.rows()).toEqual(expected);
  });

  it('takes gzip and zstd, and empty requests', async () => {
    expect((await send(gzipSync(toProtobuf(sample)), protobuf, { 'content-encoding': 'gzip' })).status).toBe(200);
    expect((await send(zstdCompressSync(JSON.stringify(sample)), json, { 'content-encoding': 'zstd' })).status).toBe(
      200,
    );
    expect(weir.rows()).toHaveLength(6);
    for (const [body, type] of [
      ['', protobuf],
      ['{}', json],
      ['{"resourceLogs":[]}', json],
    ] as const)
      expect((await send(body, type)).status).toBe(200);
  });

  it('reads the numbers and enums of lenient senders exactly', () => {
    const body =
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1700000000123456789,"severityNumber":"SEVERITY_NUMBER_ERROR2","body":{"intValue":9007199254740993},"traceId":"5B8AA5A2D2C872E8321CF37308D69DF2","unknown":[1]}]}]}]}';
    const decoded = decodeOtlpJson(Buffer.from(body), 1000);
    expect(Buffer.concat(decoded.batches[0]?.payload ?? []).toString()).toBe(
      '{"l":{"service_name":"unknown_service"},"m":"9007199254740993","t":1700000000123456789,"a":{"severity_number":"18"},"n":18,"v":"error","i":"5b8aa5a2d2c872e8321cf37308d69df2"}\n',
    );
  });

  it('takes members that are not set for what they are: null within JSON, no text alone, never 0', async () => {
    const unset: AnyValue = {};
    const values: AnyValue[] = [
      { arrayValue: { values: [{ intValue: 1 }, unset, { kvlistValue: { values: [{ key: 'k', value: unset }] } }] } },
      { kvlistValue: { values: [{ key: 'a', value: { doubleValue: Number.NaN } }] } },
      unset,
    ];
    const request: Request = {
      resourceLogs: [
        { scopeLogs: [{ logRecords: values.map(body => ({ body, attributes: [{ key: 'v', value: body }] })) }] },
      ],
    };
    expect((await send(toProtobuf(request), protobuf)).status).toBe(200);
    const wanted = [
      ['[1,null,{"k":null}]', { v: '[1,null,{"k":null}]' }],
      ['{"a":"NaN"}', { v_a: 'NaN' }],
      ['', { v: '' }],
    ];
    expect(weir.rows().map(row => [row.m, row.a])).toEqual(wanted);
    weir.clear();
    // The JavaScript exporter has JSON.stringify write NaN, which makes it null; others write the name.
    expect((await send(JSON.stringify(request), json)).status).toBe(200);
    expect(weir.rows().map(row => row.m)).toEqual(['[1,null,{"k":null}]', '{"a":null}', '']);
    weir.clear();
    const doubles = ['"NaN"', '"-Infinity"', '1.5', '"1.5"', 'null', '"x"', '""', 'true'];
    const answer = await send(
      `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${doubles.map(value => `{"body":{"doubleValue":${value}}}`).join()}]}]}]}`,
      json,
    );
    expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedLogRecords: '3' } });
    expect(weir.rows().map(row => row.m)).toEqual(['NaN', '-Infinity', '1.5', '1.5', '']);
  });

  it('reports records it cannot store as rejected, and stores the others', async () => {
    let deep: AnyValue = { stringValue: 'x' };
    for (let k = 0; k < 150; k++) deep = { arrayValue: { values: [deep] } };
    const request: Request = {
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [{ body: { stringValue: 'good' } }, { body: deep }, { timeUnixNano: '18446744073709551615' }],
            },
          ],
        },
      ],
    };
    const text = await send(JSON.stringify(request), json);
    expect([text.status, await text.json()]).toEqual([
      200,
      {
        partialSuccess: {
          rejectedLogRecords: '2',
          errorMessage:
            '2 records are in quarantine: a value is nested deeper than 100; time 18446744073709551615 ns is after the year 2262',
        },
      },
    ]);
    const binary = await send(toProtobuf(request), protobuf);
    const reader = new BinaryReader(new Uint8Array(await binary.arrayBuffer()));
    expect(reader.tag()).toEqual([1, L]);
    reader.uint32();
    expect([reader.tag(), reader.int64(), reader.tag(), reader.string()]).toEqual([
      [1, 0],
      2n,
      [2, 2],
      expect.stringContaining('2 records are in quarantine'),
    ]);
    expect(weir.rows().map(row => row.m)).toEqual(['good', 'good']);
    expect(weir.quarantined()).toHaveLength(4);
  });

  it('answers errors as google.rpc.Status in the encoding of the request', async () => {
    for (const body of ['{', '[]', '{"resourceLogs":1}', '{"resourceLogs":[{"scopeLogs":[{"logRecords":{}}]}]}']) {
      const answer = await send(body, json);
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        { code: 3, message: expect.stringContaining('not a valid JSON ExportLogsServiceRequest') },
      ]);
    }
    const binary = await send(Buffer.from([0x0a, 0x05, 0x12]), protobuf);
    const reader = new BinaryReader(new Uint8Array(await binary.arrayBuffer()));
    expect([binary.status, reader.tag(), reader.int32(), reader.tag(), reader.string()]).toEqual([
      400,
      [1, 0],
      3,
      [2, 2],
      expect.stringContaining('not a valid protobuf'),
    ]);
    expect((await send('{}', 'text/plain')).status).toBe(415);
    expect((await send('{}', json, { 'content-encoding': 'compress' })).status).toBe(415);
    const get = await fetch(`${weir.url}/v1/logs`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });

  it('throws nothing but WeirError, whatever the bytes', () => {
    const binary = toProtobuf(sample);
    const text = Buffer.from(JSON.stringify(sample));
    const mutations = fc.array(fc.record({ at: fc.nat(5000), byte: fc.nat(255) }), { maxLength: 4 });
    fc.assert(
      fc.property(mutations, fc.boolean(), fc.nat(2000), (changes, isJson, cut) => {
        const whole = Buffer.from(isJson ? text : binary);
        for (const { at, byte } of changes) whole[at % whole.length] = byte;
        const bytes = cut % 3 === 0 ? whole.subarray(0, cut % whole.length) : whole;
        try {
          const decoded = isJson ? decodeOtlpJson(bytes, 4000) : decodeOtlpProtobuf(Buffer.from(bytes), 4000);
          for (const batch of decoded.batches)
            for (const line of Buffer.concat(batch.payload).toString().trimEnd().split('\n')) JSON.parse(line);
        } catch (error) {
          if (!(error instanceof WeirError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('survives values nested without end', () => {
    let bytes: Buffer = Buffer.alloc(0);
    for (let k = 0; k < 3000; k++)
      bytes = Buffer.from(
        new BinaryWriter()
          .tag(k % 2 === 0 ? 1 : 5, L)
          .bytes(bytes)
          .finish(),
      );
    const record = new BinaryWriter().tag(5, L).bytes(bytes).finish();
    const request = new BinaryWriter().tag(1, L).fork().tag(2, L).fork().tag(2, L).bytes(record).join().join().finish();
    expect(decodeOtlpProtobuf(Buffer.from(request), 1 << 20)).toMatchObject({ accepted: 0, quarantined: 1 });
    const nested = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}]}]}`;
    expect(() => decodeOtlpJson(Buffer.from(nested), 1 << 20)).toThrow(WeirError);
  });
});
