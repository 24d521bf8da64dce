import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { removeFile, replaceFile, tenantFileName } from '../../base/durable-file.ts';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { log } from '../../base/log.ts';
import type { Tenant } from '../../base/record.ts';
import { tenantsIn } from '../../base/tenant.ts';
import type { LookupTable, LookupTables } from '../../language/lookup-table.ts';

/** Lookup tables of tenants, each a file `<directory>/<tenant>/<name>.json`; those of a tenant are read when it first asks and then kept in memory. */
export type LookupFiles = {
  /** Several tenants at once have none. Never throws: a file that cannot be read is left out and told in the log. */
  of(tenant: Tenant): LookupTables;
  /** Resolves when the table is durable; from then on queries see it. */
  put(tenant: Tenant, table: LookupTable): Promise<void>;
  /** False when there was none. */
  remove(tenant: Tenant, name: string): Promise<boolean>;
};

const stored = z.object({
  name: z.string(),
  key: z.string(),
  columns: z.array(z.string()),
  rows: z.array(z.object({ key: z.string(), values: z.array(z.string()) })),
});

export function openLookupFiles(directory: string): LookupFiles {
  const known = new Map<Tenant, Map<string, LookupTable>>();
  const folderOf = (tenant: Tenant): string => join(directory, tenantFileName(tenant));

  function load(tenant: Tenant): Map<string, LookupTable> {
    const tables = new Map<string, LookupTable>();
    const folder = folderOf(tenant);
    if (!existsSync(folder)) return tables;
    for (const file of readdirSync(folder)
      .filter(name => name.endsWith('.json'))
      .sort()) {
      try {
        const table = stored.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
        tables.set(table.name, table);
      } catch (error) {
        log.error({ err: error, file: join(folder, file) }, 'lookup table cannot be read; queries do without it');
      }
    }
    return tables;
  }

  function tablesOf(tenant: Tenant): Map<string, LookupTable> {
    const found = known.get(tenant) ?? load(tenant);
    known.delete(tenant);
    known.set(tenant, found);
    const [oldest] = known.keys();
    if (known.size > limits.lookupTenantsMax && oldest !== undefined) known.delete(oldest);
    return found;
  }

  const fileOf = (tenant: Tenant, name: string): string => join(folderOf(tenant), `${tenantFileName(name)}.json`);
  const unavailable = (error: unknown): WeirError =>
    new WeirError(
      'lookups_unavailable',
      { reason: (error as Error).message.split('\n')[0] ?? '' },
      { cause: error, retryAfter: 10 },
    );
  return {
    of: tenant => (tenantsIn(tenant).length > 1 ? new Map() : tablesOf(tenant)),
    async put(tenant, table) {
      const tables = tablesOf(tenant);
      if (!tables.has(table.name) && tables.size >= limits.lookupTablesMax)
        throw new WeirError('bad_request', {
          reason: `there are ${tables.size} lookup tables already (limit ${limits.lookupTablesMax}); delete one first`,
        });
      try {
        await replaceFile(fileOf(tenant, table.name), JSON.stringify(table));
      } catch (error) {
        throw unavailable(error);
      }
      tablesOf(tenant).set(table.name, table);
    },
    async remove(tenant, name) {
      if (!tablesOf(tenant).has(name)) return false;
      try {
        await removeFile(fileOf(tenant, name));
      } catch (error) {
        throw unavailable(error);
      }
      return tablesOf(tenant).delete(name);
    },
  };
}
