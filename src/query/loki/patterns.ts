import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { readTenantOf } from '../../base/tenant.ts';
import { abortWith } from '../frame-writer.ts';
import { countPatterns } from '../patterns.ts';
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
export function registerLokiPatterns(scope: FastifyInstance, room: Room): void {
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
    const counted = await countPatterns(room, plan, { tenant, range, step, max: patternsMax, signal });
    const seconds = Number(step / second);
    const data = counted.patterns.map(({ pattern, level, samples }) => ({
      pattern,
      level,
      samples: samples.map(([at, n]) => [at * seconds, n]),
    }));
    return { status: 'success', data };
  }
  answered(scope, '/patterns', patterns);
}
