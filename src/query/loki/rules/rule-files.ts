import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeFile, replaceFile, tenantFileName } from '../../../base/durable-file.ts';
import { WeirError } from '../../../base/errors.ts';
import { log } from '../../../base/log.ts';
import type { Tenant } from '../../../base/record.ts';
import { type Namespaces, namespacesYaml, readNamespaces } from './rule-group.ts';

/** Rules of tenants, each in a file of its own: `<directory>/<tenant>.yaml`, in the form in which the API gives them. */
export type RuleFiles = {
  read(tenant: Tenant): Promise<Namespaces>;
  /**
   * `change` alters the namespaces in place; what it left is on the disk when this resolves, whole and fsynced, or the old file is
   * there as it was. Changes of one tenant follow each other.
   */
  change(tenant: Tenant, change: (namespaces: Namespaces) => void): Promise<void>;
};

export function openRuleFiles(directory: string): RuleFiles {
  const changing = new Map<Tenant, Promise<void>>();
  const fileOf = (tenant: Tenant): string => join(directory, `${tenantFileName(tenant)}.yaml`);
  const failed = (file: string, error: unknown): WeirError => {
    log.error({ err: error, file }, 'rules: file cannot be used');
    return new WeirError(
      'rules_unavailable',
      { reason: `${file.slice(dirname(directory).length + 1)}: ${(error as Error).message.split('\n')[0] ?? ''}` },
      { cause: error, retryAfter: 10 },
    );
  };

  async function read(tenant: Tenant): Promise<Namespaces> {
    const file = fileOf(tenant);
    try {
      return readNamespaces(await readFile(file, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
      throw failed(file, error);
    }
  }

  async function write(tenant: Tenant, namespaces: Namespaces): Promise<void> {
    const file = fileOf(tenant);
    try {
      if (namespaces.size > 0) await replaceFile(file, namespacesYaml(namespaces));
      else await removeFile(file);
    } catch (error) {
      throw failed(file, error);
    }
  }

  return {
    read,
    change(tenant, change) {
      const before = changing.get(tenant) ?? Promise.resolve();
      const now = before
        .catch(() => undefined)
        .then(async () => {
          const namespaces = await read(tenant);
          change(namespaces);
          for (const [name, groups] of namespaces) if (groups.length === 0) namespaces.delete(name);
          await write(tenant, namespaces);
        });
      changing.set(tenant, now);
      return now.finally(() => {
        if (changing.get(tenant) === now) changing.delete(tenant);
      });
    },
  };
}
