import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import type { Tenant } from '../../base/record.ts';
import { readTenantOf } from '../../base/tenant.ts';
import type { Answer } from '../../flow.ts';
import type { Query } from '../../language/tree.ts';
import { writeDuration } from '../../language/units.ts';
import { collect } from '../admission.ts';
import { askPage } from '../ask-page.ts';
import { abortWith } from '../frame-writer.ts';
import { levelHint } from '../level-hint.ts';
import { type LogsPlan, type MetricPlan, planOf } from '../plan.ts';
import type { Room } from '../room.ts';
import { assertPoints, assertStep } from '../series.ts';
import { defaultStep, lokiRangeOf, nowNs, parseDuration, parseLokiTime, type TimeRange } from '../time-range.ts';
import { type Entry, envelope, matrixJson, scalarJson, type Stats, streamsJson, vectorJson } from './envelope.ts';
import {
  answered,
  directionOf,
  limitOf,
  type Parameters,
  parametersOf,
  positiveOf,
  wantsCategories,
} from './parameters.ts';

export function queryText(parameters: Parameters): string {
  const query = parameters.get('query');
  if (query === undefined) throw new WeirError('bad_request', { reason: 'parse error : the parameter query is empty' });
  return query;
}

export const warningsOf = (answer: Pick<Answer, 'summary'>): string[] => {
  const { partial, reason } = answer.summary();
  return partial ? [`the answer is partial: ${reason ?? 'a limit was reached'}`] : [];
};

const hintOf = (query: Query, answered: Record<string, string>[]): string[] => {
  const hint = levelHint(query, answered);
  return hint === undefined ? [] : [hint];
};

export const statsOf = (answer: Pick<Answer, 'summary'>, entries: number, bytes = 0): Stats => {
  const { readRows, readBytes, elapsedMs } = answer.summary();
  // What was answered was read, even when the query was over before the engine told its progress.
  return { readRows: Math.max(readRows, entries), readBytes: Math.max(readBytes, bytes), elapsedMs, entries };
};

/** Refuse a range longer than the limit, in Loki's words. */
function assertLength({ start, end }: TimeRange, maxMillis: number): void {
  if (maxMillis === 0 || end - start <= BigInt(maxMillis) * 1_000_000n) return;
  throw new WeirError('bad_request', {
    reason: `the query time range exceeds the limit (query length: ${writeDuration(end - start)}, limit: ${writeDuration(BigInt(maxMillis) * 1_000_000n)}); ask for less time, or raise limits.query_length`,
  });
}

/** Keep rows that are at least `spacing` ns apart, in the order they come. */
function spaced(entries: Entry[], spacing: bigint, limit: number): Entry[] {
  if (spacing <= 0n) return entries;
  const kept: Entry[] = [];
  let last: bigint | undefined;
  for (const entry of entries) {
    const ts = BigInt(entry.ts);
    if (last !== undefined && (ts > last ? ts - last : last - ts) < spacing) continue;
    last = ts;
    kept.push(entry);
    if (kept.length === limit) break;
  }
  return kept;
}

/** The least time between two entries that are given, in ns; 0: all are. */
function intervalOf(parameters: Parameters): bigint {
  const text = parameters.get('interval');
  const interval = text === undefined ? 0n : parseDuration('interval', text);
  if (interval < 0n) throw new WeirError('bad_request', { reason: 'interval must be >= 0' });
  return interval;
}

/** `query_range` and `query`. */
export function registerQueries(scope: FastifyInstance, room: Room): void {
  async function logs(
    request: FastifyRequest,
    reply: FastifyReply,
    tenant: Tenant,
    plan: LogsPlan,
    range: TimeRange,
    parameters: Parameters,
  ): Promise<string> {
    const limit = limitOf(parameters, room.rowsMax);
    const interval = intervalOf(parameters);
    const categorize = wantsCategories(request);
    const order = { direction: directionOf(parameters), limit: interval > 0n ? room.rowsMax : limit };
    const answer = await askPage(room.ask, tenant, plan.page({ tenant, range }, order), {
      streams: room.streams,
      signal: abortWith(reply.raw).signal,
      timeoutMs: room.timeoutMs(undefined),
    });
    const entries = spaced((await collect(answer)) as Entry[], interval, limit);
    return envelope({
      resultType: 'streams',
      result: streamsJson(entries, categorize),
      categorize,
      warnings: [...warningsOf(answer), ...(entries.length === 0 ? hintOf(plan.tree, []) : [])],
      stats: statsOf(
        answer,
        entries.length,
        entries.reduce((sum, entry) => sum + Buffer.byteLength(entry.message), 0),
      ),
    });
  }

  async function metric(reply: FastifyReply, tenant: Tenant, plan: MetricPlan, range: TimeRange, step: bigint) {
    const { series, summary } = await room.kept.ask(room.ask, {
      tenant,
      plan,
      range,
      stepNs: step,
      max: room.seriesMax,
      tooMany: 'refuse',
      signal: abortWith(reply.raw).signal,
      timeoutMs: room.timeoutMs(undefined),
    });
    const answer = { summary: () => summary };
    const warnings = warningsOf(answer);
    // Grafana makes "missing fields in frame" of warnings without series, so nothing may be said beside none.
    if (series.length > 0)
      warnings.push(
        ...hintOf(
          plan.tree,
          series.map(one => one.metric),
        ),
      );
    else if (warnings.length > 0) throw new WeirError('query_limit', { reason: warnings.join('; ') });
    return { series, warnings, stats: statsOf(answer, series.length) };
  }

  async function queryRange(request: FastifyRequest, reply: FastifyReply): Promise<string> {
    reply.type('application/json; charset=utf-8');
    const tenant = readTenantOf(request.headers);
    const parameters = parametersOf(request);
    const plan = planOf(queryText(parameters), 'loki');
    const range = lokiRangeOf(parameters.get);
    assertLength(range, room.lengthMaxMillis);
    const stepText = parameters.get('step');
    const step = stepText === undefined ? defaultStep(range) : parseDuration('step', stepText);
    if (plan.kind === 'logs') {
      assertStep(step);
      return logs(request, reply, tenant, plan, range, parameters);
    }
    assertPoints(range, step, room.pointsMax);
    // They mean nothing to a metric query, and are refused all the same.
    positiveOf(parameters, 'limit', 100);
    directionOf(parameters);
    intervalOf(parameters);
    const { series, ...rest } = await metric(reply, tenant, plan, range, step);
    return envelope({ resultType: 'matrix', result: matrixJson(series), ...rest });
  }

  async function query(request: FastifyRequest, reply: FastifyReply): Promise<string> {
    reply.type('application/json; charset=utf-8');
    const tenant = readTenantOf(request.headers);
    const parameters = parametersOf(request);
    const plan = planOf(queryText(parameters), 'loki');
    if (plan.kind === 'logs')
      throw new WeirError('bad_request', {
        reason:
          'log queries are not supported as an instant query type, please change your query to a range query type',
      });
    positiveOf(parameters, 'limit', 100);
    directionOf(parameters);
    const timeText = parameters.get('time');
    const time = timeText === undefined ? nowNs() : parseLokiTime('time', timeText);
    const { series, ...rest } = await metric(reply, tenant, plan, { start: time, end: time }, 1_000_000_000n);
    if (!plan.scalar) return envelope({ resultType: 'vector', result: vectorJson(series), ...rest });
    const [ms, value] = series[0]?.points[0] ?? [Number(time / 1_000_000n), Number.NaN];
    return envelope({ resultType: 'scalar', result: scalarJson(ms, value), ...rest });
  }

  answered(scope, '/query_range', queryRange);
  answered(scope, '/query', query);
}
