import type { QueryFrame } from '../query/contract.ts';
import type { Output } from './output.ts';
import { clean } from './terminal.ts';

type Series = Extract<QueryFrame, { type: 'series' }>;

const blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const sparkWidth = 60;

/** `{level="error", service="web"}` */
export function metricText(metric: Record<string, string>): string {
  const pairs = Object.entries(metric).map(([name, value]) => `${clean(name)}=${clean(JSON.stringify(value))}`);
  return `{${pairs.join(', ')}}`;
}

const numberText = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value);

/** Peaks survive: each column is the largest of the points it stands for. */
function sparkline(values: number[]): string {
  const width = Math.min(sparkWidth, values.length);
  const columns = Array.from({ length: width }, (_, i) =>
    Math.max(
      ...values.slice(
        Math.floor((i * values.length) / width),
        Math.max(Math.floor(((i + 1) * values.length) / width), Math.floor((i * values.length) / width) + 1),
      ),
    ),
  );
  const low = Math.min(...columns, 0);
  const high = Math.max(...columns);
  return columns
    .map(value => blocks[high === low ? 0 : Math.min(7, Math.floor(((value - low) / (high - low)) * 8))])
    .join('');
}

/** A series as one line for people, or as an object per line. */
export function seriesText(series: Series, output: Pick<Output, 'format' | 'paint'>): string {
  if (output.format === 'ndjson') return `${JSON.stringify({ metric: series.metric, values: series.values })}\n`;
  const name = metricText(series.metric);
  const values = series.values.map(([, value]) => Number(value));
  const last = values.at(-1) ?? 0;
  if (output.format === 'raw') return series.values.map(([at, value]) => `${at}\t${value}\t${name}\n`).join('');
  if (values.length === 1) return `${numberText(last).padStart(12)}  ${name}\n`;
  const spread = output.paint.dim(
    `min ${numberText(Math.min(...values))}  max ${numberText(Math.max(...values))}  last`,
  );
  return `${sparkline(values)}  ${spread} ${numberText(last)}  ${name}\n`;
}
