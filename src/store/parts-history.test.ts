import { expect, it } from 'vitest';
import { PartsHistory, type RecordFacts } from './parts-history.ts';

const of = (from: bigint, to: bigint, more: Partial<RecordFacts> = {}): RecordFacts => ({
  from,
  to,
  tenants: ['a'],
  named: true,
  ...more,
});

it('tells what came since a generation, and nothing once records may have gone', () => {
  const history = new PartsHistory();
  const before = history.view(true);
  history.added(of(10n, 20n));
  history.added(of(5n, 6n));
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
  for (let i = 0n; i < 2_000n; i++) history.added(of(i, i));
  expect(history.view(true).since(first)).toBeUndefined();
  expect(history.view(true).since(history.generation - 5)).toHaveLength(5);
});

it('knows between which times all records lie, those included that came while it was learnt', () => {
  const history = new PartsHistory();
  const generation = history.generation;
  history.added(of(100n, 200n));
  expect(history.view(true).times).toBeUndefined();
  history.learnt(generation, of(120n, 130n));
  expect(history.view(true).times).toEqual({ from: 100n, to: 200n });
  history.added(of(50n, 60n));
  history.lost();
  expect(history.view(true).times).toEqual({ from: 50n, to: 200n });
  history.reset();
  expect(history.view(true).times).toBeUndefined();
  // What was asked before other parts came says nothing about them.
  history.learnt(generation, of(1n, 2n));
  expect(history.view(true).times).toBeUndefined();
});

it('an empty store has no bounds to compare', () => {
  const history = new PartsHistory();
  history.learnt(history.generation, undefined);
  const empty = history.view(true).times;
  expect(empty && empty.from > empty.to).toBe(true);
  history.added(of(3n, 4n));
  expect(history.view(true).times).toEqual({ from: 3n, to: 4n });
});

it('knows whose all records are, and whether each has a service', () => {
  const history = new PartsHistory();
  const known = (): unknown[] => [history.view(true).tenant, history.view(true).named];
  const generation = history.generation;
  history.added(of(1n, 2n));
  expect(known()).toEqual([undefined, undefined]);
  history.learnt(generation, undefined);
  expect(known()).toEqual(['a', true]);
  history.added(of(1n, 2n));
  // Of a seal without records nothing can be said.
  history.added(of(0n, 0n, { tenants: [], named: true }));
  expect([...known(), history.view(true).times]).toEqual(['a', true, { from: 1n, to: 2n }]);
  history.added(of(1n, 2n, { named: false }));
  expect(known()).toEqual(['a', false]);
  history.added(of(1n, 2n, { tenants: ['b'] }));
  expect(known()).toEqual([undefined, false]);
  history.added(of(1n, 2n));
  expect(known()).toEqual([undefined, false]);
  history.reset();
  expect(known()).toEqual([undefined, undefined]);
  history.learnt(history.generation, of(1n, 2n, { tenants: ['a', 'b'] }));
  expect(known()).toEqual([undefined, true]);
});
