import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { tenantOf } from '../../base/tenant.ts';
import type { DeleteRequest } from '../../flow.ts';
import { writeDuration } from '../../language/units.ts';
import { logsPlanOf } from '../plan.ts';
import type { Room } from '../room.ts';
import { nowNs, parseDuration, parseLokiTime } from '../time-range.ts';
import { type Parameters, parametersOf } from './parameters.ts';

const refuse = (reason: string): WeirError => new WeirError('bad_request', { reason });

function timeOf(parameters: Parameters, name: 'start' | 'end'): bigint | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  try {
    return parseLokiTime(name, text);
  } catch {
    throw refuse(
      `invalid ${name} time: require unix seconds or RFC3339 format (found ${JSON.stringify(text.slice(0, 100))})`,
    );
  }
}

/** Whole seconds: logcli reads no others. */
const seconds = (ns: bigint): number => Number(ns / 1_000_000_000n);
const shown = ({ id, start, end, query, state, created }: DeleteRequest): object => ({
  request_id: id,
  start_time: seconds(start),
  end_time: seconds(end),
  query,
  status: state,
  created_at: seconds(created),
});

/**
 * `delete`: requests to remove records for good. The records of a request are hidden from the moment it is acknowledged, and removed from the store
 * when the time to cancel it is over.
 */
export function registerDeletes(scope: FastifyInstance, room: Room): void {
  scope.route({
    method: ['POST', 'PUT'],
    url: '/delete',
    handler: async (request, reply) => {
      const tenant = tenantOf(request.headers);
      const parameters = parametersOf(request);
      const query = parameters.get('query');
      if (query === undefined) throw refuse('query not set');
      const { logql } = logsPlanOf(query, 'loki');
      const created = nowNs();
      const start = timeOf(parameters, 'start');
      if (start === undefined) throw refuse('start time not set');
      const end = timeOf(parameters, 'end') ?? created;
      if (end > created) throw refuse('deletes in the future are not allowed');
      if (start > end) throw refuse("start time can't be greater than end time");
      const interval = parameters.get('max_interval');
      const longest = interval === undefined ? 0n : parseDuration('max_interval', interval);
      if (longest < 0n) throw refuse('max_interval must be >= 0');
      if (longest > end - start)
        throw refuse(`max_interval can't be greater than the interval to be deleted (${writeDuration(end - start)})`);
      const made = await room.deletes.add({ tenant, query: logql, start, end, created });
      return reply.code(204).header('x-delete-request-id', made.id).send();
    },
  });

  scope.get('/delete', async request => room.deletes.list(tenantOf(request.headers)).map(shown));

  scope.delete('/delete', async (request, reply) => {
    const tenant = tenantOf(request.headers);
    const parameters = parametersOf(request);
    const id = parameters.get('request_id') ?? '';
    const force = parameters.get('force') === 'true';
    const found = room.deletes.list(tenant).find(one => one.id === id);
    if (!found) throw new WeirError('no_such_delete', { reason: 'could not find delete request with given id' });
    const late = BigInt(room.cancelMillis) * 1_000_000n + found.created < nowNs();
    if (found.state === 'received' && late && !force)
      throw refuse(
        `Cancellation of partially completed delete request or delete request past the deadline of ${writeDuration(BigInt(room.cancelMillis) * 1_000_000n)} since its creation is not allowed. To force, use the ?force query parameter`,
      );
    if ((await room.deletes.cancel(tenant, id)) !== 'cancelled')
      throw refuse('deletion of request which is in process or already processed is not allowed');
    return reply.code(204).send();
  });
}
