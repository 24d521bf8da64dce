import type { Tenant } from '../base/record.ts';
import { tenantsIn } from '../base/tenant.ts';
import type { Sources } from '../flow.ts';
import { quoteString, quoteStrings } from '../language/sql-writer.ts';

/** Tells the tenants of a joined question apart, as in Loki. */
export const tenantLabel = '__tenant_id__';

/**
 * The sources as a question of `tenant` sees them. A text that stands for several tenants (`a|b`, see base/tenant.ts) sees the rows of all of
 * them as rows of a tenant of that name, each with its own tenant as the stream label `__tenant_id__`; so whoever writes SQL for one tenant
 * has written it for several.
 */
export function sourcesFor(tenant: Tenant, sources: Sources): Sources {
  const tenants = tenantsIn(tenant);
  if (tenants.length === 1) return sources;
  const where = `WHERE tenant IN ${quoteStrings(tenants)}`;
  const own = 'toString(tenant)';
  const labels = (type: string): string =>
    `CAST(mapSort(mapUpdate(CAST(labels, 'Map(String, String)'), map('${tenantLabel}', ${own}))), '${type}') AS labels`;
  const joined = `CAST(${quoteString(tenant)}, 'LowCardinality(String)') AS tenant`;
  const stream = `cityHash64(${own}, stream) AS stream`;
  // The condition stands inside, where `tenant` is the stored one.
  const wrap = (table: string, replaced: string[]): string =>
    `(SELECT * REPLACE (${replaced.join(', ')}) FROM (SELECT * FROM ${table} ${where}))`;
  return {
    records: sources.records.map(table => wrap(table, [labels('Map(LowCardinality(String), String)'), joined, stream])),
    quarantine: sources.quarantine.map(table => wrap(table, [joined])),
    streams: sources.streams.map(table => wrap(table, [labels('Map(String, String)'), joined, stream])),
    templates: wrap(sources.templates, [joined]),
  };
}
