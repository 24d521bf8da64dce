import { expect, test } from 'vitest';
import { compileCondition } from './condition.ts';
import { printQuery } from './print.ts';
import { parseSearch } from './search-text.ts';

test.each([
  ['', '{}'],
  ['   ', '{}'],
  ['| json | status>=500', '{} | json | status>=500'],
  ['|= "x"', '{} |= "x"'],
  ['{app="a"} |= "x"', '{app="a"} |= "x"'],
  ['{}', '{}'],
  ['sum by (x) (rate({}[5m]))', 'sum by (x) (rate({} [5m]))'],
  ['100 * sum(rate({}[5m]))', '100 * sum(rate({} [5m]))'],
  ['"connection refused"', '{} |~ "(?i)connection refused"'],
  ['10.0.0.1', '{} |~ "(?i)10\\\\.0\\\\.0\\\\.1"'],
  ['"say \\"hi\\""', '{} |~ "(?i)say \\"hi\\""'],
])('%s -> %s', (text, logql) => expect(printQuery(parseSearch(text))).toBe(logql));

test('words are whole tokens by the index, in any case', () => {
  const logql = printQuery(parseSearch('Error timeout'));
  expect(compileCondition(logql)).toBe(
    "(hasAllTokens(lower(message), ['error'])) AND (hasAllTokens(lower(message), ['timeout']))",
  );
});

test('a search for a number or a lone word is no metric query', () => {
  for (const text of ['404', 'rate', 'sum of parts', 'count']) expect(parseSearch(text).kind).toBe('logs');
});

test('broken LogQL is a fault, not words', () => {
  expect(() => parseSearch('{app=')).toThrow('parse error at line 1, col 6');
  expect(() => parseSearch('| json | x >')).toThrow('parse error at line 1, col 13');
  expect(() => parseSearch('sum(rate({}[5m])')).toThrow('parse error at line 1, col 17');
});
