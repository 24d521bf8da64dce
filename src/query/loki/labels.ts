import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { tenantOf } from '../../base/tenant.ts';
import type { Sources } from '../../flow.ts';
import { quoteString, quoteTime } from '../../language/sql-writer.ts';
import { collect } from '../admission.ts';
import { abortWith } from '../frame-writer.ts';
import { selectorSql } from '../plan.ts';
import type { Room } from '../room.ts';
import { lokiRangeOf } from '../time-range.ts';
import { type Parameters, parametersOf } from './parameters.ts';

/** `__name__` and its like are ours, not the user's. */
const isVisible = (name: string): boolean => !(name.startsWith('__') && name.endsWith('__'));

/**
 * Streams of a tenant that have records in the time range and match one of the selectors (none = all). Read from the list of
 * streams, which is small; records are never scanned.
 */
function streamsSql(
  tenant: string,
  parameters: Parameters,
  selectors: readonly string[],
): (sources: Sources) => string {
  const { start, end } = lokiRangeOf(parameters.get);
  const conditions = selectors.filter(text => text.replace(/\s/g, '') !== '{}').map(selectorSql);
  const where = [
    `tenant = ${quoteString(tenant)}`,
    `day >= toDate(${quoteTime(start)}) AND day <= toDate(${quoteTime(end)})`,
    `last >= ${quoteTime(start)} AND first <= ${quoteTime(end)}`,
    ...(conditions.length > 0 && conditions.length === selectors.length ? [`(${conditions.join(') OR (')})`] : []),
  ].join(' AND ');
  return sources =>
    sources.streams.map(table => `SELECT stream, labels, rows, bytes FROM ${table} WHERE ${where}`).join(' UNION ALL ');
}

/** Label names, label values, series, and index/stats: what Grafana asks while a query is being built. */
export function registerLabels(scope: FastifyInstance, room: Room): void {
  async function rowsOf(
    request: FastifyRequest,
    reply: FastifyReply,
    selectors: readonly string[],
    parameters: Parameters,
    select: (streams: string) => string,
  ): Promise<Record<string, unknown>[]> {
    const tenant = tenantOf(request.headers);
    const streams = streamsSql(tenant, parameters, selectors);
    const answer = await room.ask(tenant, {
      sql: sources => select(`(${streams(sources)})`),
      signal: abortWith(reply.raw).signal,
      timeoutMs: room.timeoutMs(undefined),
    });
    return collect(answer);
  }
  const queryOf = (parameters: Parameters): string[] => {
    const query = parameters.get('query');
    return query === undefined ? [] : [query];
  };

  async function labels(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const rows = await rowsOf(
      request,
      reply,
      queryOf(parameters),
      parameters,
      streams => `SELECT DISTINCT arrayJoin(mapKeys(labels)) AS name FROM ${streams} ORDER BY name`,
    );
    return { status: 'success', data: rows.map(row => String(row.name)).filter(isVisible) };
  }

  async function values(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const name = quoteString((request.params as { name: string }).name);
    const rows = await rowsOf(
      request,
      reply,
      queryOf(parameters),
      parameters,
      streams =>
        `SELECT DISTINCT labels[${name}] AS value FROM ${streams} WHERE mapContains(labels, ${name}) ORDER BY value`,
    );
    return { status: 'success', data: rows.map(row => String(row.value)).filter(value => value !== '') };
  }

  async function series(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const selectors = [...parameters.all('match[]'), ...parameters.all('match')].filter(text => text !== '');
    const rows = await rowsOf(
      request,
      reply,
      selectors,
      parameters,
      streams => `SELECT any(labels) AS labels FROM ${streams} GROUP BY stream ORDER BY toString(labels)`,
    );
    return { status: 'success', data: rows.map(row => row.labels) };
  }

  async function stats(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const [row] = await rowsOf(
      request,
      reply,
      queryOf(parameters),
      parameters,
      streams =>
        `SELECT uniqExact(stream) AS streams, count() AS chunks, sum(rows) AS entries, sum(bytes) AS bytes FROM ${streams}`,
    );
    return {
      streams: Number(row?.streams ?? 0),
      chunks: Number(row?.chunks ?? 0),
      entries: Number(row?.entries ?? 0),
      bytes: Number(row?.bytes ?? 0),
    };
  }

  const routes: [string, (request: FastifyRequest, reply: FastifyReply) => Promise<object>][] = [
    ['/labels', labels],
    ['/label', labels],
    ['/label/:name/values', values],
    ['/series', series],
    ['/index/stats', stats],
  ];
  for (const [url, handler] of routes) scope.route({ method: ['GET', 'POST'], url, handler });
}
