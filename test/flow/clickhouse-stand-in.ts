import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  request,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ChildOptions } from '../../src/store/engine/child-contract.ts';

export type StandInOptions = {
  /** Process id of an embedded engine whose socket is put on the network. */
  engine: number | undefined;
  user: string;
  password: string;
  /** Where bodies are kept while a statement reads them. */
  folder: string;
  port?: number;
  tls?: { key: string; cert: string };
};

export type StandIn = {
  port: number;
  /** Statements that came with a body. */
  bodies(): number;
  /** Cut all connections and take no more. */
  close(): Promise<void>;
};

const optionsOf = (pid: number | undefined): ChildOptions =>
  JSON.parse(
    readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .find(part => part.startsWith('{')) ?? '',
  ) as ChildOptions;

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * A ClickHouse server over TCP as far as a client sees it: our own engine behind Basic authentication and, if wanted, TLS. The embedded library does not
 * feed `input()`, so a body becomes a file that the statement reads in its place; the documented form of the statement is insisted upon.
 */
export async function clickhouseStandIn(options: StandInOptions): Promise<StandIn> {
  const socketPath = join(optionsOf(options.engine).runDirectory, 'engine.sock');
  const expected = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;
  let bodies = 0;

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (message.headers.authorization !== expected) {
      await bytesOf(message);
      response.writeHead(403, { 'X-ClickHouse-Exception-Code': '516' });
      response.end(`Code: 516. DB::Exception: ${options.user}: Authentication failed. (AUTHENTICATION_FAILED)\n`);
      return;
    }
    const url = new URL(message.url ?? '/', 'http://engine');
    const statement = url.searchParams.get('query');
    const received = await bytesOf(message);
    let body: Buffer | string = received;
    let file: string | undefined;
    if (statement !== null && received.length > 0) {
      const [, before, structure, after, format] =
        /^(INSERT INTO .*SELECT .* FROM )input\(('(?:[^'\\]|\\.)*')\)(.*) FORMAT (\w+)$/s.exec(statement) ?? [];
      if (format === undefined || /\binput\(/.test(`${before}${after}`)) {
        response.writeHead(400, { 'X-ClickHouse-Exception-Code': '62' });
        response.end('Code: 62. DB::Exception: Syntax error: no single input() before a FORMAT. (SYNTAX_ERROR)\n');
        return;
      }
      bodies += 1;
      file = join(options.folder, `body-${bodies}`);
      writeFileSync(file, received);
      url.searchParams.delete('query');
      body = `${before}file('${file}', ${format}, ${structure})${after}`;
    }
    const forward = request(
      {
        socketPath,
        path: url.pathname + url.search,
        method: message.method,
        headers: { 'x-weir-class': message.headers['x-weir-class'] ?? 'user' },
      },
      answer => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
        answer.on('close', () => file && rmSync(file, { force: true }));
      },
    );
    forward.on('error', () => response.destroy());
    response.on('close', () => forward.destroy());
    forward.end(body);
  }

  const listener: RequestListener = (message, response) =>
    void serve(message, response).catch(() => response.destroy());
  const server: Server = options.tls
    ? createTlsServer({ ...options.tls, maxHeaderSize: 2 ** 20 }, listener)
    : createServer({ maxHeaderSize: 2 ** 20 }, listener);
  await new Promise<void>(done => server.listen(options.port ?? 0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    bodies: () => bodies,
    close: async () => {
      const closed = new Promise(done => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}
