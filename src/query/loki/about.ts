import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { writeDuration } from '../../language/units.ts';
import { formatQuery } from '../plan.ts';
import type { Room } from '../room.ts';
import { errorText } from './errors.ts';
import { answered, parametersOf } from './parameters.ts';

/** Clients gate features on the version; this is the API that this room speaks. */
const lokiVersion = '3.7.0';
const millisNs = 1_000_000;

/** What clients ask before they ask for records: build, limits, configuration; and format_query, which needs no record. */
export function registerAbout(scope: FastifyInstance, room: Room): void {
  const duration = (millis: number): string => writeDuration(BigInt(millis * millisNs));
  const limits = (): object => ({
    discover_log_levels: true,
    discover_service_name: ['service_name'],
    log_level_fields: ['level', 'LEVEL', 'Level', 'severity', 'SEVERITY', 'Severity', 'lvl', 'LVL', 'Lvl'],
    max_entries_limit_per_query: room.rowsMax,
    max_query_length: duration(room.lengthMaxMillis),
    max_query_series: room.seriesMax,
    query_timeout: duration(room.timeoutMs(undefined)),
    volume_enabled: true,
    volume_max_series: room.volumeSeriesMax,
  });

  answered(scope, '/status/buildinfo', async () => ({
    version: lokiVersion,
    revision: `weir-${room.status().version}`,
    branch: 'weir',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  }));
  answered(scope, '/drilldown-limits', async () => ({
    limits: limits(),
    pattern_ingester_enabled: true,
    version: lokiVersion,
  }));
  answered(scope, '/format_query', async (request, reply) => {
    try {
      return { status: 'success', data: formatQuery(parametersOf(request).get('query') ?? '') };
    } catch (error) {
      if (!(error instanceof WeirError)) throw error;
      return reply.code(400).send({ status: 'invalid-query', error: errorText(error) });
    }
  });
}
