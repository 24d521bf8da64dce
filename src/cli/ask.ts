import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { QueryFrame, QueryRequest } from '../query/contract.ts';
import { call, type Connection, failure, withCaret } from './connection.ts';
import { CliError, exitCode } from './exit-code.ts';

const cancelMillis = 1500;

/** Frames of an NDJSON answer as they come; memory is one line, whatever the size of the answer. */
async function* framesOf(response: IncomingMessage): AsyncGenerator<QueryFrame> {
  let pieces: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      pieces.push(chunk.subarray(from, at));
      from = at + 1;
      const line = Buffer.concat(pieces).toString();
      pieces = [];
      if (line.trim() !== '') yield JSON.parse(line) as QueryFrame;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
  }
}

/** Tells the server to stop a query. Best effort: closing the connection cancels it too. */
async function cancel(connection: Connection, id: string): Promise<void> {
  try {
    const response = await call(connection, { method: 'DELETE', path: `/api/v1/query/${id}`, timeoutMs: cancelMillis });
    response.resume();
  } catch {
    // The server is gone, and the query with it.
  }
}

/**
 * Asks the server and yields the frames of its answer. Ends after the `end` frame, or without one when `signal` aborts.
 * When the caller breaks off or `signal` aborts, the query is cancelled on the server first.
 * An `error` frame, a refused query and a broken connection are thrown as CliError; after rows they are exit code `partial`.
 */
export async function* ask(
  connection: Connection,
  path: string,
  request: QueryRequest,
  signal: AbortSignal,
): AsyncGenerator<Exclude<QueryFrame, { type: 'error' }>> {
  const id = request.id ?? randomUUID();
  let ended = false;
  let rows = 0;
  let response: IncomingMessage | undefined;
  try {
    response = await call(connection, { method: 'POST', path, body: JSON.stringify({ ...request, id }), signal });
    if (response.statusCode !== 200) {
      ended = true;
      throw await failure(connection, response, request.query ?? '');
    }
    for await (const frame of framesOf(response)) {
      if (frame.type === 'error') {
        ended = true;
        throw faultOf(frame.error, request.query ?? '', rows > 0);
      }
      if (frame.type === 'rows') rows += frame.rows.length;
      if (frame.type === 'end') ended = true;
      yield frame;
      if (ended) return;
    }
    if (!signal.aborted)
      throw new CliError(
        rows > 0 ? exitCode.partial : exitCode.connection,
        'the connection broke off in the middle of the answer',
      );
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof CliError) throw error;
    throw new CliError(
      rows > 0 ? exitCode.partial : exitCode.connection,
      `the connection broke off in the middle of the answer: ${(error as Error).message}`,
      error,
    );
  } finally {
    if (!ended) {
      // Nobody listens any more: an error of the connection that is being closed is no news.
      response?.on('error', () => undefined);
      response?.destroy();
      await cancel(connection, id);
    }
  }
}

function faultOf(
  fault: { code: string; message: string; line?: number; column?: number },
  query: string,
  afterRows: boolean,
): CliError {
  const message = withCaret(fault.message, query, fault.line, fault.column);
  if (afterRows) return new CliError(exitCode.partial, message);
  const usersOwn = fault.code === 'bad_query' || fault.code === 'bad_request' || fault.code === 'query_limit';
  return new CliError(usersOwn ? exitCode.usage : exitCode.connection, message);
}
