import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { readTenantOf } from '../../base/tenant.ts';
import type { Tenant } from '../../base/record.ts';
import type { Sources } from '../../flow.ts';
import { quoteString, quoteStrings, quoteTime } from '../../language/sql-writer.ts';
import { collect } from '../admission.ts';
import { abortWith } from '../frame-writer.ts';
import { selectorOf } from '../plan.ts';
import type { Room } from '../room.ts';
import { assertPoints, type Series } from '../series.ts';
import { defaultStep, lokiRangeOf, parseDuration, type TimeRange } from '../time-range.ts';
import { envelope, matrixJson, vectorJson } from './envelope.ts';
import { answered, type Parameters, parametersOf, positiveOf } from './parameters.ts';
import { statsOf, warningsOf } from './queries.ts';
import { streamsSql } from './streams.ts';

const dayNs = 86_400_000_000_000n;
const millisNs = 1_000_000n;

/** What volumes are summed by: SQL over `labels`. */
type Aggregation = { key: string; condition: string };

/**
 * `series`: by the target labels, or without any by the labels that the selector names, or all of them when it names none. Streams that lack a target
 * label are left out. `labels`: by label name, of the target labels or of all.
 */
function aggregationOf(parameters: Parameters, names: readonly string[]): Aggregation {
  const targets = (parameters.get('targetLabels') ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
  const by = parameters.get('aggregateBy') ?? 'series';
  if (by !== 'series' && by !== 'labels')
    throw new WeirError('bad_request', {
      reason: `invalid aggregation option: aggregateBy "${by.slice(0, 100)}" is not series or labels`,
    });
  const kept = targets.length > 0 || by === 'labels' ? targets : names;
  const map = "CAST(labels, 'Map(String, String)')";
  const labels = kept.length === 0 ? map : `mapFilter((k, v) -> k IN ${quoteStrings(kept)} AND v != '', ${map})`;
  return {
    key: by === 'series' ? `mapSort(${labels})` : `map(arrayJoin(mapKeys(${labels})), '')`,
    condition: targets.map(name => `labels[${quoteString(name)}] != ''`).join(' AND ') || '1',
  };
}

/**
 * SQL of (stream, bucket, bytes): the bytes of the lines of the selected streams by buckets of `step` ns, which begin at multiples of it. Without step
 * one bucket; whole days are then taken from the list of streams, and only the days at the ends are scanned.
 */
function bytesSql(
  tenant: Tenant,
  range: TimeRange,
  selector: string,
  step: bigint | undefined,
): (sources: Sources) => string {
  const streams = streamsSql(tenant, range, [selector]);
  const scan = (sources: Sources, { start, end }: TimeRange): string => {
    const bucket = step === undefined ? 'toInt64(0)' : `intDiv(toUnixTimestamp64Nano(timestamp), ${step})`;
    const legs = sources.records.map(
      table => `SELECT stream, ${bucket} AS bucket, length(message) AS size FROM ${table}
WHERE tenant = ${quoteString(tenant)} AND timestamp >= ${quoteTime(start)} AND timestamp < ${quoteTime(end)}`,
    );
    return `SELECT stream, bucket, sum(size) AS bytes FROM (${legs.join(' UNION ALL ')}) GROUP BY stream, bucket`;
  };
  const firstDay = ((range.start + dayNs - 1n) / dayNs) * dayNs;
  const lastDay = (range.end / dayNs) * dayNs;
  if (step !== undefined || range.start < 0n || firstDay >= lastDay) return sources => scan(sources, range);
  const days = `day >= toDate(${quoteTime(firstDay)}) AND day < toDate(${quoteTime(lastDay)})`;
  return sources =>
    [
      `SELECT stream, toInt64(0) AS bucket, bytes FROM ${streams(sources)} WHERE ${days}`,
      ...(range.start < firstDay ? [scan(sources, { start: range.start, end: firstDay })] : []),
      ...(lastDay < range.end ? [scan(sources, { start: lastDay, end: range.end })] : []),
    ].join(' UNION ALL ');
}

/** `index/volume` and `index/volume_range`: bytes of lines by series or label, largest first. */
export function registerVolume(scope: FastifyInstance, room: Room): void {
  const volume =
    (kind: 'vector' | 'matrix') =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
      reply.type('application/json; charset=utf-8');
      const tenant = readTenantOf(request.headers);
      const parameters = parametersOf(request);
      const query = parameters.get('query') ?? '';
      const range = lokiRangeOf(parameters.get);
      const { key, condition } = aggregationOf(parameters, selectorOf(query).names);
      const limit = Math.min(positiveOf(parameters, 'limit', 100), room.volumeSeriesMax);
      const stepText = parameters.get('step');
      const step =
        kind === 'vector' ? undefined : stepText === undefined ? defaultStep(range) : parseDuration('step', stepText);
      if (step !== undefined) assertPoints(range, step, room.pointsMax);
      const bytes = bytesSql(tenant, range, query, step);
      const streams = streamsSql(tenant, range, [query]);
      const answer = await room.ask(tenant, {
        sql: sources => `SELECT key, arraySort(groupArray((bucket, bytes))) AS points, sum(bytes) AS total FROM (
  SELECT ${key} AS key, bucket, sum(b.bytes) AS bytes FROM (${bytes(sources)}) AS b
  INNER JOIN (SELECT stream, any(labels) AS labels FROM ${streams(sources)} GROUP BY stream) AS s ON b.stream = s.stream
  WHERE ${condition} GROUP BY key, bucket)
GROUP BY key ORDER BY total DESC, toString(key) LIMIT ${limit + 1}`,
        signal: abortWith(reply.raw).signal,
        timeoutMs: room.timeoutMs(undefined),
      });
      const found = await collect(answer);
      const time = (bucket: bigint): number => {
        if (step === undefined) return Number(range.end / millisNs);
        // Loki stamps a bucket with its last millisecond, and the last one with the end of the range.
        const end = (bucket + 1n) * step;
        return end >= range.end ? Number(range.end / millisNs) : Number(end / millisNs) - 1;
      };
      const series: Series[] = found.slice(0, limit).map(row => ({
        metric: row.key as Record<string, string>,
        points: (row.points as [string, string | number][]).map(([bucket, size]) => [
          time(BigInt(bucket)),
          Number(size),
        ]),
      }));
      const cut =
        found.length > limit
          ? [
              `more than ${limit} series match; the ${limit} largest are given: raise the parameter limit (up to limits.volume_series, ${room.volumeSeriesMax}) or name fewer targetLabels`,
            ]
          : [];
      return envelope({
        resultType: kind,
        result: kind === 'vector' ? vectorJson(series) : matrixJson(series),
        warnings: [...warningsOf(answer), ...cut],
        stats: statsOf(answer, series.length),
      });
    };
  answered(scope, '/index/volume', volume('vector'));
  answered(scope, '/index/volume_range', volume('matrix'));
}
