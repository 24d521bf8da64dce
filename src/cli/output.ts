import type { Stop } from './stop.ts';
import { createPaint, type ColourChoice, type Paint, wantsColour } from './terminal.ts';

export type Format = 'default' | 'raw' | 'ndjson';

/** Where a command writes its data. */
export type Output = {
  /** Resolves when the reader can take more. Never rejects: a closed reader stops the command instead. */
  write(text: string): Promise<void>;
  format: Format;
  paint: Paint;
  tty: boolean;
};

/** Resolves when `stream` can take more, has failed, or when `signal` aborts. */
export async function drained(stream: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>(resolve => {
    const go = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, go);
      signal.removeEventListener('abort', go);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.on(event, go);
    signal.addEventListener('abort', go);
  });
}

/** Stdout as data only: text for people on a terminal, NDJSON elsewhere unless a format was asked for. */
export function openOutput(options: { output?: Format; color?: ColourChoice }, stop: Stop): Output {
  const stdout = process.stdout;
  stdout.on('error', () => stop.stop('closed'));
  const write = async (text: string): Promise<void> => {
    if (stop.signal.aborted && stop.reason() === 'closed') return;
    if (!stdout.write(text)) await drained(stdout, stop.signal);
  };
  const tty = stdout.isTTY === true;
  return {
    write,
    format: options.output ?? (tty ? 'default' : 'ndjson'),
    paint: createPaint(wantsColour(options.color ?? 'auto', stdout)),
    tty,
  };
}

/** Something for the person, never for the pipe. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
