import type { FastifyInstance } from 'fastify';
import type { Config } from '../base/config.ts';
import type { AcceptBatch } from '../flow.ts';
import { Gateway, guardSockets } from './gateway.ts';
import { jsonLinesDoor } from './json-lines/route.ts';
import { lokiPushDoor } from './loki-push/route.ts';
import { otlpDoor } from './otlp/route.ts';
import { textDoor } from './text/route.ts';

/** The doors as a role mounts them. */
export type Doors = {
  /** All doors, on the main port. */
  mountAll(server: FastifyInstance): void;
  /** OTLP alone, on the port its clients expect. */
  mountOtlp(server: FastifyInstance): void;
  /** Refuse new requests with 503 and Retry-After. Resolves when those that are in are answered, or had `limits.stopMillisMax` for it. */
  stop(): Promise<void>;
  /** Bytes of requests in flight. */
  heldBytes(): number;
};

/**
 * One gateway for all servers of the process, so that its limits hold for them together. Who may come in is the server's matter
 * (its guard runs before any door); a server's own error handler answers for what is no error of ours.
 */
export function openDoors(options: { accept: AcceptBatch; config: Config; heldBytesMax?: number }): Doors {
  const gateway = new Gateway(options);
  return {
    mountAll(server) {
      guardSockets(server);
      for (const door of [jsonLinesDoor, textDoor, lokiPushDoor, otlpDoor]) gateway.mount(server, door);
    },
    mountOtlp(server) {
      guardSockets(server);
      gateway.mount(server, otlpDoor);
    },
    stop: () => gateway.stop(),
    heldBytes: () => gateway.heldBytes(),
  };
}
