import { WeirError } from '../base/errors.ts';
import type { Tenant } from '../base/record.ts';
import type { Answer, Question } from '../flow.ts';
import { metricFault } from '../language/compile.ts';
import type { MetricPlan } from './plan.ts';
import type { TimeRange } from './time-range.ts';

/** One line of a chart: points are [ms since 1970, value], in order of time. */
export type Series = { metric: Record<string, string>; points: [number, number][] };

/** A metric question. `onSql` is called with the statement before it is sent, if one is needed. */
export type SeriesQuestion = Omit<Question, 'sql' | 'settings'> & {
  tenant: Tenant;
  plan: MetricPlan;
  range: TimeRange;
  stepNs: bigint;
  /** Of series; more are refused with an error or counted in `left`. */
  max: number;
  tooMany: 'refuse' | 'cut';
  /** Compute everything, keep nothing. */
  fresh?: boolean;
  onSql?: (sql: string) => void;
  /** Called while the question is computed in pieces: the evaluations that are done so far. */
  onCovered?: (covered: TimeRange) => void;
};

export type SeriesAnswer = {
  series: Series[];
  left: number;
  summary: ReturnType<Answer['summary']>;
  /** Of a partial answer: the evaluation times that are answered, both inclusive. */
  covered?: TimeRange;
};

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

/** Throws a `bad_request` in Loki's words for a step of no length. */
export function assertStep(stepNs: bigint): void {
  if (stepNs <= 0n)
    throw new WeirError('bad_request', {
      reason: 'zero or negative query resolution step widths are not accepted. Try a positive integer',
    });
}

/** Refuse a step so small that a series would have more than `max` points. */
export function assertPoints(range: TimeRange, stepNs: bigint, max: number): void {
  assertStep(stepNs);
  const points = (range.end - range.start) / stepNs;
  if (points > BigInt(max))
    throw new WeirError('bad_request', {
      reason: `exceeded maximum resolution of ${max.toLocaleString('en-US')} points per time series. Try increasing the value of the step parameter (${points} points asked), or raise limits.query_points`,
    });
}

export const tooManySeries = (max: number): WeirError =>
  new WeirError('query_limit', {
    reason: `maximum of series (${max}) reached for a single query; aggregate with sum by (...), use topk, or raise limits.query_series`,
  });

/**
 * The series of a metric answer, whose rows come series by series. More than `max`: `refuse` throws Loki's error, `cut` counts
 * those that are left out in `left`. A row with an error fails the query.
 */
export async function seriesOf(
  answer: Answer,
  tooMany: 'refuse' | 'cut',
  max: number,
): Promise<{ series: Series[]; left: number }> {
  const series: Series[] = [];
  let left = 0;
  let key = '';
  let points: [number, number][] = [];
  for await (const batch of answer.rows) {
    for (const row of batch) {
      const metric = row.metric as Record<string, string>;
      if (row.error !== '') throw metricFault(String(row.error), metric);
      const own = JSON.stringify(metric);
      if (own !== key || series.length + left === 0) {
        key = own;
        points = [];
        if (series.length < max) series.push({ metric, points });
        else if (tooMany === 'cut') left++;
        else throw tooManySeries(max);
      }
      points.push([Number(BigInt(String(row.time)) / 1_000_000n), numberOf(String(row.value))]);
    }
  }
  return { series, left };
}

/** The engine's text of a Float64. */
function numberOf(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  return text === '-inf' ? Number.NEGATIVE_INFINITY : Number(text === 'nan' ? Number.NaN : text);
}

/** The order of the engine: by label names and values as bytes. */
function compareMetrics(a: Record<string, string>, b: Record<string, string>): number {
  const [x, y] = [Object.entries(a).flat(), Object.entries(b).flat()];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = Buffer.compare(Buffer.from(x[i] ?? ''), Buffer.from(y[i] ?? ''));
    if (order !== 0) return order;
  }
  return x.length - y.length;
}

/** Series put together from parts that have no evaluation in common, in the order of the engine. */
export function mergeSeries(parts: readonly (readonly Series[])[]): Series[] {
  const all = new Map<string, Series>();
  for (const { metric, points } of parts.flat()) {
    const name = JSON.stringify(metric);
    all.set(name, { metric, points: [...(all.get(name)?.points ?? []), ...points] });
  }
  const merged = [...all.values()].sort((a, b) => compareMetrics(a.metric, b.metric));
  for (const { points } of merged) points.sort(([a], [b]) => a - b);
  return merged;
}
