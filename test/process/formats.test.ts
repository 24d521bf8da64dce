import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchHeader } from '../../src/base/record.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const select =
  'toString(seq) AS seq, toString(toUnixTimestamp64Nano(timestamp)) AS t, toUnixTimestamp64Nano(received) = toUnixTimestamp64Nano(timestamp) AS now, level, severity, service, labels, message, hex(message) AS bytes, trace_id, span_id, attributes';

async function rows(payload: string | Uint8Array, header: Partial<BatchHeader>): Promise<Record<string, unknown>[]> {
  world.log.append(payload, header);
  await world.settled();
  return world.ask(select);
}

const json = (objects: readonly (Record<string, unknown> | string)[], keys?: string[], hints = {}) =>
  rows(objects.map(o => `${typeof o === 'string' ? o : JSON.stringify(o)}\n`).join(''), {
    keys: keys ?? [...new Set(objects.flatMap(o => Object.keys(typeof o === 'string' ? JSON.parse(o) : o)))],
    hints,
  });

/** As `json`, once with what the door knows of the gaps and once without; the rows must not differ. */
async function bothWays(objects: readonly Record<string, unknown>[], hints = {}): Promise<Record<string, unknown>[]> {
  const keys = [...new Set(objects.flatMap(o => Object.keys(o)))];
  const gaps = keys.filter(k => objects.some(o => o[k] === undefined || o[k] === null || o[k] === ''));
  const payload = objects.map(o => `${JSON.stringify(o)}\n`).join('');
  const received = String(1795176000n * 10n ** 9n);
  world.log.append(payload, { keys, hints, received });
  world.log.append('{"unrelated":1}\n', { keys: ['unrelated'], tenant: 'between' });
  await world.settled();
  world.log.append(payload, { keys, gaps, hints, received });
  await world.settled();
  const all = await world.ask(`${select}, stream`, `tenant = 'default'`);
  const [without, known] = [all.slice(0, objects.length), all.slice(objects.length)];
  expect(known).toEqual(without.map((row, i) => ({ ...row, seq: known[i]?.seq })));
  return known;
}

describe('what the door knows of absent values', () => {
  it('changes the statement and not the rows', async () => {
    const full = { ts: '2026-11-20T12:00:00Z', level: 'warn', trace_id: 'ABC0', host: 'h', message: 'all there' };
    expect(
      (
        await bothWays([
          { ...full, service: 'a' },
          { ...full, service: 'b' },
        ])
      )[1],
    ).toMatchObject({
      service: 'b',
      level: 'warn',
      labels: { service: 'b', service_name: 'b' },
      trace_id: 'abc0',
      attributes: { level: 'warn', host: 'h' },
    });
  });
  it.each([
    [
      'a gap in each column',
      [
        { ts: 1, service: '', message: 'error: x', a: null },
        { time: 2, ts: null, msg: 'y', a: 'z', level: 'odd' },
      ],
      {},
    ],
    [
      'candidates that lose',
      [{ ts: 1, time: 2, message: 'm', msg: 'n', traceId: 'F', trace_id: 'E', app: 'p', service: 's' }],
      {},
    ],
    [
      'a second candidate that is always there',
      [
        { ts: 1, msg: 'm', level: '', severity: 'error' },
        { time: 5, ts: 2, message: 'n', msg: 'o', severity: 'info' },
      ],
      {},
    ],
    [
      'numbers of severity',
      [
        { severity_number: 17, message: 'm' },
        { severity_number: 0, message: 'info n' },
      ],
      {},
    ],
    [
      'hints',
      [
        { t: 3, said: 'm', env: 'e' },
        { t: 4, said: 'n', env: '' },
      ],
      { timeField: 't', messageField: 'said', labelFields: ['env'], labels: { env: 'other', job: 'j' } },
    ],
    ['an unreadable time', [{ ts: 'noon', message: 'm', host: 'h' }], {}],
    ['no message', [{ ts: 1, host: 'h' }], {}],
    ['other kinds of values', [{ ts: 1, message: 'm', n: 1.5, b: true, o: { a: [1] }, u: '\u0000' }], {}],
  ])('holds for %s', async (_, objects, hints) => {
    expect(await bothWays(objects, hints)).toHaveLength(objects.length);
  });
  it('takes a key that another batch of the tick lacks for one with gaps', async () => {
    world.log.append('{"message":"a","host":"h"}\n', { keys: ['message', 'host'], gaps: [] });
    world.log.append('{"message":"b"}\n{"message":"c"}\n', { keys: ['message'], gaps: [] });
    world.log.append('{"message":"d","pod":"p"}\n', { keys: ['message', 'pod'], gaps: [] });
    await world.settled();
    expect(await world.ask('message, attributes')).toEqual([
      { message: 'a', attributes: { host: 'h' } },
      { message: 'b', attributes: {} },
      { message: 'c', attributes: {} },
      { message: 'd', attributes: { pod: 'p' } },
    ]);
  });
});

describe('times', () => {
  const noon = 1795176000n;
  it('reads numbers by magnitude and texts by form; what cannot be read is now and stays an attribute', async () => {
    const table: [unknown, bigint | null][] = [
      [1795176000, noon * 10n ** 9n],
      [1795176000123, noon * 10n ** 9n + 123_000_000n],
      [1795176000123456, noon * 10n ** 9n + 123_456_000n],
      ['1795176000123456789', noon * 10n ** 9n + 123_456_789n],
      ['1795176000.123456789', noon * 10n ** 9n + 123_456_789n],
      ['1795176000123.5', noon * 10n ** 9n + 123_500_000n],
      [-1.5, -1_500_000_000n],
      [0, 0n],
      [4102444800, 4102444800n * 10n ** 9n],
      ['2026-11-20T12:00:00Z', noon * 10n ** 9n],
      ['2026-11-20T14:00:00.123456789+02:00', noon * 10n ** 9n + 123_456_789n],
      ['2026-11-20 12:00:00,123', noon * 10n ** 9n + 123_000_000n],
      ['2026-11-20T12:00:00.5', noon * 10n ** 9n + 500_000_000n],
      ['20/Nov/2026:12:00:00 +0000', noon * 10n ** 9n],
      ['Fri, 20 Nov 2026 12:00:00 GMT', noon * 10n ** 9n],
      ['1970-01-01T00:00:00Z', 0n],
      ['2100-01-01T00:00:00Z', 4102444800n * 10n ** 9n],
      ['1969-12-31T23:59:59.5Z', -500_000_000n],
      ['yesterday', null],
      ['12:30', null],
      ['', null],
      ['2026-13-45T00:00:00Z', null],
      ['0000-00-00T00:00:00Z', null],
      [{ s: 1 }, null],
      [true, null],
      ['99999999999999999999999', null],
    ];
    const found = await json(table.map(([ts]) => ({ ts, message: 'm' })));
    table.forEach(([ts, ns], i) => {
      const row = found[i];
      expect([ts, row?.t, row?.attributes], String(ts)).toEqual(
        ns === null
          ? [ts, row?.now ? row.t : 'received', { ts: typeof ts === 'string' ? ts : JSON.stringify(ts) }]
          : [ts, String(ns), {}],
      );
    });
  });
});

describe('times in a unit that the sender stated', () => {
  it.each<[string, [unknown, bigint | null][]]>([
    [
      'ms',
      [
        [1_234_567_891, 1_234_567_891_000_000n],
        ['1.5', 1_500_000n],
        [-5, -5_000_000n],
        ['2026-11-20T12:00:00Z', 1_795_176_000_000_000_000n],
      ],
    ],
    [
      's',
      [
        [1_795_176_000, 1_795_176_000_000_000_000n],
        ['9999999999', null],
        ['99999999999999999999999', null],
      ],
    ],
    [
      'filetime',
      [
        [131_670_504_000_000_001n, 1_522_576_800_000_000_100n],
        ['116444736000000000', 0n],
        ['116444735999999999', -100n],
        [1_795_176_000, null],
        ['99999999999999999999999', null],
        ['2018-04-01T10:00:00Z', 1_522_576_800_000_000_000n],
      ],
    ],
  ])('%s', async (timeUnit, table) => {
    const lines = table.map(
      ([ts]) => `{"ts":${typeof ts === 'string' ? JSON.stringify(ts) : String(ts)},"message":"m"}`,
    );
    const found = await json(lines, ['ts', 'message'], { timeUnit });
    expect(found.map((row, i) => (table[i]?.[1] === null && row.now ? null : row.t))).toEqual(
      table.map(([, ns]) => (ns === null ? null : String(ns))),
    );
  });
});

describe('levels', () => {
  it('normalises what is stated and finds what is not', async () => {
    const table: [Record<string, unknown>, string, number][] = [
      [{ level: 'INFO' }, 'info', 9],
      [{ level: 'Warning' }, 'warn', 13],
      [{ severity: 'ERR' }, 'error', 17],
      [{ lvl: 'notice' }, 'info', 10],
      [{ level: 'crit' }, 'critical', 18],
      [{ level: 'emerg' }, 'fatal', 21],
      [{ level: 30 }, 'info', 9],
      [{ level: 60 }, 'fatal', 21],
      [{ level: 3 }, 'error', 17],
      [{ severity_number: 14 }, 'warn', 14],
      [{ level: 'audit' }, 'unknown', 0],
      [{ message: 'nothing here' }, 'unknown', 0],
      [{ message: 'ts=1 level=warn msg="an error"' }, 'warn', 0],
      [{ message: '{"severity":"ERROR","x":"info"}' }, 'error', 0],
      [{ message: '{"level":20}' }, 'debug', 0],
      [{ message: '2026-11-20 12:00:00 [main] ERROR com.example.App - info' }, 'error', 0],
      [{ message: 'kernel panic - not syncing' }, 'fatal', 0],
      [{ message: 'terrors and warnings' }, 'unknown', 0],
      [{ message: 'Warning: low disk' }, 'warn', 0],
    ];
    const found = await json(table.map(([o]) => ({ message: 'x', ...o })));
    expect(found.map(r => [r.level, r.severity])).toEqual(table.map(([, level, severity]) => [level, severity]));
  });
});

describe('json', () => {
  it('maps fields to columns, labels and attributes; values keep their digits', async () => {
    const [row] = await json(
      [
        '{"time":"2026-11-20T12:00:00Z","app":"web","env":"prod","msg":"hi","traceId":"ABCDEF0123456789abcdef0123456789","span_id":"x-Y","n":1.50,"big":9007199254740993123,"b":true,"nil":null,"o":{"k": [1, 2]},"q\'`\\\\":"v"}',
      ],
      undefined,
      { labelFields: ['env'] },
    );
    expect(row).toMatchObject({
      t: '1795176000000000000',
      service: 'web',
      labels: { app: 'web', env: 'prod', service_name: 'web' },
      message: 'hi',
      trace_id: 'abcdef0123456789abcdef0123456789',
      span_id: 'x-Y',
      attributes: { n: '1.50', big: '9007199254740993123', b: 'true', o: '{"k": [1, 2]}', q___: 'v' },
    });
  });

  it('takes the first candidate of each row; the others stay; a row without one is its own message', async () => {
    const found = await json([
      { message: 'a', msg: 'b', ts: 1795176000 },
      { msg: 'c', z: '1' },
      '{"z": 2 }',
      '  {"log":"d", "z":null}',
      { message: '' },
    ]);
    expect(found.map(r => [r.message, r.attributes])).toEqual([
      ['a', { msg: 'b' }],
      ['c', { z: '1' }],
      ['{"z": 2 }', { z: '2' }],
      ['d', {}],
      ['', {}],
    ]);
  });

  it('reads groups without any message key, with odd keys, with own field names', async () => {
    expect(await json([{ a: '1' }])).toMatchObject([
      { message: '{"a":"1"}', attributes: { a: '1' }, service: 'unknown_service' },
    ]);
    world.log.append('{"":"e","m":"x","w_0":"1","_path":"p","message":"k","seq":"7","level":"warn"}\n', {
      keys: ['', 'm', 'w_0', '_path', 'message', 'seq', 'level'],
    });
    world.log.append('{"":"e","m":"x","when":"2026-11-20T12:00:00Z"}\n', {
      keys: ['', 'm', 'when'],
      hints: { messageField: 'm', timeField: 'when', labels: { job: 'j' } },
    });
    world.log.append(
      '{"m":"x","w_0":"1","_path":"p","message":"k","seq":"7","received":"r","timestamp":"1795176000"}\n',
      { keys: ['m', 'w_0', '_path', 'message', 'seq', 'received', 'timestamp'], hints: { labels: { a: 'b' } } },
    );
    await world.settled();
    const found = (await world.ask(select)).slice(1);
    expect(found).toMatchObject([
      { message: 'k', level: 'warn', attributes: { '': 'e', m: 'x', w_0: '1', _path: 'p', seq: '7', level: 'warn' } },
      {
        message: 'x',
        t: '1795176000000000000',
        service: 'j',
        labels: { job: 'j', service_name: 'j' },
        attributes: { '': 'e' },
      },
      { message: 'k', t: '1795176000000000000', attributes: { m: 'x', w_0: '1', _path: 'p', seq: '7', received: 'r' } },
    ]);
  });

  it('keeps lone surrogates, escapes and raw bytes', async () => {
    const found = await rows(
      Buffer.concat([
        Buffer.from('{"message":"\\ud800 \\u0000 \\ud83d\\ude00"}\n{"message":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}\n'),
      ]),
      { keys: ['message'] },
    );
    expect(found.map(r => r.bytes)).toEqual([Buffer.from('\\ud800 \0 😀').toString('hex').toUpperCase(), 'FFFE']);
  });
});

it('keeps the bytes of text lines', async () => {
  const lines = [
    Buffer.from('plain'),
    Buffer.from('cr\r'),
    Buffer.from([0, 1, 0xff, 0x41]),
    Buffer.from(''),
    Buffer.from('  \t"quoted\\" '),
    Buffer.alloc(1 << 20, 'x'),
  ];
  const found = await rows(Buffer.concat(lines.flatMap(l => [l, Buffer.from('\n')])), {
    format: 'text',
    door: 'text',
    hints: { labels: { service: 'web', env: "o'neil\\" } },
  });
  expect(found.map(r => r.bytes)).toEqual(lines.map(l => l.toString('hex').toUpperCase()));
  expect(found[0]).toMatchObject({
    service: 'web',
    labels: { env: "o'neil\\", service: 'web', service_name: 'web' },
    now: 1,
  });
});

it('reads canonical rows', async () => {
  const found = await rows(
    '{"t":1795176000123456789,"m":"a","l":{"z":"1","service_name":"s"},"a":{"k":"v"},"n":18,"i":"aa","p":"bb"}\n{"m":"level=debug x","l":{}}\n{"m":"b","l":{"service_name":"t","level":"crit"},"v":"","a":{}}\n{"t":-5,"m":"c","l":{},"v":"WARN"}\n',
    { format: 'rows', door: 'loki', tenant: 't1' },
  );
  expect(found).toMatchObject([
    {
      t: '1795176000123456789',
      message: 'a',
      service: 's',
      level: 'error',
      severity: 18,
      labels: { service_name: 's', z: '1' },
      attributes: { k: 'v' },
      trace_id: 'aa',
      span_id: 'bb',
    },
    { message: 'level=debug x', level: 'debug', service: 'unknown_service', now: 1 },
    { message: 'b', level: 'critical', service: 't' },
    { t: '-5', level: 'warn', severity: 13 },
  ]);
});

it('gives every row its frame: seq, tenant, receive time, across frames, tenants and segments', async () => {
  const line = '{"message":"x"}\n';
  const seqs = [
    world.log.append(line.repeat(3), { keys: ['message'], tenant: 'a' }),
    world.log.append('t\n', { format: 'text', door: 'text' }),
    world.log.append(line.repeat(2), { keys: ['message'], tenant: 'b' }),
  ];
  world.log.roll();
  seqs.push(world.log.append(line, { keys: ['message', 'z'], tenant: "c'" }));
  await world.settled();
  const found = await world.ask('toString(seq) AS seq, tenant, toString(toUnixTimestamp64Nano(received)) AS r');
  const wanted = world.log.frames.flatMap(f =>
    Array.from({ length: f.header.records }, (_, i) => ({
      seq: String(f.seq + BigInt(i)),
      tenant: f.header.tenant,
      r: f.header.received,
    })),
  );
  expect(found).toEqual(wanted);
  expect(seqs).toHaveLength(4);
});
