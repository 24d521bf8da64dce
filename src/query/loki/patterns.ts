import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { readTenantOf } from '../../base/tenant.ts';
import type { Sources } from '../../flow.ts';
import { messageShape } from '../../language/message-shape.ts';
import { quoteString, quoteStrings } from '../../language/sql-writer.ts';
import { collect } from '../admission.ts';
import { abortWith } from '../frame-writer.ts';
import { logsPlanOf } from '../plan.ts';
import type { Room } from '../room.ts';
import { assertPoints } from '../series.ts';
import { defaultStep, lokiRangeOf, parseDuration, second } from '../time-range.ts';
import { answered, parametersOf } from './parameters.ts';
import { queryText } from './queries.ts';

/** As many as Loki keeps a stream; the rarest are left out. */
const patternsMax = 300;
/** Loki counts patterns in steps of no less. */
const leastStep = 10n * second;

/** `patterns`: how often each message template was seen, by level and step, over all matching records. */
export function registerPatterns(scope: FastifyInstance, room: Room): void {
  async function patterns(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const tenant = readTenantOf(request.headers);
    const parameters = parametersOf(request);
    const plan = logsPlanOf(queryText(parameters), 'loki');
    const range = lokiRangeOf(parameters.get);
    const stepText = parameters.get('step');
    const asked = stepText === undefined ? defaultStep(range) : parseDuration('step', stepText);
    if (asked <= 0n) throw new WeirError('bad_request', { reason: `step: "${stepText}" is not above 0` });
    // Samples are stamped in whole seconds.
    const step = asked < leastStep ? leastStep : ((asked + second - 1n) / second) * second;
    assertPoints(range, step, room.pointsMax);
    const { signal } = abortWith(reply.raw);
    const ask = async (sql: (sources: Sources) => string): Promise<Record<string, unknown>[]> =>
      collect(await room.ask(tenant, { sql, signal, timeoutMs: room.timeoutMs(undefined) }));
    const counted = plan.matching({ tenant, range }, ['template', 'level', 'timestamp']);
    const found = await ask(
      sources => `SELECT template, level, any(t.pattern) AS pattern, arraySort(groupArray((at, n))) AS samples, sum(n) AS total FROM (
  SELECT template, level, intDiv(toUnixTimestamp64Nano(timestamp), ${step}) * ${step / second} AS at, count() AS n
  FROM (${counted(sources)}) WHERE template != '' GROUP BY template, level, at) AS c
LEFT ANY JOIN (SELECT id, pattern FROM ${sources.templates} WHERE tenant = ${quoteString(tenant)}) AS t ON c.template = t.id
GROUP BY template, level ORDER BY total DESC, template, level LIMIT ${patternsMax}`,
    );
    // Rows of a tail have ids of shapes that may be no template yet: an example shows the shape.
    const fresh = [...new Set(found.filter(row => row.pattern === '').map(row => String(row.template)))];
    const shapes = new Map<string, string>();
    if (fresh.length > 0) {
      const examples = plan.matching({ tenant, range }, ['template', 'message']);
      const rows = await ask(
        sources => `SELECT template, ${messageShape('example')} AS shape FROM (SELECT template, any(message) AS example
FROM (${examples({ records: sources.records.slice(1) }) || examples(sources)}) WHERE template IN ${quoteStrings(fresh)} GROUP BY template)`,
      );
      for (const row of rows) shapes.set(String(row.template), String(row.shape));
    }
    const data = found.map(row => ({
      pattern: String(row.pattern) || (shapes.get(String(row.template)) ?? String(row.template)),
      level: String(row.level),
      samples: (row.samples as [string | number, string | number][]).map(pair => pair.map(Number)),
    }));
    return { status: 'success', data };
  }
  answered(scope, '/patterns', patterns);
}
