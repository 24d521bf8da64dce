import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance } from 'fastify';
import { log } from '../base/log.ts';
import { readTenantOf } from '../base/tenant.ts';
import type { ByteFormat } from '../flow.ts';
import { cursorOf } from './ask-query.ts';
import { exportRequest } from './contract.ts';
import { abortWith, beginStream } from './frame-writer.ts';
import { logsPlanOf } from './plan.ts';
import { checked, type Room } from './room.ts';
import { rangeOf } from './time-range.ts';

/** A cell that a spreadsheet would run as a formula gets an apostrophe in front (OWASP: CSV injection). */
const guarded = (column: string): string =>
  `if(match(${column}, '^[=+@\\\\t\\\\r-]'), concat('\\'', ${column}), ${column}) AS ${column}`;

type Format = { bytes: ByteFormat; contentType: string; columns: string; fileName: string };
const formats: Record<'ndjson' | 'csv' | 'parquet', Format> = {
  ndjson: {
    bytes: 'JSONEachRow',
    contentType: 'application/x-ndjson; charset=utf-8',
    columns: '*',
    fileName: 'weir.ndjson',
  },
  csv: {
    bytes: 'CSVWithNames',
    contentType: 'text/csv; charset=utf-8; header=present',
    columns: `toString(fromUnixTimestamp64Nano(ts, 'UTC')) AS time, ts, seq, ${guarded('service')}, level, ${guarded('message')}, toJSONString(labels) AS labels, toJSONString(attributes) AS attributes, door`,
    fileName: 'weir.csv',
  },
  parquet: {
    bytes: 'Parquet',
    contentType: 'application/vnd.apache.parquet',
    columns: `fromUnixTimestamp64Nano(ts, 'UTC') AS timestamp, fromUnixTimestamp64Nano(received, 'UTC') AS received, * EXCEPT (ts, received)`,
    fileName: 'weir.parquet',
  },
};

/** `POST /api/v1/export`: every matching record in the engine's own bytes, at the pace of the reader. Never capped: what cannot be sent whole breaks off. */
export function registerExport(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/export', async (request, reply) => {
    const tenant = readTenantOf(request.headers);
    const body = checked(exportRequest, request.body);
    const plan = logsPlanOf(body.query, 'weir', 'refused', room.lookups.of(tenant));
    const after = cursorOf(body.after);
    const rows = plan.rows({ tenant, range: rangeOf(body) }, { direction: body.direction, ...(after && { after }) });
    const format = formats[body.format];
    const abort = abortWith(reply.raw);
    const id = body.id ?? randomUUID();
    room.running.add(tenant, id, abort);

    const bytes = await room.exportBytes(tenant, {
      sql: sources => `SELECT ${format.columns} FROM (${rows.sql(sources)})`,
      format: format.bytes,
      settings: { ...rows.settings, output_format_json_quote_64bit_integers: 1 },
      signal: abort.signal,
      timeoutMs: body.timeout ?? 0,
    });
    reply.header('content-disposition', `attachment; filename="${format.fileName}"`);
    const response = beginStream(reply, format.contentType);
    try {
      await pipeline(bytes, response, { signal: abort.signal });
    } catch (error) {
      // Too late for a status: the broken connection tells the client that the export is not whole.
      if (!abort.signal.aborted) log.warn({ err: error, query: id }, 'export broke off');
    }
  });
}
