import { describe, expect, it } from 'vitest';
import { SampleCollector } from './samples.ts';
import type { Candidate } from './sequence-matcher.ts';

/** An event with a key that meets conditions. */
const event = (seq: number, key: unknown[], ...bits: number[]): Candidate => ({
  ns: BigInt(seq),
  id: { seq: BigInt(seq), ns: BigInt(seq) },
  meets: bit => bits.includes(bit),
  keys: () => [JSON.stringify(key)],
});

function samples(conditions: number, perKey: number, ...events: Candidate[]): string[] {
  const steps = Array.from({ length: conditions }, (_, bit) => ({ bit, key: 'k' }));
  const collector = new SampleCollector(steps, perKey);
  for (const one of events) collector.push(one);
  return collector.matches().map(match => `${match.key}: ${match.events.map(e => e?.seq).join(',')}`);
}

describe('samples', () => {
  it('are in order of their keys: missing, numbers by value, texts', () => {
    const keys = [['a'], ['10'], [null], ['9'], ['A'], ['-1.5'], ['1a']];
    expect(samples(1, 1, ...keys.map((key, i) => event(i, key, 0)))).toEqual([
      '[null]: 2',
      '["-1.5"]: 5',
      '["9"]: 3',
      '["10"]: 1',
      '["1a"]: 6',
      '["A"]: 4',
      '["a"]: 0',
    ]);
    expect(samples(1, 1, event(1, ['b', '2'], 0), event(2, ['a', '3'], 0), event(3, ['b', null], 0))).toEqual([
      '["a","3"]: 2',
      '["b",null]: 3',
      '["b","2"]: 1',
    ]);
  });

  it('take different events for all conditions, where that is possible', () => {
    expect(samples(3, 1, event(1, ['k'], 0, 1, 2), event(2, ['k'], 0, 1), event(3, ['k'], 0))).toEqual([
      '["k"]: 3,2,1',
    ]);
    expect(samples(2, 1, event(1, ['k'], 0, 1))).toEqual([]);
    expect(samples(2, 2, event(1, ['k'], 0, 1), event(2, ['k'], 1), event(3, ['k'], 0), event(4, ['k'], 1))).toEqual([
      '["k"]: 1,2',
      '["k"]: 3,4',
    ]);
  });

  it('take of the first condition the first event that leaves enough for the others, then of the second', () => {
    expect(samples(2, 1, event(1, ['k'], 0), event(2, ['k'], 0, 1), event(3, ['k'], 0, 1))).toEqual(['["k"]: 1,2']);
    expect(samples(3, 1, event(1, ['k'], 0, 1), event(2, ['k'], 0, 1, 2), event(3, ['k'], 0, 1, 2))).toEqual([
      '["k"]: 1,2,3',
    ]);
    expect(samples(2, 1, event(1, ['k'], 0, 1), event(2, ['k'], 0))).toEqual(['["k"]: 2,1']);
  });

  it('takes no time to find that nothing fits', () => {
    const many = Array.from({ length: 4000 }, (_, i) => event(i, ['k'], 0));
    const began = performance.now();
    expect(samples(3, 1000, ...many, event(9000, ['k'], 1, 2))).toEqual([]);
    expect(performance.now() - began).toBeLessThan(500);
  });
});
