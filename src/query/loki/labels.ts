import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readTenantOf } from '../../base/tenant.ts';
import { quoteString } from '../../language/sql-writer.ts';
import type { Room } from '../room.ts';
import { lokiRangeOf } from '../time-range.ts';
import { answered, type Parameters, parametersOf } from './parameters.ts';
import { isVisible, rowsOf, selectorsOf, streamsSql } from './streams.ts';

/**
 * SQL: the share of a stream's rows of one day that lies in the range, if they are spread evenly over it. Loki scales its chunks in the
 * same way.
 */
const share = (start: bigint, end: bigint): string => {
  const [first, last] = ['toUnixTimestamp64Nano(first)', 'toUnixTimestamp64Nano(last)'];
  return `if(last = first, 1, (least(${last}, ${end - 1n}) - greatest(${first}, ${start})) / (${last} - ${first}))`;
};

/** A label whose values are all numbers or UUIDs is an id, and no help in narrowing a search; but a flag is. */
const isIdOnly = (values: readonly string[]): boolean =>
  !values.every(value => value === '0' || value === '1') &&
  values.every(
    value =>
      /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) ||
      /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(value),
  );
/** Worth showing whatever their values. */
const alwaysShown = new Set(['cluster', 'namespace', 'instance', 'pod']);

/** Label names, label values, series, index/stats and detected_labels: what Grafana asks while a query is being built. */
export function registerLabels(scope: FastifyInstance, room: Room): void {
  const ask = (
    request: FastifyRequest,
    reply: FastifyReply,
    parameters: Parameters,
    selectors: readonly string[],
    select: (streams: string) => string,
  ): Promise<Record<string, unknown>[]> => {
    const streams = streamsSql(readTenantOf(request.headers), lokiRangeOf(parameters.get), selectors);
    return rowsOf(room, request, reply, sources => select(streams(sources)));
  };

  async function labels(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const rows = await ask(
      request,
      reply,
      parameters,
      selectorsOf(parameters),
      streams => `SELECT DISTINCT arrayJoin(mapKeys(labels)) AS name FROM ${streams} ORDER BY name`,
    );
    return { status: 'success', data: rows.map(row => String(row.name)).filter(isVisible) };
  }

  async function values(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const name = quoteString((request.params as { name: string }).name);
    const rows = await ask(
      request,
      reply,
      parameters,
      selectorsOf(parameters),
      streams => `SELECT DISTINCT labels[${name}] AS value FROM ${streams} WHERE value != '' ORDER BY value`,
    );
    return { status: 'success', data: rows.map(row => String(row.value)) };
  }

  async function series(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const selectors = [...parameters.all('match[]'), ...parameters.all('match')].filter(text => text !== '');
    const rows = await ask(
      request,
      reply,
      parameters,
      selectors,
      streams => `SELECT any(labels) AS labels FROM ${streams} GROUP BY stream ORDER BY toString(labels)`,
    );
    return { status: 'success', data: rows.map(row => row.labels) };
  }

  async function stats(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const { start, end } = lokiRangeOf(parameters.get);
    const [row] = await ask(
      request,
      reply,
      parameters,
      selectorsOf(parameters),
      streams =>
        `SELECT uniqExact(stream) AS streams, count() AS chunks, sum(rows * part) AS entries, sum(bytes * part) AS bytes
FROM (SELECT stream, rows, bytes, ${share(start, end)} AS part FROM ${streams})`,
    );
    const whole = (value: unknown): number => Math.round(Number(value ?? 0));
    return {
      streams: whole(row?.streams),
      chunks: whole(row?.chunks),
      entries: whole(row?.entries),
      bytes: whole(row?.bytes),
    };
  }

  async function detected(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const rows = await ask(
      request,
      reply,
      parameters,
      selectorsOf(parameters),
      streams => `SELECT pair.1 AS label, groupUniqArray(pair.2) AS values
FROM (SELECT arrayJoin(arrayZip(mapKeys(labels), mapValues(labels))) AS pair FROM ${streams}) GROUP BY label ORDER BY label`,
    );
    const detectedLabels = rows
      .map(row => ({ label: String(row.label), values: row.values as string[] }))
      .filter(({ label, values }) => isVisible(label) && (alwaysShown.has(label) || !isIdOnly(values)))
      .map(({ label, values }) => ({ label, cardinality: values.length }));
    return { detectedLabels };
  }

  answered(scope, '/labels', labels);
  answered(scope, '/label', labels);
  answered(scope, '/label/:name/values', values);
  answered(scope, '/series', series);
  answered(scope, '/index/stats', stats);
  answered(scope, '/detected_labels', detected);
}
