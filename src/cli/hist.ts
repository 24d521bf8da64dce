import { levels } from '../base/record.ts';
import type { CheckAnswer, HistogramAnswer } from '../query/contract.ts';
import { ask } from './ask.ts';
import { type Connection, json, withCaret } from './connection.ts';
import { CliError, exitCode } from './exit-code.ts';
import { type Format, openOutput, type Output, say } from './output.ts';
import { createProgress, scanText } from './progress.ts';
import { createStop, type Stop } from './stop.ts';
import { clean, type ColourChoice, countText, plural } from './terminal.ts';
import { clockText, dayText, type Range, timeRange } from './time.ts';

export type HistOptions = Connection & {
  since?: string;
  from?: string;
  to?: string;
  by?: string;
  buckets: number;
  output?: Format;
  color?: ColourChoice;
};

const barWidthMin = 10;
const barWidthMax = 60;

/** `weir hist`: counts over time by level as bars, or in all by the values of a field. Returns the exit code. */
export async function hist(query: string, options: HistOptions): Promise<number> {
  const stop = createStop();
  const output = openOutput(options, stop);
  const range = timeRange(options);
  let total: Total = { count: 0, partial: null };
  try {
    total =
      options.by === undefined
        ? await byLevel(query, options, range, output, stop)
        : await byField(query, options.by, options, range, output, stop);
  } catch (error) {
    // A request that was broken off by the user fails; that is no fault.
    if (!stop.signal.aborted) throw error;
  }
  stop.release();
  if (stop.reason() === 'interrupt') return exitCode.interrupted;
  if (total.partial !== null) {
    say(`partial answer: ${total.partial}`);
    return exitCode.partial;
  }
  return total.count > 0 || stop.reason() === 'closed' ? exitCode.done : exitCode.noMatch;
}

type Total = { count: number; partial: string | null };

const widthOf = (taken: number): number =>
  Math.max(barWidthMin, Math.min(barWidthMax, (process.stdout.columns || 80) - taken));

async function byLevel(query: string, options: HistOptions, range: Range, output: Output, stop: Stop): Promise<Total> {
  const answer = await json<HistogramAnswer>(
    options,
    {
      method: 'POST',
      path: '/api/v1/histogram',
      body: JSON.stringify({ query, ...range, buckets: options.buckets }),
      signal: stop.signal,
    },
    query,
  );
  const sums = answer.buckets.map(bucket => Object.values(bucket.counts).reduce((a, b) => a + b, 0));
  const highest = Math.max(...sums, 1);
  const width = widthOf(32);
  const graveFirst = [...levels].reverse();
  if (output.format === 'default')
    await output.write(
      `${output.paint.dim(`-- ${dayText(answer.start)}, ${countText(answer.total)} records, ${stepText(answer.step)} per bar --`)}\n`,
    );
  let day = dayText(answer.start);
  const filled = new Map(answer.buckets.map((bucket, index) => [bucket.t, { bucket, sum: sums[index] ?? 0 }]));
  for (const t of output.format === 'default' ? timesOf(answer) : filled.keys()) {
    const { bucket, sum } = filled.get(t) ?? { bucket: { t, counts: {} }, sum: 0 };
    const at = `${BigInt(Math.round(t * 1000)) * 1_000_000n}`;
    if (output.format === 'ndjson') {
      await output.write(`${JSON.stringify({ start: at, total: sum, counts: bucket.counts })}\n`);
      continue;
    }
    if (output.format === 'raw') {
      await output.write(`${at}\t${sum}\n`);
      continue;
    }
    if (dayText(at) !== day) {
      day = dayText(at);
      await output.write(`${output.paint.dim(`-- ${day} --`)}\n`);
    }
    let bar = '';
    let drawn = 0;
    let counted = 0;
    for (const level of graveFirst) {
      counted += bucket.counts[level] ?? 0;
      // Cumulative rounding keeps the bar as long as its sum; a grave level is never rounded away.
      const cells = Math.max(
        Math.round((counted / highest) * width) - drawn,
        (bucket.counts[level] ?? 0) > 0 && level !== 'unknown' && drawn < width ? 1 : 0,
      );
      if (cells > 0) bar += output.paint.level(level, '█'.repeat(cells));
      drawn += cells;
    }
    const serious = (['fatal', 'critical', 'error'] as const).reduce((n, level) => n + (bucket.counts[level] ?? 0), 0);
    await output.write(
      `${clockText(at).slice(0, answer.step < 1 ? 12 : 8)} ${countText(sum).padStart(9)} ${bar}${serious > 0 ? output.paint.level('error', ` ${plural(serious, 'error')}`) : ''}\n`,
    );
  }
  return { count: answer.total, partial: answer.partial ? (answer.reason ?? 'the server did not say why') : null };
}

/** `1 h`, `90 s`, `0.5 s` */
function stepText(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return `${seconds} s`;
}

/** Starts of all buckets, the empty ones included, which the answer leaves out. */
function timesOf(answer: HistogramAnswer): number[] {
  const start = Number(BigInt(answer.start) / 1_000_000n) / 1000;
  const end = Number(BigInt(answer.end) / 1_000_000n) / 1000;
  const first = Math.floor(start / answer.step);
  const count = Math.max(0, Math.ceil(end / answer.step) - first);
  return Array.from({ length: count }, (_, i) => Number(((first + i) * answer.step).toFixed(6)));
}

/** One sum per value over the whole range, by a metric query over the same pipeline. */
async function byField(
  query: string,
  field: string,
  options: HistOptions,
  range: Range,
  output: Output,
  stop: Stop,
): Promise<Total> {
  if (!/^[a-zA-Z_]\w*$/.test(field))
    throw new CliError(exitCode.usage, `--by "${field}" is no name of a field; use letters, digits and _`);
  const check = await json<CheckAnswer>(
    options,
    { method: 'POST', path: '/api/v1/check', body: JSON.stringify({ query }), signal: stop.signal },
    query,
  );
  if (!check.ok)
    throw new CliError(exitCode.usage, withCaret(check.error.message, query, check.error.line, check.error.column));
  if (check.kind === 'metric')
    throw new CliError(exitCode.usage, 'weir hist counts log records; run a metric query with weir search');
  const millis = Math.max(1, Math.ceil(Number((BigInt(range.end) - BigInt(range.start)) / 1_000_000n)));
  const metric = `sum by (${field}) (count_over_time(${check.logql} [${millis}ms]))`;
  const progress = createProgress();
  const counts: { value: string; count: number }[] = [];
  let partial: string | null = null;
  // One point, at the end: it counts the whole range before it.
  for await (const frame of ask(
    options,
    '/api/v1/query',
    { query: metric, start: range.end, end: range.end, step: millis / 1000 },
    stop.signal,
  )) {
    if (frame.type === 'progress') progress.show(scanText(frame));
    else if (frame.type === 'series')
      counts.push({ value: frame.metric[field] ?? '', count: Number(frame.values.at(-1)?.[1] ?? 0) });
    else if (frame.type === 'warning') say(`warning: ${frame.message}`);
    else if (frame.type === 'end' && frame.partial) partial = frame.reason ?? 'the server did not say why';
  }
  progress.clear();
  counts.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  if (counts.length === 1 && counts[0]?.value === '') say(`no record in the range has a field "${field}"`);
  const highest = counts[0]?.count ?? 1;
  const label = Math.min(30, Math.max(...counts.map(c => c.value.length), 6));
  const width = widthOf(label + 14);
  for (const { value, count } of counts) {
    if (output.format === 'default')
      await output.write(
        `${clean(value || '(none)').padEnd(label)} ${countText(count).padStart(11)} ${output.paint.service(value, '█'.repeat(Math.max(1, Math.round((count / highest) * width))))}\n`,
      );
    else if (output.format === 'raw') await output.write(`${value}\t${count}\n`);
    else await output.write(`${JSON.stringify({ [field]: value, count })}\n`);
  }
  return { count: counts.reduce((sum, c) => sum + c.count, 0), partial };
}
