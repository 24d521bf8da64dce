import { WeirError } from './errors.ts';
import type { Tenant } from './record.ts';

const tenantPattern = /^[A-Za-z0-9!_.*'()-]{1,150}$/;

/**
 * The tenant of a request: `X-Scope-OrgID`, else `default`. One tenant per request: `a|b` is refused rather than half done.
 * Throws `bad_request` that quotes the value.
 */
export function tenantOf(headers: Record<string, string | string[] | undefined>): Tenant {
  const value = headers['x-scope-orgid'] ?? 'default';
  if (typeof value === 'string' && tenantPattern.test(value) && value !== '.' && value !== '..') return value;
  throw new WeirError('bad_request', {
    reason: `X-Scope-OrgID "${String(value).slice(0, 200)}" is no tenant name: 1 to 150 of A-Z a-z 0-9 ! _ . * ' ( ) -, one tenant per request`,
  });
}
