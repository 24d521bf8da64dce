import type { ExplainAnswer } from '../query/contract.ts';
import { type Connection, json } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { type Format, openOutput } from './output.ts';
import { createStop } from './stop.ts';
import { bytesText, type ColourChoice, countText } from './terminal.ts';
import { timeRange } from './time.ts';

export type ExplainOptions = Connection & {
  since?: string;
  from?: string;
  to?: string;
  output?: Format;
  color?: ColourChoice;
};

/** `weir explain`: what a query means and would read, without running it; off a terminal the answer as one line of JSON. Returns the exit code. */
export async function explain(query: string, options: ExplainOptions): Promise<number> {
  const stop = createStop();
  const output = openOutput(options, stop);
  const answer = await json<ExplainAnswer>(
    options,
    {
      method: 'POST',
      path: '/api/v1/explain',
      body: JSON.stringify({ query, ...timeRange(options) }),
      signal: stop.signal,
    },
    query,
  );
  await output.write(output.format === 'ndjson' ? `${JSON.stringify(answer)}\n` : `${textOf(answer)}\n`);
  stop.release();
  return exitCode.done;
}

const indented = (text: string): string => text.replace(/^/gm, '  ');

function textOf({ language, reading, notes, logql, sql, estimate, indexes, fullScan }: ExplainAnswer): string {
  const { rows, unsealed, bytes, granules, parts } = estimate;
  const cost = `reads at most ${countText(rows + unsealed)} records, about ${bytesText(bytes)}: ${countText(granules)} blocks of ${countText(parts)} parts${unsealed > 0 ? ` and ${countText(unsealed)} records still in memory` : ''}`;
  const steps = indexes.map(
    index =>
      `${index.name}: blocks ${countText(index.granules.before)} -> ${countText(index.granules.after)}, parts ${countText(index.parts.before)} -> ${countText(index.parts.after)}`,
  );
  return [
    ...(language === 'search' ? ['read as', indented(reading || '(every record)')] : []),
    ...notes.map(note => `note: ${note}`),
    ...(logql === undefined ? [] : ['LogQL', indented(logql)]),
    'cost',
    indented([cost, ...steps, ...(fullScan ? ['no index narrows it beyond tenant and time'] : [])].join('\n')),
    ...(sql === '' ? [] : ['SQL', indented(sql)]),
  ].join('\n');
}
