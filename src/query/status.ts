import type { FastifyInstance } from 'fastify';
import { WeirError } from '../base/errors.ts';
import { quoteString } from '../language/sql-writer.ts';
import { collect } from './admission.ts';
import type { StatusAnswer } from './contract.ts';
import { abortWith } from './frame-writer.ts';
import type { Room } from './room.ts';
import { readTenantOf } from '../base/tenant.ts';

/** `GET /api/v1/status`: the program's state, and how many records of this tenant there are. Answers while the engine is down. */
export function registerStatus(server: FastifyInstance, room: Room): void {
  server.get('/api/v1/status', async (request, reply): Promise<StatusAnswer> => {
    const tenant = readTenantOf(request.headers);
    const state = room.status();
    const nothing = { records: 0, oldest: null, newest: null };
    if (!state.engine.up) return { ...state, ...nothing };
    const where = `WHERE tenant = ${quoteString(tenant)}`;
    try {
      const answer = await room.ask(tenant, {
        sql: sources => `SELECT sum(rows) AS records, toUnixTimestamp64Nano(min(first)) AS oldest, toUnixTimestamp64Nano(max(last)) AS newest
FROM (${sources.streams.map(table => `SELECT rows, first, last FROM ${table} ${where}`).join(' UNION ALL ')})`,
        signal: abortWith(reply.raw).signal,
      });
      const [row] = await collect(answer);
      const records = Number(row?.records ?? 0);
      return records === 0
        ? { ...state, ...nothing }
        : { ...state, records, oldest: String(row?.oldest), newest: String(row?.newest) };
    } catch (error) {
      if (error instanceof WeirError && error.retry) return { ...state, ...nothing };
      throw error;
    }
  });
}
