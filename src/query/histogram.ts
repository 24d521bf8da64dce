import type { FastifyInstance } from 'fastify';
import { levels } from '../base/record.ts';
import { readTenantOf } from '../base/tenant.ts';
import { quoteStrings } from '../language/sql-writer.ts';
import { collect } from './admission.ts';
import { type HistogramAnswer, histogramRequest } from './contract.ts';
import { abortWith } from './frame-writer.ts';
import { coveredReason, inPieces, refusedWhole } from './pieces.ts';
import { logsPlanOf } from './plan.ts';
import { checked, type Room } from './room.ts';
import { rangeOf, type TimeRange } from './time-range.ts';

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
/** Steps that read well on an axis, ms. */
const niceSteps = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].map(n => n * second),
  ...[1, 2, 3, 6, 12].map(n => n * hour),
  ...[1, 2, 7, 14, 30, 90, 365].map(n => n * day),
];

/** SQL: the place of `level` in `levels`; anything else is unknown, the last. */
const levelIndex = `transform(level, ${quoteStrings(levels)}, [${levels.map((_, i) => i).join(', ')}], ${levels.length - 1})`;

/** The smallest nice step that needs at most `buckets` buckets, ms. */
export function bucketMillis(range: TimeRange, buckets: number): number {
  const least = Number(range.end - range.start) / 1e6 / buckets;
  return niceSteps.find(step => step >= least) ?? Math.ceil(least / (365 * day)) * 365 * day;
}

/** `POST /api/v1/histogram`: grouped by time and level in one statement, or in pieces of whole buckets (pieces.ts); maps are read only when the query's own stages need them. */
export function registerHistogram(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/histogram', async (request, reply): Promise<HistogramAnswer> => {
    const since = performance.now();
    const tenant = readTenantOf(request.headers);
    const body = checked(histogramRequest, request.body);
    const plan = logsPlanOf(body.query, 'weir', 'ignored', room.lookups.of(tenant));
    const range = rangeOf(body);
    const stepMs = bucketMillis(range, body.buckets);
    const stepNs = BigInt(stepMs) * 1_000_000n;
    // Buckets by number; the first and the last may be cut by the range.
    const [first, last] = [range.start / stepNs, (range.end > range.start ? range.end - 1n : range.end) / stepNs];
    const rangeOfBuckets = (from: number, to: number): TimeRange => {
      const [start, end] = [(first + BigInt(from)) * stepNs, (first + BigInt(to) + 1n) * stepNs];
      return { start: start > range.start ? start : range.start, end: end < range.end ? end : range.end };
    };
    const count = Number(last - first) + 1;
    const { pieces, summary, missed } = await inPieces(room.ask, {
      tenant,
      wanted: Array.from({ length: count }, (_, i) => i),
      stepNs,
      reachNs: 0n,
      signal: abortWith(reply.raw).signal,
      small: true,
      timeoutMs: room.timeoutMs(undefined),
      statement(from, to) {
        const matching = plan.matching({ tenant, range: rangeOfBuckets(from, to) }, ['timestamp', 'level']);
        return {
          // One integer as key costs 0.6 of grouping by (bucket, level), measured.
          sql: sources => `SELECT intDiv(toUnixTimestamp64Nano(timestamp), ${stepNs}) * ${levels.length} + ${levelIndex} AS key, count() AS n
FROM (${matching(sources)}) GROUP BY key ORDER BY key`,
          read: collect,
        };
      },
    });
    if (missed === count - 1) throw refusedWhole(summary.reason ?? '', false);
    const covered = missed === undefined ? undefined : rangeOfBuckets(missed + 1, count - 1);
    const buckets: HistogramAnswer['buckets'] = [];
    let total = 0;
    for (const row of pieces.toReversed().flatMap(({ value }) => value)) {
      const key = Number(row.key);
      const t = (Math.floor(key / levels.length) * stepMs) / 1000;
      const n = Number(row.n);
      let bucket = buckets.at(-1);
      if (bucket?.t !== t) {
        bucket = { t, counts: {} };
        buckets.push(bucket);
      }
      bucket.counts[levels[key % levels.length] ?? 'unknown'] = n;
      total += n;
    }
    return {
      step: stepMs / 1000,
      start: range.start.toString(),
      end: range.end.toString(),
      total,
      buckets,
      partial: summary.partial,
      reason: covered ? coveredReason(summary.reason ?? '', 'are the buckets', covered) : summary.reason,
      ...(covered && { covered: { start: covered.start.toString(), end: covered.end.toString() } }),
      elapsedMs: Math.round((performance.now() - since) * 10) / 10,
    };
  });
}
