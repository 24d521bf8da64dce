import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { compressSync } from 'snappy';
import { gzipSync, deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WeirError } from '../../base/errors.ts';
import { startTestServer, type TestServer } from '../doors.test.server.ts';
import { decodePushJson } from './decode-json.ts';
import { decodePushProtobuf } from './decode-protobuf.ts';

type Entry = { seconds: number; nanos: number; line: string | Uint8Array; metadata?: Record<string, string> };

/** A PushRequest as promtail writes it; `labelsLast` puts the labels behind the entries. */
function pushRequest(streams: { labels: string; entries: Entry[] }[], labelsLast = false): Buffer {
  const request = new BinaryWriter();
  for (const { labels, entries } of streams) {
    const stream = request.tag(1, WireType.LengthDelimited).fork();
    if (!labelsLast) stream.tag(1, WireType.LengthDelimited).string(labels);
    for (const { seconds, nanos, line, metadata } of entries) {
      const entry = stream.tag(2, WireType.LengthDelimited).fork();
      entry
        .tag(1, WireType.LengthDelimited)
        .fork()
        .tag(1, WireType.Varint)
        .int64(seconds)
        .tag(2, WireType.Varint)
        .int32(nanos)
        .join();
      entry.tag(2, WireType.LengthDelimited).bytes(typeof line === 'string' ? Buffer.from(line) : line);
      for (const [name, value] of Object.entries(metadata ?? {})) {
        entry
          .tag(3, WireType.LengthDelimited)
          .fork()
          .tag(1, WireType.LengthDelimited)
          .string(name)
          .tag(2, WireType.LengthDelimited)
          .string(value)
          .join();
      }
      entry.join();
    }
    if (labelsLast) stream.tag(1, WireType.LengthDelimited).string(labels);
    stream.tag(3, WireType.Varint).uint64(12345).join();
  }
  return Buffer.from(request.finish());
}

let weir: TestServer;
beforeAll(async () => {
  weir = await startTestServer();
});
afterAll(() => weir.close());
beforeEach(() => {
  weir.clear();
});

const push = (
  body: Buffer | string,
  headers: Record<string, string> = {},
  path = '/loki/api/v1/push',
): Promise<Response> =>
  fetch(weir.url + path, { method: 'POST', body: typeof body === 'string' ? body : new Uint8Array(body), headers });
const json = { 'content-type': 'application/json; charset=utf-8' };

describe('Loki push', () => {
  it.each([false, true])('takes protobuf in snappy, labels last: %s', async last => {
    const body = pushRequest(
      [
        {
          labels: '{app="web", env="p\\"r", empty=""}',
          entries: [
            {
              seconds: 1_700_000_000,
              nanos: 7,
              line: 'héllo "w"\n\0',
              metadata: { trace_id: 'ABC0', user: 'u', detected_level: 'warn' },
            },
            { seconds: 4_102_444_800, nanos: 999_999_999, line: '' },
            { seconds: -1, nanos: 5, line: 'before 1970' },
          ],
        },
        { labels: '{level="error"}', entries: [{ seconds: 1, nanos: 0, line: 'x' }] },
      ],
      last,
    );
    const answer = await push(compressSync(body), {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
    });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    const l = { app: 'web', env: 'p"r', service_name: 'web' };
    expect(weir.rows()).toEqual([
      { l, t: '1700000000000000007', m: 'héllo "w"\n\0', i: 'abc0', a: { user: 'u' }, v: 'warn' },
      { l, t: '4102444800999999999', m: '' },
      { l, t: '-999999995', m: 'before 1970' },
      { l: { level: 'error', service_name: 'unknown_service' }, t: '1000000000', m: 'x', v: 'error' },
    ]);
    expect(weir.headers()[0]).toMatchObject({ door: 'loki', format: 'rows', records: 4 });
  });

  it('keeps lines that are not UTF-8 byte for byte', async () => {
    const line = Buffer.from([0xff, 0x22, 0x5c, 0x00, 0xc3, 0x28]);
    expect(
      (await push(compressSync(pushRequest([{ labels: '{a="b"}', entries: [{ seconds: 1, nanos: 0, line }] }]))))
        .status,
    ).toBe(204);
    const payload = Buffer.concat(weir.batches[0]?.payload ?? []);
    expect(
      payload.includes(
        Buffer.concat([
          Buffer.from('"m":"'),
          Buffer.from([0xff]),
          Buffer.from('\\"\\\\\\u0000'),
          Buffer.from([0xc3, 0x28]),
          Buffer.from('"'),
        ]),
      ),
    ).toBe(true);
  });

  it.each([
    ['plain', {}, (text: string) => Buffer.from(text)],
    ['gzip', { 'content-encoding': 'gzip' }, (text: string) => gzipSync(text)],
    ['deflate', { 'content-encoding': 'Deflate' }, (text: string) => deflateRawSync(text)],
  ])('takes JSON, %s', async (_, headers, pack) => {
    const body =
      '{"streams":[{"stream":{"job":"j","x":""},"values":[["1700000000000000001","l\\u00efne \\ud83d\\ude00 é",{"span_id":"0F","n":"1"}],["2","two"]]}]}';
    expect((await push(pack(body), { ...json, ...headers })).status).toBe(204);
    const l = { job: 'j', service_name: 'j' };
    expect(weir.rows()).toEqual([
      { l, t: '1700000000000000001', m: 'lïne 😀 é', p: '0f', a: { n: '1' } },
      { l, t: '2', m: 'two' },
    ]);
  });

  it('takes times as numbers without losing digits, and the old shape', async () => {
    expect(
      (
        await push(
          '{"streams":[{"stream":{"a":"b"},"values":[[1700000000000000001,"x",{"big":12345678901234567890}]]}]}',
          json,
        )
      ).status,
    ).toBe(204);
    expect(
      (
        await push(
          '{"streams":[{"labels":"{a=\\"b\\"}","entries":[{"ts":"2023-11-14T22:13:20.000000001Z","line":"y"}]}]}',
          json,
          '/api/prom/push',
        )
      ).status,
    ).toBe(204);
    expect(weir.rows()).toEqual([
      {
        l: { a: 'b', service_name: 'unknown_service' },
        t: '1700000000000000001',
        m: 'x',
        a: { big: '12345678901234567890' },
      },
      { l: { a: 'b', service_name: 'unknown_service' }, t: '1700000000000000001', m: 'y' },
    ]);
  });

  it('stores the good streams of a request with bad ones, and answers 400 with the reasons', async () => {
    const good = {
      stream: { a: 'b' },
      values: [
        ['1', 'x'],
        ['9'.repeat(19), 'far'],
        ['soon', 'y'],
        ['soon', 'y'],
        ['1', { an: 'object' }],
        ['1', null],
        [],
      ],
    };
    const answer = await push(
      JSON.stringify({
        streams: [{ stream: { 'a b': 'c' }, values: [['1', 'x']] }, good],
      }),
      json,
    );
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(await answer.text()).toBe(
      '1 entries stored, 7 in quarantine: label name "a b": use letters, digits and _, not a digit first; ' +
        'timestamp "9999999999999999999" is not nanoseconds in a string, from 1900 to 2262; timestamp "soon" is not nanoseconds in a string, from 1900 to 2262 (2 times); ' +
        'an entry must be ["<ns>", "<line>", {metadata}?]; the line is an object, not a string; ' +
        'an entry must be ["<ns>", "<line>", {metadata}?]; the line is null, not a string; an entry must be ["<ns>", "<line>", {metadata}?]\n',
    );
    expect(weir.rows()).toHaveLength(1);
    expect(weir.quarantined().map(row => row.text)).toEqual([
      '{"stream":{"a b":"c"},"values":[["1","x"]]}',
      '["9999999999999999999","far"]',
      '["soon","y"]',
      '["soon","y"]',
      '["1",{"an":"object"}]',
      '["1",null]',
      '[]',
    ]);
  });

  it('keeps half an emoji, and what came with it', async () => {
    const lines = ['cut \ud83d', '\ude00', '\ud83dA', '\ude00\ude00', '\ud83d\ud83d\ude00', 'é\udc00', 'whole 😀'];
    const values = lines.map((line, k) => [String(k), line]);
    expect((await push(JSON.stringify({ streams: [{ stream: { a: 'b' }, values }] }), json)).status).toBe(204);
    const bytes = weir.batches
      .flatMap(batch => batch.payload.map(piece => Buffer.from(piece).toString('latin1')))
      .join('');
    const halves = ['\xed\xa0\xbd', '\xed\xb8\x80', '\xf0\x9f\x98\x80'] as const;
    const [high, low, emoji] = halves;
    const wanted = [`cut ${high}`, low, `${high}A`, low + low, high + emoji, '\xc3\xa9\xed\xb0\x80', `whole ${emoji}`];
    expect(
      bytes
        .split('\n')
        .slice(0, -1)
        .map(row => (JSON.parse(row) as { m: string }).m),
    ).toEqual(wanted);
  });

  it('stores entries without a line and streams without a label, as Loki does', async () => {
    const answer = await push(
      '{"streams":[{"stream":{},"values":[["1"],["2",""]]},{"stream":{"a":""},"values":[["3","x"]]}]}',
      json,
    );
    expect(answer.status).toBe(204);
    const none = compressSync(pushRequest([{ labels: '{}', entries: [{ seconds: 4, nanos: 0, line: 'y' }] }]));
    expect((await push(none, {})).status).toBe(204);
    const l = { service_name: 'unknown_service' };
    expect(weir.rows()).toEqual([
      { l, t: '1', m: '' },
      { l, t: '2', m: '' },
      { l, t: '3', m: 'x' },
      { l, t: '4000000000', m: 'y' },
    ]);
  });

  it('answers a push of no streams with 422, and streams of no entries with 204, as Loki does', async () => {
    for (const [body, headers] of [
      ['{"streams":[]}', json],
      [compressSync(Buffer.alloc(0)), {}],
    ] as const) {
      const answer = await push(body, headers);
      expect([answer.status, await answer.text()]).toEqual([
        422,
        'a push needs at least one stream; "streams" is empty\n',
      ]);
    }
    expect((await push('{"streams":[{"stream":{"a":"b"},"values":[]}]}', json)).status).toBe(204);
    expect(weir.batches).toEqual([]);
  });

  it.each(['{a="b"', '{a=b}', '{="b"}', 'a="b"', '{a="b" c="d"}', '{a="\\q"}', '{a="b"} x', '{a="b",a="c"}', ''])(
    'puts streams with labels %s in quarantine',
    labels => {
      const decoded = decodePushProtobuf(
        pushRequest([{ labels, entries: [{ seconds: 1, nanos: 0, line: 'x' }] }]),
        1000,
      );
      expect([decoded.accepted, decoded.quarantined]).toEqual([0, 1]);
    },
  );

  it('refuses what is broken as a whole', async () => {
    for (const [body, headers] of [
      ['{"streams":', json],
      ['[]', json],
      ['{"streams":[1]}', json],
      [Buffer.from('not snappy'), {}],
      [compressSync(Buffer.from([0x0a, 0xff, 0xff, 0x03])), { 'content-type': 'application/x-protobuf' }],
      ['x', { ...json, 'content-encoding': 'lz4' }],
      ['x', { 'content-type': 'nonsense' }],
    ] as const) {
      const answer = await push(body, headers);
      expect([answer.status, answer.headers.get('content-type')], String(body)).toEqual([
        400,
        'text/plain; charset=utf-8',
      ]);
    }
    expect((await push('x', { 'content-type': 'text/html' })).status).toBe(415);
    expect(weir.batches).toEqual([]);
  });

  it('puts long lines in quarantine', () => {
    const long = decodePushProtobuf(
      pushRequest([{ labels: '{a="b"}', entries: [{ seconds: 1, nanos: 0, line: 'x'.repeat(2000) }] }]),
      1000,
    );
    expect(long.faults[0]?.reason).toMatch(/^entry of \d+ bytes is larger than 1000 \(limits.record_bytes\)$/);
  });

  it('throws nothing but WeirError, whatever the bytes', () => {
    const body = pushRequest([
      { labels: '{a="b"}', entries: [{ seconds: 1, nanos: 2, line: 'line', metadata: { k: 'v' } }] },
    ]);
    const text = Buffer.from('{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"k":"v"}]]}]}');
    const mutations = fc.array(fc.record({ at: fc.nat(200), byte: fc.nat(255) }), { maxLength: 4 });
    fc.assert(
      fc.property(mutations, fc.boolean(), (changes, isJson) => {
        const bytes = Buffer.from(isJson ? text : body);
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        try {
          const decoded = isJson ? decodePushJson(bytes, 1000) : decodePushProtobuf(bytes, 1000);
          expect(decoded.accepted + decoded.quarantined).toBeLessThan(3);
          for (const batch of decoded.batches)
            for (const line of Buffer.concat(batch.payload).toString().trimEnd().split('\n')) JSON.parse(line);
        } catch (error) {
          if (!(error instanceof WeirError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});
