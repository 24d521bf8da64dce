import { describe, expect, it } from 'vitest';
import { joinKeysOf, sentKey } from './join-keys.ts';

const keys = (...values: (string | null)[]): unknown[] =>
  joinKeysOf(JSON.stringify(values)).map(key => JSON.parse(key) as unknown);

describe('join keys', () => {
  it('are one for each combination of values', () => {
    expect(keys('n', '["a","b"]', '[1,2.5]')).toEqual([
      ['n', 'a', '1'],
      ['n', 'a', '2.5'],
      ['n', 'b', '1'],
      ['n', 'b', '2.5'],
    ]);
  });

  it('have each value once, without nulls and objects, to the last digit', () => {
    expect(keys('["a",null,"a",["b",{"c":1}],true]')).toEqual([['a'], ['b'], ['true']]);
    expect(keys('[9007199254740993]')).toEqual([['9007199254740993']]);
  });

  it('leave other values as they are, also such as begin like an array', () => {
    expect(keys('a', null, '')).toEqual([['a', null, '']]);
    expect(keys('[12:30] started')).toEqual([['[12:30] started']]);
    expect(keys('say "[a]"')).toEqual([['say "[a]"']]);
  });

  it('are limited for one event', () => {
    const many = JSON.stringify(Array.from({ length: 40 }, (_, i) => i));
    expect(() => keys(many, many)).toThrow(/1600 combinations of values to join by, at most 1000/);
  });

  it('are shown as they were sent', () => {
    expect(sentKey([1, 2], '2')).toBe(2);
    expect(sentKey(['2', 2], '2')).toBe('2');
    expect(sentKey('x', 'x')).toBe('x');
    expect(sentKey(undefined, 'x')).toBe('x');
    expect(sentKey(null, null)).toBeNull();
  });
});
