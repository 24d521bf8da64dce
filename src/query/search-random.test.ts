import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import { WeirError } from '../base/errors.ts';
import { printQuery } from '../language/print.ts';
import { understand } from '../language/search-text.ts';

// Whatever is typed is understood or refused with a place; what is understood reads back as itself, and the engine takes it.

const t0 = 1_700_000_000_000_000_000n;
const range = { start: String(t0), end: String(t0 + 60_000_000_000n) };
let server: QueryServer;
beforeAll(async () => {
  server = await startQueryServer();
  await server.store.tick([
    { ts: t0, message: 'a1 {"x":1}', labels: { env: 'prod' }, attributes: { x: '1' } },
    { ts: t0, message: '{"x":"a\\"b","y":{"z":2}}' },
    { ts: t0, message: 'x=1 y="a b" \\ é' },
  ]);
  await server.store.seal();
});
afterAll(() => server.close());

const piece = fc.oneof(
  fc.constantFrom(
    'error', 'x', 'y.z:', 'x:', 'x=', 'x!=', 'x:>', 'x<=', 'AND', 'OR', 'NOT', 'and', 'or', 'not', '-', '+', '!', '(', ')', '"', '"a b"', '*', '?',
    'a*', 't?x', '/a.b/', '/(/', '[1 TO 5]', '{a TO *]', '[', '1.5s', '10MB', '10.0.0.0/8', 'level:', 'warn', 'timestamp:', 'now-1h', '2026-05-01', 'message:',
    'anywhere:', 'service:', '_exists_:', '|', '||', '&&', '\\', "'", "'q'", 'user-4711', '4bf92f3577b34da6a3ce929d0e0e4736', ':', '=', '~', '~2', '^2', '=~"a"', '{', '}',
  ), // biome-ignore format: a table
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const text = fc
  .array(fc.tuple(piece, fc.constantFrom('', ' ', ' ')), { maxLength: 9 })
  .map(parts => parts.flat().join(''));

function read(typed: string): ReturnType<typeof understand> | undefined {
  try {
    return understand(typed, t0);
  } catch (error) {
    if (error instanceof WeirError && error.code === 'bad_query') return undefined;
    throw error;
  }
}

it('is understood or refused with a place, and reads back as itself', () => {
  fc.assert(
    fc.property(text, typed => {
      // A refusal has to be a WeirError; the empty text stands for it from there on.
      const { query, reading = '' } = read(typed) ?? understand('');
      const logql = printQuery(query);
      expect(understand(reading, t0).reading ?? '').toBe(reading);
      expect(printQuery(understand(logql, t0).query)).toBe(logql);
    }),
    { numRuns: 3000 },
  );
});

it('never fails in the engine', async () => {
  await fc.assert(
    fc.asyncProperty(text, async query => {
      const reply = await server.post('/api/v1/query', { ...range, query });
      const body = await reply.text();
      expect([200, 400], `${query}\n${body}`).toContain(reply.status);
      expect(body, query).not.toContain('"type":"error"');
    }),
    { numRuns: 120 },
  );
}, 60_000);
