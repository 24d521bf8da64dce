import { WeirError } from './errors.ts';
import type { Tenant } from './record.ts';

const tenantPattern = /^[A-Za-z0-9!_.*'()-]{1,150}$/;
/** Far more than anybody reads together; each is a value in every statement. */
const readTenantsMax = 100;

const isTenant = (value: string): boolean => tenantPattern.test(value) && value !== '.' && value !== '..';
const bad = (value: unknown, rest: string): WeirError =>
  new WeirError('bad_request', {
    reason: `X-Scope-OrgID "${String(value).slice(0, 200)}" is no tenant name: 1 to 150 of A-Z a-z 0-9 ! _ . * ' ( ) -, ${rest}`,
  });

/**
 * The tenant of a request: `X-Scope-OrgID`, else `default`. For requests that write: one tenant each.
 * Throws `bad_request` that quotes the value.
 */
export function tenantOf(headers: Record<string, string | string[] | undefined>): Tenant {
  const value = headers['x-scope-orgid'] ?? 'default';
  if (typeof value === 'string' && isTenant(value)) return value;
  throw bad(value, 'one tenant per request');
}

/**
 * Whom a question asks: as {@link tenantOf}, or several tenants as `a|b`. Gives the names sorted, each once, joined by `|`, which no name
 * holds, so that one text stands for one or several. Throws `bad_request`.
 */
export function readTenantOf(headers: Record<string, string | string[] | undefined>): Tenant {
  const value = headers['x-scope-orgid'] ?? 'default';
  const names = typeof value === 'string' ? tenantsIn(value) : [];
  if (names.length === 0 || names.length > readTenantsMax || !names.every(isTenant))
    throw bad(value, `several (up to ${readTenantsMax}) joined by |`);
  return [...new Set(names)].sort().join('|');
}

/** The tenants that a text of {@link readTenantOf} stands for. */
export const tenantsIn = (text: Tenant): Tenant[] => text.split('|');
