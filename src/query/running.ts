import type { FastifyInstance } from 'fastify';
import { WeirError } from '../base/errors.ts';
import type { Tenant } from '../base/record.ts';
import { readTenantOf } from '../base/tenant.ts';

/** Queries by name, so that another request of the same tenant can cancel them. */
export type Running = {
  /** Rejects an id that is in use. Forgotten when `abort` has fired, which it does at the end of the answer too. */
  add(tenant: Tenant, id: string, abort: AbortController): void;
  cancel(tenant: Tenant, id: string): boolean;
};

export function makeRunning(): Running {
  const queries = new Map<string, AbortController>();
  return {
    add(tenant, id, abort) {
      const key = `${tenant} ${id}`;
      if (queries.has(key))
        throw new WeirError('bad_request', { reason: `id: a query named "${id}" is running already` });
      queries.set(key, abort);
      abort.signal.addEventListener('abort', () => queries.delete(key), { once: true });
    },
    cancel(tenant, id) {
      const abort = queries.get(`${tenant} ${id}`);
      abort?.abort(new WeirError('query_cancelled'));
      return abort !== undefined;
    },
  };
}

/** `DELETE /api/v1/query/<id>`: 200 when it was running, else 404. */
export function registerCancel(server: FastifyInstance, running: Running): void {
  server.delete<{ Params: { id: string } }>('/api/v1/query/:id', async request => {
    if (!running.cancel(readTenantOf(request.headers), request.params.id))
      throw new WeirError('no_such_query', { id: request.params.id });
    return { cancelled: request.params.id };
  });
}
