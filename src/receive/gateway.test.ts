import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { registry } from '../base/telemetry.ts';
import { startTestServer, type TestServer } from './doors.test.server.ts';

const run = promisify(execFile);
let weir: TestServer;
let accept: TestServer['state']['accept'];

beforeAll(async () => {
  weir = await startTestServer({ config: 'limits: {body_bytes: 1MiB, record_bytes: 64KiB}', heldBytesMax: 8 << 20 });
  accept = weir.state.accept;
});
afterAll(() => weir.close());
beforeEach(() => {
  weir.clear();
  weir.state.accept = accept;
});

const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(weir.url + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'content-type': 'application/json', ...headers },
  });

/** Bytes as they are over a socket; gives all that comes back until it is closed or `until` was seen. */
function raw(text: string, until: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(weir.port, '127.0.0.1', () => socket.write(text));
    socket.on('data', data => {
      answer += data.toString('latin1');
      if (until.test(answer)) socket.destroy();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('gateway', () => {
  it('says how many records it took, which ones not, and why', async () => {
    const answer = await post('/ingest/json?time_field=at&label_fields=host,%20zone', '{"at":1}\nnope\n{"b":2}', {
      'x-weir-message-field': 'text',
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      accepted: 2,
      quarantined: 1,
      errors: [{ line: 2, reason: 'a JSON object is expected (byte 1)' }],
    });
    expect(weir.lines('json')).toEqual(['{"at":1}', '{"b":2}']);
    expect(weir.headers()[0]).toMatchObject({
      tenant: 'default',
      door: 'json',
      format: 'json',
      records: 2,
      keys: ['at', 'b'],
      hints: { timeField: 'at', messageField: 'text', labelFields: ['host', 'zone'] },
    });
    expect(weir.quarantined()).toMatchObject([{ text: 'nope', line: 2 }]);
  });

  it('hands on what numbers of the time count, and refuses units that it does not know', async () => {
    expect((await post('/ingest/json?time_unit=filetime', '{"timestamp":131670504000000000}')).status).toBe(200);
    expect(weir.headers()[0]?.hints).toEqual({ timeUnit: 'filetime' });
    const answer = await post('/ingest/json?time_unit=minutes', '{"timestamp":1}');
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('there are s, ms, us, ns, filetime');
    expect((await post('/ingest/json?time_unit=toString', '{"timestamp":1}')).status).toBe(400);
  });

  it('answers 400 when nothing was good, 200 when there was nothing', async () => {
    const bad = await post('/ingest/json', 'nope');
    expect([bad.status, await bad.json()]).toEqual([
      400,
      { accepted: 0, quarantined: 1, errors: [{ line: 1, reason: 'a JSON object is expected (byte 1)' }] },
    ]);
    expect(weir.quarantined()).toHaveLength(1);
    for (const body of ['', '\n\n']) expect((await post('/ingest/json', body)).status).toBe(200);
    expect((await fetch(`${weir.url}/ingest/json`, { method: 'POST' })).status).toBe(200);
  });

  it('takes text lines byte-true with constant labels', async () => {
    const answer = await post('/ingest/text?service=web&label.env=prod', 'one\r\n\ntwo \0 \xff\nlast', {
      'content-type': 'text/plain',
      'x-weir-label-zone': 'a',
      'x-weir-service': 'no',
    });
    expect(await answer.json()).toEqual({ accepted: 4, quarantined: 0, errors: [] });
    expect(weir.lines('text')).toEqual(['one\r', '', 'two \0 \xff', 'last']);
    expect(weir.headers()[0]?.hints).toEqual({ labels: { service: 'web', env: 'prod', zone: 'a' } });
    expect((await post('/ingest/text?label.a-b=1', 'x')).status).toBe(400);
    const long = await post('/ingest/text', `a\n${'x'.repeat(70_000)}\nb\n`);
    expect(await long.json()).toMatchObject({
      accepted: 2,
      quarantined: 1,
      errors: [{ line: 2, reason: 'line of 70000 bytes is longer than 65536 (limits.record_bytes)' }],
    });
  });

  it('keeps tenants apart and refuses what is no tenant', async () => {
    expect((await post('/ingest/json', '{"a":1}', { 'x-scope-orgid': 'team-1' })).status).toBe(200);
    expect(weir.headers()[0]?.tenant).toBe('team-1');
    for (const tenant of ['a|b', '..', 'x/y', 'x'.repeat(151)]) {
      const answer = await post('/ingest/json', '{"a":1}', { 'x-scope-orgid': tenant });
      expect([answer.status, (await answer.json()) as unknown]).toMatchObject([
        400,
        { error: { code: 'bad_request' } },
      ]);
    }
  });

  it('refuses wrong types, methods, encodings and paths in the words of the error table', async () => {
    const type = await post('/ingest/json', 'x', { 'content-type': 'text/xml' });
    expect([type.status, await type.json()]).toMatchObject([415, { error: { code: 'unsupported_type' } }]);
    const broken = await post('/ingest/json', 'x', { 'content-type': 'nonsense' });
    expect([broken.status, await broken.json()]).toMatchObject([415, { error: { code: 'unsupported_type' } }]);
    const encoding = await post('/ingest/json', 'x', { 'content-encoding': 'compress' });
    expect([encoding.status, await encoding.json()]).toMatchObject([415, { error: { code: 'unsupported_encoding' } }]);
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await fetch(`${weir.url}/ingest/json`, { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    }
    expect((await fetch(`${weir.url}/ingest/json`, { method: 'OPTIONS' })).status).toBe(200);
    const unknown = await post('/ingest/nothing', '{}');
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
  });

  it('holds the limit of the body before and after inflation', async () => {
    expect((await post('/ingest/json', gzipSync('{"a":1}'), { 'content-encoding': 'GZIP' })).status).toBe(200);
    for (const [encoding, body] of [
      ['gzip', gzipSync(Buffer.alloc(2 << 20))],
      ['zstd', zstdCompressSync(Buffer.alloc(2 << 20))],
      ['identity', Buffer.alloc(2 << 20)],
    ] as const) {
      const answer = await post('/ingest/json', body, { 'content-encoding': encoding });
      expect([answer.status, await answer.json()]).toMatchObject([413, { error: { code: 'body_too_large' } }]);
    }
    const declared = await raw('POST /ingest/json HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n', /\}\}/);
    expect(declared).toMatch(/^HTTP\/1.1 413 /);
    expect(weir.doors.heldBytes()).toBe(0);
  });

  it('gives the retry class of the log to the whole request', async () => {
    let appends = 0;
    weir.state.accept = async () => {
      appends++;
      if (appends === 2) throw new WeirError('disk_full', { reason: 'no space' }, { retryAfter: 7 });
      return { seq: 1n };
    };
    const answer = await post('/ingest/json', '{"a":1}\nbad\n');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7']);
    expect(await answer.json()).toMatchObject({ error: { code: 'disk_full' } });
    expect(appends).toBe(2);
    weir.state.accept = () => Promise.reject(new Error('a mistake of ours'));
    expect((await post('/ingest/json', '{"a":1}')).status).toBe(500);
    expect(weir.doors.heldBytes()).toBe(0);
  });

  it('says 429 when too much is in flight, and recovers', async () => {
    const wait = Promise.withResolvers<{ seq: bigint }>();
    weir.state.accept = () => wait.promise;
    const body = `{"a":"${'x'.repeat(1000)}"}\n`.repeat(500);
    const held = Array.from({ length: 20 }, () => post('/ingest/json', body).then(answer => answer));
    const refused = await Promise.race(held);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    wait.resolve({ seq: 1n });
    const statuses = new Set((await Promise.all(held)).map(answer => answer.status));
    expect([...statuses].sort((a, b) => a - b)).toEqual([200, 429]);
    expect(weir.doors.heldBytes()).toBe(0);
  });

  it('answers curl with Expect: 100-continue, chunked and compressed bodies', async () => {
    const curl = (...args: string[]): Promise<{ stdout: string }> =>
      run('curl', ['-s', '-w', ' %{http_code}', ...args, `${weir.url}/ingest/json`]);
    expect((await curl('-H', 'Expect: 100-continue', '--data-binary', '{"a":1}')).stdout).toMatch(
      /"accepted":1.* 200$/,
    );
    expect(
      (
        await curl(
          '-H',
          'Transfer-Encoding: chunked',
          '-H',
          'Content-Type: application/json',
          '--data-binary',
          '{"a":1}',
        )
      ).stdout,
    ).toMatch(/"accepted":1.* 200$/);
    const continued = await raw(
      'POST /ingest/json HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n',
      /100 Continue/,
    );
    expect(continued).toMatch(/^HTTP\/1.1 100 Continue/);
  });

  it('keeps bodies apart that share memory one after the other', async () => {
    weir.state.accept = async batch => {
      await new Promise(resolve => setTimeout(resolve, 5));
      return accept(batch);
    };
    const bodies = Array.from({ length: 24 }, (_, k) => `${String(k).padStart(999, '.')}\n`.repeat(300 + 30 * (k % 7)));
    for (let from = 0; from < bodies.length; from += 4) {
      const together = bodies.slice(from, from + 4);
      await Promise.all(together.map((body, k) => post('/ingest/text', k === 0 ? body.slice(0, -1) : body)));
    }
    expect(weir.batches.map(batch => Buffer.concat(batch.payload).toString()).sort()).toEqual([...bodies].sort());
  });

  it('gives up a body that is cut off, and takes nothing of it', async () => {
    await new Promise<void>(resolve => {
      const socket = connect(weir.port, '127.0.0.1', () => {
        socket.write('POST /ingest/json HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"a":1}\n', () =>
          setTimeout(() => socket.destroy(), 50),
        );
      });
      socket.on('close', () => resolve());
    });
    await expect.poll(() => weir.doors.heldBytes()).toBe(0);
    expect(weir.batches).toEqual([]);
  });

  it('counts what it took and what it refused', async () => {
    registry.resetMetrics();
    await post('/ingest/json', '{"a":1}\nbad\n');
    await post('/ingest/json', 'x', { 'content-type': 'text/xml' });
    const metrics = await registry.metrics();
    expect(metrics).toContain('weir_received_records_total{door="json"} 2');
    expect(metrics).toContain('weir_received_bytes_total{door="json"} 12');
    expect(metrics).toContain('weir_acked_records_total{door="json"} 1');
    expect(metrics).toContain('weir_quarantined_records_total{door="json",reason="invalid_json"} 1');
    expect(metrics).toContain('weir_rejected_requests_total{door="json",reason="unsupported_type"} 1');
  });

  it('refuses by the style of each door', async () => {
    weir.state.accept = () => Promise.reject(new WeirError('disk_full', { reason: 'no space' }));
    const loki = await post('/loki/api/v1/push', '{"streams":[{"stream":{"a":"b"},"values":[["1","x"]]}]}');
    expect([loki.status, loki.headers.get('content-type'), await loki.text()]).toEqual([
      503,
      'text/plain; charset=utf-8',
      'the log cannot be written: no space; nothing of this request was accepted\n',
    ]);
    const otlp = await post('/v1/logs', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}');
    expect([otlp.status, otlp.headers.get('retry-after'), await otlp.json()]).toMatchObject([503, '1', { code: 14 }]);
    const empty = await post('/v1/logs', Buffer.from([0xff]), { 'content-type': 'application/x-protobuf' });
    expect([empty.status, empty.headers.get('content-type')]).toEqual([400, 'application/x-protobuf']);
    expect((await post('/v1/logs', 'x', { 'content-type': 'text/plain' })).status).toBe(415);
  });

  it('takes a request that offers HTTP/2, as Java and curl --http2 do, for the HTTP/1.1 that it is', async () => {
    const answer = await new Promise<string>((done, fail) => {
      const body = 'from java\n';
      const socket = connect(weir.port, '127.0.0.1', () =>
        socket.write(
          `POST /ingest/text HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        ),
      );
      socket.once('data', data => {
        done(data.toString());
        socket.destroy();
      });
      socket.on('error', fail);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(weir.lines('text')).toContain('from java');
  });
});

describe('gateway with tokens', () => {
  it('binds a token to its tenant, in the style of the door', async () => {
    const closed = await startTestServer({ tokens: [{ token: 'a-token-of-16-chars', tenant: 'team' }] });
    try {
      const ask = (headers: Record<string, string>): Promise<Response> =>
        fetch(`${closed.url}/loki/api/v1/push`, {
          method: 'POST',
          body: '{"streams":[{"stream":{"a":"b"},"values":[["1","x"]]}]}',
          headers: { 'content-type': 'application/json', ...headers },
        });
      const none = await ask({});
      expect([none.status, none.headers.get('content-type')]).toEqual([401, 'text/plain; charset=utf-8']);
      const authorization = 'Bearer a-token-of-16-chars';
      expect((await ask({ authorization, 'x-scope-orgid': 'other' })).status).toBe(403);
      expect((await ask({ authorization })).status).toBe(204);
      expect(closed.headers()[0]?.tenant).toBe('team');
    } finally {
      await closed.close();
    }
  });

  it('lets pages of the origins in cors_origins send, and no others', async () => {
    const origins = 'cors_origins: ["https://shop.example"]';
    const closed = await startTestServer({ tokens: [{ token: 'a-token-of-16-chars' }], config: origins });
    const ask = async (method: string, headers: Record<string, string>, body?: string) => {
      const answer = await fetch(`${closed.url}/v1/logs`, { method, headers, body: body ?? null });
      const cors = [...answer.headers].filter(([name]) => name.startsWith('access-control-'));
      return [answer.status, Object.fromEntries(cors)];
    };
    try {
      const origin = 'https://shop.example';
      const allowed = { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' };
      const asked = {
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      };
      expect(await ask('OPTIONS', { origin, ...asked })).toEqual([
        200,
        {
          ...allowed,
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': 'authorization,content-type',
          'access-control-max-age': '7200',
        },
      ]);
      const type = { 'content-type': 'application/json' };
      const authorization = 'Bearer a-token-of-16-chars';
      expect(await ask('POST', { origin, authorization, ...type }, '{}')).toEqual([200, allowed]);
      expect(await ask('POST', { origin, ...type }, '{}')).toEqual([401, allowed]);
      expect(await ask('OPTIONS', { origin: 'https://other.example', ...asked })).toEqual([200, {}]);
      expect(await ask('POST', { origin: 'https://other.example', authorization, ...type }, '{}')).toEqual([200, {}]);
      expect((await fetch(`${closed.url}/api/v1/query`, { method: 'OPTIONS' })).status).toBe(401);
    } finally {
      await closed.close();
    }
  });

  it('answers 503 once it stops', async () => {
    const stopping = await startTestServer();
    try {
      await stopping.doors.stop();
      const answer = await fetch(`${stopping.url}/ingest/json`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      });
      expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toMatchObject([
        503,
        '1',
        { error: { code: 'shutting_down' } },
      ]);
    } finally {
      await stopping.close();
    }
  });

  it('answers what is in before it stops: a record that is stored is not sent again', async () => {
    const stopping = await startTestServer();
    const { accept } = stopping.state;
    const { promise: synced, resolve: sync } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    stopping.state.accept = async batch => {
      ask();
      await synced;
      return accept(batch);
    };
    const answer = fetch(`${stopping.url}/ingest/text`, { method: 'POST', body: 'in' }).then(
      reply => reply.status,
      (error: Error) => error.message,
    );
    await asked;
    setTimeout(sync, 200);
    await stopping.doors.stop();
    await stopping.close();
    expect([await answer, stopping.lines('text')]).toEqual([200, ['in']]);
  });

  it('does not wait for ever for what is in', async () => {
    const stopping = await startTestServer();
    const socket = connect(stopping.port, '127.0.0.1', () =>
      socket.write('POST /ingest/text HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf'),
    );
    socket.on('error', () => undefined);
    await expect.poll(() => stopping.doors.heldBytes()).toBe(4);
    const before = performance.now();
    await stopping.doors.stop();
    expect(performance.now() - before).toBeLessThan(limits.stopMillisMax + 1000);
    await stopping.close();
  });
});
