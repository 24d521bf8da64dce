import { expect, test } from 'vitest';
import { numberText, shortBytes, shortCount, shortSpan } from './format.ts';

test('counts', () => {
  expect([0, 950, 9_999, 12_345, 999_400, 2_310_004, 4e9].map(shortCount)).toEqual([
    '0',
    '950',
    '9,999',
    '12.3\u00a0k',
    '999\u00a0k',
    '2.31\u00a0M',
    '4.00\u00a0G',
  ]);
});

test('bytes', () => {
  expect([0, 999, 1_500, 72_000_000, 1.2e12].map(shortBytes)).toEqual(['0 B', '999 B', '1.5 kB', '72 MB', '1.2 TB']);
});

test('spans', () => {
  expect([12, 1_400, 2_000, 59_000, 200_000, 7_200_000, 356_400_000].map(shortSpan)).toEqual([
    '12 ms',
    '1.4 s',
    '2 s',
    '59 s',
    '3 m 20 s',
    '2 h',
    '4 d 3 h',
  ]);
});

test('numbers of answers', () => {
  expect(['12.116666666666667', '0.06666666', '1234567.25', '36735', '+Inf', 'NaN', '–', ''].map(numberText)).toEqual([
    '12.1167',
    '0.0666667',
    '1,234,567.25',
    '36,735',
    '+Inf',
    'NaN',
    '–',
    '',
  ]);
});
