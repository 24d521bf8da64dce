import type { FastifyInstance } from 'fastify';
import { readTenantOf } from '../base/tenant.ts';
import type { Tenant } from '../base/record.ts';
import type { Sources } from '../flow.ts';
import { messageShape } from '../language/message-shape.ts';
import { quoteString, quoteStrings } from '../language/sql-writer.ts';
import { collect } from './admission.ts';
import { type PatternsAnswer, patternsRequest } from './contract.ts';
import { abortWith } from './frame-writer.ts';
import { bucketMillis } from './histogram.ts';
import { type LogsPlan, logsPlanOf } from './plan.ts';
import { checked, type Room } from './room.ts';
import { rangeOf, type TimeRange } from './time-range.ts';

/** Records of one template and level. */
export type CountedPattern = {
  pattern: string;
  /** The pattern is a template; else the shape of lines that came within seconds. */
  mined: boolean;
  level: string;
  total: number;
  /** Event times of the first and the last one in the range, ns. */
  first: bigint;
  last: bigint;
  /** Steps that have any, by their number since 1970, and how many. */
  samples: [number, number][];
};

export type PatternCount = {
  /** Most records first. */
  patterns: CountedPattern[];
  /** All matching records, those of rarer patterns and of none included. */
  matched: number;
  partial: boolean;
  reason: string | null;
};

/** Counts every matching record by template, level and step (ns). At most `max` pairs of template and level are named. */
export async function countPatterns(
  room: Room,
  plan: LogsPlan,
  asked: { tenant: Tenant; range: TimeRange; step: bigint; max: number; signal: AbortSignal },
): Promise<PatternCount> {
  const { tenant, range, step, max, signal } = asked;
  const ask = (sql: (sources: Sources) => string) =>
    room.ask(tenant, { sql, signal, timeoutMs: room.timeoutMs(undefined) });
  const counted = plan.matching({ tenant, range }, ['template', 'level', 'timestamp']);
  const answer = await ask(
    sources => `SELECT template, level, any(t.pattern) AS pattern, arraySort(groupArray((at, n))) AS samples, sum(n) AS total,
  toUnixTimestamp64Nano(min(since)) AS first, toUnixTimestamp64Nano(max(until)) AS last, sum(sum(n)) OVER () AS matched FROM (
  SELECT template, level, intDiv(toUnixTimestamp64Nano(timestamp), ${step}) AS at, count() AS n, min(timestamp) AS since, max(timestamp) AS until
  FROM (${counted(sources)}) GROUP BY template, level, at) AS c
LEFT ANY JOIN (SELECT id, pattern FROM ${sources.templates} WHERE tenant = ${quoteString(tenant)}) AS t ON c.template = t.id
GROUP BY template, level ORDER BY template = '', total DESC, template, level LIMIT ${max}`,
  );
  const found = await collect(answer);
  const named = found.filter(row => row.template !== '');
  // Rows of a tail have ids of shapes that may be no template yet: an example shows the shape.
  const fresh = [...new Set(named.filter(row => row.pattern === '').map(row => String(row.template)))];
  const shapes = new Map<string, string>();
  if (fresh.length > 0) {
    const examples = plan.matching({ tenant, range }, ['template', 'message']);
    const rows = await collect(
      await ask(
        sources => `SELECT template, ${messageShape('example')} AS shape FROM (SELECT template, any(message) AS example
FROM (${examples({ records: sources.records.slice(1) }) || examples(sources)}) WHERE template IN ${quoteStrings(fresh)} GROUP BY template)`,
      ),
    );
    for (const row of rows) shapes.set(String(row.template), String(row.shape));
  }
  const { partial, reason } = answer.summary();
  return {
    patterns: named.map(row => ({
      pattern: String(row.pattern) || (shapes.get(String(row.template)) ?? String(row.template)),
      mined: row.pattern !== '',
      level: String(row.level),
      total: Number(row.total),
      first: BigInt(String(row.first)),
      last: BigInt(String(row.last)),
      samples: (row.samples as [string | number, string | number][]).map(([at, n]) => [Number(at), Number(n)]),
    })),
    matched: Number(found[0]?.matched ?? 0),
    partial,
    reason,
  };
}

/** Pairs of template and level that are looked at for one answer. */
const pairsMax = 2000;

/** `POST /api/v1/patterns`: what kinds of lines there are among all matching records, by the templates mined at ingest. */
export function registerPatterns(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/patterns', async (request, reply): Promise<PatternsAnswer> => {
    const since = performance.now();
    const tenant = readTenantOf(request.headers);
    const body = checked(patternsRequest, request.body);
    const plan = logsPlanOf(body.query, 'weir', 'ignored', room.lookups.of(tenant));
    const range = rangeOf(body);
    const stepMs = bucketMillis(range, body.buckets);
    const step = BigInt(stepMs) * 1_000_000n;
    const { signal } = abortWith(reply.raw);
    const counted = await countPatterns(room, plan, { tenant, range, step, max: pairsMax, signal });
    const byPattern = new Map<string, PatternsAnswer['patterns'][number] & { at: Map<number, number> }>();
    for (const one of counted.patterns) {
      const first = one.first.toString();
      const last = one.last.toString();
      let sum = byPattern.get(one.pattern);
      if (!sum) {
        sum = { pattern: one.pattern, mined: false, total: 0, levels: {}, first, last, series: [], at: new Map() };
        byPattern.set(one.pattern, sum);
      }
      sum.mined ||= one.mined;
      sum.total += one.total;
      sum.levels[one.level] = (sum.levels[one.level] ?? 0) + one.total;
      if (one.first < BigInt(sum.first)) sum.first = first;
      if (one.last > BigInt(sum.last)) sum.last = last;
      for (const [at, n] of one.samples) sum.at.set(at, (sum.at.get(at) ?? 0) + n);
    }
    const patterns = [...byPattern.values()]
      .sort((a, b) => b.total - a.total || (a.pattern < b.pattern ? -1 : 1))
      .slice(0, body.limit)
      .map(({ at, ...rest }) => ({
        ...rest,
        series: [...at].sort(([a], [b]) => a - b).map(([t, n]): [number, number] => [(t * stepMs) / 1000, n]),
      }));
    const listed = patterns.reduce((sum, { total }) => sum + total, 0);
    return {
      step: stepMs / 1000,
      start: range.start.toString(),
      end: range.end.toString(),
      total: counted.matched,
      others: counted.matched - listed,
      patterns,
      partial: counted.partial,
      reason: counted.reason,
      elapsedMs: Math.round((performance.now() - since) * 10) / 10,
    };
  });
}
