import { ask } from './ask.ts';
import type { QueryFrame } from '../query/contract.ts';
import type { Connection } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { type Format, openOutput, say } from './output.ts';
import { createProgress, scanText } from './progress.ts';
import { createRowText } from './show-row.ts';
import { sequenceText } from './show-sequence.ts';
import { seriesText } from './show-series.ts';
import { tableText } from './show-table.ts';
import { createStop } from './stop.ts';
import { type ColourChoice, countText, plural } from './terminal.ts';
import { timeRange } from './time.ts';

export type SearchOptions = Connection & {
  since?: string;
  from?: string;
  to?: string;
  limit: number;
  direction: 'backward' | 'forward';
  step?: number;
  output?: Format;
  color?: ColourChoice;
  explain?: boolean;
  stats?: boolean;
};

type Lookup = Extract<QueryFrame, { type: 'lookup' }>;

/** UTC; everything beyond what records can have is no bound. */
const momentText = (ns: string): string => new Date(Math.max(0, Number(BigInt(ns) / 1_000_000n))).toISOString();

/** Where an id was looked for after the last hour had nothing. */
function lookedText({ start, end, rows }: Lookup): string {
  const everything = BigInt(start) < 0n;
  if (rows === 0) return 'looked in everything that is stored';
  return everything
    ? 'nothing in the last week; these are from everything that is stored'
    : `these are from ${momentText(start)} to ${momentText(end)}; nothing is newer`;
}

/** `weir search`: one question, its rows on stdout, what it cost on stderr. Returns the exit code. */
export async function search(query: string, options: SearchOptions): Promise<number> {
  const stop = createStop();
  const output = openOutput(options, stop);
  const progress = createProgress();
  const rowText = createRowText(output);
  const range = timeRange(options);
  const request = {
    query,
    ...range,
    limit: options.limit,
    direction: options.direction,
    ...(options.step && { step: options.step }),
    ...(options.explain && { explain: true }),
    // An id is looked for in everything unless a time was named.
    widen: options.since === undefined && options.from === undefined && options.to === undefined,
  };
  const chatty = options.stats === true || process.stderr.isTTY === true;
  let found = 0;
  let metric = false;
  // The server says itself when such an answer has left rows out.
  let whole = false;
  let partial: string | null = null;
  let tableRows: Parameters<typeof tableText>[0] | undefined;
  let looked: Lookup | undefined;
  let asked: string | undefined;
  for await (const frame of ask(options, '/api/v1/query', request, stop.signal)) {
    if (frame.type === 'progress') progress.show(`${countText(found)} found, ${scanText(frame)}`);
    else progress.clear();
    if (frame.type === 'meta') {
      metric = frame.kind === 'metric';
      whole = frame.whole === true;
      asked = frame.start;
      if (options.explain)
        say(
          `${frame.reading === undefined ? '' : `read:  ${frame.reading || '(every record)'}\n`}${(frame.notes ?? []).map(note => `note:  ${note}\n`).join('')}query: ${frame.logql || '(every record)'}\nkind:  ${frame.kind}\nrange: ${frame.start} to ${frame.end} (ns)${frame.sql ? `\nsql:   ${frame.sql}` : ''}`,
        );
    } else if (frame.type === 'lookup') {
      if (frame.done) looked = frame;
      else progress.show(`nothing since ${momentText(frame.start)}, looking further back`);
    } else if (frame.type === 'rows') {
      found += frame.rows.length;
      await output.write(frame.rows.map(rowText).join(''));
    } else if (frame.type === 'sequence') {
      found += frame.events.filter(event => event !== null).length;
      await output.write(sequenceText(frame, rowText, output));
    } else if (frame.type === 'series') {
      found++;
      await output.write(seriesText(frame, output));
    } else if (frame.type === 'table') {
      tableRows ??= { columns: frame.columns, rows: [] };
      tableRows.rows.push(...frame.rows);
      found += frame.rows.length;
    } else if (frame.type === 'warning') {
      say(`warning: ${frame.message}`);
    } else if (frame.type === 'end') {
      if (looked && looked.start !== asked) say(lookedText(looked));
      if (chatty) say(`${metric ? `${countText(found)} series` : plural(found, 'row')}; ${scanText(frame)}`);
      if (frame.partial) partial = frame.reason ?? 'the server did not say why';
    }
    if (stop.signal.aborted) break;
  }
  progress.clear();
  if (tableRows) await output.write(tableText(tableRows, output));
  stop.release();
  if (stop.reason() === 'interrupt') {
    say(`interrupted after ${plural(found, 'row')}; the query was cancelled`);
    return exitCode.interrupted;
  }
  if (stop.reason() === 'closed') return exitCode.done;
  if (partial !== null) {
    say(`partial answer: ${partial}`);
    return exitCode.partial;
  }
  if (!metric && !whole && options.limit > 0 && found >= options.limit)
    say(`stopped at --limit ${countText(options.limit)}; there may be more (--limit 0 or weir export gives all)`);
  if (found === 0 && chatty && request.widen) say('nothing in the last hour; --since 24h looks further back');
  return found > 0 ? exitCode.done : exitCode.noMatch;
}
