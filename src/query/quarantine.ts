import type { FastifyInstance } from 'fastify';
import { quoteInteger, quoteString } from '../language/sql-writer.ts';
import { collect } from './admission.ts';
import { type QuarantineAnswer, quarantineRequest } from './contract.ts';
import { checked, type Room } from './room.ts';
import { readTenantOf } from '../base/tenant.ts';
import { abortWith } from './frame-writer.ts';

/** `GET /api/v1/quarantine`: pages through what could not be stored as a record, newest first. */
export function registerQuarantine(server: FastifyInstance, room: Room): void {
  server.get('/api/v1/quarantine', async (request, reply): Promise<QuarantineAnswer> => {
    const tenant = readTenantOf(request.headers);
    const { limit, before } = checked(quarantineRequest, request.query);
    const cursor = before?.split(',').map(part => quoteInteger(BigInt(part)));
    const where = `tenant = ${quoteString(tenant)}${cursor ? ` AND (toUnixTimestamp64Nano(received), seq, line) < (${cursor.join(', ')})` : ''}`;
    const answer = await room.ask(tenant, {
      sql: sources => `SELECT toUnixTimestamp64Nano(received) AS received, seq, door, line, reason, base64Encode(raw) AS raw
FROM (${sources.quarantine.map(table => `SELECT received, seq, door, line, reason, raw FROM ${table} WHERE ${where}`).join(' UNION ALL ')})
ORDER BY received DESC, seq DESC, line DESC LIMIT ${limit}`,
      signal: abortWith(reply.raw).signal,
    });
    const rows = (await collect(answer)).map(row => ({
      received: String(row.received),
      seq: String(row.seq),
      door: String(row.door),
      line: Number(row.line),
      reason: String(row.reason),
      raw: String(row.raw),
    }));
    const last = rows.at(-1);
    return { rows, next: last && rows.length === limit ? `${last.received},${last.seq},${last.line}` : null };
  });
}
