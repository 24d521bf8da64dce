import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, SequenceMatcher, type SequencePlan } from './sequence-matcher.ts';

/** An event: time, the conditions it meets (letters a to h are bits 0 to 7), its join keys. */
type TestEvent = { ns: number; meets: string; key: string | string[]; other?: string };

const bitOf = (letter: string): number => letter.charCodeAt(0) - 97;

/** `'a !b c'`: steps; `u` is the until condition when given. */
function planOf(steps: string, options: { until?: string; maxspan?: number; keys?: string[] } = {}): SequencePlan {
  return {
    steps: steps.split(' ').map((step, i) => ({
      bit: bitOf(step.replace('!', '')),
      missing: step.startsWith('!'),
      key: options.keys?.[i] ?? 'k0',
    })),
    ...(options.until && { until: { bit: bitOf(options.until), key: 'k0' } }),
    ...(options.maxspan !== undefined && { maxspan: BigInt(options.maxspan) }),
  };
}

const candidate = (event: TestEvent, index: number): Candidate => ({
  ns: BigInt(event.ns),
  id: { seq: BigInt(index), ns: BigInt(event.ns) },
  meets: bit => Array.from(event.meets, bitOf).includes(bit),
  keys: key => (key === 'k1' ? [event.other ?? ''] : [event.key].flat()),
});

/** Matches as indexes of events; `-` where one is missing. */
function run(plan: SequencePlan, events: TestEvent[], heldMax?: number): { found: string[]; overflowed: boolean } {
  const found: string[] = [];
  const matcher = new SequenceMatcher(
    plan,
    match => {
      found.push(match.events.map(e => (e === undefined ? '-' : String(e.seq))).join(','));
      return true;
    },
    heldMax,
  );
  const whole = events.every((event, i) => matcher.push(candidate(event, i)));
  if (whole) matcher.finish();
  return { found, overflowed: matcher.overflowed };
}

/** Events one nanosecond apart, all of one key: `'a b ab'`. */
const stream = (text: string, key = 'k'): TestEvent[] =>
  text.split(' ').map((meets, ns) => ({ ns, meets: meets === '.' ? '' : meets, key }));

/**
 * The rule once more, told another way: slots of whole paths, everything else looked up in the list of all events when it is needed.
 */
function reference(plan: SequencePlan, events: TestEvent[]): string[] {
  const all = events.map(candidate);
  const positive = plan.steps.filter(step => !step.missing);
  const slots = new Map<string, number[] | undefined>();
  const complete: { key: string; path: number[] }[] = [];
  const at = (i: number): Candidate => {
    const event = all[i];
    if (event === undefined) throw new Error('no such event');
    return event;
  };
  const between = (condition: { bit: number; key: string }, key: string, low: number, high: number): boolean =>
    all.some(
      (event, i) => i >= low && i < high && event.meets(condition.bit) && event.keys(condition.key).includes(key),
    );
  all.forEach((event, now) => {
    for (let i = positive.length - 1; i >= 0; i--) {
      const step = positive[i];
      if (step === undefined || !event.meets(step.bit)) continue;
      for (const key of event.keys(step.key)) {
        let path: number[] | undefined = [];
        if (i > 0) {
          path = slots.get(`${i - 1} ${key}`);
          slots.delete(`${i - 1} ${key}`);
          if (path === undefined) continue;
          if (plan.maxspan !== undefined && event.ns - at(path[0] ?? 0).ns > plan.maxspan) continue;
          if (plan.until && between(plan.until, key, path.at(-1) ?? 0, now)) continue;
        }
        const next = [...path, now];
        if (i === positive.length - 1) complete.push({ key, path: next });
        else slots.set(`${i} ${key}`, next);
      }
    }
  });
  return complete.flatMap(({ key, path }) => {
    const left = [...path];
    const written: string[] = [];
    const leading: bigint[] = [];
    const trailing: bigint[] = [];
    let before: number | undefined;
    for (const step of plan.steps) {
      if (!step.missing) {
        before = left.shift();
        written.push(String(before));
        continue;
      }
      written.push('-');
      const [after] = left;
      const times = all.filter(e => e.meets(step.bit) && e.keys(step.key).includes(key)).map(e => e.ns);
      const low = before === undefined ? undefined : at(before).ns;
      const high = after === undefined ? undefined : at(after).ns;
      const inside = times.filter(ns => (low === undefined || ns > low) && (high === undefined || ns < high));
      if (low === undefined) leading.push(...inside);
      else if (high === undefined) trailing.push(...inside);
      else if (inside.length > 0) return [];
    }
    const starts = plan.steps[0]?.missing ? leading : [at(path[0] ?? 0).ns];
    const ends = plan.steps.at(-1)?.missing ? trailing : [at(path.at(-1) ?? 0).ns];
    const hasEnds = plan.steps[0]?.missing === true || plan.steps.at(-1)?.missing === true;
    const within = starts.some(start => ends.some(end => end - start <= (plan.maxspan ?? 0n)));
    return hasEnds && within ? [] : [written.join(',')];
  });
}

describe('a sequence', () => {
  it.each([
    ['two steps', 'a b', 'a b', ['0,1']],
    ['in order only', 'a b', 'b a', []],
    ['nearest first step wins', 'a b', 'a a b', ['1,2']],
    ['a match moves, it is not copied', 'a b', 'a b b', ['0,1']],
    ['one event is one step', 'a a', 'a a a', ['0,1', '1,2']],
    ['one event that meets both does not match alone', 'a b', 'ab', []],
    ['last step first: an event ends one match and begins another', 'a b', 'a ab b', ['0,1', '1,2']],
    ['three steps', 'a b c', 'a b a c b c', ['0,1,3', '2,4,5']],
    ['a later prefix replaces an earlier one', 'a b c', 'a b a b c', ['2,3,4']],
    ['partials coexist in different states', 'a b c', 'a b a c', ['0,1,3']],
    ['runs are steps', 'a a a b', 'a a a b', ['0,1,2,3']],
    ['runs slide', 'a a b', 'a a a b', ['1,2,3']],
    ['nothing', 'a b', '. .', []],
  ])('%s', (_, steps, text, found) => {
    expect(run(planOf(steps), stream(text)).found).toEqual(found);
  });

  it('keeps the keys apart', () => {
    const events = ['a1', 'a2', 'b2', 'b1', 'b1', 'a1', 'b2', 'b1'].map((e, ns) => ({
      ns,
      meets: e[0] ?? '',
      key: e[1] ?? '',
    }));
    expect(run(planOf('a b'), events).found).toEqual(['1,2', '0,3', '5,7']);
  });

  it('takes an event with several keys into the matches of each', () => {
    const events = [
      { ns: 0, meets: 'a', key: ['x', 'y'] },
      { ns: 1, meets: 'u', key: 'y' },
      { ns: 2, meets: 'b', key: ['z', 'y', 'x'] },
      { ns: 3, meets: 'b', key: 'y' },
    ];
    expect(run(planOf('a b'), events).found).toEqual(['0,2', '0,2']);
    expect(run(planOf('a b', { until: 'u' }), events).found).toEqual(['0,2']);
    expect(run(planOf('a !u b', { maxspan: 9 }), events).found).toEqual(['0,-,2']);
  });

  it('joins steps by keys of different fields', () => {
    const events = [
      { ns: 0, meets: 'a', key: 'x', other: 'n' },
      { ns: 1, meets: 'b', key: 'x', other: 'q' },
      { ns: 2, meets: 'b', key: 'y', other: 'x' },
    ];
    expect(run(planOf('a b', { keys: ['k0', 'k1'] }), events).found).toEqual(['0,2']);
  });

  it.each([
    [10, ['0,1']],
    [9, []],
  ])('maxspan is inclusive: %d', (maxspan, found) => {
    const events = [
      { ns: 0, meets: 'a', key: 'k' },
      { ns: 10, meets: 'b', key: 'k' },
    ];
    expect(run(planOf('a b', { maxspan }), events).found).toEqual(found);
  });

  it.each([
    ['between', 'a u b', []],
    ['before', 'u a b', ['0']],
    ['after', 'a b u', ['0']],
    ['at the last event: the match is complete', 'a bu', ['0']],
    ['at the first event: it is open', 'au b', []],
  ])('until %s', (_, text, found) => {
    const matched = run(planOf('a b', { until: 'u' }), stream(text)).found;
    expect(matched).toHaveLength(found.length);
  });

  it('until ends matches of its own key only', () => {
    const events = ['a1', 'a2', 'u1', 'b1', 'b2'].map((e, ns) => ({ ns, meets: e[0] ?? '', key: e[1] ?? '' }));
    expect(run(planOf('a b', { until: 'u' }), events).found).toEqual(['1,4']);
  });
});

describe('a missing event', () => {
  it.each([
    ['a !x b', 'a b', ['0,-,1']],
    ['a !x b', 'a x b', []],
    ['a !x b', 'x a b x', ['1,-,2']],
    ['a !x b', 'ax bx', ['0,-,1']],
    ['a !x b', 'a x a b', ['2,-,3']],
    ['a !x !y b', 'a b', ['0,-,-,1']],
    ['a !x !y b', 'a y b', []],
    ['!x a', 'a', ['-,0']],
    ['!x a', 'x . . . . a', []],
    ['!x a', 'x . . . . . a', ['-,6']],
    ['!x a', 'xa', ['-,0']],
    ['a !x', 'a', ['0,-']],
    ['a !x', 'a . . . . x', []],
    ['a !x', 'a . . . . . x', ['0,-']],
    ['a !x', 'x ax', ['1,-']],
    ['!x a !y b !z', 'a b', ['-,0,-,1,-']],
    ['!x a !y b !z', 'a b z', ['-,0,-,1,-']],
    ['!x a !y b !z', 'x a b', ['-,1,-,2,-']],
    ['!x a !y b !z', 'x a b z', []],
    ['!x a !y b !z', 'x a . b . z', []],
    ['!x a !y b !z', 'x a . b . . z', ['-,1,-,3,-']],
    ['!x a b', 'x a . . . b', []],
    ['!x a b', 'x a . . . . b', ['-,1,6']],
    ['!x a b', 'x . a . . . b', ['-,2,6']],
    ['a b !x', 'a . b . . x', []],
    ['a b !x', 'a . b . . . x', ['0,2,-']],
    ['a !x', 'a a x', []],
    ['a !x', 'a x a', ['2,-']],
  ])('%s over %s', (steps, text, found) => {
    expect(run(planOf(steps, { maxspan: 5 }), stream(text)).found).toEqual(found);
  });

  it('counts only with the key', () => {
    const events = ['a1', 'x2', 'b1'].map((e, ns) => ({ ns, meets: e[0] ?? '', key: e[1] ?? '' }));
    expect(run(planOf('a !x b', { maxspan: 5 }), events).found).toEqual(['0,-,2']);
  });
});

describe('memory', () => {
  it('stops, and says so, when open matches are too many', () => {
    const events = Array.from({ length: 100 }, (_, ns) => ({ ns, meets: 'a', key: `k${ns}` }));
    expect(run(planOf('a b'), events, 50)).toEqual({ found: [], overflowed: true });
  });

  it('forgets what is past maxspan', () => {
    const events = Array.from({ length: 10_000 }, (_, ns) => ({
      ns,
      meets: ns % 2 === 0 ? 'a' : 'x',
      key: `k${ns >> 1}`,
    }));
    events.push({ ns: 10_000, meets: 'a', key: 'z' }, { ns: 10_001, meets: 'b', key: 'z' });
    expect(run(planOf('a !x b !x', { maxspan: 10 }), events, 200)).toEqual({
      found: ['10000,-,10001,-'],
      overflowed: false,
    });
  });

  it('holds nothing for keys that are done', () => {
    const events = Array.from({ length: 1000 }, (_, ns) => ({
      ns,
      meets: ns % 2 === 0 ? 'a' : 'b',
      key: `k${ns >> 1}`,
    }));
    const { found, overflowed } = run(planOf('a b'), events, 20);
    expect([found.length, overflowed]).toEqual([500, false]);
  });
});

it('agrees with the rule told another way, on any steps and events', () => {
  const letters = ['a', 'b', 'c'];
  const step = fc
    .tuple(fc.boolean(), fc.constantFrom(...letters))
    .map(([missing, letter]) => (missing ? `!${letter}` : letter));
  const event = fc.record({
    gap: fc.constantFrom(0, 0, 1, 1, 2, 3),
    meets: fc.subarray(['a', 'b', 'c', 'd'], { maxLength: 4 }).map(l => l.join('')),
    key: fc.constantFrom<string | string[]>('1', '2', ['1', '2']),
    other: fc.constantFrom('1', '2'),
  });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 5 }).filter(steps => steps.some(s => !s.startsWith('!'))),
      fc.array(event, { maxLength: 40 }),
      fc.record({
        maxspan: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
        until: fc.boolean(),
        keys: fc.boolean(),
      }),
      (steps, raw, { maxspan, until, keys }) => {
        let ns = 0;
        const events = raw.map(({ gap, ...rest }) => ({ ...rest, ns: (ns += gap) }));
        const needed = steps.some(s => s.startsWith('!')) ? (maxspan ?? 5) : maxspan;
        const plan = planOf(steps.join(' '), {
          ...(needed !== undefined && { maxspan: needed }),
          ...(until && { until: 'd' }),
          ...(keys && { keys: steps.map((_, i) => (i % 2 === 0 ? 'k0' : 'k1')) }),
        });
        expect(run(plan, events).found).toEqual(reference(plan, events));
      },
    ),
    { numRuns: 3000 },
  );
});
