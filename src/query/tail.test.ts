import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import { WeirError } from '../base/errors.ts';
import type { QueryFrame } from './contract.ts';
import { tailFrame } from './loki/tail.ts';

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
let server: QueryServer;
beforeEach(async () => {
  server = await startQueryServer();
});
afterEach(() => server.close());

const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !condition(); i++) await new Promise(resolve => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
};

/** A running tail of our own API. */
async function openTail(body: object) {
  const abort = new AbortController();
  const response = await fetch(`${server.url}/api/v1/tail`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: abort.signal,
  });
  const frames: QueryFrame[] = [];
  const reading = (async () => {
    let rest = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) frames.push(JSON.parse(line) as QueryFrame);
    }
  })().catch(() => undefined);
  return {
    response,
    frames,
    messages: () => frames.flatMap(f => (f.type === 'rows' ? f.rows.map(r => r.message) : [])),
    async close() {
      abort.abort();
      await reading;
    },
  };
}

/** A running tail of the Loki API. */
async function openSocket(parameters: Record<string, string>, headers: Record<string, string> = {}) {
  const query = new URLSearchParams(parameters);
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/loki/api/v1/tail?${query}`, { headers });
  const frames: { streams: { stream: object; values: unknown[][] }[]; encodingFlags?: string[] }[] = [];
  let pings = 0;
  socket.on('message', data => frames.push(JSON.parse((data as Buffer).toString())));
  socket.on('ping', () => pings++);
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  return {
    socket,
    frames,
    pings: () => pings,
    lines: () => frames.flatMap(f => f.streams.flatMap(s => s.values.map(v => v[1]))),
  };
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    ts: now(),
    message: `n ${from + i}`,
    service: i % 2 ? 'odd' : 'even',
  }));
const names = (from: number, to: number): string[] => numbered(from, to).map(r => r.message);

describe('POST /api/v1/tail', () => {
  it('gives every record once and in order, over ticks and seals', async () => {
    await server.store.tick(numbered(0, 3));
    const tail = await openTail({});
    await until(() => tail.frames[0]?.type === 'meta');
    let next = 3;
    for (const size of [1, 10, 2500, 7, 300]) {
      await server.store.tick(numbered(next, next + size));
      next += size;
      if (size === 10 || size === 300) await server.store.seal();
    }
    await until(() => tail.messages().length >= next - 3);
    expect(tail.messages()).toEqual(names(3, next));
    await tail.close();
    await until(() => server.store.running === 0);
  });

  it('begins with the newest of the past when start is given, oldest first', async () => {
    await server.store.tick(numbered(0, 10));
    const tail = await openTail({ start: String(now() - 60_000_000_000n), limit: 4 });
    await until(() => tail.messages().length >= 4);
    await server.store.tick(numbered(10, 12));
    await until(() => tail.messages().length >= 6);
    expect(tail.messages()).toEqual(names(6, 12));
    await tail.close();
  });

  it('applies filters and stages, and shows records of any event time', async () => {
    const tail = await openTail({ query: '{service_name="odd"} | line_format "<{{__line__}}>"' });
    await until(() => tail.frames.length > 0);
    await server.store.tick([...numbered(0, 4), { ts: 1n, message: 'from 1970', service: 'odd' }]);
    await until(() => tail.messages().length >= 3);
    expect(tail.messages()).toEqual(['<n 1>', '<n 3>', '<from 1970>']);
    await tail.close();
  });

  it('is visible within a tick', async () => {
    const tail = await openTail({});
    await until(() => tail.frames.length > 0);
    await server.store.tick(numbered(0, 1));
    const since = performance.now();
    await until(() => tail.messages().length === 1);
    expect(performance.now() - since).toBeLessThan(250);
    await tail.close();
  });

  it('says every second that it lives, and refuses what it cannot follow', async () => {
    const tail = await openTail({});
    await until(() => tail.frames.some(f => f.type === 'progress'));
    await tail.close();
    const metric = await server.post('/api/v1/tail', { query: 'rate({a="b"}[1m])' });
    expect([metric.status, await metric.json()]).toEqual([
      400,
      { error: expect.objectContaining({ code: 'bad_query' }) },
    ]);
  });
});

describe('GET /loki/api/v1/tail', () => {
  it('sends the past, then what comes, each line once, and pings', async () => {
    await server.store.tick(numbered(0, 5));
    const tail = await openSocket({ query: '{service_name=~".+"}', limit: '3' });
    await until(() => tail.lines().length >= 3);
    await server.store.tick(numbered(5, 8));
    await server.store.seal();
    await server.store.tick(numbered(8, 9));
    await until(() => tail.lines().length >= 7 && tail.pings() > 0);
    expect(tail.lines()).toHaveLength(7);
    expect(new Set(tail.lines())).toEqual(new Set(names(2, 9)));
    expect(tail.frames[0]).not.toHaveProperty('encodingFlags');
    expect(tail.frames[0]?.streams[0]).toMatchObject({ stream: { detected_level: 'info', service_name: 'even' } });
    tail.socket.close();
  });

  it('knows both label modes', async () => {
    const tail = await openSocket(
      { query: '{service_name="even"}' },
      { 'X-Loki-Response-Encoding-Flags': 'categorize-labels' },
    );
    await server.store.tick(numbered(0, 1));
    await until(() => tail.frames.length > 0);
    expect(tail.frames[0]).toMatchObject({
      encodingFlags: ['categorize-labels'],
      streams: [
        {
          stream: { service_name: 'even' },
          values: [[expect.stringMatching(/^\d{19}$/), 'n 0', { structuredMetadata: { detected_level: 'info' } }]],
        },
      ],
    });
    tail.socket.close();
  });

  it('tells a slow reader how many records it skipped, as dropped entries', () => {
    const frame = JSON.parse(tailFrame({ skipped: 12 }, true)) as object;
    expect(frame).toEqual({
      streams: [],
      dropped_entries: [
        { labels: { reason: 'the reader is too slow', skipped: '12' }, timestamp: expect.stringMatching(/^\d{19}$/) },
      ],
      encodingFlags: ['categorize-labels'],
    });
  });

  it('closes with 1011 and the reason when it cannot go on', async () => {
    const tail = await openSocket({ query: '{service_name="even"}' });
    await server.store.tick(numbered(0, 1));
    await until(() => tail.frames.length > 0);
    const closed = new Promise<[number, string]>(resolve =>
      tail.socket.on('close', (code, reason) => resolve([code, reason.toString()])),
    );
    server.store.fault = new WeirError('query_limit', { reason: 'memory of 1 GiB' });
    await server.store.tick(numbered(1, 2));
    expect(await closed).toEqual([1011, 'the query passed its limit: memory of 1 GiB']);
  });

  it.each([
    [{ query: '{a="b"' }, 'parse error at line 1'],
    [{ query: 'rate({a="b"}[1m])' }, 'parse error'],
    [{ query: '{a="b"}', delay_for: '6' }, 'delay_for: "6"'],
    [{ query: '{a="b"}', limit: '9999' }, '9999 > 5000'],
  ])('refuses %j before the upgrade', async (parameters, text) => {
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/loki/api/v1/tail?${new URLSearchParams(parameters)}`,
    );
    const [status, body] = await new Promise<[number | undefined, string]>(resolve => {
      socket.on('error', () => undefined);
      socket.on('unexpected-response', (_, response) => {
        let said = '';
        response.on('data', chunk => {
          said += String(chunk);
        });
        response.on('end', () => resolve([response.statusCode, said]));
      });
    });
    expect([status, body]).toEqual([400, expect.stringContaining(text)]);
  });
});
