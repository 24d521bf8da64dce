import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { functionNames } from './functions.ts';
import { parseEql } from './parser.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../../docs/eql.md'), 'utf8');

it('the queries of the guide are queries', () => {
  const [block = ''] = guide.match(/(?<=```\n)sequence[^`]+/) ?? [];
  const commands = Array.from(guide.matchAll(/^weir eql '([^']+)'/gm), ([, query = '']) => query);
  const [, sent = ''] = /-d '(\{[^']+\})'/.exec(guide) ?? [];
  const queries = [block, ...commands, (JSON.parse(sent) as { query: string }).query];
  expect(queries.length).toBeGreaterThanOrEqual(4);
  for (const query of queries) expect(() => parseEql(query), query).not.toThrow();
});

it('the guide names every function', () => {
  for (const name of functionNames) expect(guide).toMatch(new RegExp(`\\b${name}\\b`));
});
