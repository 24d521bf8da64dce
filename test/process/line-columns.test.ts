import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { LineColumns } from '../../src/process/line-columns.ts';
import { tickSettings } from '../../src/process/tick.ts';
import { openWorld } from './world.ts';

const directory = mkdtempSync(join(tmpdir(), 'weir-columns-'));
const world = await openWorld();
afterAll(async () => {
  await world.close();
  rmSync(directory, { recursive: true, force: true });
});

const keys = ['text', 'more', "it's `odd`", 'é.x', 'never'];
const gaps = new Set(keys.slice(1));

/** What the engine reads: from lines, and from the columns that are made of them. */
async function bothWays(payload: Buffer): Promise<[unknown, unknown]> {
  const [lines, columns] = [join(directory, 'lines'), join(directory, 'columns')];
  writeFileSync(lines, payload);
  const blocks: Buffer[] = [];
  for (const buffers of new LineColumns().blocks({ keys, gaps, pieces: [{ payload }] }))
    blocks.push(Buffer.concat(buffers));
  writeFileSync(columns, Buffer.concat(blocks));
  const name = (key: string): string => `\`${key.replace(/[\\`]/g, '\\$&')}\``;
  const structure = keys.map(key => `${name(key)} ${gaps.has(key) ? 'Nullable(String)' : 'String'}`).join(', ');
  const quoted = structure.replace(/[\\']/g, '\\$&');
  const read = (path: string, format: string): Promise<unknown> =>
    world.engine.run({
      sql: `SELECT ${keys.map((key, i) => `hex(${name(key)}) AS c${i}`).join(', ')} FROM file('${path}', ${format}, '${quoted}')`,
      settings: tickSettings,
    });
  return [await read(lines, 'JSONEachRow'), await read(columns, 'Native')];
}

it('gives the engine the same values as the lines', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 }).filter(s => s.isWellFormed());
  const escapedOf = (c: string): string =>
    /[a-e]/.test(c) ? `\\u00${c.charCodeAt(0).toString(16)}` : JSON.stringify(c).slice(1, -1).replace('/', '\\/');
  const escaped = text.map(s => `"${Array.from(s, escapedOf).join('')}"`);
  const astral = fc.constant('"\\ud83d\\ude00 \\u00e9 \\u20ac \\b\\f\\n\\r\\t \\u0000"');
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(d => JSON.stringify(d)),
    fc.constantFrom('-0', '1.50', '1E+400', '12345678901234567890123'),
  );
  const nested = fc
    .jsonValue({ maxDepth: 3 })
    .map(v => JSON.stringify([v, { deep: v }], null, ' ').replaceAll('\n', ' '));
  const any = fc.oneof(
    text.map(s => JSON.stringify(s)),
    escaped,
    astral,
    number,
    nested,
    fc.constantFrom('true', 'false', 'null', '""'),
  );
  const line = fc
    .tuple(
      fc.oneof(
        text.map(s => JSON.stringify(s)),
        escaped,
        number,
        nested,
      ),
      fc.dictionary(fc.constantFrom(...keys.slice(1)), any),
    )
    .map(
      ([first, rest]) =>
        `{ "text" : ${first}${Object.entries(rest)
          .map(([key, v]) => `,\t${JSON.stringify(key)}: ${v}`)
          .join('')}}\r\n`,
    );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 30 }), async lines => {
      const [fromLines, fromColumns] = await bothWays(Buffer.from(lines.join('')));
      expect(fromColumns).toEqual(fromLines);
    }),
    { numRuns: 150 },
  );
});

it('keeps bytes that are no UTF-8', async () => {
  const payload = Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('"}\n')]);
  const [fromLines, fromColumns] = await bothWays(payload);
  expect(fromColumns).toEqual(fromLines);
  expect(fromColumns).toMatchObject([{ c0: 'FFFEC3' }]);
});

it('is what a tick reads, but where the statement needs the lines or where they are no good lines', async () => {
  const formats: string[] = [];
  world.engine.before = sql => {
    if (/INSERT INTO .*tail_/.test(sql))
      formats.push(...[...sql.matchAll(/file\('[^']*', (\w+),/g)].map(m => m[1] ?? ''));
  };
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
  expect(await world.ask("toString(count()) AS n, toString(countIf(message = 'm')) AS m")).toEqual([
    { n: '4', m: '3' },
  ]);
});
