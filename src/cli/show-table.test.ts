import { expect, it } from 'vitest';
import { tableText } from './show-table.ts';
import { createPaint } from './terminal.ts';

const table = {
  columns: [
    { name: 'service', type: 'text' as const },
    { name: 'n', type: 'number' as const },
  ],
  rows: [
    ['web\u001b[31m', '12'],
    ['', ''],
    ['a longer\nname', '1e300'],
  ],
};
const paint = createPaint(false);

it('gives an object per row off a terminal, numbers as numbers', () => {
  expect(tableText(table, { format: 'ndjson', paint })).toBe(
    '{"service":"web\\u001b[31m","n":12}\n{"service":"","n":null}\n{"service":"a longer\\nname","n":1e+300}\n',
  );
});

it('shows no error of binary fractions to people, and every digit to programs', () => {
  const numbers = {
    columns: [{ name: 'p95', type: 'number' as const }],
    rows: [['803.0499999999998'], ['9007199254740993'], ['0.5']],
  };
  expect(tableText(numbers, { format: 'default', paint }).split('\n').slice(1, 4)).toEqual([
    '          803.05',
    '9007199254740993',
    '             0.5',
  ]);
  expect(tableText(numbers, { format: 'raw', paint })).toBe('803.0499999999998\n9007199254740993\n0.5\n');
});

it('aligns columns for people and lets no control character through', () => {
  const lines = tableText(table, { format: 'default', paint }).split('\n');
  expect(lines[0]).toMatch(/^service +n$/);
  expect(lines[3]).toMatch(/^a longer name +1e300$/);
  expect(lines.join('')).not.toContain('\u001b');
  expect(
    new Set(
      lines
        .slice(1, 4)
        .filter(line => /\d$/.test(line))
        .map(line => line.length),
    ).size,
  ).toBe(1);
  expect(tableText(table, { format: 'raw', paint }).split('\n')[2]).toBe('a longer name\t1e300');
});
