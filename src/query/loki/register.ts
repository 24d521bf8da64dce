import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { planOf } from '../plan.ts';
import type { Room } from '../room.ts';
import { acceptForms } from './parameters.ts';
import { answerAsLoki, errorText } from './errors.ts';
import { registerLabels } from './labels.ts';
import { parametersOf } from './parameters.ts';
import { registerQueries } from './queries.ts';
import { registerLokiTail } from './tail.ts';

/** Clients gate features on the version; 3.x is the API this room speaks. */
const buildInfo = (version: string): object => ({
  version: '3.5.0',
  revision: `weir-${version}`,
  branch: 'weir',
  buildUser: '',
  buildDate: '',
  goVersion: '',
});

/** The part of Loki's query API that Grafana and logcli use, under `/loki/api/v1`. */
export async function registerLoki(server: FastifyInstance, room: Room): Promise<void> {
  await server.register(
    async scope => {
      acceptForms(scope);
      answerAsLoki(scope);
      registerQueries(scope, room);
      registerLabels(scope, room);
      registerLokiTail(scope, room);

      scope.get('/status/buildinfo', async () => buildInfo(room.status().version));
      scope.route({
        method: ['GET', 'POST'],
        url: '/format_query',
        handler: async (request, reply) => {
          try {
            return { status: 'success', data: planOf(parametersOf(request).get('query') ?? '', 'loki').logql };
          } catch (error) {
            if (!(error instanceof WeirError)) throw error;
            return reply.code(400).send({ status: 'invalid-query', error: errorText(error) });
          }
        },
      });
    },
    { prefix: '/loki/api/v1' },
  );
}
