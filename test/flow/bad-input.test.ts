import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { count, eventually, json, ndjson, rows } from './ask.ts';

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir({ config: 'limits: {body_bytes: 8MiB}\n' });
});
afterAll(async () => {
  await weir.stop();
});

const send = (body: string | Buffer, headers: Record<string, string> = ndjson, path = '/ingest/json') =>
  weir.post(path, body, headers);

describe('what is refused', () => {
  it('answers an unknown path with 404 JSON', async () => {
    const reply = await weir.get('/no/such/path?x=1');
    expect(reply.status).toBe(404);
    expect(JSON.parse(reply.body)).toEqual({ error: { code: 'not_found', message: 'no such path: /no/such/path' } });
    expect((await weir.post('/nothing', '{}', json)).status).toBe(404);
  });

  it('answers a wrong content type with 415', async () => {
    expect((await send('a,b\n', { 'content-type': 'text/csv' })).status).toBe(415);
    expect((await send('<x/>', { 'content-type': 'application/xml' }, '/v1/logs')).status).toBe(415);
  });

  it('stops gzip, zstd and snappy bombs early with 413', async () => {
    const zeros = Buffer.alloc(64 * 2 ** 20, 0x20);
    for (const [encoding, body] of [
      ['gzip', gzipSync(zeros)],
      ['zstd', zstdCompressSync(zeros)],
    ] as const) {
      const before = weir.usage().rssBytes;
      const reply = await send(body, { ...ndjson, 'content-encoding': encoding });
      expect(reply.status, encoding).toBe(413);
      expect(reply.body).toContain('8388608');
      expect(weir.usage().rssBytes - before).toBeLessThan(200 * 2 ** 20);
    }
    // A snappy block that declares 1 GiB: varint length, then nothing of the kind.
    const bomb = Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04]), Buffer.alloc(100)]);
    expect((await send(bomb, { 'content-type': 'application/x-protobuf' }, '/loki/api/v1/push')).status).toBe(413);
  });

  it('refuses a body over the limit', async () => {
    expect((await send(Buffer.alloc(9 * 2 ** 20, 0x20))).status).toBe(413);
  });

  it('answers bad LogQL with 400, line and column', async () => {
    const own = await weir.post('/api/v1/query', JSON.stringify({ query: '{a="b"} |= ' }), json);
    expect(own.status).toBe(400);
    const { error } = JSON.parse(own.body) as {
      error: { code: string; line: number; column: number; message: string };
    };
    expect(error).toMatchObject({ code: 'bad_query', line: 1 });
    expect(error.column).toBeGreaterThan(5);
    const loki = await weir.get(`/loki/api/v1/query_range?query=${encodeURIComponent('{a="b"')}`);
    expect(loki.status).toBe(400);
    expect(loki.body).toMatch(/parse error at line 1, col \d+/);
  });
});

describe('what is kept', () => {
  it('stores the good lines of a body, quarantines the bad one, and counts both', async () => {
    const reply = await send(
      '{"service":"mixed","message":"good one"}\n{"service":"mixed", bad}\n\n{"service":"mixed","message":"good two"}\n',
    );
    expect(reply.status).toBe(200);
    const answer = JSON.parse(reply.body) as {
      accepted: number;
      quarantined: number;
      errors: { line: number; reason: string }[];
    };
    expect(answer).toMatchObject({ accepted: 2, quarantined: 1 });
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors[0]?.line).toBe(2);
    expect(
      (
        await eventually(
          () => rows(weir, '{service_name="mixed"}'),
          found => found.length === 2,
        )
      )
        .map(r => r.message)
        .sort(),
    ).toEqual(['good one', 'good two']);
    const kept = await eventually(
      async () => (await weir.get('/api/v1/quarantine')).body,
      body => body.includes(Buffer.from('{"service":"mixed", bad}').toString('base64')),
    );
    expect(kept).toContain(Buffer.from('{"service":"mixed", bad}').toString('base64'));
  });

  it('keeps odd bytes true: escaped NUL, CR, quotes, backslashes, tabs, emoji, other scripts', async () => {
    const texts = [
      'nul \0 inside',
      'cr \r inside',
      'two\nlines',
      'quote " and \\ and \' and `',
      'tab\tand \u0001 control',
      'emoji 🌊 and 漢字',
      '  spaces  ',
      'x'.repeat(1_000_000),
    ];
    const reply = await send(texts.map((message, i) => JSON.stringify({ service: 'odd', n: i, message })).join('\n'));
    expect(JSON.parse(reply.body)).toMatchObject({ accepted: texts.length, quarantined: 0 });
    const found = await eventually(
      () => rows(weir, '{service_name="odd"}', { direction: 'forward' }),
      r => r.length === texts.length,
    );
    const byNumber = new Map(found.map(r => [Number(r.attributes.n), r.message]));
    for (const [i, text] of texts.entries()) expect(byNumber.get(i)).toBe(text);
  });

  it('keeps invalid UTF-8 of text lines byte for byte', async () => {
    const line = Buffer.concat([Buffer.from('invalid '), Buffer.from([0xff, 0xfe, 0x80]), Buffer.from(' end\r')]);
    expect(
      (
        await send(
          Buffer.concat([line, Buffer.from('\n\nlast\n')]),
          { 'content-type': 'text/plain' },
          '/ingest/text?service=bytes',
        )
      ).status,
    ).toBe(200);
    expect(
      await eventually(
        () => count(weir, '{service_name="bytes"}'),
        n => n === 3,
      ),
    ).toBe(3);
  });

  it('keeps 1,000 keys, nesting 64 deep, 64-bit integers and numbers as they were written', async () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key_${i}`, `v${i}`]));
    const deep = `${'{"d":'.repeat(64)}1${'}'.repeat(64)}`;
    const body = `${JSON.stringify({ service: 'shapes', message: 'many', ...many })}\n{"service":"shapes","message":"deep","nested":${deep}}\n{"service":"shapes","message":"big","id":18446744073709551615,"neg":-9223372036854775808,"float":1.50,"exp":1e400,"yes":true,"none":null,"list":[1,2,{"a":9007199254740993}]}\n`;
    expect(JSON.parse((await send(body)).body)).toMatchObject({ accepted: 3, quarantined: 0 });
    const found = await eventually(
      () => rows(weir, '{service_name="shapes"}'),
      r => r.length === 3,
    );
    const of = (message: string) => found.find(r => r.message === message)?.attributes ?? {};
    expect(Object.keys(of('many')).filter(k => k.startsWith('key_'))).toHaveLength(1000);
    expect(of('many').key_999).toBe('v999');
    expect(of('deep').nested).toBe(deep);
    expect(of('big')).toMatchObject({
      id: '18446744073709551615',
      neg: '-9223372036854775808',
      float: '1.50',
      exp: '1e400',
      yes: 'true',
      list: '[1,2,{"a":9007199254740993}]',
    });
  });

  it('reads timestamps in s, ms, us, ns and ISO, from 1970 to 2100', async () => {
    const times: [string, string][] = [
      ['0', '0'],
      ['1700000000', '1700000000000000000'],
      ['1700000000123', '1700000000123000000'],
      ['1700000000123456', '1700000000123456000'],
      ['1700000000123456789', '1700000000123456789'],
      ['"1700000000"', '1700000000000000000'],
      ['1700000000.25', '1700000000250000000'],
      ['"2023-11-14T22:13:20Z"', '1700000000000000000'],
      ['"2023-11-14T22:13:20.123456789Z"', '1700000000123456789'],
      ['"2023-11-15T00:13:20+02:00"', '1700000000000000000'],
      ['"2100-12-31T23:59:59Z"', '4133980799000000000'],
      ['"1970-01-01T00:00:00.000000001Z"', '1'],
    ];
    const body = times.map(([time], i) => `{"service":"times","message":"t${i}","ts":${time}}`).join('\n');
    expect(JSON.parse((await send(body)).body)).toMatchObject({ accepted: times.length });
    const found = await eventually(
      () => rows(weir, '{service_name="times"}'),
      r => r.length === times.length,
    );
    for (const [i, [written, ns]] of times.entries())
      expect(found.find(r => r.message === `t${i}`)?.ts, written).toBe(ns);
  });

  it('keeps a record whose time cannot be read, at its receive time and with the original text', async () => {
    await send('{"service":"timeless","message":"when","ts":"next tuesday"}\n');
    const [row] = await eventually(
      () => rows(weir, '{service_name="timeless"}'),
      r => r.length === 1,
    );
    expect(row?.ts).toBe(row?.received);
    expect(row?.attributes.ts).toBe('next tuesday');
  });
});

describe('rows of some MiB each, of signs that JSON writes with six', () => {
  const line = (i: number): string => `${i} ${'\u0001'.repeat(3_000_000)}`;
  const newest = (limit: number) =>
    weir.get(`/loki/api/v1/query_range?query=${encodeURIComponent('{service_name="large"}')}&limit=${limit}`);

  it('come whole when an answer takes them, and are refused with limit and remedy when it does not', async () => {
    for (let i = 0; i < 24; i += 2) {
      const body = `${line(i)}\n${line(i + 1)}\n`;
      expect((await send(body, { 'content-type': 'text/plain' }, '/ingest/text?service=large')).status).toBe(200);
    }
    const some = await eventually(
      () => newest(9),
      ({ body }) => body.includes('"23 '),
    );
    expect(some.status, some.body.slice(0, 1000)).toBe(200);
    const streams = JSON.parse(some.body).data.result as { values: [string, string][] }[];
    const lines = streams.flatMap(({ values }) => values.map(([, text]) => text)).sort();
    const wanted = [15, 16, 17, 18, 19, 20, 21, 22, 23];
    expect(lines.map(text => `${text.slice(0, 3)}${text.length}`)).toEqual(wanted.map(i => `${i} 3000003`));
    expect(lines.every((text, i) => text === line(wanted[i] ?? 0))).toBe(true);
    const { status, body } = await newest(24);
    expect([status, body]).toEqual([
      400,
      expect.stringMatching(/more than 402653184 characters as JSON.*ask for fewer rows/),
    ]);
  }, 120_000);
});
