import http from 'node:http';
import https from 'node:https';
import { CliError, exitCode } from './exit-code.ts';
import { clean } from './terminal.ts';

/** The server a command talks to. */
export type Connection = { url: string; token?: string; tenant?: string };

export type Call = {
  method?: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: string | Uint8Array[];
  type?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Milliseconds without a byte until the call fails; none by default, because queries may take their time. */
  timeoutMs?: number;
  /** Keeps connections between calls. */
  agent?: http.Agent;
};

/** Sends a request and resolves with the head of the answer, whatever its status. Rejects with a CliError when there is no answer. */
export function call(connection: Connection, request: Call): Promise<http.IncomingMessage> {
  let url: URL;
  try {
    url = new URL(connection.url.replace(/\/+$/, '') + request.path);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('not http');
  } catch {
    throw new CliError(
      exitCode.usage,
      `"${connection.url}" is no address of a server; write --url http://127.0.0.1:7575`,
    );
  }
  const body = typeof request.body === 'string' ? [Buffer.from(request.body)] : (request.body ?? []);
  const headers: Record<string, string | number> = { ...request.headers };
  if (connection.token) headers.authorization = `Bearer ${connection.token}`;
  if (connection.tenant) headers['x-scope-orgid'] = connection.tenant;
  if (request.body !== undefined) {
    headers['content-type'] = request.type ?? 'application/json';
    headers['content-length'] = body.reduce((sum, piece) => sum + piece.length, 0);
  }
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const options: http.RequestOptions = { method: request.method ?? 'GET', headers, agent: request.agent ?? false };
    if (request.signal) options.signal = request.signal;
    const outgoing = (secure ? https : http).request(url, options, resolve);
    if (request.timeoutMs)
      outgoing.setTimeout(request.timeoutMs, () =>
        outgoing.destroy(new Error(`no answer within ${request.timeoutMs} ms`)),
      );
    outgoing.on('error', error =>
      reject(new CliError(exitCode.connection, `${connection.url} cannot be reached: ${reasonOf(error)}`, error)),
    );
    for (const piece of body) outgoing.write(piece);
    outgoing.end();
  });
}

function reasonOf(error: Error & { code?: string }): string {
  if (error.code === 'ECONNREFUSED') return 'nobody listens there (start it with: weir up)';
  if (error.code === 'ENOTFOUND') return 'the host name is not known';
  // An attempt on several addresses fails with an AggregateError, whose own message is empty.
  return error.message || error.code || 'the connection failed';
}

/** The body of a short answer. Rejects with a CliError when it breaks off. */
export async function bodyOf(response: http.IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of response) pieces.push(piece as Buffer);
  } catch (error) {
    throw new CliError(exitCode.connection, 'the connection broke off in the middle of the answer', error);
  }
  return Buffer.concat(pieces).toString();
}

/** A JSON answer; anything but 2xx is thrown as {@link failure}. The shape is the contract's. */
export async function json<T>(connection: Connection, request: Call, query?: string): Promise<T> {
  const response = await call(connection, request);
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw await failure(connection, response, query);
  const text = await bodyOf(response);
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new CliError(
      exitCode.connection,
      `${connection.url} answered something that is not JSON; is it a Weir server?`,
      error,
    );
  }
}

/** `reason` is how Elasticsearch's API says `message`. */
type Fault = { code?: string; message?: string; reason?: string; line?: number; column?: number };

/** What to tell the user about an answer that is not 2xx. */
export async function failure(
  connection: Connection,
  response: http.IncomingMessage,
  query?: string,
): Promise<CliError> {
  return failureOf(connection, response.statusCode ?? 0, await bodyOf(response), query);
}

/** As {@link failure}, of an answer that has been read. */
export function failureOf(connection: Connection, status: number, text: string, query?: string): CliError {
  let fault: Fault = {};
  try {
    fault = (JSON.parse(text) as { error?: Fault }).error ?? {};
  } catch {
    fault = { message: text.slice(0, 500) };
  }
  const message = fault.message || fault.reason || `the server answered ${status}`;
  if (status === 401 || status === 403)
    return new CliError(exitCode.connection, `${message} (give it with --token or WEIR_TOKEN)`);
  if (status === 404)
    return new CliError(exitCode.connection, `${connection.url}: ${message}; is it a Weir server of this version?`);
  if (status === 429 || status >= 500) return new CliError(exitCode.connection, message);
  return new CliError(
    exitCode.usage,
    query === undefined ? message : withCaret(message, query, fault.line, fault.column),
  );
}

/** The message, and under it the line of the query with a caret below the column (both 1-based, in UTF-16 units). */
export function withCaret(
  message: string,
  query: string,
  line: number | undefined,
  column: number | undefined,
): string {
  if (column === undefined) return message;
  const text = query.split('\n')[(line ?? 1) - 1] ?? '';
  const before = clean(text.slice(0, column - 1));
  return `${message}\n\n  ${clean(text)}\n  ${before.replace(/[^\t]/g, ' ')}^`;
}
