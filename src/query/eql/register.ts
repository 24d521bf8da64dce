import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { tenantOf } from '../../base/tenant.ts';
import { bodiesSql } from '../../language/eql/events-sql.ts';
import { abortWith } from '../frame-writer.ts';
import type { Room } from '../room.ts';
import { visibleError } from '../visible-error.ts';
import type { EqlAnswer, EqlEvent } from './contract.ts';
import { type EqlRequest, readRequest } from './request.ts';
import { type EqlResult, type EventShape, searchEql } from './search.ts';
import { type Body, fieldsOf, type Source, sourceOf, valueAt } from './source.ts';

type Hit = { id: string; source: Source };

const asSent: EventShape<Hit> = {
  sql: bodiesSql,
  read(row) {
    const body = row as unknown as Body;
    return { id: body.s, source: sourceOf(body) };
  },
  sent: (hit, field) => valueAt(hit.source, field),
};

const bodyBytesMax = 8 * limits.queryTextBytesMax;

/** `POST` and `GET` `/_eql/search` and `/{index}/_eql/search`, as Elasticsearch answers them. */
export async function registerEql(server: FastifyInstance, room: Room): Promise<void> {
  await server.register(async scope => {
    answerAsElasticsearch(scope);
    scope.addContentTypeParser(
      /^application\/vnd\.elasticsearch\+json/,
      { parseAs: 'string', bodyLimit: bodyBytesMax },
      (_, body, done) => done(null, parsedBody(String(body))),
    );
    const search = async (request: FastifyRequest, reply: FastifyReply): Promise<EqlAnswer> => {
      const began = performance.now();
      const tenant = tenantOf(request.headers);
      // Clients send a body with GET, which the server does not read by itself.
      if (request.method === 'GET') request.body = await getBody(request);
      const asked = readRequest(request);
      const { signal } = abortWith(reply.raw);
      const result = await searchEql(room, tenant, asked, asSent, { signal });
      if (result.partial !== null && !asked.allowPartial)
        throw new WeirError('query_limit', { reason: `${result.partial} (allow_partial_search_results is false)` });
      const index = (request.params as { index?: string }).index ?? 'weir';
      reply.type(mediaType(request));
      return answerOf(result, asked, /^[^*,]+$/.test(index) ? index : 'weir', Math.round(performance.now() - began));
    };
    for (const url of ['/_eql/search', '/:index/_eql/search'])
      scope.route({ method: ['GET', 'POST'], url, bodyLimit: bodyBytesMax, handler: search });
  });
}

/** Clients of version 8 and up want their own media type back. */
const mediaType = (request: FastifyRequest): string =>
  /application\/vnd\.elasticsearch\+json; ?compatible-with=\d+/.exec(request.headers.accept ?? '')?.[0] ??
  'application/json; charset=utf-8';

async function getBody(request: FastifyRequest): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request.raw as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bodyBytesMax) throw new WeirError('body_too_large', { limit: bodyBytesMax });
    pieces.push(piece);
  }
  const text = Buffer.concat(pieces).toString();
  return text.trim() === '' ? undefined : parsedBody(text);
}

function parsedBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new WeirError(
      'bad_request',
      { reason: `the body is not JSON: ${(error as Error).message}` },
      { cause: error },
    );
  }
}

function answerOf(result: EqlResult<Hit>, asked: EqlRequest, index: string, took: number): EqlAnswer {
  const event = (hit: Hit | undefined): EqlEvent => {
    if (hit === undefined) return { _index: '', _id: '', _source: {}, missing: true };
    const shown = { _index: index, _id: hit.id, _source: hit.source };
    return asked.fields.length === 0 ? shown : { ...shown, fields: fieldsOf(hit.source, asked.fields) };
  };
  const hits =
    result.kind === 'events'
      ? { events: result.events.map(event) }
      : result.kind === 'counts'
        ? { events: result.groups.map((group, i) => ({ _index: index, _id: `count-${i}`, _source: group })) }
        : { sequences: result.sequences.map(s => ({ join_keys: s.joinKeys, events: s.events.map(event) })) };
  const { partial } = result;
  return {
    is_partial: partial !== null,
    is_running: false,
    took,
    timed_out: partial !== null,
    hits: { total: result.total, ...hits },
    ...(partial !== null && { shard_failures: [{ index, reason: { type: 'partial_result', reason: partial } }] }),
  };
}

/** Type of an error as Elasticsearch names it. */
function typeOf(error: WeirError): string {
  if (error.code === 'bad_query')
    return error.message.startsWith('Found ') ? 'verification_exception' : 'parsing_exception';
  if (error.code === 'bad_request') return 'illegal_argument_exception';
  if (error.code === 'overloaded') return 'es_rejected_execution_exception';
  return `${error.code}_exception`;
}

function answerAsElasticsearch(scope: FastifyInstance): void {
  scope.addHook('onSend', async (_, reply) => {
    reply.header('x-elastic-product', 'Elasticsearch');
  });
  scope.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const own = error.statusCode !== undefined && error.statusCode < 500 && !(error instanceof WeirError);
    const shown = own
      ? new WeirError('bad_request', { reason: error.message }, { cause: error })
      : visibleError(error, request.id);
    const status = own ? (error.statusCode ?? 400) : shown.code === 'query_limit' ? 400 : shown.status;
    if (shown.retry) reply.header('retry-after', String(shown.retryAfter));
    const cause = { type: typeOf(shown), reason: shown.message };
    const place = shown.line === undefined ? {} : { line: shown.line, column: shown.column };
    return reply.code(status).send({ error: { root_cause: [cause], ...cause, ...place }, status });
  });
}
