import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Tenant } from '../../base/record.ts';
import { tenantOf } from '../../base/tenant.ts';
import type { LookupTable } from '../../language/lookup-table.ts';
import { quoteString } from '../../language/sql-writer.ts';
import { collect } from '../admission.ts';
import type { LookupsAnswer } from '../contract.ts';
import type { Room } from '../room.ts';

const bad = (reason: string): WeirError => new WeirError('bad_request', { reason: `lookup table: ${reason}` });
const namePattern = /^[A-Za-z_]\w{0,63}$/;

/** Rows as objects of texts. CSV is read by the engine, which knows its quotes. */
async function readRows(room: Room, tenant: Tenant, type: string, body: string): Promise<Record<string, string>[]> {
  if (type === 'application/json') {
    const value = z
      .array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])))
      .safeParse(parseJson(body));
    if (!value.success) throw bad('the body must be an array of objects whose values are texts, numbers or booleans');
    return value.data.map(row =>
      Object.fromEntries(Object.entries(row).map(([k, v]) => [k, v === null ? '' : String(v)])),
    );
  }
  try {
    const answer = await room.ask(tenant, {
      sql: () => `SELECT * FROM format(CSVWithNames, ${quoteString(body)})`,
      settings: { input_format_csv_use_best_effort_in_schema_inference: 0, input_format_csv_empty_as_default: 0 },
      timeoutMs: 10_000,
    });
    return (await collect(answer)).map(row =>
      Object.fromEntries(Object.entries(row).map(([k, v]) => [k, typeof v === 'string' ? v : ''])),
    );
  } catch (error) {
    if (error instanceof WeirError && error.code === 'query_failed')
      throw bad('the body is no CSV with a header line and the same number of fields in every line');
    throw error;
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw bad(`the body is no JSON: ${(error as Error).message}`);
  }
}

function tableFrom(name: string, rows: readonly Record<string, string>[], wanted: string | undefined): LookupTable {
  if (rows.length > limits.lookupRowsMax)
    throw bad(`${rows.length} rows; at most ${limits.lookupRowsMax} are possible`);
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))];
  if (names.length < 2) throw bad('it needs rows with a key column and at least one more');
  if (names.length > limits.lookupColumnsMax)
    throw bad(`${names.length} columns; at most ${limits.lookupColumnsMax} are possible`);
  const strange = names.find(column => !namePattern.test(column));
  if (strange !== undefined)
    throw bad(
      `column ${JSON.stringify(strange)} cannot be a label; use letters, digits and _, not starting with a digit`,
    );
  const key = wanted ?? names[0] ?? '';
  if (!names.includes(key))
    throw bad(`no column ${JSON.stringify(key)} for the key; the columns are ${names.join(', ')}`);
  const columns = names.filter(column => column !== key);
  const seen = new Set<string>();
  return {
    name,
    key,
    columns,
    rows: rows.map((row, i) => {
      const value = row[key] ?? '';
      if (value === '') throw bad(`row ${i + 1} has no value in the key column ${JSON.stringify(key)}`);
      if (seen.has(value))
        throw bad(`the key ${JSON.stringify(value)} is there twice, the second time in row ${i + 1}`);
      seen.add(value);
      return { key: value, values: columns.map(column => row[column] ?? '') };
    }),
  };
}

/** `/api/v1/lookups`: see contract.ts. */
export async function registerLookups(server: FastifyInstance, room: Room): Promise<void> {
  await server.register(async scope => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: limits.lookupBytesMax }, (_, body, done) =>
      done(null, body),
    );

    scope.get('/api/v1/lookups', async (request): Promise<LookupsAnswer> => {
      const tables = [...room.lookups.of(tenantOf(request.headers)).values()];
      return { tables: tables.map(({ name, key, columns, rows }) => ({ name, key, columns, rows: rows.length })) };
    });

    scope.put<{ Params: { name: string }; Querystring: { key?: string } }>(
      '/api/v1/lookups/:name',
      async (request, reply) => {
        const tenant = tenantOf(request.headers);
        const { name } = request.params;
        if (!namePattern.test(name))
          throw bad(`${JSON.stringify(name)} is no name: a letter or _, then letters, digits, _`);
        const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
        if (!['text/csv', 'application/json'].includes(type))
          throw new WeirError('unsupported_type', { type: type || '(none)', supported: 'text/csv, application/json' });
        const rows = await readRows(room, tenant, type, typeof request.body === 'string' ? request.body : '');
        const table = tableFrom(name, rows, request.query.key);
        await room.lookups.put(tenant, table);
        reply.status(201);
        return { name, key: table.key, columns: table.columns, rows: table.rows.length };
      },
    );

    scope.get<{ Params: { name: string } }>('/api/v1/lookups/:name', async request => {
      const table = room.lookups.of(tenantOf(request.headers)).get(request.params.name);
      if (!table) throw new WeirError('not_found', { path: request.url });
      return table.rows.map(row => ({
        [table.key]: row.key,
        ...Object.fromEntries(table.columns.map((column, i) => [column, row.values[i]])),
      }));
    });

    scope.delete<{ Params: { name: string } }>('/api/v1/lookups/:name', async (request, reply) => {
      if (!(await room.lookups.remove(tenantOf(request.headers), request.params.name)))
        throw new WeirError('not_found', { path: request.url });
      return reply.status(204).send();
    });
  });
}
