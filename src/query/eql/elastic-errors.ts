import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { visibleError } from '../visible-error.ts';

/** Type of an error as Elasticsearch names it. */
function typeOf(error: WeirError): string {
  if (error.code === 'bad_query')
    return error.message.startsWith('Found ') ? 'verification_exception' : 'parsing_exception';
  if (error.code === 'bad_request') return 'illegal_argument_exception';
  if (error.code === 'overloaded') return 'es_rejected_execution_exception';
  if (error.code === 'not_found') return 'resource_not_found_exception';
  return `${error.code}_exception`;
}

type Thrown = Error & { statusCode?: number };

/** Faults that the server itself found in the request. */
const isOwn = (error: Thrown): boolean =>
  error.statusCode !== undefined && error.statusCode < 500 && !(error instanceof WeirError);

function shownAs(error: Thrown, requestId: string): WeirError {
  return isOwn(error)
    ? new WeirError('bad_request', { reason: error.message }, { cause: error })
    : visibleError(error, requestId);
}

/** The status that an error is answered with. */
export function statusOf(error: Thrown, requestId: string): number {
  if (isOwn(error)) return error.statusCode ?? 400;
  const shown = shownAs(error, requestId);
  return shown.code === 'query_limit' ? 400 : shown.status;
}

/** Errors of all routes of a scope in Elasticsearch's shape, and the header by which its clients know it. */
export function answerAsElasticsearch(scope: FastifyInstance): void {
  scope.addHook('onSend', async (_, reply) => {
    reply.header('x-elastic-product', 'Elasticsearch');
  });
  scope.setErrorHandler((error: Thrown, request, reply) => {
    const shown = shownAs(error, request.id);
    const status = statusOf(error, request.id);
    if (shown.retry) reply.header('retry-after', String(shown.retryAfter));
    const cause = { type: typeOf(shown), reason: shown.message };
    const place = shown.line === undefined ? {} : { line: shown.line, column: shown.column };
    return reply.code(status).send({ error: { root_cause: [cause], ...cause, ...place }, status });
  });
}
