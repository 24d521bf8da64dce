import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { fileFault } from '../base/file-fault.ts';
import { call, type Connection, failure } from './connection.ts';
import { CliError, exitCode } from './exit-code.ts';
import { drained, say } from './output.ts';
import { createProgress } from './progress.ts';
import { createStop } from './stop.ts';
import { bytesText, countText, secondsText } from './terminal.ts';
import { timeRange } from './time.ts';

export type ExportOptions = Connection & {
  since?: string;
  from?: string;
  to?: string;
  direction: 'backward' | 'forward';
  output: 'ndjson' | 'csv' | 'parquet';
  out?: string;
};

/**
 * `weir export`: every matching record, streamed, however many. With --out the bytes go to `FILE.partial`, which becomes FILE only when
 * all are written, so that a broken export is never taken for a whole one. Returns the exit code.
 */
export async function exportRecords(query: string, options: ExportOptions): Promise<number> {
  if (options.output === 'parquet' && options.out === undefined && process.stdout.isTTY)
    throw new CliError(exitCode.usage, 'parquet is not for a terminal; give --out FILE or redirect stdout');
  const stop = createStop();
  const progress = createProgress();
  const started = Date.now();
  const range = timeRange(options);
  const request = { query, ...range, direction: options.direction, format: options.output };
  const partialFile = options.out === undefined ? undefined : `${options.out}.partial`;
  let target: WriteStream | NodeJS.WriteStream | undefined;
  let bytes = 0;
  let lines = 0;
  let broken: string | undefined;
  let response: Awaited<ReturnType<typeof call>> | undefined;
  try {
    response = await call(options, {
      method: 'POST',
      path: '/api/v1/export',
      body: JSON.stringify(request),
      signal: stop.signal,
    });
    if (response.statusCode !== 200) throw await failure(options, response, query);
    const sink = partialFile === undefined ? process.stdout : createWriteStream(partialFile);
    target = sink;
    if (partialFile === undefined) sink.on('error', () => stop.stop('closed'));
    else
      await once(sink, 'open').catch((error: Error) =>
        Promise.reject(new CliError(exitCode.usage, `${partialFile} cannot be written: ${fileFault(error)}`)),
      );
    let writeFault: Error | undefined;
    sink.on('error', error => {
      writeFault ??= error;
    });
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (options.output === 'ndjson')
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      if (!sink.write(chunk) && !writeFault) await drained(sink, stop.signal);
      if (writeFault && partialFile !== undefined)
        throw new CliError(exitCode.partial, `${partialFile} cannot be written: ${writeFault.message}`);
      progress.show(`${options.output === 'ndjson' ? `${countText(lines)} records, ` : ''}${bytesText(bytes)}`);
      if (stop.signal.aborted) break;
    }
  } catch (error) {
    if (!stop.signal.aborted) {
      if (error instanceof CliError) throw error;
      broken = (error as Error).message;
    }
  } finally {
    progress.clear();
    // Closing the connection cancels the query on the server.
    response?.on('error', () => undefined);
    response?.destroy();
    stop.release();
  }
  if (target && partialFile !== undefined) {
    target.end();
    await once(target, 'close');
  }
  const amount = `${options.output === 'ndjson' ? `${countText(lines)} records, ` : ''}${bytesText(bytes)} in ${secondsText(Date.now() - started)}`;
  if (stop.reason() === 'closed') return exitCode.done;
  if (stop.reason() === 'interrupt' || broken !== undefined) {
    say(
      `${stop.reason() === 'interrupt' ? 'interrupted' : `partial export: the connection broke off (${broken})`} after ${amount}${partialFile ? `; see ${partialFile}` : ''}`,
    );
    return stop.reason() === 'interrupt' ? exitCode.interrupted : exitCode.partial;
  }
  if (partialFile !== undefined && options.out !== undefined) await rename(partialFile, options.out);
  say(`exported ${amount}${options.out ? ` to ${options.out}` : ''}`);
  return options.output === 'ndjson' && lines === 0 ? exitCode.noMatch : exitCode.done;
}
