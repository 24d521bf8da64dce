import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { openWorld } from './world.ts';

const world = await openWorld();
afterAll(() => world.close());
let tenants = 0;
/** How the inserts into tails read their payloads. */
const formats: string[] = [];
world.engine.before = sql => {
  if (/INSERT INTO .*tail_/.test(sql))
    formats.push(...Array.from(sql.matchAll(/file\('[^']*', (\w+),/g), m => m[1] ?? ''));
};

const keys = ['message', 'time', 'service', 'level', 'trace_id', 'more', "it's `odd`", 'é.x', 'a-b'];
const lineEnd = '\r\n';

/** Rows of the same lines as columns and as lines: behind them stands one with half a surrogate pair, which only the engine reads. */
async function bothWays(lines: readonly Buffer[], gaps: readonly string[]): Promise<[unknown[], unknown[]]> {
  const results: unknown[][] = [];
  for (const last of ['{"message":"last"}\n', '{"message":"last","more":"\\ud800"}\n']) {
    formats.length = 0;
    const tenant = `t${++tenants}`;
    world.log.append(Buffer.concat([...lines, Buffer.from(last)]), {
      keys,
      gaps: [...gaps],
      tenant,
      received: '1795176000000000000',
    });
    await world.settled();
    expect(formats.slice(-1)).toEqual([last.includes('ud800') ? 'JSONEachRow' : 'Native']);
    const found = await world.ask(
      `toUnixTimestamp64Nano(timestamp) AS at, service, severity, level, labels, hex(message) AS text, trace_id, arraySort(arrayMap((k, v) -> (k, hex(v)), mapKeys(attributes), mapValues(attributes))) AS attributes, template, seq - min(seq) OVER () AS row`,
      `tenant = '${tenant}'`,
    );
    results.push(found.slice(0, lines.length));
  }
  return [results[0] ?? [], results[1] ?? []];
}

it('stores the same records from columns as from lines', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 }).filter(s => s.isWellFormed());
  const escapedOf = (c: string): string =>
    /[a-e]/.test(c) ? `\\u00${c.charCodeAt(0).toString(16)}` : JSON.stringify(c).slice(1, -1).replace('/', '\\/');
  const plain = text.map(s => JSON.stringify(s));
  const escaped = text.map(s => `"${Array.from(s, escapedOf).join('')}"`);
  const astral = fc.constant('"\\ud83d\\ude00 \\u00e9 \\u20ac \\b\\f\\n\\r\\t \\u0000"');
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(d => JSON.stringify(d)),
    fc.constantFrom('-0', '1.50', '1E+400', '12345678901234567890123'),
  );
  const nested = fc
    .jsonValue({ maxDepth: 3 })
    .map(v => JSON.stringify([v, { deep: v }], null, ' ').replaceAll('\n', ' '));
  const any = fc.oneof(plain, escaped, astral, number, nested, fc.constantFrom('true', 'false', 'null', '""'));
  const long = fc.constantFrom(`"${'word 12 '.repeat(200)}"`, '"one 1\\ntwo 2"', '"one 1\\u000atwo 2"');
  const time = fc.constantFrom('"2026-11-20T10:00:00.5Z"', 'null');
  const line = fc
    .tuple(fc.oneof(plain, escaped, number, nested, long), time, fc.dictionary(fc.constantFrom(...keys.slice(2)), any))
    .map(
      ([first, at, rest]) =>
        `{ "message" : ${first}, "time":${at}${Object.entries(rest)
          .map(([key, v]) => `,\t${JSON.stringify(key)}: ${v}`)
          .join('')}}${lineEnd}`,
    );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 60 }), async lines => {
      const [columns, fromLines] = await bothWays(
        lines.map(l => Buffer.from(l)),
        keys.slice(1),
      );
      expect(columns).toEqual(fromLines);
      expect(columns).toHaveLength(lines.length);
    }),
    { numRuns: 25 },
  );
});

it('stores the same times and ids from columns as from lines', async () => {
  const keys = ['message', 'time', 'trace_id', 'span_id'];
  const two = (most: number) => fc.integer({ min: 0, max: most }).map(n => String(n).padStart(2, '0'));
  const day = fc
    .date({ min: new Date('1971-01-02'), max: new Date('2105-12-30'), noInvalidDate: true })
    .map(d => d.toISOString().slice(0, 10));
  const zone = fc.oneof(
    fc.constantFrom('', 'Z'),
    fc.tuple(fc.constantFrom('+', '-'), two(14), fc.constant(':'), two(59)),
  );
  const decimals = fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,9}$/));
  const time = fc.tuple(day, fc.constantFrom('T', ' '), two(23), fc.constant(':'), two(59), fc.constant(':'), two(59));
  const id = fc.oneof(fc.stringMatching(/^[0-9a-f]{1,32}$/), fc.stringMatching(/^[0-9a-fA-F]{1,32}$/), fc.string());
  const line = fc
    .tuple(fc.tuple(time, decimals, zone), id, id)
    .map(([at, trace_id, span_id]) => ({ message: 'm', time: at.flat().flat().join(''), trace_id, span_id }));
  const received = '1795176000000000000';
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 40 }), fc.boolean(), async (lines, lower) => {
      const results: unknown[][] = [];
      for (const last of ['m', '\\ud800']) {
        formats.length = 0;
        const tenant = `t${++tenants}`;
        const rows = lines.map(l => JSON.stringify({ ...l, ...(lower && { trace_id: 'ab1', span_id: '' }) }));
        rows.push(`{"message":"${last}","time":"2026-11-20T10:00:00Z","trace_id":"1","span_id":"2"}`);
        world.log.append(`${rows.join('\n')}\n`, { keys, gaps: [], tenant, received });
        await world.settled();
        expect(formats.slice(-1)).toEqual([last === 'm' ? 'Native' : 'JSONEachRow']);
        const found = await world.ask(
          'toUnixTimestamp64Nano(timestamp) AS at, trace_id, span_id, seq - min(seq) OVER () AS row',
          `tenant = '${tenant}'`,
        );
        results.push(found.slice(0, lines.length));
      }
      expect(results[0]).toEqual(results[1]);
      expect(results[0]).toHaveLength(lines.length);
    }),
    { numRuns: 25 },
  );
  expect(formats).not.toContain('LineAsString');
});

it('reads times that are written otherwise as before, and goes on with columns', async () => {
  const keys = ['message', 'time', 'unlike'];
  const stored = async (time: string): Promise<unknown[]> => {
    formats.length = 0;
    const tenant = `t${++tenants}`;
    world.log.append(`{"message":"m","time":"${time}","unlike":"x"}\n`, { keys, gaps: [], tenant });
    await world.settled();
    expect(formats.slice(-1)).toEqual(['Native']);
    return world.ask('toUnixTimestamp64Nano(timestamp) AS at', `tenant = '${tenant}'`);
  };
  expect(await stored('2026-11-20T10:00:00Z')).toEqual([{ at: '1795168800000000000' }]);
  expect(await stored('2026-11-20T10:00:00.5+0100')).toEqual([{ at: '1795165200500000000' }]);
  expect(await stored('20/Nov/2026:10:00:00 +0000')).toEqual([{ at: '1795168800000000000' }]);
  expect(await stored('2026-11-20T10:00:00Z')).toEqual([{ at: '1795168800000000000' }]);
});

it('keeps bytes that are no UTF-8', async () => {
  const bytes = Buffer.from([0xff, 0xfe, 0xc3]);
  const line = Buffer.concat([
    Buffer.from('{"message":"'),
    bytes,
    Buffer.from('","more":"'),
    bytes,
    Buffer.from('"}\n'),
  ]);
  const [columns, fromLines] = await bothWays([line], keys.slice(1));
  expect(columns).toEqual(fromLines);
  expect(columns).toMatchObject([{ text: 'FFFEC3', attributes: [['more', 'FFFEC3']] }]);
});

it('is what a tick reads, but where the statement needs the lines or where they are no good lines', async () => {
  const append = async (line: string, of: string[]): Promise<string[]> => {
    formats.length = 0;
    world.log.append(`${line}\n`, { keys: of });
    await world.settled();
    return [...formats];
  };
  expect(await append('{"message":"m","a":1}', ['message', 'a'])).toEqual(['Native']);
  expect(await append('{"a":1}', ['a'])).toEqual(['JSONEachRow', 'LineAsString']);
  expect(await append('{"message":"m","a":"\\ud800"}', ['message', 'a'])).toEqual(['JSONEachRow']);
  expect(await append('{"message":"m","time":"no"}', ['message', 'time'])).toEqual([
    'Native',
    'Native',
    'JSONEachRow',
    'LineAsString',
  ]);
  expect(
    await world.ask("toString(count()) AS n, toString(countIf(message = 'm')) AS m", "tenant = 'default'"),
  ).toEqual([{ n: '4', m: '3' }]);
});
