import type { FastifyInstance } from 'fastify';
import type { Room } from '../room.ts';
import { registerAbout } from './about.ts';
import { registerDeletes } from './deletes.ts';
import { registerDetectedFields } from './detected-fields.ts';
import { answerAsLoki } from './errors.ts';
import { registerLabels } from './labels.ts';
import { acceptForms } from './parameters.ts';
import { registerLokiPatterns } from './patterns.ts';
import { registerQueries } from './queries.ts';
import { registerLokiTail } from './tail.ts';
import { registerVolume } from './volume.ts';

/** Loki's API under `/loki/api/v1`. */
export async function registerLoki(server: FastifyInstance, room: Room): Promise<void> {
  await server.register(
    async scope => {
      acceptForms(scope);
      answerAsLoki(scope);
      // Answered, but without CORS headers: pages of other origins are not to read the logs of whoever opens them.
      scope.options('/*', async (_, reply) => reply.header('allow', 'GET, HEAD, POST, OPTIONS').send(''));
      registerQueries(scope, room);
      registerLabels(scope, room);
      registerVolume(scope, room);
      registerLokiPatterns(scope, room);
      registerDetectedFields(scope, room);
      registerLokiTail(scope, room);
      registerDeletes(scope, room);
      registerAbout(scope, room);
    },
    { prefix: '/loki/api/v1' },
  );
}
