import { expect, test } from 'vitest';
import { cleanForLine, cleanForRow, cleanText, rowTextMax } from './clean-text.ts';

test('removes terminal sequences', () => {
  expect(cleanText('\u001b[31;1merror\u001b[0m plain \u001b]8;;http://x\u0007link\u001b]8;;\u0007')).toBe(
    'error plain link',
  );
  expect(cleanText('\u001b[38;2;1;2;3mcolour\u001b[K\u009b2Jend')).toBe('colourend');
});

test('shows what would be invisible or reorder text', () => {
  expect(cleanText('a\u0000b\u0007c\u007fd\re')).toBe('a<U+0000>b<U+0007>c<U+007F>d<U+000D>e');
  expect(cleanText('windows\r\nline\r')).toBe('windows\nline');
  expect(cleanText('user\u202egnp.exe\u200b')).toBe('user<U+202E>gnp.exe<U+200B>');
});

test('keeps ordinary text of any script, tabs and newlines', () => {
  const text = 'naïve 漢字 שלום 👩‍👩‍👧 \ttab\nnext';
  expect(cleanText(text)).toBe(text);
});

test('cuts rows and says by how much', () => {
  expect(cleanForRow('x'.repeat(rowTextMax))).toHaveLength(rowTextMax);
  expect(cleanForRow('x'.repeat(rowTextMax + 12_345))).toMatch(/x… \(\+12,345 characters\)$/);
});

test('puts a record on one line', () => {
  expect(cleanForLine('a\n\tat b')).toBe('a↵ at b');
});
