import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Tenant } from '../base/record.ts';
import { readTenantOf } from '../base/tenant.ts';
import { limits } from '../base/limits.ts';
import { collect } from './admission.ts';
import { askPage } from './ask-page.ts';
import { withoutEmptyParsed } from './ask-query.ts';
import { queryRequest } from './contract.ts';
import { type FollowSql, type Followed, follow } from './follow.ts';
import { abortWith, openFrames } from './frame-writer.ts';
import { visibleError } from './visible-error.ts';
import { type LogsPlan, logsPlanOf } from './plan.ts';
import { checked, type Room } from './room.ts';
import { nowNs, parseTime, type TimeRange } from './time-range.ts';

const progressMillis = 1000;
/** Far enough for every event time. */
const ever = 9_223_372_036_854_775_807n;

/** The SQL of a plan for following it: by seq, so that late and early event times are shown as they come. */
export function followSqlOf(plan: LogsPlan, tenant: Tenant, start: bigint | undefined): FollowSql {
  const range = start === undefined ? {} : { range: { start, end: ever } };
  return {
    settings: plan.rows({ tenant }, { direction: 'accepted', limit: 1 }).settings,
    rowsFrom: (sources, fromSeq, limit) =>
      plan.rows({ tenant, ...range, fromSeq }, { direction: 'accepted', limit }).sql(sources),
    countFrom: (sources, fromSeq) =>
      `SELECT count() AS skipped, max(seq) AS last FROM (${plan.matching({ tenant, ...range, fromSeq }, ['seq'])(sources)})`,
  };
}

export type TailRequest = {
  tenant: Tenant;
  plan: LogsPlan;
  /** Records since then come first, the newest `limit` of them. Absent: only what becomes visible from now on. */
  history?: TimeRange & { limit: number };
  delayMs?: number;
  signal: AbortSignal;
};

/** Records that are there (if asked for), oldest first, then records as they become visible; each once. */
export async function* tail(room: Room, request: TailRequest): AsyncGenerator<Followed> {
  const { tenant, plan, history, signal } = request;
  const border = await room.visible.border(tenant, room.askForTail, signal);
  if (history && history.limit > 0) {
    const { start, end, limit } = history;
    const past = plan.page({ tenant, range: { start, end }, belowSeq: border }, { direction: 'backward', limit });
    const { streams } = room;
    const timeoutMs = room.timeoutMs(undefined);
    const rows = await collect(await askPage(room.ask, tenant, past, { streams, signal, timeoutMs }));
    if (rows.length > 0) yield { rows: rows.reverse() };
  }
  const sql = followSqlOf(plan, tenant, history?.start);
  const delay = request.delayMs === undefined ? {} : { delayMs: request.delayMs };
  yield* follow({ tenant, sql, border, signal, ...delay }, room.askForTail, room.visible.listen);
}

/** `POST /api/v1/tail`: a stream of frames that ends with the connection. */
export function registerTail(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/tail', async (request, reply) => {
    const tenant = readTenantOf(request.headers);
    const body = checked(queryRequest, request.body);
    const plan = logsPlanOf(body.query, 'weir', 'refused', room.lookups.of(tenant));
    const now = nowNs();
    const start = body.start === undefined ? undefined : parseTime('start', body.start);
    const limit = Math.min(body.limit === 0 ? room.rowsMax : body.limit, room.rowsMax);
    const id = body.id ?? randomUUID();
    const abort = abortWith(reply.raw);
    const close = room.openTail();
    reply.raw.once('close', close);
    room.running.add(tenant, id, abort);

    const out = openFrames(reply);
    const since = performance.now();
    out.offer({ type: 'meta', id, kind: 'logs', logql: plan.logql, start: String(start ?? now), end: '' });
    const ticker = setInterval(
      () =>
        out.offer({
          type: 'progress',
          readRows: 0,
          readBytes: 0,
          totalRows: 0,
          elapsedMs: Math.round(performance.now() - since),
        }),
      progressMillis,
    );
    try {
      const history = start === undefined ? {} : { history: { start, end: ever, limit } };
      for await (const found of tail(room, { tenant, plan, signal: abort.signal, ...history })) {
        if ('rows' in found) await out.send({ type: 'rows', rows: withoutEmptyParsed(found.rows) });
        else await out.send({ type: 'warning', message: skippedMessage(found.skipped) });
      }
      out.end();
    } catch (error) {
      out.fail(visibleError(error, id));
    } finally {
      clearInterval(ticker);
    }
  });
}

export const skippedMessage = (skipped: number): string =>
  `${skipped} records skipped: this reader was ${limits.tailLagMillis / 1000} s behind; narrow the query, or query the range instead`;
