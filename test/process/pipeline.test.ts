import { afterEach, expect, it } from 'vitest';
import { captureNames } from '../../src/process/pipeline/parse-regex.ts';
import { openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

/** Conditions are plain SQL here; the language room compiles LogQL to the same. */
async function through(
  pipeline: unknown[],
  records: Record<string, string>[],
  select = 'toString(seq) AS seq, message, level, severity, service, labels, attributes, trace_id',
): Promise<Record<string, unknown>[]> {
  world = await openWorld({ config: JSON.stringify({ pipeline }) });
  world.log.append(records.map(r => `${JSON.stringify(r)}\n`).join(''), {
    keys: [...new Set(records.flatMap(r => Object.keys(r)))],
  });
  await world.settled();
  return world.ask(select);
}

it('drops, filters and samples; counts what it dropped, and keeps the seq of the rest', async () => {
  const records = Array.from({ length: 1000 }, (_, i) => ({
    message: i % 10 === 0 ? 'healthz' : `work ${i}`,
    level: i % 2 ? 'info' : 'debug',
    user: `u${i % 200}`,
  }));
  const rows = await through(
    [
      { step: 'drop', where: "message = 'healthz'" },
      { step: 'filter', where: "level = 'info'" },
      { step: 'sample', key: 'attributes.user', keep: 0.5 },
    ],
    records,
  );
  expect(rows.length).toBeGreaterThan(150);
  expect(rows.length).toBeLessThan(350);
  const users = new Map<string, number>();
  for (const r of rows) {
    const i = Number(BigInt(String(r.seq)) & 0xffff_ffffn);
    expect(r.message).toBe(`work ${i}`);
    users.set(`u${i % 200}`, (users.get(`u${i % 200}`) ?? 0) + 1);
  }
  expect(new Set(users.values())).toEqual(new Set([5]));
  await world.worker.stop();
  expect(
    await world.engine.run({
      sql: `SELECT sum(dropped) AS d, sum(arraySum(mapValues(stored))) AS s FROM ${world.database}.ledger`,
    }),
  ).toEqual([{ d: String(1000 - rows.length), s: String(rows.length) }]);
});

it('sets, renames, removes; one step works on what the one before has left', async () => {
  const [a, b] = await through(
    [
      { step: 'set', field: 'attributes.team', value: "o'neil", where: "service = 'web'" },
      { step: 'rename', from: 'attributes.req', to: 'trace_id' },
      { step: 'rename', from: 'attributes.lv', to: 'level' },
      { step: 'remove', field: 'attributes.secret' },
      { step: 'set', field: 'service', value: 'front', where: "service = 'web'" },
      { step: 'set', field: 'labels.env', value: 'prod' },
      { step: 'rename', from: 'message', to: 'attributes.orig' },
    ],
    [
      { service: 'web', message: 'x', req: 'abc', secret: 's', lv: 'CRIT' },
      { message: 'y', level: 'info' },
    ],
  );
  expect(a).toMatchObject({
    service: 'front',
    labels: { env: 'prod', service: 'web', service_name: 'front' },
    trace_id: 'abc',
    level: 'critical',
    severity: 18,
    message: '',
    attributes: { team: "o'neil", orig: 'x' },
  });
  expect(b).toMatchObject({
    service: 'unknown_service',
    level: 'info',
    message: '',
    attributes: { orig: 'y', level: 'info' },
  });
});

it('parses JSON and named groups into attributes', async () => {
  const rows = await through(
    [
      { step: 'parse_json', prefix: 'j_' },
      { step: 'parse_regex', regex: '^(?<method>[A-Z]+) (?P<path>\\S+)( \\w+)? (?<status>\\d{3})$' },
    ],
    [
      { message: '{"a":"x\\ny","n":1.5,"o":{"k":1},"nil":null}' },
      { message: "GET /a'b HTTP 200", k: 'v' },
      { message: '{broken' },
      { message: 'plain' },
    ],
  );
  expect(rows.map(r => r.attributes)).toEqual([
    { j_a: 'x\ny', j_n: '1.5', j_o: '{"k":1}' },
    { k: 'v', method: 'GET', path: "/a'b", status: '200' },
    {},
    {},
  ]);
  expect(captureNames('(a)(?<b>x)[(](?:c)\\((?P<d>y)')).toEqual([undefined, 'b', 'd']);
});

/** text, kind that must be replaced (or none). */
const corpus: [string, string, string][] = [
  ['mail to ann.lee+x@example.co.uk now', 'email', 'mail to ### now'],
  ['<bob@example.com>', 'email', '<###>'],
  ['a @ b, user@localhost, @handle, x@y', 'none', ''],
  ['from 10.103.103.7 port 22', 'ipv4', 'from ### port 22'],
  ['[192.168.0.1]:80 and 8.8.8.8,1.1.1.1', 'ipv4', '[###]:80 and ###,###'],
  ['version 1.2.3 and v1.2.3.4 and 1.2.3.4.5 and 999.1.1.1', 'none', ''],
  ['card 4111 1111 1111 1111 ok', 'card', 'card ### ok'],
  ['card=5500-0000-0000-0004;', 'card', 'card=###;'],
  ['amex 378282246310005', 'card', 'amex ###'],
  ['card 4111 1111 1111 1112 fails the checksum', 'none', ''],
  ['order 1234567890123456 at 1795176000123456789', 'none', ''],
  ['Authorization: Bearer abcDEF123456.x-y_z==', 'token', 'Authorization: Bearer ###'],
  ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end', 'token', 'jwt ### end'],
  ['bearer of bad news; eyJ is no token', 'none', ''],
  ['key sk_live_12345 here', 'custom', 'key ### here'],
];

it('redacts emails, addresses, valid card numbers, tokens and own expressions, and little else', async () => {
  const rows = await through(
    [
      {
        step: 'redact',
        kinds: ['email', 'ipv4', 'card', 'token'],
        regex: ['sk_live_\\w+'],
        fields: ['message', 'attributes.m'],
        replacement: '###',
      },
    ],
    corpus.map(([text]) => ({ message: text, m: text, other: text })),
  );
  const missed: string[] = [];
  const tooMuch: string[] = [];
  expect(rows).toHaveLength(corpus.length);
  for (const [i, row] of rows.entries()) {
    const [text, kind, wanted] = corpus[i] ?? ['', '', ''];
    const expected = wanted === '' ? text : wanted;
    if (row.message !== expected) (wanted === '' ? tooMuch : missed).push(`${kind}: ${String(row.message)}`);
    expect((row.attributes as Record<string, string>).m).toBe(row.message);
    expect((row.attributes as Record<string, string>).other).toBe(text);
  }
  // Every secret of the corpus is found; of its harmless lines one at most is touched (four numbers of a five-part version).
  expect(missed).toEqual([]);
  expect(tooMuch.length).toBeLessThanOrEqual(1);
});
