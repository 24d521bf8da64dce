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

/** Stdout as data only: text for people on a terminal, NDJSON elsewhere unless a format was asked for. */
export function openOutput(options: { output?: Format; color?: ColourChoice }, stop: Stop): Output {
  const stdout = process.stdout;
  stdout.on('error', () => stop.stop('closed'));
  const write = async (text: string): Promise<void> => {
    if (stop.signal.aborted && stop.reason() === 'closed') return;
    if (stdout.write(text)) return;
    await new Promise<void>(resolve => {
      const go = (): void => {
        stdout.off('drain', go);
        stop.signal.removeEventListener('abort', go);
        resolve();
      };
      stdout.on('drain', go);
      stop.signal.addEventListener('abort', go);
    });
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
