import { expect, it } from 'vitest';
import { PartsHistory } from './parts-history.ts';

it('tells what came since a generation, and nothing once records may have gone', () => {
  const history = new PartsHistory();
  const before = history.view(true);
  history.added(10n, 20n);
  history.added(5n, 6n);
  expect(
    history
      .view(false)
      .since(before.generation)
      ?.map(({ from, to }) => [from, to]),
  ).toEqual([
    [10n, 20n],
    [5n, 6n],
  ]);
  expect(history.view(false).since(history.generation)).toEqual([]);
  history.lost();
  expect(history.view(false).since(before.generation)).toBeUndefined();
  expect(history.view(false).since(history.generation)).toEqual([]);
});

it('forgets the oldest changes rather than to grow', () => {
  const history = new PartsHistory();
  const first = history.generation;
  for (let i = 0n; i < 2_000n; i++) history.added(i, i);
  expect(history.view(true).since(first)).toBeUndefined();
  expect(history.view(true).since(history.generation - 5)).toHaveLength(5);
});

it('knows between which times all records lie, those included that came while it was learnt', () => {
  const history = new PartsHistory();
  const generation = history.generation;
  history.added(100n, 200n);
  expect(history.view(true).times).toBeUndefined();
  history.learnt(generation, { from: 120n, to: 130n });
  expect(history.view(true).times).toEqual({ from: 100n, to: 200n });
  history.added(50n, 60n);
  history.lost();
  expect(history.view(true).times).toEqual({ from: 50n, to: 200n });
  history.reset();
  expect(history.view(true).times).toBeUndefined();
  // What was asked before other parts came says nothing about them.
  history.learnt(generation, { from: 1n, to: 2n });
  expect(history.view(true).times).toBeUndefined();
});

it('an empty store has no bounds to compare', () => {
  const history = new PartsHistory();
  history.learnt(history.generation, undefined);
  const empty = history.view(true).times;
  expect(empty && empty.from > empty.to).toBe(true);
  history.added(3n, 4n);
  expect(history.view(true).times).toEqual({ from: 3n, to: 4n });
});
