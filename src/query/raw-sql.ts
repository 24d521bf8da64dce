import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { tenantOf } from '../base/tenant.ts';
import type { SqlProgress, SqlSettings } from '../flow.ts';
import { admit, admitStatement, canonicalSql, clauseFault, gatedSql, treeSql } from '../language/sql-gate/gate.ts';
import { collect } from './admission.ts';
import { sqlRequest } from './contract.ts';
import { abortWith, openFrames, type FrameWriter } from './frame-writer.ts';
import { checked, type Room } from './room.ts';
import { visibleError } from './visible-error.ts';

const progressMillis = 250;

/** Engine codes of a full or broken engine rather than of a bad statement; these keep their own errors. */
const notTheirs = new Set([0, 75, 202, 204, 243, 1002, 236]);

const syntaxError = 62;

/**
 * The engine's words about a person's own statement: what is wrong, without the statement around it. Its place is counted in the text as typed
 * when the engine gives one.
 */
function sqlFault(error: unknown, typed: string): unknown {
  const { engineCode, cause } = error as { engineCode?: number; cause?: unknown };
  if (!(error instanceof WeirError) || error.code !== 'query_failed' || engineCode === undefined) return error;
  if (notTheirs.has(engineCode)) return error;
  const text = (cause instanceof Error ? cause.message : '')
    .replace(/^.*?DB::Exception: /s, '')
    .replace(/[:.,]?\s*(?:[Ii]n scope|[Ww]hile (?:executing|processing)|[Ww]hen executing)\b.*$/s, '')
    .replace(/\.?\s*\([A-Z_0-9]+\)\s*$/, '')
    .slice(0, 500);
  const position = Number(/failed at position (\d+)/.exec(text)?.[1] ?? 0);
  const before = Buffer.from(typed)
    .subarray(0, Math.max(0, position - 1))
    .toString()
    .split('\n');
  return new WeirError(
    'bad_query',
    { reason: `SQL: ${text || `the engine refuses it (${engineCode})`}` },
    { cause: error, ...(position > 0 && { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }) },
  );
}

/** `POST /api/v1/sql`: see contract.ts and language/sql-gate. */
export function registerSql(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/sql', async (request, reply) => {
    if (!room.sql) throw new WeirError('sql_disabled');
    const { rowsMax } = room.sql;
    const tenant = tenantOf(request.headers);
    const body = checked(sqlRequest, request.body);
    if (Buffer.byteLength(body.query) > limits.queryTextBytesMax)
      throw new WeirError('bad_query', {
        reason: `SQL: the text is ${Buffer.byteLength(body.query)} bytes long, more than ${limits.queryTextBytesMax}`,
      });
    const abort = abortWith(reply.raw);
    const id = body.id ?? randomUUID();
    room.running.add(tenant, id, abort);
    let out: FrameWriter | undefined;
    let progress: SqlProgress = { readRows: 0, readBytes: 0, totalRows: 0, elapsedMs: 0 };
    const ticker = setInterval(() => out?.offer({ type: 'progress', ...progress }), progressMillis);
    // The row filters of the engine go by log_comment, see store/engine/config-file.ts.
    const settings: SqlSettings = {
      log_comment: tenant,
      max_ast_depth: 200,
      max_parser_depth: 200,
      max_subquery_depth: 30,
      max_ast_elements: 20_000,
    };
    const small = async (sql: string): Promise<Record<string, unknown>[]> =>
      collect(await room.ask(tenant, { sql: () => sql, settings, signal: abort.signal, timeoutMs: 10_000 }));
    try {
      const [formatted] = await small(canonicalSql(body.query));
      const canonical = String(formatted?.text);
      admitStatement(canonical);
      const tree = await small(treeSql(canonical)).catch((error: unknown) => {
        throw (error as { engineCode?: number }).engineCode === syntaxError ? clauseFault() : error;
      });
      admit(
        canonical,
        tree.map(row => String(row.explain)),
      );
      const answer = await room.ask(tenant, {
        sql: sources => gatedSql(canonical, tenant, { ...sources, templates: [sources.templates] }, rowsMax + 1),
        // Not while the tree is read: EXPLAIN in a subquery needs more, and executes nothing.
        settings: { ...settings, readonly: 1 },
        signal: abort.signal,
        timeoutMs: room.timeoutMs(body.timeout),
        onProgress: now => {
          progress = now;
        },
      });
      let rows = 0;
      for await (const batch of answer.rows) {
        out ??= begin();
        const wanted = batch.slice(0, rowsMax - rows);
        rows += batch.length;
        if (wanted.length > 0) await out.send({ type: 'rows', rows: wanted });
      }
      out ??= begin();
      const { readRows, readBytes, elapsedMs, partial, reason } = answer.summary();
      const cut = rows > rowsMax;
      await out.send({
        type: 'end',
        rows: Math.min(rows, rowsMax),
        readRows,
        readBytes,
        elapsedMs,
        partial: partial || cut,
        reason:
          reason ??
          (cut ? `there are more than ${rowsMax} rows (sql.rows); add LIMIT and OFFSET, or raise the limit` : null),
      });
      out.end();

      function begin(): FrameWriter {
        const writer = openFrames(reply);
        writer.offer({ type: 'meta', id, kind: 'sql', sql: canonical });
        return writer;
      }
    } catch (error) {
      const shown = visibleError(sqlFault(error, body.query), id);
      if (!out) throw shown;
      out.fail(shown);
    } finally {
      clearInterval(ticker);
    }
  });
}
