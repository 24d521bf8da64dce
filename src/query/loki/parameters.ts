import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';

/** A form holds at most a query and some small values; percent encoding makes a byte three. */
const formBytesMax = 4 * limits.queryTextBytesMax;

/** Let routes of `scope` take `application/x-www-form-urlencoded` bodies, as every endpoint of the Loki API does. */
export function acceptForms(scope: FastifyInstance): void {
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: formBytesMax },
    (_, body, done) => done(null, new URLSearchParams(String(body))),
  );
}

/** Answer GET (and so HEAD) and POST with a form alike, as every reading endpoint of the Loki API does; other methods are 405. */
export function answered(
  scope: FastifyInstance,
  url: string,
  handler: (request: FastifyRequest, reply: FastifyReply) => Promise<object | string>,
): void {
  scope.route({ method: ['GET', 'POST'], url, handler });
  scope.route({
    method: ['PUT', 'PATCH', 'DELETE'],
    url,
    handler: async (request, reply) =>
      reply
        .code(405)
        .header('allow', 'GET, HEAD, POST')
        .type('text/plain; charset=utf-8')
        .send(`${request.method} is not allowed here; use GET or POST`),
  });
}

/** Parameters of a request, of its body first and then of its URL. */
export type Parameters = {
  /** The first value; undefined when absent or empty. */
  get: (name: string) => string | undefined;
  all: (name: string) => string[];
};

export function parametersOf(request: FastifyRequest): Parameters {
  const at = request.url.indexOf('?');
  const url = new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1));
  const form = request.body instanceof URLSearchParams ? request.body : undefined;
  return {
    get: name => form?.get(name) || url.get(name) || undefined,
    all: name => [...(form?.getAll(name) ?? []), ...url.getAll(name)],
  };
}

/** A whole number above 0. */
export function positiveOf(parameters: Parameters, name: string, fallback: number): number {
  const text = parameters.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value))
    throw new WeirError('bad_request', { reason: `${name}: cannot read "${text.slice(0, 100)}" as a whole number` });
  if (value <= 0) throw new WeirError('bad_request', { reason: `${name} must be a positive value` });
  return value;
}

/** Entries asked for: default 100, more than the limit is refused as Loki does. */
export function limitOf(parameters: Parameters, max: number): number {
  const limit = positiveOf(parameters, 'limit', Math.min(100, max));
  if (limit > max)
    throw new WeirError('bad_request', {
      reason: `max entries limit per query exceeded, limit > max_entries_limit_per_query (${limit} > ${max}); ask for fewer, page by time, or raise limits.query_rows; POST /api/v1/export has no limit`,
    });
  return limit;
}

export function directionOf(parameters: Parameters): 'backward' | 'forward' {
  const text = parameters.get('direction')?.toLowerCase() ?? 'backward';
  if (text !== 'backward' && text !== 'forward')
    throw new WeirError('bad_request', {
      reason: `invalid direction '${text.slice(0, 100)}'; use forward or backward`,
    });
  return text;
}

/** True when the client wants stream labels, structured metadata and parsed labels apart. */
export function wantsCategories(request: FastifyRequest): boolean {
  const flags = request.headers['x-loki-response-encoding-flags'];
  return String(flags ?? '')
    .split(',')
    .some(flag => flag.trim() === 'categorize-labels');
}
