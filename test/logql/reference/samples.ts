import type {
  Grouping,
  LabelCondition,
  LogRange,
  RangeAggregation,
  RangeFunction,
} from '../../../src/language/tree.ts';
import type { LoadedRecord } from '../script.ts';
import { readBytes, readDuration, readNumber } from './filters.ts';
import { allLabels, type Line, labelOf, removeLabel } from './record.ts';
import { linesOf, passesStages } from './pipeline.ts';

/** Name and value pairs by name: two label sets are equal when their texts are. */
export type LabelSet = [string, string][];
export const byName = (labels: Iterable<[string, string]>): LabelSet =>
  [...labels].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** The query fails as a whole. */
export class QueryFault extends Error {}

type Sample = { timeNs: bigint; seq: number; value: number; line: Line };

const needsValue = new Set<RangeFunction>(['bytes_rate', 'bytes_over_time']);

function sampleOf(line: Line, range: LogRange, fn: RangeFunction, grouping: Grouping | undefined): Sample | undefined {
  const { timeNs, seq } = line;
  if (!range.unwrap) return { timeNs, seq, value: needsValue.has(fn) ? Buffer.byteLength(line.text) : 1, line };
  const { label, conversion, filters } = range.unwrap;
  const text = labelOf(line, label);
  if (text === undefined || text === '') return undefined;
  const convert = { bytes: readBytes, duration: readDuration, duration_seconds: readDuration };
  const value = (conversion ? convert[conversion] : readNumber)(text);
  if (value === undefined) line.error ||= 'SampleExtractionErr';
  if (!passesStages(line, filters)) return undefined;
  if (!grouping || grouping.without || !grouping.labels.includes(label)) removeLabel(line, label);
  return { timeNs, seq, value: value ?? 0, line };
}

const named = (condition: LabelCondition): string[] => {
  if (condition.type === 'string') return [condition.matcher.name];
  return 'left' in condition ? [...named(condition.left), ...named(condition.right)] : [condition.name];
};

/** Which errors of its samples a query was asked to bear; `grouping`: what is handed down to where samples are made. */
function bears(range: LogRange, grouping: Grouping | undefined): (error: string) => boolean {
  if (!grouping || grouping.without) return () => false;
  const filters = [...range.stages, ...(range.unwrap?.filters ?? [])].flatMap(stage =>
    stage.kind === 'label_filter' ? named(stage.condition) : [],
  );
  const reads = range.stages.some(
    stage =>
      ['label_filter', 'label_format'].includes(stage.kind) ||
      (stage.kind === 'line_format' && stage.template.includes('{{')),
  );
  if (grouping.labels.length === 0 && !range.unwrap && !reads) return () => true;
  const asked = [...filters, ...grouping.labels].includes('__error__');
  return error => asked && (error === 'JSONParserErr' || error === 'LogfmtParserErr');
}

/** The stages without the formats whose line nothing behind them reads: those do not run, so they cannot fail. */
function formatsRead({ fn, range }: RangeAggregation): LogRange['stages'] {
  if (fn === 'bytes_rate' || fn === 'bytes_over_time') return range.stages;
  const readers = ['line_filter', 'json', 'logfmt', 'pattern', 'regexp', 'unpack', 'decolorize', 'search'];
  const reads = (stage: LogRange['stages'][number]): boolean =>
    readers.includes(stage.kind) || JSON.stringify(stage).includes('__line__');
  return range.stages.filter((stage, i) => stage.kind !== 'line_format' || range.stages.slice(i + 1).some(reads));
}

/** The labels that a grouping leaves; `__error__` can be grouped by like a label. */
export function grouped(labels: LabelSet, grouping: Grouping): LabelSet {
  return labels.filter(([name]) => grouping.labels.includes(name) !== grouping.without);
}

function identity(line: Line, grouping: Grouping | undefined): LabelSet {
  const labels = byName(allLabels(line));
  if (!grouping) return labels;
  const withError: LabelSet = line.error === '' ? labels : byName([...labels, ['__error__', line.error]]);
  return grouped(grouping.without ? labels : withError, grouping);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Equal values have none, whatever their mean is rounded to. */
export function variance(values: readonly number[]): number {
  if (values.some(value => !Number.isFinite(value))) return Number.NaN;
  if (values.every(value => value === values[0])) return 0;
  const mean = sum(values) / values.length;
  return sum(values.map(value => (value - mean) ** 2)) / values.length;
}

function extreme(values: readonly number[], better: (a: number, b: number) => boolean): number {
  return values.reduce((best, value) => (Number.isNaN(best) || better(value, best) ? value : best), Number.NaN);
}

function quantile(q: number, values: readonly number[]): number {
  if (q > 1) return Number.POSITIVE_INFINITY;
  const sorted = values.toSorted((a, b) => (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b));
  const rank = q * (sorted.length - 1);
  const low = Math.floor(rank);
  const [below = Number.NaN, above = below] = sorted.slice(low, low + 2);
  return Number.isNaN(below) ? below : below + (rank === low ? 0 : (above - below) * (rank - low));
}

/** Loki's rate of a counter: what is left of an extrapolation whose units do not fit each other, see functions/range.ts. */
function rateCounter(samples: readonly Sample[], seconds: number): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || first.timeNs === last.timeNs) return 0;
  let gain = last.value - first.value;
  for (let i = 1; i < samples.length; i++) {
    const before = samples[i - 1]?.value ?? 0;
    if ((samples[i]?.value ?? 0) < before) gain += before;
  }
  const covered = Number(last.timeNs - first.timeNs) / 1e3;
  const gap = covered / (samples.length - 1);
  const toZero = gain > 0 && first.value >= 0 ? covered * (first.value / gain) : Number.POSITIVE_INFINITY;
  const reach = Math.min(seconds, toZero);
  return (gain * ((covered + (reach < gap * 1.1 ? reach : gap / 2)) / covered)) / seconds;
}

function aggregate({ fn, parameter = 0, range }: RangeAggregation, samples: readonly Sample[]): number {
  const values = samples.map(sample => sample.value);
  const seconds = Number(range.rangeNs) / 1e9;
  switch (fn) {
    case 'count_over_time':
      return values.length;
    case 'rate':
    case 'bytes_rate':
      return sum(values) / seconds;
    case 'bytes_over_time':
    case 'sum_over_time':
      return sum(values);
    case 'avg_over_time':
      return sum(values) / values.length;
    case 'min_over_time':
      return extreme(values, (a, b) => a < b);
    case 'max_over_time':
      return extreme(values, (a, b) => a > b);
    case 'stdvar_over_time':
      return variance(values);
    case 'stddev_over_time':
      return Math.sqrt(variance(values));
    case 'quantile_over_time':
      return quantile(parameter, values);
    case 'first_over_time':
      return values[0] ?? Number.NaN;
    case 'last_over_time':
      return values.at(-1) ?? Number.NaN;
    case 'rate_counter':
      return rateCounter(samples, seconds);
    case 'absent_over_time':
      return 1;
  }
}

export type Point = { labels: LabelSet; value: number };

/**
 * An aggregation over the window of one evaluation time. `handedDown`: the grouping of a sum around it, which is applied where samples are made.
 * Throws QueryFault when a sample of the window carries an error.
 */
export function windowOf(
  records: readonly LoadedRecord[],
  query: RangeAggregation,
  atNs: bigint,
  handedDown?: Grouping,
): Point[] {
  const { range, fn } = query;
  const endNs = atNs - range.offsetNs;
  const inside = linesOf(records, range.selector, formatsRead(query))
    .filter(({ timeNs }) => timeNs > endNs - range.rangeNs && timeNs <= endNs)
    .sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : a.seq - b.seq));
  const grouping = query.grouping ?? (fn === 'absent_over_time' ? { without: false, labels: [] } : handedDown);
  const samples = inside.flatMap(line => sampleOf(line, range, fn, grouping) ?? []);
  const bearable = bears(range, grouping);
  const bad = samples.find(({ line }) => line.error !== '' && !bearable(line.error));
  if (bad) throw new QueryFault(bad.line.error);
  if (fn === 'absent_over_time') return samples.length > 0 ? [] : [{ labels: absentLabels(range), value: 1 }];
  const series = new Map<string, { labels: LabelSet; samples: Sample[] }>();
  for (const sample of samples) {
    const labels = identity(sample.line, grouping);
    const key = JSON.stringify(labels);
    const known = series.get(key);
    if (known) known.samples.push(sample);
    else series.set(key, { labels, samples: [sample] });
  }
  return [...series.values()].map(one => ({ labels: one.labels, value: aggregate(query, one.samples) }));
}

/** The equality matchers whose label has no other matcher. */
function absentLabels({ selector }: LogRange): LabelSet {
  const single = selector.filter(
    ({ name, op, value }) => op === '=' && value !== '' && selector.filter(other => other.name === name).length === 1,
  );
  return byName(single.map(({ name, value }): [string, string] => [name, value]));
}
