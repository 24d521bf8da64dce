import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { visibleError } from '../visible-error.ts';

const intro = /^(parse error|pipeline error|maximum of series)/;

/** The text Loki's clients show and match: parse errors carry their position in front. */
export function errorText(error: WeirError): string {
  const limit = /maximum of series.*/s.exec(error.message)?.[0];
  if (limit) return limit;
  if (error.code !== 'bad_query' || intro.test(error.message)) return error.message;
  if (error.line === undefined) return `parse error : ${error.message}`;
  return `parse error at line ${error.line}, col ${error.column ?? 1}: ${error.message}`;
}

/** Errors of the Loki API are text/plain; a passed limit is 400 there. */
export function answerAsLoki(scope: FastifyInstance): void {
  scope.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const own = error.statusCode !== undefined && error.statusCode < 500 && !(error instanceof WeirError);
    reply.type('text/plain; charset=utf-8');
    if (own) return reply.code(error.statusCode ?? 400).send(error.message);
    const shown = visibleError(error, request.id);
    if (shown.retry) reply.header('retry-after', String(shown.retryAfter));
    return reply.code(shown.code === 'query_limit' ? 400 : shown.status).send(errorText(shown));
  });
}
