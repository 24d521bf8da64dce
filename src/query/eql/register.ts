import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Tenant } from '../../base/record.ts';
import { tenantOf } from '../../base/tenant.ts';
import { bodiesSql } from '../../language/eql/events-sql.ts';
import { abortWith } from '../frame-writer.ts';
import type { Room } from '../room.ts';
import type { EqlAnswer, EqlEvent } from './contract.ts';
import { answerAsElasticsearch, statusOf } from './elastic-errors.ts';
import { filterAnswer, type FilterPath, readFilterPath } from './filter-path.ts';
import { type KeptSearch, KeptSearches } from './kept-searches.ts';
import { type EqlRequest, readRequest, readWait } from './request.ts';
import { type EqlResult, type EventShape, searchEql } from './search.ts';
import { type Body, fieldsOf, parseWhole, type Source, sourceOf, valueAt } from './source.ts';

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

/** `/_eql/search` and `/{index}/_eql/search`, and searches that go on or are kept, as Elasticsearch answers them. */
export async function registerEql(server: FastifyInstance, room: Room): Promise<void> {
  const kept = new KeptSearches();
  server.addHook('onClose', async () => kept.close());
  await server.register(async scope => {
    answerAsElasticsearch(scope);
    scope.addHook('preHandler', async request => void filterPathOf(request));
    scope.addHook('onSend', async (request, reply, payload) => {
      const paths = reply.statusCode < 300 && typeof payload === 'string' ? filterPathOf(request) : undefined;
      return paths === undefined
        ? payload
        : JSON.stringify(filterAnswer(parseWhole(payload as string) as object, paths));
    });
    // Clients name a type also where they send nothing, with DELETE above all.
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser(
      /^application\/(?:vnd\.elasticsearch\+)?json/,
      { parseAs: 'string', bodyLimit: bodyBytesMax },
      (_, body, done) => done(null, parsedBody(String(body))),
    );
    const search = async (request: FastifyRequest, reply: FastifyReply): Promise<EqlAnswer | string> => {
      const tenant = tenantOf(request.headers);
      // Clients send a body with GET, which the server does not read by itself.
      if (request.method === 'GET') request.body = await getBody(request);
      const asked = readRequest(request);
      const named = (request.params as { index?: string }).index ?? 'weir';
      const index = /^[^*,]+$/.test(named) ? named : 'weir';
      reply.type(mediaType(request));
      if (asked.waitMillis === undefined && !asked.keepOnCompletion)
        return answer(room, tenant, asked, index, abortWith(reply.raw).signal);
      const found = kept.start(tenant, asked.keepMillis, async signal => {
        const { is_partial: partial, ...rest } = await answer(room, tenant, asked, index, signal);
        return { answer: JSON.stringify({ is_partial: partial, ...rest }), partial };
      });
      reply.raw.once('close', () => {
        if (!reply.raw.writableEnded) kept.delete(found);
      });
      await settledWithin(found, asked.waitMillis);
      if (found.outcome === undefined) return goesOn(found);
      const isKept = asked.keepOnCompletion && 'answer' in found.outcome;
      if (!isKept) kept.delete(found);
      return answerOfKept(found, isKept);
    };
    scope.get<{ Params: { id: string } }>('/_eql/search/:id', async (request, reply) => {
      const found = kept.get(tenantOf(request.headers), request.params.id);
      const { waitMillis, keepMillis } = readWait(request.query);
      if (keepMillis !== undefined) found.expires = Date.now() + keepMillis;
      await settledWithin(found, waitMillis);
      reply.type(mediaType(request));
      return found.outcome === undefined ? goesOn(found) : answerOfKept(found, true);
    });
    scope.delete<{ Params: { id: string } }>('/_eql/search/:id', request => {
      kept.delete(kept.get(tenantOf(request.headers), request.params.id));
      return { acknowledged: true };
    });
    scope.get<{ Params: { id: string } }>('/_eql/search/status/:id', request => {
      const { id, outcome, started, expires } = kept.get(tenantOf(request.headers), request.params.id);
      return {
        id,
        is_running: outcome === undefined,
        is_partial: outcome === undefined || 'error' in outcome || outcome.partial,
        start_time_in_millis: started,
        expiration_time_in_millis: expires,
        ...(outcome && {
          completion_status: 'error' in outcome ? statusOf(asError(outcome.error), request.id) : 200,
        }),
      };
    });
    for (const url of ['/_eql/search', '/:index/_eql/search'])
      scope.route({ method: ['GET', 'POST'], url, bodyLimit: bodyBytesMax, handler: search });
  });
}

const filterPathOf = (request: FastifyRequest): FilterPath | undefined =>
  readFilterPath((request.query as { filter_path?: unknown }).filter_path);

/** Search and shape the answer; `query_limit` when it is not whole and the request wants nothing less. */
async function answer(
  room: Room,
  tenant: Tenant,
  asked: EqlRequest,
  index: string,
  signal: AbortSignal,
): Promise<EqlAnswer> {
  const began = performance.now();
  const result = await searchEql(room, tenant, asked, asSent, { signal });
  if (result.partial !== null && !asked.allowPartial)
    throw new WeirError('query_limit', { reason: `${result.partial} (allow_partial_search_results is false)` });
  return answerOf(result, asked, index, Math.round(performance.now() - began));
}

/** Wait for a search to its end, or for so long. */
async function settledWithin({ settled }: KeptSearch, waitMillis: number | undefined): Promise<void> {
  if (waitMillis === undefined) return settled;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>(done => {
    timer = setTimeout(done, waitMillis);
  });
  await Promise.race([settled, over]);
  clearTimeout(timer);
}

const goesOn = ({ id, started }: KeptSearch): EqlAnswer => ({
  id,
  is_partial: true,
  is_running: true,
  took: Date.now() - started,
  timed_out: false,
  hits: { total: { value: 0, relation: 'gte' }, events: [] },
});

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** The answer of a search that is done; throws what it threw. */
function answerOfKept({ id, outcome }: KeptSearch, withId: boolean): string {
  if (outcome === undefined) throw new Error('BUG: the search is not done');
  if ('error' in outcome) throw asError(outcome.error);
  return withId ? `{"id":${JSON.stringify(id)},${outcome.answer.slice(1)}` : outcome.answer;
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
  return parsedBody(Buffer.concat(pieces).toString());
}

/** The value of a JSON text; undefined when nothing was sent. Throws `bad_request`. */
function parsedBody(text: string): unknown {
  if (text.trim() === '') return undefined;
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
