import type { Tenant } from '../base/record.ts';
import { tenantsIn } from '../base/tenant.ts';
import type { Deletes, PartsView, Sources } from '../flow.ts';
import { quoteString, quoteStrings, rowsWithout } from '../language/sql-writer.ts';

/** Tells the tenants of a joined question apart, as in Loki. */
export const tenantLabel = '__tenant_id__';

/**
 * The sources as a question of `tenant` sees them: without the records that a delete request hides (but `streams` counts them until they are removed). A text that stands for several tenants (`a|b`, see base/tenant.ts) sees the rows of all of
 * them as rows of a tenant of that name, each with its own tenant as the stream label `__tenant_id__`; so whoever writes SQL for one tenant
 * has written it for several.
 */
export function sourcesFor(tenant: Tenant, sources: Sources, deletes: Pick<Deletes, 'hidden'>): Sources {
  const tenants = tenantsIn(tenant);
  const hidden = tenants.flatMap(one => deletes.hidden(one));
  const shown =
    hidden.length === 0 ? sources : { ...sources, records: sources.records.map(table => rowsWithout(table, hidden)) };
  return tenants.length === 1 ? shown : joined(tenant, tenants, shown);
}

/** Joined rows have another tenant than stored ones. */
function withoutTenant(parts: PartsView): PartsView {
  const rest = { ...parts };
  delete rest.tenant;
  return rest;
}

function joined(tenant: Tenant, tenants: readonly Tenant[], sources: Sources): Sources {
  const where = `WHERE tenant IN ${quoteStrings(tenants)}`;
  const own = 'toString(tenant)';
  const labels = (type: string): string =>
    `CAST(mapSort(mapUpdate(CAST(labels, 'Map(String, String)'), map('${tenantLabel}', ${own}))), '${type}') AS labels`;
  const name = `CAST(${quoteString(tenant)}, 'LowCardinality(String)') AS tenant`;
  const stream = `cityHash64(${own}, stream) AS stream`;
  // The condition stands inside, where `tenant` is the stored one.
  const wrap = (table: string, replaced: string[]): string =>
    `(SELECT * REPLACE (${replaced.join(', ')}) FROM (SELECT * FROM ${table} ${where}))`;
  return {
    ...(sources.numbers && { numbers: sources.numbers }),
    ...(sources.parts && { parts: withoutTenant(sources.parts) }),
    records: sources.records.map(table => wrap(table, [labels('Map(LowCardinality(String), String)'), name, stream])),
    quarantine: sources.quarantine.map(table => wrap(table, [name])),
    streams: sources.streams.map(table => wrap(table, [labels('Map(String, String)'), name, stream])),
    templates: wrap(sources.templates, [name]),
  };
}
