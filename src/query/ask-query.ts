import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { readTenantOf } from '../base/tenant.ts';
import type { Answer, SqlProgress } from '../flow.ts';
import { askNewest } from './ask-newest.ts';
import { askPage } from './ask-page.ts';
import { type Covered, type QueryFrame, type QueryRow, queryRequest } from './contract.ts';
import { answerEql } from './eql/answer.ts';
import { looksEql } from './eql/contract.ts';
import { abortWith, type FrameWriter, openFrames } from './frame-writer.ts';
import { levelHint } from './level-hint.ts';
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
    const limited = { direction: body.direction, ...(body.limit > 0 && { limit: body.limit + 1 }) };
    const shaped = plan.kind === 'logs' ? plan.shaped?.({ tenant, range }, limited) : undefined;
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
    let covered: Covered | undefined;
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
          ...(covered && { covered }),
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
    const hint = async (answered: Record<string, string>[]): Promise<void> => {
      const message = levelHint(plan.tree, answered);
      if (message !== undefined) await out?.send({ type: 'warning', message });
    };
    type Sent = { rows: number; summary: ReturnType<Answer['summary']>; covered?: TimeRange };
    const sendSeriesOf = async (metric: MetricPlan, range: TimeRange): Promise<Sent> => {
      const { series, left, summary, ...rest } = await room.kept.ask(room.ask, {
        ...common,
        tenant,
        plan: metric,
        range,
        stepNs,
        max: room.seriesMax,
        tooMany: 'cut',
        ...(body.explain && { fresh: true }),
        onSql: begin,
        onCovered: done => {
          covered = coveredOf(done);
        },
      });
      // What is kept needs no statement.
      begin('');
      if (out) await sendSeries(series, left, out, room.seriesMax);
      await hint(series.map(one => one.metric));
      return { rows: series.length, summary, ...rest };
    };
    const sendRowsOf = async (logs: LogsPlan, range: TimeRange): Promise<Sent> => {
      const answer = await rowsOf(logs, range);
      if (!out) throw new Error('BUG: the store answered without asking for the SQL');
      return { rows: await sendRows(answer, out), summary: answer.summary() };
    };
    const sendShapedOf = async ({ table }: Shaped, over: NonNullable<LogsPlan['shaped']>): Promise<Sent> => {
      const rows = shapedRows(() => out, table, body.limit);
      const done = await askNewest(
        room.ask,
        {
          ...common,
          tenant,
          range,
          keep: body.direction === 'backward' ? 'newest' : 'oldest',
          over(looked) {
            const { sql, settings } = over({ tenant, range: looked }, limited);
            return { settings, sql: sources => begin(sql(sources)) };
          },
        },
        batch => rows.send(batch),
      );
      return { rows: await rows.end(), ...done };
    };
    const rowsOf = (logs: LogsPlan, range: TimeRange): Promise<Answer> => {
      const order = { direction: body.direction, ...(after && { after }) };
      if (body.limit > 0 && body.limit <= limits.pageRowsMax) {
        const page = logs.page({ tenant, range }, { ...order, limit: body.limit });
        return askPage(room.ask, tenant, page, { ...common, streams: room.streams, onSql: begin });
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
        const { rows, summary, ...rest } = await (plan.kind === 'metric'
          ? sendSeriesOf(plan, looked)
          : shaped && plan.shaped
            ? sendShapedOf(shaped, plan.shaped)
            : sendRowsOf(plan, looked));
        if (!out) throw new Error('BUG: no frame was sent');
        total.rows += rows;
        const { readRows, readBytes, partial, reason } = summary;
        total.readRows += readRows;
        total.readBytes += readBytes;
        progress = { readRows: 0, readBytes: 0, totalRows: 0, elapsedMs: 0 };
        covered = rest.covered && coveredOf(rest.covered);
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
      if (plan.kind === 'logs' && total.rows === 0) await hint([]);
      await out.send({
        type: 'end',
        ...total,
        elapsedMs: elapsedMs(),
        partial: cutOff !== null,
        reason: cutOff,
        ...(covered && { covered }),
      });
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

const coveredOf = ({ start, end }: TimeRange): Covered => ({ start: start.toString(), end: end.toString() });

async function sendRows(answer: Answer, out: FrameWriter): Promise<number> {
  let count = 0;
  for await (const batch of answer.rows) {
    if (batch.length === 0) continue;
    count += batch.length;
    await out.send({ type: 'rows', rows: withoutEmptyParsed(batch) });
  }
  return count;
}

/** Sends at most `limit` rows (0: all), in frames of `out`, which is there when the first row is; that there are more is said at the end. */
function shapedRows(out: () => FrameWriter | undefined, table: Shaped['table'], limit: number) {
  let count = 0;
  let headed = false;
  const write = async (frame: QueryFrame): Promise<void> => out()?.send(frame);
  const head = async (): Promise<void> => {
    if (table && !headed) await write({ type: 'table', columns: table, rows: [] });
    headed = true;
  };
  return {
    async send(batch: Record<string, unknown>[]): Promise<void> {
      await head();
      const wanted = limit > 0 ? batch.slice(0, Math.max(0, limit - count)) : batch;
      count += batch.length;
      if (wanted.length === 0) return;
      if (table) {
        const rows = wanted.map(r => table.map((_, i) => String(r[`c${i}`])));
        return write({ type: 'table', columns: table, rows });
      }
      for (const row of wanted)
        if (row.context === 1) row.context = true;
        else delete row.context;
      await write({ type: 'rows', rows: withoutEmptyParsed(wanted) });
    },
    /** Gives the number of rows that were sent. */
    async end(): Promise<number> {
      await head();
      if (limit === 0 || count <= limit) return count;
      await write({
        type: 'warning',
        message: `there are more than ${limit} rows; raise the limit or narrow the query`,
      });
      return limit;
    },
  };
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
      message: `${left.toLocaleString('en')} more series are left out (limits.query_series ${max}); aggregate with sum by (...) or use topk`,
    });
}
