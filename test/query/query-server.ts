import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { parseConfig } from '../../src/base/config.ts';
import type { QueryFrame } from '../../src/query/contract.ts';
import { registerQueryApi } from '../../src/query/register.ts';
import type { QueryDeps } from '../../src/query/room.ts';
import { openHttpServer } from '../../src/roles/http-server.ts';
import { ChdbStore } from './chdb-store.ts';

/** The query API on a real port over the real engine. */
export type QueryServer = {
  store: ChdbStore;
  url: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** All frames of a streamed answer. */
  frames(path: string, body: unknown, headers?: Record<string, string>): Promise<QueryFrame[]>;
  close(): Promise<void>;
};

export async function startQueryServer(change: Partial<QueryDeps> = {}, pathPrefix = ''): Promise<QueryServer> {
  const store = new ChdbStore();
  const server: FastifyInstance = await openHttpServer({
    guard: () => undefined,
    health: { ready: () => true, state: () => ({}) },
    pathPrefix,
  });
  await registerQueryApi(server, {
    run: store.run,
    bytes: store.runBytes,
    partsNow: store.partsNow,
    onVisible: store.onVisible,
    deletes: store.deletes,
    rulesDirectory: join(store.folder, 'rules'),
    lookupsDirectory: join(store.folder, 'lookups'),
    config: parseConfig(''),
    status: () => ({
      version: '0.1.0',
      engine: { up: true, version: '26.7', restarts: 0 },
      wal: { segments: 1, bytes: 10 },
      lagSeconds: 0,
      demo: false,
    }),
    ...change,
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  return {
    store,
    url,
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
    post,
    async frames(path, body, headers) {
      const response = await post(path, body, headers);
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status} ${text}`);
      return text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as QueryFrame);
    },
    async close() {
      await server.close();
      await store.close();
    },
  };
}
