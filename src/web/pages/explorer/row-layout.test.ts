import { expect, test } from 'vitest';
import { rowWindow, uniformLayout, variableLayout, wrappedLines } from './row-layout.ts';

test('uniform rows', () => {
  const layout = uniformLayout(100_000, 20);
  expect([layout.total, layout.top(5), layout.at(99), layout.at(100), layout.at(-7), layout.at(1e9)]).toEqual([
    2_000_000, 100, 4, 5, 0, 99_999,
  ]);
  expect(rowWindow(layout, 1_000, 400, 4)).toEqual({ from: 46, to: 75 });
  expect(rowWindow(layout, 0, 400, 4)).toEqual({ from: 0, to: 25 });
  expect(rowWindow(layout, 2_000_000 - 400, 400, 4)).toEqual({ from: 99_976, to: 100_000 });
  expect(rowWindow(uniformLayout(0, 20), 0, 400, 4)).toEqual({ from: 0, to: 0 });
});

test('variable rows agree with adding up', () => {
  const heights = Array.from({ length: 1_000 }, (_, i) => 16 + ((i * 7) % 5) * 16);
  const layout = variableLayout(heights);
  let top = 0;
  heights.forEach((height, i) => {
    expect([layout.top(i), layout.height(i), layout.at(top), layout.at(top + height - 1)]).toEqual([top, height, i, i]);
    top += height;
  });
  expect(layout.total).toBe(top);
  expect(variableLayout([]).at(10)).toBe(0);
});

test('wrapped lines on a grid', () => {
  expect(wrappedLines('', 80)).toBe(1);
  expect(wrappedLines('x'.repeat(80), 80)).toBe(1);
  expect(wrappedLines('x'.repeat(81), 80)).toBe(2);
  expect(wrappedLines('a\n\nb', 80)).toBe(3);
  expect(wrappedLines('漢'.repeat(41), 80)).toBe(2);
  expect(wrappedLines('👩'.repeat(40), 80)).toBe(1);
});
