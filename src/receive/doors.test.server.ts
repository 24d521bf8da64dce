import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { makeGuard, type StaticToken } from '../access/tokens.ts';
import { type Config, parseConfig } from '../base/config.ts';
import type { Batch, BatchHeader, CanonicalRow, QuarantineRow } from '../base/record.ts';
import { openHttpServer } from '../roles/http-server.ts';
import { type Doors, openDoors } from './doors.ts';

/** A server with all doors on a real socket, and an AcceptBatch that keeps what it gets; `accept` may be replaced to refuse. */
export type TestServer = {
  url: string;
  port: number;
  server: FastifyInstance;
  doors: Doors;
  batches: Batch[];
  state: { accept: (batch: Batch) => Promise<{ seq: bigint }> };
  headers(): BatchHeader[];
  rows(): CanonicalRow[];
  quarantined(): (QuarantineRow & { text: string })[];
  lines(format: string): string[];
  clear(): void;
  close(): Promise<void>;
};

export async function startTestServer(
  settings: { tokens?: StaticToken[]; config?: string; heldBytesMax?: number } = {},
): Promise<TestServer> {
  const config: Config = parseConfig(settings.config ?? '');
  const batches: Batch[] = [];
  const state: TestServer['state'] = {
    accept: async batch => {
      // The payload is good until the append settles: the doors use its memory again.
      batches.push({ header: batch.header, payload: batch.payload.map(piece => Buffer.from(piece)) });
      return { seq: BigInt(batches.length) };
    },
  };
  const server = await openHttpServer({
    guard: makeGuard(settings.tokens ?? []),
    health: { ready: () => true, state: () => ({}) },
  });
  const doors = openDoors({ accept: batch => state.accept(batch), config, heldBytesMax: settings.heldBytesMax });
  doors.mountAll(server);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const lines = (format: string): string[] =>
    batches
      .filter(batch => batch.header.format === format)
      .flatMap(batch => Buffer.concat(batch.payload).toString('utf8').split('\n').slice(0, -1));
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    doors,
    batches,
    state,
    headers: () => batches.map(batch => batch.header),
    rows: () => lines('rows').map(line => JSON.parse(line.replace(/"t":(-?\d+)/, '"t":"$1"')) as CanonicalRow),
    quarantined: () =>
      lines('quarantine').map(line => {
        const row = JSON.parse(line) as QuarantineRow;
        return { ...row, text: Buffer.from(row.raw, 'base64').toString('latin1') };
      }),
    lines,
    clear: () => batches.splice(0),
    close: () => server.close(),
  };
}
