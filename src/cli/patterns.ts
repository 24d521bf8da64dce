import { levels } from '../base/record.ts';
import type { PatternsAnswer } from '../query/contract.ts';
import { type Connection, json } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { type Format, openOutput, say } from './output.ts';
import { createStop } from './stop.ts';
import { clean, type ColourChoice, countText } from './terminal.ts';
import { clockText, dayText, monthDayText, timeRange } from './time.ts';

export type PatternsOptions = Connection & {
  since?: string;
  from?: string;
  to?: string;
  limit: number;
  output?: Format;
  color?: ColourChoice;
};

/** The gravest first, without `unknown`. */
const graveFirst = levels.slice(0, -1).reverse();

/** `weir patterns`: the kinds of lines among all matching records, most records first; off a terminal one JSON object per pattern. Returns the exit code. */
export async function patterns(query: string, options: PatternsOptions): Promise<number> {
  const stop = createStop();
  const output = openOutput(options, stop);
  const answer = await json<PatternsAnswer>(
    options,
    {
      method: 'POST',
      path: '/api/v1/patterns',
      body: JSON.stringify({ query, ...timeRange(options), limit: options.limit }),
      signal: stop.signal,
    },
    query,
  );
  if (output.format === 'default')
    await output.write(
      `${output.paint.dim(`-- ${dayText(answer.start)}, ${countText(answer.total)} records; first seen, records, pattern --`)}\n`,
    );
  const severalDays = dayText(answer.start) !== dayText(answer.end);
  for (const pattern of answer.patterns) {
    if (output.format === 'ndjson') await output.write(`${JSON.stringify(pattern)}\n`);
    else if (output.format === 'raw') await output.write(`${pattern.total}\t${pattern.pattern}\n`);
    else {
      const level = graveFirst.find(name => (pattern.levels[name] ?? 0) > 0) ?? 'unknown';
      await output.write(
        `${severalDays ? `${monthDayText(pattern.first)} ` : ''}${clockText(pattern.first).slice(0, 8)} ${countText(pattern.total).padStart(9)} ${output.paint.level(level, clean(pattern.pattern))}\n`,
      );
    }
  }
  stop.release();
  if (answer.others > 0) say(`${countText(answer.others)} more records are of rarer patterns; --limit lists more`);
  if (answer.partial) {
    say(`partial answer: ${answer.reason ?? 'the server did not say why'}`);
    return exitCode.partial;
  }
  return answer.total > 0 ? exitCode.done : exitCode.noMatch;
}
