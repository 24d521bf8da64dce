import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keyMap } from '../base/json-keys-code.ts';
import { LineColumns, NoColumns, OtherTimes, type WantedColumns } from './line-columns.ts';
import { memoryMap } from './line-columns-memory.ts';

type Row = Record<string, string | null | Record<string, string>>;

const columns = new LineColumns();

/** The rows of Native blocks. */
function rowsOf(bytes: Buffer): Row[] {
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const text = (): string => {
    const length = number();
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const word = (): number => {
    at += 8;
    return Number(bytes.readBigUInt64LE(at - 8));
  };
  const several = <T>(count: number, read: () => T): T[] => Array.from({ length: count }, read);
  const mapsOf = (count: number): Record<string, string>[] => {
    expect(word()).toBe(1);
    const ends = several(count, word);
    const entries = ends.at(-1) ?? 0;
    if (entries === 0) return several(count, () => ({}));
    expect(word()).toBe(0x600);
    const dictionary = several(word(), text);
    expect([dictionary[0], word()]).toEqual(['', entries]);
    const keys = several(entries, () => dictionary[bytes[at++] ?? 0] ?? '');
    const values = several(entries, text);
    return ends.map((end, i) => {
      const own = keys.slice(ends[i - 1] ?? 0, end);
      expect(new Set(own).size).toBe(own.length);
      return Object.fromEntries(own.map((key, k) => [key, values[(ends[i - 1] ?? 0) + k] ?? '']));
    });
  };
  const rows: Row[] = [];
  while (at < bytes.length) {
    const [width, count] = [number(), number()];
    const block: Row[] = Array.from({ length: count }, () => ({}));
    for (let column = 0; column < width; column++) {
      const [name, type] = [text(), text()];
      if (type === 'Map(LowCardinality(String), String)') {
        const maps = mapsOf(count);
        for (const [i, row] of block.entries()) row[name] = maps[i] ?? {};
        continue;
      }
      const isNull = block.map((_, i) => type === 'Nullable(String)' && bytes[at + i] === 1);
      if (type === 'Nullable(String)') at += count;
      for (const [i, row] of block.entries()) {
        const value = text();
        row[name] = isNull[i] ? null : value;
      }
    }
    rows.push(...block);
  }
  return rows;
}

function written(
  lines: readonly string[],
  keys: readonly string[],
  gaps: Iterable<string> = keys,
  cuts = 1,
  wanted: WantedColumns = { keys },
): Row[] {
  const size = Math.ceil(lines.length / cuts);
  const pieces = Array.from({ length: cuts }, (_, i) => ({
    payload: Buffer.from(
      lines
        .slice(i * size, (i + 1) * size)
        .map(line => `${line}\n`)
        .join(''),
    ),
  }));
  const blocks: Buffer[] = [];
  for (const buffers of columns.blocks({ keys, gaps: new Set(gaps), pieces }, wanted))
    blocks.push(Buffer.concat(buffers));
  return rowsOf(Buffer.concat(blocks));
}

/** A letter as `\\u....`, a slash with a backslash. */
const escapedOf = (c: string): string =>
  /[a-z]/.test(c)
    ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
    : JSON.stringify(c).slice(1, -1).replace('/', '\\/');

const space = fc.constantFrom('', '', '', ' ', '\t', '  \r ');
const plain = fc.oneof(
  fc.string({ unit: 'binary' }).filter(s => s.isWellFormed()),
  fc.string({ minLength: 10, maxLength: 300 }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\\"',
    '}',
    '{',
    ',',
    'x'.repeat(16),
    'y'.repeat(127),
    'z'.repeat(128),
    'w'.repeat(20_000),
  ),
);
/** The JSON text of a value and what its column holds. */
const value: fc.Arbitrary<[string, string | null]> = fc.oneof(
  { weight: 4, arbitrary: plain.map((s): [string, string] => [JSON.stringify(s), s]) },
  plain.map((s): [string, string] => [`"${Array.from(s, escapedOf).join('')}"`, s]),
  fc
    .constantFrom('0', '-0', '-1.50', '1e5', '12345678901234567890', 'true', 'false')
    .map((s): [string, string] => [s, s]),
  fc.constant<[string, null]>(['null', null]),
  fc
    .oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()))
    .map(v => JSON.stringify(v, null, ' ').replaceAll('\n', ' '))
    .map((s): [string, string] => [s, s]),
);
const keyNames = [
  'a',
  'bb',
  'message',
  'a_key_of_sixteen',
  'a key that is longer than 16 bytes',
  'é',
  'k.y',
  'm-1',
  '{',
];
const line = fc
  .tuple(fc.shuffledSubarray(keyNames, { minLength: 1 }), fc.array(value, { minLength: 9, maxLength: 9 }), space)
  .map(([keys, values, s]): { text: string; row: Row } => ({
    text: `${s}{${keys.map((key, i) => `${s}"${key}"${s}:${s}${values[i]?.[0]}${s}`).join(',')}}${s}`,
    row: Object.fromEntries(
      keyNames.map(key => [key, keys.includes(key) ? (values[keys.indexOf(key)]?.[1] ?? null) : null]),
    ),
  }));

it('writes what the lines hold, whatever their order, spaces, escapes and lengths', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 3 }), (lines, cuts) => {
      const rows = written(
        lines.map(l => l.text),
        keyNames,
        keyNames,
        cuts,
      );
      expect(rows).toEqual(lines.map(l => l.row));
    }),
    { numRuns: 1_000 },
  );
});

it('writes a map of what each line has of the other keys, under their names', () => {
  const names = new Map(keyNames.slice(2).map(key => [key, `${key} as attribute`]));
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 3 }), (lines, cuts) => {
      const rows = written(
        lines.map(l => l.text),
        keyNames,
        keyNames,
        cuts,
        { keys: keyNames.slice(0, 4), map: { column: 'm', names } },
      );
      expect(rows).toEqual(
        lines.map(({ row }) => ({
          ...Object.fromEntries(keyNames.slice(0, 4).map(key => [key, row[key]])),
          m: Object.fromEntries([...names].flatMap(([key, name]) => (row[key] === null ? [] : [[name, row[key]]]))),
        })),
      );
    }),
    { numRuns: 500 },
  );
});

it('makes String columns of keys without gaps', () => {
  const buffers = [
    ...columns.blocks(
      {
        keys: ['a', 'b'],
        gaps: new Set(['b']),
        pieces: [{ payload: Buffer.from('{"b":null,"a":1}\n{"a":""}\n') }],
      },
      { keys: ['a', 'b'] },
    ),
  ].flat();
  expect(Buffer.concat(buffers).toString('latin1')).toBe(
    '\x02\x02\x01a\x06String\x011\x00\x01b\x10Nullable(String)\x01\x01\x00\x00',
  );
});

it('begins a new block where one is full, of bytes, of rows or of what goes into the map', () => {
  const long = Array.from({ length: 9 }, (_, i) => `{"a":"${String(i).repeat(memoryMap.sourceBytes / 4)}"}`);
  expect(written(long, ['a'], [], 2).map(r => typeof r.a === 'string' && r.a.length)).toEqual(
    long.map(() => memoryMap.sourceBytes / 4),
  );
  const keys = Array.from({ length: keyMap.keysMax }, (_, i) => `k${i}`);
  const many = Array.from(
    { length: 2 * (memoryMap.cells / keys.length) + 3 },
    (_, i) => `{"k${i % keys.length}":${i}}`,
  );
  const rows = written(many, keys, keys, 3);
  expect(rows.map((row, i) => row[`k${i % keys.length}`])).toEqual(many.map((_, i) => String(i)));
  expect(rows.every(row => Object.values(row).filter(v => v !== null).length === 1)).toBe(true);
  const names = new Map(keys.slice(1).map(key => [key, key]));
  const full = `{${[...names.keys()].map((key, i) => `"${key}":${i}`).join(',')}}`;
  const maps = written(
    Array.from({ length: 1_100 }, () => full),
    keys,
    keys,
    1,
    { keys: ['k0'], map: { column: 'm', names } },
  );
  expect(maps).toHaveLength(1_100);
  expect(maps.every(({ m }) => Object.keys(m ?? {}).length === names.size)).toBe(true);
  const few = Array.from({ length: memoryMap.rows + 9 }, (_, i) => (i % 1_000 === 0 ? '{"k0":1,"k1":2}' : '{"k0":1}'));
  const found = written(few, keys, keys, 2, { keys: ['k0'], map: { column: 'm', names } });
  expect(found.map(({ m }) => Object.keys(m ?? {}).length)).toEqual(few.map(l => (l.includes('k1') ? 1 : 0)));
});

it.each([
  ['no object', '[1]'],
  ['a key that is not of the group', '{"b":1}'],
  ['the same key twice', '{"a":1,"a":2}'],
  ['a value that is none', '{"a":oops}'],
  ['no value', '{"a":}'],
  ['a line that ends early', '{"a":1'],
  ['a string that is not closed', '{"a":"x'],
  ['a nested value that is not closed', '{"a":[1,"]"'],
  ['a lone surrogate', '{"a":"\\ud800"}'],
  ['a low surrogate first', '{"a":"\\udc00\\ud800"}'],
  ['two high surrogates', '{"a":"\\ud800\\ud800"}'],
  ['something behind the object', '{"a":1} x'],
  ['a line longer than a block', `{"a":"${'x'.repeat(memoryMap.sourceBytes)}"}`],
])('leaves %s to the engine, and is as before for the next lines', (_, bad) => {
  expect(() => written(['{"a":1}', bad], ['a'])).toThrow(NoColumns);
  expect(written(['{"a":2}', '{}'], ['a'])).toEqual([{ a: '2' }, { a: null }]);
});

it('ends for any bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.constantFrom(...Array.from('{}[]",:\\ua1n \n')), { maxLength: 60 }).map(a => Buffer.from(a.join(''))),
  );
  fc.assert(
    fc.property(bytes, payload => {
      let fault: unknown;
      try {
        const group = { keys: ['a', 'b'], gaps: new Set(['a']), pieces: [{ payload }] };
        const map = { column: 'm', names: new Map([['b', 'b']]) };
        Array.from(columns.blocks(group, { keys: ['a'], map }));
      } catch (error) {
        fault = error;
      }
      expect(fault === undefined || fault instanceof NoColumns).toBe(true);
      expect(written(['{"a":2}'], ['a'])).toEqual([{ a: '2' }]);
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  [true, '{"a":"x"}', '{"a":"\\t\\u000b","b":"long"}'],
  [true, `{"a":"${'x'.repeat(1_000)}"}`, `{"b":"${'y'.repeat(1_001)}"}`],
  [false, `{"a":"${'x'.repeat(1_001)}"}`, '{"a":"x"}'],
  [false, '{"a":"x\\ny"}', '{"a":"x"}'],
  [false, '{"a":"x\\u000Ay"}', '{"a":"x"}'],
])('knows whether columns have long texts or line ends: %j', (short, ...lines) => {
  const map = { column: 'm', names: new Map([['b', 'b']]) };
  written(lines, ['a', 'b'], ['a', 'b'], 2, { keys: ['a'], map });
  expect(columns.shortTexts).toBe(short);
  written(['{"a":"x"}'], ['a']);
  expect(columns.shortTexts).toBe(true);
});

/** ns since 1970 in the columns that the program makes of these texts. */
function timesOf(texts: readonly string[]): bigint[] {
  const group = {
    keys: ['t'],
    gaps: new Set<string>(),
    pieces: [{ payload: Buffer.from(texts.map(t => `{"t":${JSON.stringify(t)}}\n`).join('')) }],
  };
  const block = Buffer.concat([...columns.blocks(group, { keys: ['t'], time: 't' })].flat());
  return texts.map((_, i) => block.readBigInt64LE(block.length - 8 * (texts.length - i)));
}

const digits = (most: number, length = 2) =>
  fc.integer({ min: 0, max: most }).map(n => String(n).padStart(length, '0'));
const day = fc
  .date({ min: new Date('1971-01-02'), max: new Date('2105-12-30'), noInvalidDate: true })
  .map(d => d.toISOString().slice(0, 10));
const clock = fc.tuple(digits(23), digits(59), digits(59)).map(parts => parts.join(':'));
const offset = fc.tuple(fc.constantFrom('+', '-'), digits(14), digits(59)).map(([sign, h, m]) => `${sign}${h}:${m}`);

it('makes ns of times, whatever their decimals and zones', () => {
  const decimals = fc.integer({ min: 0, max: 9 }).chain(n => (n === 0 ? fc.constant('') : digits(10 ** n - 1, n)));
  const time = fc.tuple(day, fc.constantFrom('T', ' '), clock, decimals, fc.oneof(fc.constantFrom('', 'Z'), offset));
  fc.assert(
    fc.property(fc.array(time, { minLength: 1, maxLength: 20 }), times => {
      const wanted = times.map(
        ([date, , at, fraction, zone]) =>
          BigInt(Date.parse(`${date}T${at}${zone || 'Z'}`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0')),
      );
      const texts = times.map(
        ([date, t, at, fraction, zone]) => `${date}${t}${at}${fraction && `.${fraction}`}${zone}`,
      );
      expect(timesOf(texts)).toEqual(wanted);
    }),
    { numRuns: 1_000 },
  );
});

it('knows how long each month is', () => {
  for (const year of [1972, 1999, 2000, 2026, 2100])
    for (let n = 1; n <= 12; n++) {
      const last = new Date(Date.UTC(year, n, 0));
      const text = last.toISOString().slice(0, 19);
      expect(timesOf([text])).toEqual([BigInt(last.getTime()) * 1_000_000n]);
      const after = text.replace(/\d\dT/, `${last.getUTCDate() + 1}T`);
      expect(() => timesOf([after]), after).toThrow(OtherTimes);
    }
});

it.each([
  '',
  '1795691603',
  '2026-11-20',
  '2026-11-20T10:00',
  '2026-11-20T10:00:0',
  '2026-11-20T10:00:00.',
  '2026-11-20T10:00:00,5',
  '2026-11-20T10:00:00.1234567890',
  '2026-11-20T10:00:00.5 Z',
  '2026-11-20T10:00:00ZZ',
  '2026-11-20T10:00:00z',
  '2026-11-20T10:00:00+01',
  '2026-11-20T10:00:00+0100',
  '2026-11-20T10:00:00+1:00',
  '2026-11-20T10:00:00+15:00',
  '2026-11-20T10:00:00+01:60',
  '2026-11-20T10:00:00+01:00Z',
  '2026-11-20T24:00:00Z',
  '2026-11-20T10:60:00Z',
  '2026-11-20T10:00:60Z',
  '2026-11-20t10:00:00Z',
  '2026/11/20T10:00:00Z',
  '2026-00-20T10:00:00Z',
  '2026-13-20T10:00:00Z',
  '2026-11-00T10:00:00Z',
  '1970-12-31T23:59:59Z',
  '2106-01-01T00:00:00Z',
  '20 Nov 2026 10:00:00',
  'é026-11-20T10:00:00Z',
])('leaves a time like %j to the engine', text => {
  expect(() => timesOf(['2026-11-20T10:00:00Z', text])).toThrow(OtherTimes);
  expect(timesOf(['1971-01-01T00:00:00Z'])).toEqual([31_536_000_000_000_000n]);
});

it.each([
  [true, '0123456789abcdef', '', 'z'.repeat(40), 'é[`@{'],
  [false, 'A'],
  [false, `${'a'.repeat(15)}Z`],
  [false, `${'a'.repeat(16)}K`],
  [false, 'a', `${'0'.repeat(31)}F`],
])('knows whether ids have capital letters: %j', (lower, ...ids) => {
  written(
    ids.map(id => JSON.stringify({ id, b: 'B' })),
    ['id', 'b'],
    [],
    1,
    { keys: ['id', 'b'], ids: ['id'] },
  );
  expect(columns.lowerIds).toBe(lower);
});

it('is for one group at a time', () => {
  const group = { keys: ['a'], gaps: new Set<string>(), pieces: [{ payload: Buffer.from('{"a":1}\n') }] };
  const first = columns.blocks(group, { keys: ['a'] });
  first.next();
  expect(() => columns.blocks(group, { keys: ['a'] }).next()).toThrow(NoColumns);
  first.return(undefined);
  expect(columns.blocks(group, { keys: ['a'] }).next().done).toBe(false);
});
