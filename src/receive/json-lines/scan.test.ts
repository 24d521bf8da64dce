import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { depthMax } from './skip.ts';
import { type LineKind, lineKind, LineScanner } from './scan.ts';

const recordMax = 1 << 20;

/** A scanner that has seen other lines. */
function used(keysMax: number): LineScanner {
  const before = Buffer.from('{"a":1,"bb":null,"zz":"","a\\n":1}\n{"e":1}\n{\n');
  const scanner = new LineScanner(keysMax).begin(before, recordMax);
  for (let at = 0; at < before.length; at = scanner.end + 1) scanner.scan(at);
  return scanner;
}

function scan(line: string | Buffer, keysMax = 256): { kind: LineKind; scanner: LineScanner } {
  const bytes = Buffer.concat([Buffer.from(line), Buffer.from('\n')]);
  const scanner = used(keysMax).begin(bytes, recordMax);
  return { kind: scanner.scan(0), scanner };
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What JSON.parse says, but for lone surrogates. Latin1 keeps bytes that are not UTF-8 as characters, so they pass. */
function parses(bytes: Buffer): boolean {
  let wellFormed = true;
  try {
    const value = JSON.parse(bytes.toString('latin1'), (key: string, inner: unknown) => {
      wellFormed &&= key.isWellFormed() && (typeof inner !== 'string' || inner.isWellFormed());
      return inner;
    }) as unknown;
    return isObject(value) && wellFormed;
  } catch {
    return false;
  }
}

const isValid = (kind: LineKind): boolean => kind === lineKind.good || kind === lineKind.odd;

describe('LineScanner', () => {
  it('accepts what JSON.stringify writes, with any white space', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary', maxDepth: 6 })),
        fc.constantFrom('', ' ', '\t'),
        (object, space) => {
          const line = JSON.stringify(object, null, space).replaceAll('\n', ' ');
          if (/\\ud[89a-f]/i.test(line)) return;
          expect(isValid(scan(line).kind), line).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('agrees with JSON.parse on mutated lines', () => {
    const seed =
      '{"a":1.5e-3,"bb":"x\\u00e9\\n\\ud83d\\ude00","ccc":{"d":[1,{"e":null}],"f":true},"dddd":-0,"e":[],"f":{},"g":false}';
    const byte = fc.oneof(
      fc.constantFrom(...Array.from(Buffer.from('{}[]",:\\ue0123.-+tfn \t\r'))),
      fc.integer({ min: 0, max: 255 }),
    );
    const mutation = fc.record({ at: fc.nat(seed.length - 1), byte, how: fc.constantFrom('put', 'add', 'cut') });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), mutations => {
        const bytes = Array.from(Buffer.from(seed));
        for (const { at, byte, how } of mutations) {
          if (how === 'put') bytes[at] = byte;
          else if (how === 'add') bytes.splice(at, 0, byte);
          else bytes.splice(at, 1);
        }
        const line = Buffer.from(bytes.filter(b => b !== 0x0a));
        expect(isValid(scan(line).kind), line.toString('latin1')).toBe(parses(line));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"a":1', 'a comma or } is expected after a value, but the line ends', 7],
    ['{"a":"x', 'string is not closed', 8],
    ['{"a":"\t"}', 'raw control character in a string', 7],
    ['{"a":"\\ud800"}', 'lone surrogate escape', 7],
    ['{"a":"\\udc00"}', 'lone surrogate escape', 7],
    ['{"a":"\\x"}', 'bad escape in a string', 7],
    ['{"a":01}', 'a comma or } is expected after a value', 7],
    ['{"a":1.}', 'a number needs digits after the point', 8],
    ['{"a":1e}', 'a number needs digits in its exponent', 8],
    ['{"a":NaN}', 'a value is expected', 6],
    ['{a:1}', 'a key in quotes is expected', 2],
    ['{"a" 1}', 'a colon is expected after a key', 6],
    ['{"a":1,}', 'a key in quotes is expected', 8],
    ['{"a":[1,]}', 'a value is expected', 9],
    ['{"a":1} {"b":2}', 'the line goes on after the object', 9],
    ['[1]', 'a JSON object is expected', 1],
    ['\ufeff{"a":1}', 'a JSON object is expected', 1],
  ])('says what is wrong with %s', (line, reason, column) => {
    const { kind, scanner } = scan(line);
    expect([kind, scanner.reason, scanner.column]).toEqual([lineKind.bad, reason, column]);
  });

  it('takes nesting up to its limit and no deeper', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(scan(nested(64)).kind).toBe(lineKind.good);
    expect(scan(nested(depthMax)).kind).toBe(lineKind.good);
    expect(scan(nested(depthMax + 1)).kind).toBe(lineKind.bad);
    expect(scan(nested(100_000)).scanner.reason).toBe(`nested deeper than ${depthMax}`);
  });

  it.each([
    ['an empty object', '{}'],
    ['the same key twice', '{"a":1,"b":2,"a":3}'],
    ['an escaped key', '{"\\u0061":1}'],
    ['an empty key', '{"":1}'],
    ['a key that is not UTF-8', Buffer.from('7b22ff223a317d', 'hex')],
    ['a very long key', `{"${'k'.repeat(2000)}":1}`],
  ])('finds %s odd and keeps its keys out', (_, line) => {
    const { kind, scanner } = scan(line);
    expect(kind).toBe(lineKind.odd);
    expect(scanner.keys()).toEqual([]);
  });

  it('collects the union of keys over lines of changing shape', () => {
    const shapes = fc.array(
      fc.uniqueArray(fc.constantFrom('a', 'bb', 'ccc', 'dddd', 'eeeee', 'é', 'a.b', 'longer_key_name', '"'), {
        minLength: 1,
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(shapes, lines => {
        const kept = lines.filter(keys => !keys.includes('"'));
        const bytes = Buffer.from(
          lines.map(keys => `{${keys.map(key => `${JSON.stringify(key)}:1`).join(',')}}\n`).join(''),
        );
        const scanner = used(256).begin(bytes, recordMax);
        const kinds: LineKind[] = [];
        for (let at = 0; at < bytes.length; at = scanner.end + 1) kinds.push(scanner.scan(at));
        expect(kinds).toEqual(lines.map(keys => (keys.includes('"') ? lineKind.odd : lineKind.good)));
        expect(scanner.keys()).toEqual([...new Set(kept.flat())]);
      }),
      { numRuns: 100 },
    );
  });

  it('knows which keys have gaps, and claims nothing beside lines that are not in the union', () => {
    const line = fc.record(
      Object.fromEntries(
        ['a', 'bb', 'ccc', 'd'].map(key => [key, fc.constantFrom<unknown>('x', 'x', 'null', 0, false, [], null, '')]),
      ),
      { requiredKeys: ['d'] },
    );
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), fc.boolean(), (objects, odd) => {
        const text = objects.map(o => `${JSON.stringify(o)}\n`).join('');
        const bytes = Buffer.from(odd ? `${text}\n{"d":1,"d":2}\n` : `${text} \n`);
        const scanner = used(256).begin(bytes, recordMax);
        for (let at = 0; at < bytes.length; at = scanner.end + 1) scanner.scan(at);
        const gap = (key: string): boolean => odd || objects.some(o => (o[key] ?? '') === '');
        expect(scanner.gaps()).toEqual(scanner.keys().filter(gap));
      }),
      { numRuns: 200 },
    );
  });

  it('scans many lines at once as it scans each', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }).map(s => JSON.stringify(s)),
      fc.constantFrom(
        '"\\u00e9\\n\\/"',
        '"\\ud83d\\ude00"',
        '"\\ud800"',
        '"\\x"',
        '"\\u00g0"',
        '"\t"',
        '"\\',
        `"${'x'.repeat(300)}"`,
      ),
    );
    const other = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }).map(v => JSON.stringify(v, null, ' ').replaceAll('\n', '\t')),
      fc.constantFrom(
        'null',
        '-',
        '01',
        '1.',
        '-0.5e+7',
        '1e',
        'nul',
        'truex',
        'fals',
        '[1,]',
        '{"a"}',
        '[}',
        '[[[1]]',
        `${'['.repeat(70)}1${']'.repeat(70)}`,
      ),
    );
    const key = fc.constantFrom(
      '"a"',
      '"bb"',
      '"message"',
      '"a key of more than 16 bytes"',
      '"é"',
      '"\\u0061"',
      '""',
      '"a',
      'a',
    );
    const space = fc.constantFrom('', '', '', ' ', '\t\r', '\u0001');
    const member = fc.tuple(key, space, fc.oneof(text, text, other)).map(([k, s, v]) => `${k}${s}:${s}${v}`);
    const usual = fc
      .tuple(text, text, other)
      .map(values => `{"a":${values[0]},"message":${values[1]},"c":${values[2]}}`);
    const any = fc.tuple(
      space,
      fc.array(member, { maxLength: 5 }),
      space,
      fc.constantFrom('}', '}', '} ', '', '}}', ',}'),
    );
    const line = fc.oneof(
      usual,
      fc.constantFrom('{"a":1}', '{"a":"","bb":null}', '', ' ', `{"a":"${'y'.repeat(2_000)}"}`),
      any.map(([s, members, t, end]) => `${s}{${members.join(`${t},`)}${end}`),
    );
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), lines => {
        const bytes = Buffer.from(`${lines.join('\n')}\n`);
        const results = [true, false].map(many => {
          const scanner = used(256).begin(bytes, 1_000);
          const found: unknown[] = [];
          for (let at = 0; at < bytes.length; at = scanner.end + 1) {
            const good = many ? scanner.scanGood(at) : 0;
            const kind = good > 0 ? lineKind.good : scanner.scan(at);
            found.push(...Array.from({ length: good || 1 }, () => kind));
            if (kind === lineKind.bad) found.push(scanner.reason, scanner.column, scanner.end);
          }
          return [found, scanner.end, scanner.keys(), scanner.gaps()];
        });
        expect(results[0]).toEqual(results[1]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('scans most lines at once, over as many windows as there are', () => {
    const text = Array.from(
      { length: 20_000 },
      (_, i) => `{"a":"${i}","n":${i},"deep":{"b":[true,null,"\\n"]}}\n`,
    ).join('');
    const bytes = Buffer.from(`${text}${text.slice(0, 40)}\n${text}`);
    const scanner = used(256).begin(bytes, recordMax);
    const single: LineKind[] = [];
    let good = 0;
    for (let at = 0; at < bytes.length; at = scanner.end + 1) {
      const many = scanner.scanGood(at);
      good += many;
      if (many === 0) single.push(scanner.scan(at));
    }
    expect([good, single]).toEqual([39_999, [lineKind.good, lineKind.bad]]);
  });

  it('keeps the union within its bound', () => {
    const many = (from: number, count: number): string =>
      `{${Array.from({ length: count }, (_, k) => `"k${from + k}":${k}`).join(',')}}\n`;
    const bytes = Buffer.from(many(0, 10) + many(5, 20) + many(0, 12) + many(12, 5) + many(0, 10));
    const scanner = used(16).begin(bytes, recordMax);
    const kinds: LineKind[] = [];
    for (let at = 0; at < bytes.length; at = scanner.end + 1) kinds.push(scanner.scan(at));
    expect(kinds).toEqual([lineKind.good, lineKind.odd, lineKind.good, lineKind.odd, lineKind.good]);
    expect(scanner.keys()).toEqual(Array.from({ length: 12 }, (_, k) => `k${k}`));
  });

  it('finds blank lines, and records over the limit', () => {
    const bytes = Buffer.from(`\n \t\r\n{"a":"${'x'.repeat(50)}"}\n`);
    const scanner = new LineScanner(16).begin(bytes, 40);
    expect([scanner.scan(0), scanner.scan(1), scanner.scan(5)]).toEqual([lineKind.blank, lineKind.blank, lineKind.bad]);
    expect(scanner.reason).toBe('record of 58 bytes is larger than 40 (limits.record_bytes)');
    expect(scanner.tooLarge).toBe(true);
  });
});
