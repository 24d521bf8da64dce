import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { Readable } from 'node:stream';
import type { SqlSettings } from '../flow.ts';
import { engineFault, parseEngineMessage } from './engine-fault.ts';

export type EngineResponse = { stream: Readable; response_headers: IncomingHttpHeaders };

/** A statement on its way. `headers`: beside those of HTTP. */
export type Sending = {
  sql: string;
  queryId: string;
  settings: SqlSettings;
  headers: Record<string, string>;
  signal?: AbortSignal | undefined;
};

/** What is read of a refusal. */
const refusalBytesMax = 64 * 1024;

async function refusalOf(stream: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    if (size > refusalBytesMax) break;
  }
  return Buffer.concat(pieces).toString('utf8');
}

/**
 * Sends statements to the embedded engine, without the client library: over a socket there is nothing of what that takes care of (addresses, TLS, users, idle
 * connections that a server closes), and it costs 0.4 CPU-ms and 1 ms of time for each statement (docs/decisions/0021).
 * `send` resolves with the first bytes of an answer; it rejects with an EngineFault when the engine refuses, else with what node:http throws.
 */
export function socketSender(socketPath: string): { send(sending: Sending): Promise<EngineResponse>; close(): void } {
  // the child never closes an idle connection
  const agent = new Agent({ keepAlive: true, maxSockets: 256, socketPath } as ConstructorParameters<typeof Agent>[0]);
  return {
    async send({ sql, queryId, settings, headers, signal }) {
      const parameters = new URLSearchParams({ query_id: queryId });
      for (const [name, value] of Object.entries(settings)) parameters.set(name, String(value));
      const body = Buffer.from(sql);
      const { promise, resolve, reject } = Promise.withResolvers<EngineResponse>();
      const sent = request(
        {
          agent,
          method: 'POST',
          path: `/?${parameters.toString()}`,
          headers: { ...headers, 'content-length': body.length },
          ...(signal && { signal }),
        },
        response => {
          if (response.statusCode === 200) resolve({ stream: response, response_headers: response.headers });
          else refusalOf(response).then(text => reject(engineFault(parseEngineMessage(text.trim()), queryId)), reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
      return promise;
    },
    close: () => agent.destroy(),
  };
}
