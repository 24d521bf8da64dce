import type { EqlAnswer, EqlEvent } from '../query/eql/contract.ts';
import { type Connection, json } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { type Format, openOutput, type Output, say } from './output.ts';
import { createStop } from './stop.ts';
import { clean, type ColourChoice, countText, plural, secondsText } from './terminal.ts';
import { clockText, dayText, timeRange } from './time.ts';

export type EqlOptions = Connection & {
  since?: string;
  from?: string;
  to?: string;
  limit: number;
  oldest?: boolean;
  output?: Format;
  color?: ColourChoice;
};

type Sequence = { join_keys: unknown[]; events: EqlEvent[] };

/** ns since 1970 as RFC 3339. */
const timeText = (ns: string): string =>
  `${new Date(Number(BigInt(ns) / 1_000_000n)).toISOString().slice(0, -1)}${ns.slice(-6)}Z`;

/** `weir eql`: events, or sequences as groups of events. NDJSON is one event or one sequence a line. Returns the exit code. */
export async function eql(query: string, options: EqlOptions): Promise<number> {
  const stop = createStop();
  const output = openOutput(options, stop);
  const range = timeRange({ ...options, ...(!options.since && !options.from && { since: '24h' }) });
  const body = {
    query,
    size: options.limit,
    result_position: options.oldest ? 'head' : 'tail',
    filter: { range: { '@timestamp': { gte: timeText(range.start), lt: timeText(range.end) } } },
  };
  let answer: EqlAnswer;
  try {
    answer = await json<EqlAnswer>(
      options,
      { method: 'POST', path: '/_eql/search', body: JSON.stringify(body), signal: stop.signal },
      query,
    );
  } catch (error) {
    // A request that was broken off by the user fails; that is no fault.
    if (!stop.signal.aborted) throw error;
    return stop.reason() === 'interrupt' ? exitCode.interrupted : exitCode.done;
  }
  const { events = [], sequences = [], total } = answer.hits;
  const write = writers[output.format];
  for (const event of events) await output.write(write.event(event, output));
  for (const sequence of sequences) await output.write(write.sequence(sequence, output));
  stop.release();
  const found = events.length + sequences.length;
  if (process.stderr.isTTY === true)
    say(`${plural(found, answer.hits.sequences ? 'sequence' : 'event')} in ${secondsText(answer.took)}`);
  if (answer.is_partial) {
    say(`partial answer: ${answer.shard_failures?.[0]?.reason.reason ?? 'the server did not say why'}`);
    return exitCode.partial;
  }
  if (found >= options.limit && (total.relation === 'gte' || total.value > found))
    say(
      `stopped at --limit ${countText(options.limit)}${total.relation === 'eq' ? ` of ${countText(total.value)}` : '; there may be more'}`,
    );
  return found > 0 ? exitCode.done : exitCode.noMatch;
}

type Writer = { event(event: EqlEvent, output: Output): string; sequence(sequence: Sequence, output: Output): string };

const raw = (event: EqlEvent): string => (event.missing ? '' : `${JSON.stringify(event._source)}\n`);

const writers: Record<Format, Writer> = {
  ndjson: { event: event => `${JSON.stringify(event)}\n`, sequence: sequence => `${JSON.stringify(sequence)}\n` },
  raw: { event: raw, sequence: ({ events }) => `${events.map(raw).join('')}\n` },
  default: {
    event: (event, output) => eventText(event, output),
    sequence({ join_keys: keys, events }, output) {
      const here = events.filter(event => !event.missing);
      const [first, last] = [timeOf(here[0]), timeOf(here.at(-1))];
      const span = Number.isNaN(first) || Number.isNaN(last) ? '' : `, ${secondsText(last - first)}`;
      const day = Number.isNaN(first) ? '' : `${dayText(String(BigInt(first) * 1_000_000n))}, `;
      const head = `-- ${day}${keys.length > 0 ? `${keys.map(shortText).join(' ')}, ` : ''}${plural(here.length, 'event')}${span} --`;
      return `${output.paint.dim(head)}\n${events.map(event => eventText(event, output)).join('')}`;
    },
  },
};

const timeOf = (event: EqlEvent | undefined): number => Date.parse(shortText(event?._source['@timestamp']));

/** A value as a word; objects as JSON. */
function shortText(value: unknown): string {
  if (typeof value === 'string') return clean(value);
  return value === undefined ? '' : clean(JSON.stringify(value));
}

/** Longer values are cut on a terminal; `-o ndjson` has them whole. */
const valueLength = 160;

function eventText(event: EqlEvent, { paint }: Output): string {
  if (event.missing) return `${paint.dim('             (no such event)')}\n`;
  const { '@timestamp': time, message, ...rest } = event._source;
  const millis = timeOf(event);
  const clock = Number.isNaN(millis) ? shortText(time) : clockText(String(BigInt(millis) * 1_000_000n));
  const fields = Object.entries(flat(rest)).map(([name, value]) => {
    const text = shortText(value);
    const shown = text.length > valueLength ? `${text.slice(0, valueLength)}…` : text;
    return `${paint.dim(`${clean(name)}=`)}${/\s/.test(shown) ? JSON.stringify(shown) : shown}`;
  });
  return `${[paint.dim(clock), ...(message === undefined ? [] : [shortText(message)]), ...fields].join(' ')}\n`;
}

/** Nested objects by dotted names. */
function flat(source: Record<string, unknown>, prefix = ''): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(source)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      Object.assign(found, flat(value as Record<string, unknown>, `${prefix}${name}.`));
    else found[prefix + name] = value;
  }
  return found;
}
