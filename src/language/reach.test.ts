import { expect, test } from 'vitest';
import { parseQuery } from './parser.ts';
import { reachOf } from './reach.ts';
import { isLogQuery } from './tree.ts';

const second = 1_000_000_000n;
const reach = (text: string): bigint[] | undefined => {
  const query = parseQuery(text);
  if (isLogQuery(query)) throw new Error('not a metric query');
  const found = reachOf(query);
  return found && [found.longest / second, found.shortest / second];
};

test.each([
  ['rate({a="b"}[5m])', [300n, 0n]],
  ['rate({a="b"}[5m] offset 1m)', [360n, 60n]],
  ['sum(rate({a="b"}[1m] offset 1h)) / sum(rate({a="b"} | json | x > 1 [10m]))', [3660n, 0n]],
  ['label_replace(topk(2, count_over_time({a="b"} | line_format "{{.x}}" [1m])), "x", "$1", "y", "(.*)")', [60n, 0n]],
] as const)('%s', (text, expected) => {
  expect(reach(text)).toEqual(expected);
});

test('an answer that depends on more than records has none', () => {
  expect(reach('vector(1)')).toBeUndefined();
  expect(reach('count_over_time({a="b"} | search "error" [1m])')).toBeUndefined();
});
