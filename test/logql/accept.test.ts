import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WeirError } from '../../src/base/errors.ts';
import { parseQuery } from '../../src/language/parser.ts';
import { printQuery } from '../../src/language/print.ts';

/** Sections of a table: `== name`, then a query a line. */
function sections(file: string): [string, string[]][] {
  const [, ...parts] = readFileSync(join(import.meta.dirname, file), 'utf8').split(/^== /m);
  return parts.map(part => {
    const [name = '', ...queries] = part.split('\n').filter(line => line !== '');
    return [name, queries.map(query => query.replaceAll('§', '{app="a"}'))];
  });
}

function faultOf(query: string): unknown {
  try {
    return parseQuery(query) && 'accepted';
  } catch (error) {
    return error;
  }
}

describe.each(sections('accepted.txt'))('accepted: %s', (_, queries) => {
  test.each(queries)('%s', query => {
    const tree = parseQuery(query);
    expect(parseQuery(printQuery(tree))).toEqual(tree);
  });
});

function expectRefused(query: string): void {
  const fault = faultOf(query);
  expect(fault).toBeInstanceOf(WeirError);
  const { message, code, line, column } = fault as WeirError;
  expect(message).toMatch(/^parse error(?: at line \d+, col \d+)? ?: \S/);
  expect(code).toBe('bad_query');
  expect([line, column]).toEqual([expect.any(Number), expect.any(Number)]);
}

describe.each(sections('refused.txt'))('refused: %s', (_, queries) => {
  test.each(queries)('%s', expectRefused);
});

describe.each(sections('not-run.txt'))('well-formed, not run: %s', (_, queries) => {
  test.each(queries)('%s', query => {
    expectRefused(query);
    const tree = parseQuery(query, { formOnly: true });
    expect(parseQuery(printQuery(tree), { formOnly: true })).toEqual(tree);
  });
});
