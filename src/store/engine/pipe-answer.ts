import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AnswerSink, Lane } from './lanes.ts';
import { pipeText, type StatementText } from './statement-text.ts';

/**
 * Run a statement whose format has a header or footer (Parquet, CSV with names): the engine writes the document into a named pipe and we pass
 * on what comes out, so memory stays bounded whatever the size.
 */
export async function runThroughPipe(
  lane: Lane,
  statement: StatementText,
  sink: AnswerSink,
  directory: string,
): Promise<void> {
  const path = join(directory, `${statement.queryId.replaceAll(/[^\w-]/g, '_')}.pipe`);
  await promisify(execFile)('mkfifo', ['-m', '600', path]);
  // held open for writing too, so that the reader does not see the end before the engine has opened its side
  const writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const reader = new Socket({
    fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  try {
    const closed = once(reader, 'close');
    const passOn = (async () => {
      for await (const bytes of reader as AsyncIterable<Buffer>) await sink.chunk(bytes);
    })();
    try {
      await lane.run(statement, { started: () => {}, chunk: () => {} }, pipeText(statement, path));
    } finally {
      closeSync(writer);
      await Promise.allSettled([passOn, closed]);
    }
    await passOn;
  } finally {
    reader.destroy();
    unlinkSync(path);
  }
}
