import { setTimeout as wait } from 'node:timers/promises';
import { ask } from './ask.ts';
import type { Connection } from './connection.ts';
import { CliError, exitCode } from './exit-code.ts';
import { type Format, openOutput, say } from './output.ts';
import { createRowText } from './show-row.ts';
import { createStop } from './stop.ts';
import { type ColourChoice, plural } from './terminal.ts';
import { timeRange } from './time.ts';

export type TailOptions = Connection & { since?: string; limit: number; output?: Format; color?: ColourChoice };

const backoffMillisMax = 5000;
/** After a reconnect the server is asked again from this long before the connection was lost; rows already seen are left out by their seq. */
const overlapMillis = 60_000;
const catchUpRowsMax = 5000;

/** `weir tail`: rows as they become visible, until Ctrl+C; goes on by itself after a lost connection. Returns the exit code. */
export async function tail(query: string, options: TailOptions): Promise<number> {
  const stop = createStop();
  const output = openOutput(options, stop);
  const rowText = createRowText(output);
  let start = options.since === undefined ? undefined : timeRange(options).start;
  let limit = options.limit;
  let lastSeq = -1n;
  let connectedOnce = false;
  let lost = false;
  let pause = 250;
  while (!stop.signal.aborted) {
    let caughtUp = 0;
    try {
      for await (const frame of ask(options, '/api/v1/tail', { query, ...(start && { start }), limit }, stop.signal)) {
        if (frame.type === 'meta') {
          connectedOnce = true;
          pause = 250;
        } else if (frame.type === 'rows') {
          const fresh = frame.rows.filter(row => BigInt(row.seq) > lastSeq);
          if (lost) caughtUp += fresh.length;
          for (const row of fresh) if (BigInt(row.seq) > lastSeq) lastSeq = BigInt(row.seq);
          await output.write(fresh.map(rowText).join(''));
        } else if (frame.type === 'warning') {
          say(`warning: ${frame.message}`);
        }
        if (lost && frame.type !== 'meta') {
          say(`-- reconnected, ${plural(caughtUp, 'record')} caught up --`);
          lost = false;
        }
        if (stop.signal.aborted) break;
      }
    } catch (error) {
      const broken =
        error instanceof CliError && (error.exit === exitCode.connection || error.exit === exitCode.partial);
      if (!connectedOnce || !broken) throw error;
      if (!lost) say(`-- connection lost (${error.message}), trying again --`);
    }
    if (stop.signal.aborted) break;
    if (!lost) start = String(BigInt(Date.now() - overlapMillis) * 1_000_000n);
    lost = true;
    limit = catchUpRowsMax;
    await wait(pause, undefined, { signal: stop.signal }).catch(() => undefined);
    pause = Math.min(backoffMillisMax, pause * 2);
  }
  stop.release();
  return stop.reason() === 'interrupt' ? exitCode.interrupted : exitCode.done;
}
