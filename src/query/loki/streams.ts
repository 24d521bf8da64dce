import type { FastifyReply, FastifyRequest } from 'fastify';
import { readTenantOf } from '../../base/tenant.ts';
import type { Tenant } from '../../base/record.ts';
import type { Sources } from '../../flow.ts';
import { quoteString, quoteTime } from '../../language/sql-writer.ts';
import { collect } from '../admission.ts';
import { abortWith } from '../frame-writer.ts';
import { selectorOf } from '../plan.ts';
import type { Room } from '../room.ts';
import { tenantLabel } from '../sources-for.ts';
import type { TimeRange } from '../time-range.ts';
import type { Parameters } from './parameters.ts';

/** `__name__` and its like are ours, not the user's; the tenants of a joined question are his. */
export const isVisible = (name: string): boolean =>
  name === tenantLabel || !(name.startsWith('__') && name.endsWith('__'));

/** The condition of any of the selectors; none, or one that is empty, is all. */
function anyOf(selectors: readonly string[]): string {
  const conditions = selectors.map(text => selectorOf(text).condition);
  return conditions.length === 0 || conditions.includes('1') ? '1' : `(${conditions.join(') OR (')})`;
}

/**
 * Rows (day, stream, labels, first, last, rows, bytes) of the streams of a tenant that have records in the range and match one of the selectors
 * (none = all), one a day and seal. Read from the list of streams, which is small; records are never scanned.
 */
export function streamsSql(
  tenant: Tenant,
  { start, end }: TimeRange,
  selectors: readonly string[],
): (sources: Sources) => string {
  const where = [
    `tenant = ${quoteString(tenant)}`,
    `day >= toDate(${quoteTime(start)}) AND day <= toDate(${quoteTime(end)})`,
    `last >= ${quoteTime(start)} AND first < ${quoteTime(end)}`,
    `(${anyOf(selectors)})`,
  ].join(' AND ');
  return sources =>
    `(${sources.streams.map(table => `SELECT day, stream, labels, first, last, rows, bytes FROM ${table} WHERE ${where}`).join(' UNION ALL ')})`;
}

/** The selector in the parameter `query`, as a list of none or one. */
export function selectorsOf(parameters: Parameters): string[] {
  const query = parameters.get('query');
  return query === undefined ? [] : [query];
}

/** All rows of a small answer to one statement. */
export async function rowsOf(
  room: Room,
  request: FastifyRequest,
  reply: FastifyReply,
  sql: (sources: Sources) => string,
): Promise<Record<string, unknown>[]> {
  const answer = await room.ask(readTenantOf(request.headers), {
    sql,
    signal: abortWith(reply.raw).signal,
    timeoutMs: room.timeoutMs(undefined),
  });
  return collect(answer);
}
