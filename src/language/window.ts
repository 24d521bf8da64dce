/**
 * Which evaluation times a record counts for. Evaluation time k is `start + k * step`; its window is (T - range - offset, T - offset]:
 * lower bound exclusive, upper inclusive. All in ns.
 */
export type Evaluation = { startNs: bigint; endNs: bigint; stepNs: bigint };

export type Window = {
  /** Index of the last evaluation time. */
  last: bigint;
  /** Records outside (after, upTo] count for no evaluation time. */
  after: bigint;
  upTo: bigint;
  /** SQL over `ts` (ns): the slice of time a record falls in; slice = evaluation index when `spread` is absent. */
  slice: string;
  /** SQL over `ts`: further condition (windows that leave gaps between them). */
  where: string;
  /** SQL over `slice`: array of the evaluation indexes that a slice counts for. */
  spread?: string;
};

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));

export const lastIndex = ({ startNs, endNs, stepNs }: Evaluation): bigint =>
  stepNs > 0n && endNs > startNs ? (endNs - startNs) / stepNs : 0n;

/** SQL: evaluation index -> time in ns. */
export const timeOf = ({ startNs, stepNs }: Evaluation, index: string): string =>
  `toInt64(${startNs} + toInt64(${index}) * ${stepNs})`;

export function windowOf(evaluation: Evaluation, rangeNs: bigint, offsetNs: bigint): Window {
  const { startNs, stepNs } = evaluation;
  const last = lastIndex(evaluation);
  const base = startNs - offsetNs;
  const bounds = { last, after: base - rangeNs, upTo: base + last * stepNs };
  if (last === 0n) return { ...bounds, slice: '0', where: '1' };
  if (rangeNs <= stepNs) {
    const slice = `intDiv(ts - ${base} + ${stepNs - 1n}, ${stepNs})`;
    return { ...bounds, slice, where: rangeNs === stepNs ? '1' : `ts > ${base - rangeNs} + ${slice} * ${stepNs}` };
  }
  // Windows overlap: records are put into slices of the common divisor first, and slices are then counted for each window they lie in.
  const width = gcd(rangeNs, stepNs);
  const [perRange, perStep] = [rangeNs / width, stepNs / width];
  const slice = `intDiv(ts - ${base - rangeNs} + ${width - 1n}, ${width})`;
  const from = `if(slice <= ${perRange}, 0, intDiv(slice - ${perRange} + ${perStep - 1n}, ${perStep}))`;
  const to = `least(${last}, intDiv(slice - 1, ${perStep}))`;
  return { ...bounds, slice, where: '1', spread: `range(toInt64(${from}), toInt64(${to}) + 1)` };
}
