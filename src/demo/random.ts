/** A seeded source of chance: the same seed gives the same sample data on every machine. Not for secrets. */
export type Random = {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [low, high]. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Lower-case hex of `digits` characters; a multiple of 8. */
  hex(digits: 8 | 16 | 32): string;
  /** Long-tailed positive number with the given median, as latencies are. */
  skewed(median: number): number;
};

/** Mulberry32: 32 bits of state, plenty for sample data and a few nanoseconds per number. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const next = (): number => word() / 4294967296;
  const hex8 = (): string => (word() + 0x100000000).toString(16).slice(1);
  return {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: probability => next() < probability,
    pick: list => list[Math.floor(next() * list.length)] as (typeof list)[number],
    hex: digits => {
      let text = '';
      while (text.length < digits) text += hex8();
      return text;
    },
    skewed: median => median * Math.exp((next() + next() + next() - 1.5) * 1.3),
  };
}
