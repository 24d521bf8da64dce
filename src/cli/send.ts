import { createReadStream } from 'node:fs';
import { limits } from '../base/limits.ts';
import type { Connection } from './connection.ts';
import { fileFault } from '../base/file-fault.ts';
import { CliError, exitCode } from './exit-code.ts';
import { createLineCutter, type LineKind } from './lines.ts';
import { say } from './output.ts';
import { createProgress } from './progress.ts';
import { durationOption, ingestParameters, type LabelOptions } from './ship-options.ts';
import { createShipper } from './shipper.ts';
import { createStop } from './stop.ts';
import { bytesText, countText, plural, secondsText } from './terminal.ts';

export type SendOptions = Connection & LabelOptions & { json?: boolean; text?: boolean; retryFor: string };

/** A line must fit a request body with room to spare. */
const lineBytesMax = limits.bodyBytesMax / 2;
/** After Ctrl+C the program in front of the pipe may still write its last lines. */
const graceMillis = 500;

/** `weir send`: lines of stdin (or of files) to the server, in order, until the end of the input. Returns the exit code. */
export async function send(files: string[], options: SendOptions): Promise<number> {
  if (options.json && options.text) throw new CliError(exitCode.usage, '--json and --text exclude each other');
  const kind: LineKind = options.json ? 'json' : options.text ? 'text' : 'auto';
  if (files.length === 0 && process.stdin.isTTY)
    say('reading lines from the keyboard; Ctrl+D ends (weir send FILE or a pipe sends logs)');
  const stop = createStop();
  const progress = createProgress();
  const started = Date.now();
  const shipper = createShipper({
    connection: options,
    parameters: ingestParameters(options),
    retryForMs: durationOption('--retry-for', options.retryFor),
    onTrouble: text => {
      progress.clear();
      say(text);
    },
  });
  const { totals } = shipper;
  let tooLong = 0;
  let failure: unknown;
  try {
    for (const file of files.length > 0 ? files : ['-']) {
      const input = file === '-' ? process.stdin : createReadStream(file);
      stop.signal.addEventListener('abort', () => setTimeout(() => input.destroy(), graceMillis).unref());
      const cutter = createLineCutter(kind, lineBytesMax);
      try {
        for await (const chunk of input as AsyncIterable<Buffer>) {
          for (const block of cutter.push(chunk)) await shipper.add(block);
          progress.show(`${plural(totals.accepted, 'record')} sent, ${bytesText(shipper.pendingBytes())} waiting`);
        }
      } catch (error) {
        if (error instanceof CliError) throw error;
        if (!stop.signal.aborted)
          throw new CliError(exitCode.usage, `${file} cannot be read: ${fileFault(error)}`, error);
      }
      for (const block of cutter.end()) await shipper.add(block);
      tooLong += cutter.tooLong();
      if (stop.signal.aborted) break;
    }
    await shipper.flush();
  } catch (error) {
    failure = error;
  }
  progress.clear();
  const lost = shipper.pendingLines();
  shipper.close();
  process.stdin.destroy();
  stop.release();
  for (const reason of totals.reasons) say(`not stored as a record: ${reason}`);
  if (tooLong > 0) say(`${plural(tooLong, 'line')} longer than ${bytesText(lineBytesMax)} left out`);
  const extras = [
    totals.quarantined > 0 && `${countText(totals.quarantined)} in quarantine`,
    totals.rejected > 0 && `${countText(totals.rejected)} refused`,
    totals.retries > 0 && (totals.retries === 1 ? '1 retry' : `${countText(totals.retries)} retries`),
    lost > 0 && `${plural(lost, 'line')} not delivered`,
  ].filter(text => text !== false);
  say(
    `sent ${plural(totals.accepted, 'record')} (${bytesText(totals.bytes)}) in ${secondsText(Date.now() - started)}${extras.length > 0 ? `; ${extras.join(', ')}` : ''}`,
  );
  if (failure) throw failure;
  if (stop.reason() === 'interrupt') return exitCode.interrupted;
  return totals.rejected > 0 || totals.quarantined > 0 || tooLong > 0 ? exitCode.partial : exitCode.done;
}
