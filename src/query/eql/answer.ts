import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Tenant } from '../../base/record.ts';
import { eventRowsSql } from '../../language/eql/events-sql.ts';
import { parseEql } from '../../language/eql/parser.ts';
import type { EqlQuery } from '../../language/eql/tree.ts';
import type { QueryFrame, QueryRequest, QueryRow } from '../contract.ts';
import { abortWith, openFrames } from '../frame-writer.ts';
import type { Room } from '../room.ts';
import { rangeOf } from '../time-range.ts';
import { visibleError } from '../visible-error.ts';
import type { EqlRequest } from './request.ts';
import { type EqlResult, type EventShape, searchEql } from './search.ts';
import { isoTime } from './source.ts';

const asRows: EventShape<QueryRow> = {
  sql: eventRowsSql,
  read(row) {
    delete row.s;
    return row as unknown as QueryRow;
  },
};

/** How an EQL query is answered, see `meta` of QueryFrame. */
export function kindOf(query: EqlQuery): 'logs' | 'table' | 'sequences' {
  if (query.kind !== 'event') return 'sequences';
  return query.pipes.some(pipe => pipe.kind === 'count') ? 'table' : 'logs';
}

type Body = Pick<QueryRequest, 'start' | 'end' | 'after' | 'id' | 'timeout'> & {
  query: string;
  limit: number;
  direction: 'backward' | 'forward';
};

/**
 * `POST /api/v1/query` of an EQL text: frames as of any query. The limit counts events, or sequences; the answer is the newest of them, or with `forward` the oldest,
 * listed in that order; events of a sequence are in the order of its steps. Frames begin when the answer is known, so every fault has its own status.
 */
export async function answerEql(room: Room, tenant: Tenant, body: Body, reply: FastifyReply): Promise<void> {
  const query = parseEql(body.query);
  if (body.after !== undefined)
    throw new WeirError('bad_request', { reason: 'after: an EQL answer has no next page; raise the limit' });
  const range = rangeOf(body);
  const request = requestOf(body, query);
  const { size } = request;
  const abort = abortWith(reply.raw);
  const id = body.id ?? randomUUID();
  room.running.add(tenant, id, abort);
  const began = performance.now();
  let result: EqlResult<QueryRow>;
  try {
    result = await searchEql(room, tenant, request, asRows, {
      signal: abort.signal,
      ...(body.timeout !== undefined && { timeout: body.timeout }),
    });
  } catch (error) {
    throw visibleError(error, id);
  }
  const out = openFrames(reply);
  await out.send({
    type: 'meta',
    id,
    kind: kindOf(query),
    whole: true,
    logql: body.query.trim(),
    start: range.start.toString(),
    end: range.end.toString(),
  });
  const sorted = query.kind === 'event' && query.pipes.some(pipe => pipe.kind === 'sort');
  const { frames, rows, found, what } = framesOf(result, body.direction === 'backward' && !sorted);
  for (const frame of frames) await out.send(frame);
  const { value, relation } = result.total;
  if (found >= size && (value > found || relation === 'gte'))
    await out.send({
      type: 'warning',
      message: `${relation === 'eq' ? `${found.toLocaleString('en')} of ${value.toLocaleString('en')} ${what} are shown` : `limit ${size} of ${what} reached, there may be more`}; ${size < mostOf(query) ? 'raise the limit, or ' : ''}narrow the query or its time range`,
    });
  await out.send({
    type: 'end',
    rows,
    readRows: result.read.rows,
    readBytes: result.read.bytes,
    elapsedMs: Math.round((performance.now() - began) * 10) / 10,
    partial: result.partial !== null,
    reason: result.partial,
  });
  out.end();
}

/** What Weir's own API asks for by an EQL text. */
export function requestOf(
  body: Pick<Body, 'query' | 'start' | 'end' | 'limit' | 'direction'>,
  query: EqlQuery,
): EqlRequest {
  const range = rangeOf(body);
  const most = mostOf(query);
  return {
    query: body.query,
    filter: { range: { '@timestamp': { gte: isoTime(range.start), lt: isoTime(range.end) } } },
    timestampField: '@timestamp',
    categoryField: 'event.category',
    size: body.limit === 0 ? most : Math.min(body.limit, most),
    position: body.direction === 'backward' ? 'tail' : 'head',
    fields: [],
    declared: new Map(),
    caseSensitive: true,
    allowPartial: true,
    samplesPerKey: 1,
    keepOnCompletion: false,
    keepMillis: 0,
  };
}

/** Events, or sequences, that one answer can have. */
function mostOf(query: EqlQuery): number {
  if (query.kind === 'event') return limits.eqlSizeMax;
  const events = query.steps.reduce((sum, step) => sum + step.runs, 0);
  return Math.min(limits.eqlSizeMax, Math.floor(limits.eqlEventsMax / events));
}

/** Rows of one frame. */
const rowsAtOnce = 1000;

type Frames = { frames: QueryFrame[]; rows: number; found: number; what: string };

function framesOf(result: EqlResult<QueryRow>, newestFirst: boolean): Frames {
  const inOrder = <T>(list: readonly T[]): T[] => (newestFirst ? list.toReversed() : [...list]);
  if (result.kind === 'events') {
    const events = inOrder(result.events).filter(row => row !== undefined);
    const frames: QueryFrame[] = [];
    for (let from = 0; from < events.length; from += rowsAtOnce)
      frames.push({ type: 'rows', rows: events.slice(from, from + rowsAtOnce) });
    return { frames, rows: events.length, found: result.events.length, what: 'events' };
  }
  if (result.kind === 'counts') {
    const rows = inOrder(result.groups).map(({ key, count, percent }) => [
      ...key.map(value => value ?? ''),
      String(count),
      String(Math.round(percent * 10_000) / 100),
    ]);
    const columns: Extract<QueryFrame, { type: 'table' }>['columns'] = [
      ...result.by.map(name => ({ name, type: 'text' as const })),
      { name: 'count', type: 'number' },
      { name: 'percent', type: 'number' },
    ];
    return { frames: [{ type: 'table', columns, rows }], rows: rows.length, found: rows.length, what: 'groups' };
  }
  let rows = 0;
  const frames = inOrder(result.sequences).map(({ joinKeys, events }): QueryFrame => {
    rows += events.filter(event => event !== undefined).length;
    return {
      type: 'sequence',
      keys: result.by.map((name, i) => ({ name, value: textOf(joinKeys[i]) })),
      events: events.map(event => event ?? null),
    };
  });
  return { frames, rows, found: frames.length, what: 'sequences' };
}

const textOf = (value: unknown): string | null =>
  value === null || value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);
