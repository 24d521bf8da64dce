import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { readTenantOf } from '../base/tenant.ts';
import type { Answer, SqlProgress } from '../flow.ts';
import { askPage } from './ask-page.ts';
import { type QueryRow, queryRequest } from './contract.ts';
import { answerEql } from './eql/answer.ts';
import { looksEql } from './eql/contract.ts';
import { abortWith, type FrameWriter, openFrames } from './frame-writer.ts';
import { visibleError } from './visible-error.ts';
import type { Cursor, Shaped } from '../language/compile.ts';
import { type LogsPlan, type MetricPlan, planOf } from './plan.ts';
import { checked, type Room } from './room.ts';
import { assertPoints, sampleText, type Series } from './series.ts';
import { lookupRanges } from './lookup.ts';
import { defaultStep, rangeOf, type TimeRange } from './time-range.ts';

const progressMillis = 250;

/** `<ts ns>,<seq>` of the contract. */
export function cursorOf(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  const [, ts, seq] = /^(-?\d{1,19}),(\d{1,20})$/.exec(text) ?? [];
  if (ts === undefined || seq === undefined)
    throw new WeirError('bad_request', { reason: `after: "${text.slice(0, 100)}" is not <ts ns>,<seq> of a row` });
  return { ts: BigInt(ts), seq: BigInt(seq) };
}

/** The member `parsed` is there only when the query's stages made labels. Changes the rows in place. */
export function withoutEmptyParsed(rows: Record<string, unknown>[]): QueryRow[] {
  for (const row of rows) if (isEmpty(row.parsed)) delete row.parsed;
  return rows as QueryRow[];
}

function isEmpty(value: unknown): boolean {
  for (const _ in value as object) return false;
  return true;
}

/** `POST /api/v1/query`: frames of the contract, streamed as the engine finds rows. */
export function registerQuery(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/query', async (request, reply) => {
    const tenant = readTenantOf(request.headers);
    const body = checked(queryRequest, request.body);
    if (looksEql(body.query)) return answerEql(room, tenant, body, reply);
    const plan = planOf(body.query, 'weir', room.lookups.of(tenant));
    const range = rangeOf(body);
    const stepNs = body.step === undefined ? defaultStep(range) : BigInt(Math.round(body.step * 1e9));
    if (plan.kind === 'metric') assertPoints(range, stepNs, room.pointsMax);
    const after = cursorOf(body.after);
    const shaped =
      plan.kind === 'logs'
        ? plan.shaped?.(
            { tenant, range },
            { direction: body.direction, ...(body.limit > 0 && { limit: body.limit + 1 }) },
          )
        : undefined;
    if (shaped && after)
      throw new WeirError('bad_request', {
        reason: 'after: rows behind distinct, sort, limit, stats or context have no next page; raise the limit',
      });
    const isLookup =
      plan.kind === 'logs' && plan.id !== undefined && !after && (body.widen ?? body.start === undefined);
    const ranges = isLookup ? lookupRanges(range) : [range];

    const abort = abortWith(reply.raw);
    const id = body.id ?? randomUUID();
    room.running.add(tenant, id, abort);
    let out: FrameWriter | undefined;
    let progress: SqlProgress = { readRows: 0, readBytes: 0, totalRows: 0, elapsedMs: 0 };
    const total = { rows: 0, readRows: 0, readBytes: 0 };
    const since = performance.now();
    const elapsedMs = (): number => Math.round((performance.now() - since) * 10) / 10;
    const ticker = setInterval(
      () =>
        out?.offer({
          type: 'progress',
          ...progress,
          readRows: total.readRows + progress.readRows,
          readBytes: total.readBytes + progress.readBytes,
          elapsedMs: elapsedMs(),
        }),
      progressMillis,
    );

    // Called when the question has its place: from then on the answer is a stream, before that faults have their own status.
    const begin = (text: string): string => {
      if (!out) {
        out = openFrames(reply);
        out.offer({
          type: 'meta',
          id,
          kind: shaped?.table ? 'table' : plan.kind,
          ...(shaped && { whole: true }),
          logql: plan.logql,
          ...(plan.reading !== undefined && { reading: plan.reading, notes: plan.notes }),
          start: range.start.toString(),
          end: range.end.toString(),
          ...(plan.kind === 'metric' && { step: Number(stepNs) / 1e9 }),
          ...(body.explain && { sql: text }),
        });
      }
      return text;
    };
    const common = {
      signal: abort.signal,
      timeoutMs: room.timeoutMs(body.timeout),
      onProgress: (now: SqlProgress): void => {
        progress = now;
      },
    };
    type Sent = { rows: number; summary: ReturnType<Answer['summary']> };
    const sendSeriesOf = async (metric: MetricPlan, range: TimeRange): Promise<Sent> => {
      const { series, left, summary } = await room.kept.ask(room.ask, {
        ...common,
        tenant,
        plan: metric,
        range,
        stepNs,
        max: room.seriesMax,
        tooMany: 'cut',
        ...(body.explain && { fresh: true }),
        onSql: begin,
      });
      // What is kept needs no statement.
      begin('');
      if (out) await sendSeries(series, left, out, room.seriesMax);
      return { rows: series.length, summary };
    };
    const sendRowsOf = async (logs: LogsPlan, range: TimeRange): Promise<Sent> => {
      const answer = await rowsOf(logs, range);
      if (!out) throw new Error('BUG: the store answered without asking for the SQL');
      const rows = shaped ? await sendShaped(answer, out, shaped.table, body.limit) : await sendRows(answer, out);
      return { rows, summary: answer.summary() };
    };
    const rowsOf = (logs: LogsPlan, range: TimeRange): Promise<Answer> => {
      if (shaped)
        return room.ask(tenant, {
          ...common,
          settings: shaped.settings,
          sql: sources => begin(shaped.sql(sources)),
        });
      const order = { direction: body.direction, ...(after && { after }) };
      if (body.limit > 0 && body.limit <= limits.pageRowsMax) {
        const page = logs.page({ tenant, range }, { ...order, limit: body.limit });
        return askPage(room.ask, tenant, page, { ...common, onSql: begin });
      }
      const { sql, settings } = logs.rows(
        { tenant, range },
        { ...order, ...(body.limit > 0 && { limit: body.limit }) },
      );
      return room.ask(tenant, { ...common, settings, sql: sources => begin(sql(sources)) });
    };

    try {
      let cutOff: string | null = null;
      for (const [i, looked] of ranges.entries()) {
        const { rows, summary } = await (plan.kind === 'logs' ? sendRowsOf(plan, looked) : sendSeriesOf(plan, looked));
        if (!out) throw new Error('BUG: no frame was sent');
        total.rows += rows;
        const { readRows, readBytes, partial, reason } = summary;
        total.readRows += readRows;
        total.readBytes += readBytes;
        progress = { readRows: 0, readBytes: 0, totalRows: 0, elapsedMs: 0 };
        if (partial) cutOff = reason ?? 'the server did not say why';
        const done = total.rows > 0 || partial || i === ranges.length - 1;
        if (isLookup)
          await out.send({
            type: 'lookup',
            start: looked.start.toString(),
            end: looked.end.toString(),
            rows: total.rows,
            done,
          });
        if (done) break;
      }
      if (!out) throw new Error('BUG: nothing was asked');
      await out.send({ type: 'end', ...total, elapsedMs: elapsedMs(), partial: cutOff !== null, reason: cutOff });
      out.end();
    } catch (error) {
      const shown = visibleError(error, id);
      if (!out) throw shown;
      out.fail(shown);
    } finally {
      clearInterval(ticker);
    }
  });
}

async function sendRows(answer: Answer, out: FrameWriter): Promise<number> {
  let count = 0;
  for await (const batch of answer.rows) {
    if (batch.length === 0) continue;
    count += batch.length;
    await out.send({ type: 'rows', rows: withoutEmptyParsed(batch) });
  }
  return count;
}

/** At most `limit` rows (0: all); that there are more is said. */
async function sendShaped(answer: Answer, out: FrameWriter, table: Shaped['table'], limit: number): Promise<number> {
  let count = 0;
  if (table) await out.send({ type: 'table', columns: table, rows: [] });
  for await (const batch of answer.rows) {
    const wanted = limit > 0 ? batch.slice(0, Math.max(0, limit - count)) : batch;
    count += batch.length;
    if (wanted.length === 0) continue;
    if (table)
      await out.send({ type: 'table', columns: table, rows: wanted.map(r => table.map((_, i) => String(r[`c${i}`]))) });
    else {
      for (const row of wanted)
        if (row.context === 1) row.context = true;
        else delete row.context;
      await out.send({ type: 'rows', rows: withoutEmptyParsed(wanted) });
    }
  }
  if (limit === 0 || count <= limit) return count;
  await out.send({
    type: 'warning',
    message: `there are more than ${limit} rows; raise the limit or narrow the query`,
  });
  return limit;
}

/** Series are whole only at the end of the answer. More than the limit are left out aloud. */
async function sendSeries(series: readonly Series[], left: number, out: FrameWriter, max: number): Promise<void> {
  for (const one of series)
    await out.send({
      type: 'series',
      metric: one.metric,
      values: one.points.map(([ms, value]) => [ms / 1000, sampleText(value)]),
    });
  if (left > 0)
    await out.send({
      type: 'warning',
      message: `${left} more series are left out (limits.query_series ${max}); aggregate with sum by (...) or use topk`,
    });
}
