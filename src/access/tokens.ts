import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { WeirError } from '../base/errors.ts';
import type { Tenant } from '../base/record.ts';

/** A static token of the config; with a tenant it may act for that tenant only. */
export type StaticToken = { token: string; tenant?: string | undefined };

type Headers = Record<string, string | string[] | undefined>;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Every place a client of the supported protocols may put its token (refs: Bearer; Basic with the token as password; Elasticsearch ApiKey; Splunk). */
function presented(headers: Headers): string | undefined {
  const value = headers.authorization;
  if (typeof value !== 'string') return undefined;
  const [, scheme, rest] = /^(\w+)\s+(.+)$/.exec(value) ?? [];
  switch (scheme?.toLowerCase()) {
    case 'bearer':
    case 'splunk':
      return rest;
    case 'basic':
    case 'apikey':
      return Buffer.from(rest ?? '', 'base64')
        .toString('utf8')
        .replace(/^[^:]*:/, '');
    default:
      return undefined;
  }
}

/** True when the host of a listen address is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}

/**
 * Who may come in: with no tokens configured everybody (then Weir listens on loopback only), else who shows one of them.
 * Gives the tenant the token is bound to, or undefined when it may act for any. Throws `unauthorized`, or `forbidden` when the
 * tenant header asks for another tenant than the token's. Compares digests in constant time.
 */
export function makeGuard(tokens: readonly StaticToken[]): (headers: Headers) => Tenant | undefined {
  const known = tokens.map(t => ({ digest: digest(t.token), tenant: t.tenant }));
  return headers => {
    if (known.length === 0) return undefined;
    const shown = digest(presented(headers) ?? '');
    let match: { tenant?: string | undefined } | undefined;
    for (const entry of known) if (timingSafeEqual(entry.digest, shown)) match = entry;
    if (!match) throw new WeirError('unauthorized');
    const asked = headers['x-scope-orgid'];
    if (match.tenant !== undefined && asked !== undefined && asked !== match.tenant)
      throw new WeirError('forbidden', { asked: String(asked), tenant: match.tenant });
    return match.tenant;
  };
}

/** Refuse to listen where others can reach us while nobody has to show a token. */
export function assertListenAllowed(host: string, tokens: readonly StaticToken[]): void {
  if (isLoopback(host) || tokens.length > 0) return;
  throw new WeirError('config_invalid', {
    reason: `listen: ${host} can be reached from other machines, and no tokens are configured; add "tokens: [{token: <16 characters or more>}]" to the config, or listen on 127.0.0.1`,
  });
}
