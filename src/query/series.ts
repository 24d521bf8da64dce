import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Answer } from '../flow.ts';
import type { TimeRange } from './time-range.ts';

/** One line of a chart: points are [ms since 1970, value], in order of time. */
export type Series = { metric: Record<string, string>; points: [number, number][] };

/** A sample value as Prometheus and Loki write it. */
export function sampleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = String(value);
  return text.includes('e') ? plain(text) : text;
}

/** `1.5e-7` without exponent, digits unchanged. */
function plain(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)\.?(\d*)e([+-]\d+)$/.exec(text) ?? [];
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}

/** Refuse a step so small that a series would have more points than the limit. */
export function assertPoints(range: TimeRange, stepNs: bigint): void {
  if (stepNs <= 0n)
    throw new WeirError('bad_request', {
      reason: 'zero or negative query resolution step widths are not accepted. Try a positive integer',
    });
  const points = (range.end - range.start) / stepNs;
  if (points > BigInt(limits.queryPointsMax))
    throw new WeirError('bad_request', {
      reason: `exceeded maximum resolution of ${limits.queryPointsMax} points per time series (${points} asked). Try increasing the value of the step parameter`,
    });
}

export async function seriesOf(_answer: Answer, _tooMany: 'refuse' | 'cut'): Promise<{ series: Series[]; left: number }> {
  return { series: [], left: 0 };
}
