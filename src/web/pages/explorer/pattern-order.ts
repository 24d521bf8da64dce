import type { PatternsAnswer } from '../../../query/contract.ts';

type Pattern = PatternsAnswer['patterns'][number];
export type OrderedPattern = Pattern & {
  /** Began within the range. */
  isNew: boolean;
  /** When it began to come often, ns since 1970: at most one of twenty of its records came before, by chance. */
  began: string;
};

/** Odds of chance below which a pattern counts as new: low, since hundreds of patterns are tried and lines come in bursts. */
const chanceMax = 0.0001;
/** Lines are of a template once they are stored, half a minute after they came. */
const tailNs = 60_000_000_000n;

/**
 * Which patterns began within the range: those that had no record yet when so large a share of all records was there that chance would have brought one,
 * were they as old as the rest: (1 - share)^records. Shares of records and not of time, so that a quiet night makes nothing new. What
 * came within the last minute and is of no template yet may be of an old one.
 */
export function markNew({ patterns, step, end }: Pick<PatternsAnswer, 'patterns' | 'step' | 'end'>): OrderedPattern[] {
  const settled = BigInt(end) - tailNs;
  const counts = new Map<number, number>();
  for (const { series } of patterns) for (const [t, n] of series) counts.set(t, (counts.get(t) ?? 0) + n);
  const times = [...counts.keys()].toSorted((a, b) => a - b);
  const all = times.reduce((sum, t) => sum + (counts.get(t) ?? 0), 0);
  return patterns.map(pattern => {
    const first = Number(BigInt(pattern.first) / 1_000_000n) / 1000;
    let before = 0;
    // Whole buckets only: what is in the bucket of the first record may have come behind it.
    for (const t of times) if (t + step <= first) before += counts.get(t) ?? 0;
    return {
      ...pattern,
      began: beganOf(pattern, step, first),
      isNew:
        (pattern.mined || BigInt(pattern.first) < settled) &&
        all > 0 &&
        (1 - before / all) ** pattern.total < chanceMax,
    };
  });
}

function beganOf(pattern: Pattern, step: number, first: number): string {
  let seen = 0;
  for (const [t, n] of pattern.series) {
    seen += n;
    if (seen > pattern.total / 20) return t <= first && first < t + step ? pattern.first : `${t}000000000`;
  }
  return pattern.first;
}

/** What is new in the order in which it began, so that causes stand before their effects; then the rest as it was. */
export const newFirst = (patterns: readonly OrderedPattern[]): OrderedPattern[] => [
  ...patterns
    .filter(pattern => pattern.isNew)
    .toSorted((a, b) => (a.began === b.began ? 0 : BigInt(a.began) < BigInt(b.began) ? -1 : 1)),
  ...patterns.filter(pattern => !pattern.isNew),
];
