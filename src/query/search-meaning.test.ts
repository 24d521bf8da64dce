import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';

// What docs/search.md says a search finds, told another way: random searches, written in many ways, over random records. Here a record is looked at one
// at a time in JavaScript; neither the parser nor SQL has a part in it.

/** What is asked. A text of a `wild` or `glob` has `*` and `?`. */
type Ask =
  | { is: 'word' | 'phrase' | 'wild' | 'regex'; text: string }
  | { is: 'near'; words: [string, string]; slop: number }
  | { is: 'fuzzy'; text: string; edits: number }
  | { is: 'field'; name: string; test: Test }
  | { is: 'and' | 'or'; items: Ask[] }
  | { is: 'not'; item: Ask };
type Test =
  | { op: 'equal' | 'glob' | 'regex'; text: string }
  | { op: 'one of'; values: string[] }
  | { op: '>' | '>=' | '<' | '<='; amount: number }
  | { op: 'between'; low: number; high: number; open: boolean }
  | { op: 'there' };

const places = ['label', 'attribute', 'object', 'list', 'json', 'pairs'] as const;
/** A message, and fields kept in one of the places where a sender may put them. */
type Sample = { message: string; fields: Record<string, string>; place: (typeof places)[number] };

const words = [
  'error', 'timeout', 'Connection', 'refused', 'retry', 'a', 'x1', 'OR', 'not', 'size', 'café', 'GRÖßE', 'kiosk', 'id', '404', 'user', 'users',
] as const; // biome-ignore format: a list
const between = [' ', ' ', ', ', ': ', '_', '-', '.', '/', '(', ') ', '"', '\\', '\n', '*', '? '] as const;
const names = ['status', 'http.method', 'user', 'took'] as const;
const values = [
  '200',
  '404',
  '7.5',
  '-3',
  'GET',
  'get',
  'Ann Lee',
  'ann',
  'a*b',
  'a?b',
  'é',
  'true',
  'a"b',
  'x\\y',
  'ends*',
] as const;

const line = fc
  .array(fc.tuple(fc.constantFrom(...words), fc.constantFrom(...between)), { minLength: 1, maxLength: 6 })
  .map(parts => parts.flat().join('').trim());
const sample: fc.Arbitrary<Sample> = fc.record({
  message: line,
  fields: fc
    .array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)), { maxLength: 3 })
    .map(pairs => Object.fromEntries(pairs)),
  place: fc.constantFrom(...places),
});

const stored = (name: string): string => name.replaceAll('.', '_');
const literal = (value: string): string =>
  /^-?\d+(?:\.\d+)?$/.test(value) || value === 'true' ? value : JSON.stringify(value);

/** The record as it is stored. */
function recordOf({ message, fields, place }: Sample) {
  const named = Object.entries(fields).map(([name, value]) => [stored(name), value] as const);
  switch (place) {
    case 'label':
      return { message, labels: Object.fromEntries(named) };
    case 'attribute':
      return { message, attributes: Object.fromEntries(named) };
    case 'list':
      return {
        message,
        attributes: Object.fromEntries(named.map(([name, value]) => [name, JSON.stringify(['other', value])])),
      };
    case 'object': {
      const { 'http.method': method, ...rest } = fields;
      return { message, attributes: { ...rest, ...(method !== undefined && { http: JSON.stringify({ method }) }) } };
    }
    case 'json':
      return {
        message: `{${Object.entries({ note: message, ...fields })
          .map(([name, value]) => `${JSON.stringify(name)}:${literal(value)}`)
          .join(',')}}`,
      };
    case 'pairs':
      return {
        message: `${named.map(([name, value]) => `${name}=${/^[\w.-]+$/.test(value) ? value : JSON.stringify(value)}`).join(' ')} end`,
      };
  }
}

const isToken = /[0-9A-Za-z\u0080-\u{10ffff}]/u;
const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const tokensOf = (text: string): string[] => text.toLowerCase().match(new RegExp(`${isToken.source}+`, 'gu')) ?? [];
/** A pattern as an expression: `many` and `one` for `*` and `?`. */
const globbed = (text: string, many: string, one: string): string =>
  Array.from(text, sign => (sign === '*' ? many : sign === '?' ? one : escape(sign))).join('');

/** Words apart from each other as Lucene counts: one between them costs 1, the other way round 2. */
function isNear(message: string, [first, second]: [string, string], slop: number): boolean {
  const all = tokensOf(message);
  return all.some(
    (a, i) =>
      a === first.toLowerCase() &&
      all.some((b, j) => i !== j && b === second.toLowerCase() && Math.abs(j - i - 1) <= slop),
  );
}

/** Letters put in, left out, changed, or two beside each other swapped (each once). */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : i)),
  );
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1);
      (rows[i] ?? [])[j] = best;
    }
  return at(a.length, b.length);
}

function meets(test: Test, value: string): boolean {
  const number = /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  switch (test.op) {
    case 'equal':
      return value === test.text;
    case 'glob':
      return new RegExp(`^(?:${globbed(test.text, '.*', '.')})$`, 'su').test(value);
    case 'regex':
      return new RegExp(`^(?:${test.text})$`, 'su').test(value);
    case 'one of':
      return test.values.includes(value);
    case 'there':
      return true;
    case 'between':
      return test.open ? number > test.low && number < test.high : number >= test.low && number <= test.high;
    case '>':
      return number > test.amount;
    case '>=':
      return number >= test.amount;
    case '<':
      return number < test.amount;
    case '<=':
      return number <= test.amount;
  }
}

function holds(ask: Ask, of: Sample): boolean {
  const { message } = recordOf(of);
  switch (ask.is) {
    case 'word':
      return tokensOf(message).includes(ask.text.toLowerCase());
    case 'phrase':
      return message.toLowerCase().includes(ask.text.toLowerCase());
    case 'wild': {
      const [begin, end] = [
        ask.text.startsWith('*') ? '' : `(?<!${isToken.source})`,
        ask.text.endsWith('*') ? '' : `(?!${isToken.source})`,
      ];
      const inner = ask.text.replace(/^\*/, '').replace(/\*$/, '');
      return new RegExp(`${begin}${globbed(inner, '\\S*', '\\S')}${end}`, 'iu').test(message);
    }
    case 'regex':
      return new RegExp(ask.text, 'u').test(message);
    case 'near':
      return isNear(message, ask.words, ask.slop);
    case 'fuzzy':
      return tokensOf(message).some(
        token => token.length > ask.edits && distance(token, ask.text.toLowerCase()) <= ask.edits,
      );
    case 'field': {
      const value = of.fields[ask.name];
      return value !== undefined && (meets(ask.test, value) || (of.place === 'list' && meets(ask.test, 'other')));
    }
    case 'and':
      return ask.items.every(item => holds(item, of));
    case 'or':
      return ask.items.some(item => holds(item, of));
    case 'not':
      return !holds(ask.item, of);
  }
}

/** What can be written, with the ways to write it. */
type Written = { ask: Ask; text: string };
const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
const isPlain = (text: string): boolean => /^[\w.é-]+$/.test(text) && !/^(?:and|or|not)$/i.test(text);
const only = fc.constantFrom<(typeof words)[number][]>(
  'error',
  'timeout',
  'Connection',
  'refused',
  'retry',
  'a',
  'size',
  'kiosk',
  '404',
  'user',
  'x1',
);
const field = (name: string, test: Test): Ask => ({ is: 'field', name, test });

const text: fc.Arbitrary<Written> = fc.oneof(
  only.chain(word =>
    fc
      .constantFrom(
        word,
        word.toUpperCase(),
        `message:${word}`,
        `+${word}`,
        `(${word})`,
        ...(/\d/.test(word) ? [] : [`${word}^2`]),
      )
      .map(t => ({ ask: { is: 'word', text: word } as Ask, text: t })),
  ),
  line.map(t => ({ ask: { is: 'phrase', text: t } as Ask, text: quote(t) })),
  fc
    .tuple(fc.constantFrom(...words), fc.constantFrom('-', '/', '.'), fc.constantFrom(...words))
    .chain(([a, sign, b]) => {
      const joined = `${a}${sign}${b}`;
      return fc
        .constantFrom(quote(joined), `message:${quote(joined)}`)
        .map(t => ({ ask: { is: 'phrase', text: joined } as Ask, text: t }));
    }),
  fc
    .constantFrom('err*', '*fused', 're*y', 't?meout', '*o*', 'us*r', 'us?rs', 'ca*é', '*GR*', 'k*k', 'message:s?ze')
    .map(t => ({
      ask: { is: 'wild', text: t.replace('message:', '') } as Ask,
      text: t,
    })),
  fc
    .constantFrom('err.r', 'time(out|r)', '[A-Z]on', '^error', 'a$', '\\d{3}')
    .map(t => ({ ask: { is: 'regex', text: t } as Ask, text: `/${t}/` })),
  fc
    .tuple(only, only, fc.integer({ min: 1, max: 4 }))
    .filter(([a, b]) => a !== b)
    .map(([a, b, slop]) => ({ ask: { is: 'near', words: [a, b], slop } as Ask, text: `"${a} ${b}"~${slop}` })),
  fc
    .constantFrom<[string, number][]>(
      ['eror', 1],
      ['tiemout', 1],
      ['retrys', 1],
      ['usr', 1],
      ['refsd', 2],
      ['koisk', 1],
    )
    .map(([t, edits]) => ({ ask: { is: 'fuzzy', text: t, edits } as Ask, text: `${t}~${edits}` })),
);

const name = fc.constantFrom(...names);
const test: fc.Arbitrary<Written> = fc.oneof(
  fc.tuple(name, fc.constantFrom(...values)).chain(([n, value]) => {
    const one = field(n, { op: 'equal', text: value });
    const ways = [
      `${n}:${quote(value)}`,
      `${n}=${quote(value)}`,
      `${n} = ${quote(value)}`,
      `${stored(n)}:${quote(value)}`,
      `${n}.keyword:${quote(value)}`,
    ];
    if (!value.includes("'") && !value.includes('\\')) ways.push(`${n}='${value}'`);
    if (isPlain(value)) ways.push(`${n}:${value}`, `${n}:IN [${value}]`, `${n}==${value}`);
    // A sign before a value leaves it out there.
    if (isPlain(value) && !value.startsWith('-')) ways.push(`${n}:(${value})`);
    const without = [
      `${n}!=${quote(value)}`,
      `-${n}:${quote(value)}`,
      `NOT ${n}:${quote(value)}`,
      `!${n}:${quote(value)}`,
    ];
    return fc.oneof(
      fc.constantFrom(...ways).map(t => ({ ask: one, text: t })),
      fc.constantFrom(...without).map(t => ({ ask: { is: 'not', item: one } as Ask, text: t })),
    );
  }),
  fc
    .tuple(name, fc.uniqueArray(fc.constantFrom(...values), { minLength: 2, maxLength: 3 }))
    .chain(([n, list]) =>
      fc
        .constantFrom(
          `${n}:(${list.map(quote).join(' OR ')})`,
          `${n}:(${list.map(quote).join(' ')})`,
          `${n}:IN [${list.map(quote).join(' ')}]`,
          `(${list.map(v => `${n}:${quote(v)}`).join(' or ')})`,
        )
        .map(t => ({ ask: field(n, { op: 'one of', values: list }), text: t })),
    ),
  fc.tuple(name, fc.constantFrom('G*', '*e*', '?ET', '4*4', 'Ann*', '*\\*b', 'a\\?b', 'ends\\*')).map(([n, t]) => ({
    ask: t.includes('\\')
      ? field(n, {
          op: 'regex',
          text: globbed(
            t.replace(/\\[*?]/g, s => (s === '\\*' ? '\u0001' : '\u0002')),
            '.*',
            '.',
          )
            .replace('\u0001', '\\*')
            .replace('\u0002', '\\?'),
        })
      : field(n, { op: 'glob', text: t }),
    text: `${n}:${t}`,
  })),
  fc
    .tuple(name, fc.constantFrom('G.T', '[a-z]+', '\\d+', 'a.b|GET'))
    .chain(([n, t]) =>
      fc
        .constantFrom(`${n}:/${t}/`, `${n}=~${quote(t)}`)
        .map(written => ({ ask: field(n, { op: 'regex', text: t }), text: written })),
    ),
  fc
    .tuple(name, fc.constantFrom('>', '>=', '<', '<='), fc.constantFrom(-3, 0, 7.5, 200, 404))
    .chain(([n, op, amount]) =>
      fc
        .constantFrom(`${n}:${op}${amount}`, `${n}${op}${amount}`, `${n} ${op} ${amount}`)
        .map(t => ({ ask: field(n, { op, amount }), text: t })),
    ),
  fc
    .tuple(name, fc.constantFrom(-3, 0, 7.5), fc.constantFrom(7.5, 200, 404), fc.boolean())
    .chain(([n, low, high, open]) => {
      const ask = field(n, { op: 'between', low, high, open });
      const ways = open
        ? [`${n}:{${low} TO ${high}}`]
        : [`${n}:[${low} TO ${high}]`, `${n}:${low}..${high}`, `(${n}:>=${low} ${n}:<=${high})`];
      // Several values of a list may each meet one of two conditions.
      return fc.constantFrom(...ways).map(t => ({ ask, text: t }));
    }),
  name.chain(n => fc.constantFrom(`${n}:*`, `_exists_:${n}`).map(t => ({ ask: field(n, { op: 'there' }), text: t }))),
  name.map(n => ({ ask: { is: 'not', item: field(n, { op: 'there' }) } as Ask, text: `_missing_:${n}` })),
);

const search: fc.Arbitrary<Written> = fc.letrec<{ all: Written }>(tie => ({
  all: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: text },
    { weight: 3, arbitrary: test },
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          fc.array(tie('all'), { minLength: 2, maxLength: 3 }),
          fc.constantFrom(' ', ' AND ', ' && ', ' OR ', ' || '),
        )
        .map(([items, sign]) => ({
          ask: { is: /OR|\|/.test(sign) ? 'or' : 'and', items: items.map(item => item.ask) } as Ask,
          text: `(${items.map(item => item.text).join(sign)})`,
        })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('all'), fc.constantFrom('NOT ', '-', '!'))
        .map(([item, sign]) => ({ ask: { is: 'not', item: item.ask } as Ask, text: `${sign}(${item.text})` })),
    },
  ),
})).all;

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;
const range = { start: String(t0), end: String(t0 + 10_000n * second) };
const samples = fc.sample(sample, { numRuns: 200, seed: Number(process.env.WEIR_TEST_SEED ?? 7) });

let server: QueryServer;
beforeAll(async () => {
  server = await startQueryServer();
  const records = samples.map((one, i) => ({ ts: t0 + BigInt(i) * second, ...recordOf(one) }));
  await server.store.tick(records.slice(0, 120));
  await server.store.seal();
  await server.store.tick(records.slice(120));
});
afterAll(() => server.close());

it('finds what the guide says', async () => {
  await fc.assert(
    fc.asyncProperty(search, async ({ ask, text: query }) => {
      const frames = await server.frames('/api/v1/query', { ...range, query, limit: 1000, direction: 'forward' });
      const last = frames.at(-1);
      expect(last?.type, `${query}: ${JSON.stringify(last)}`).toBe('end');
      const found = frames.flatMap(frame =>
        frame.type === 'rows' ? frame.rows.map(row => Number((BigInt(row.ts) - t0) / second)) : [],
      );
      const wanted = samples.flatMap((one, i) => (holds(ask, one) ? [i] : []));
      const shown = (list: readonly number[]): string[] =>
        list.map(i => `${i} ${JSON.stringify(samples[i] && recordOf(samples[i]))}`);
      expect({
        query,
        more: shown(found.filter(i => !wanted.includes(i))),
        less: shown(wanted.filter(i => !found.includes(i))),
      }).toEqual({ query, more: [], less: [] });
    }),
    { numRuns: 200 },
  );
}, 120_000);
