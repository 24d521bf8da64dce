import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Let a page of another origin send, when its origin is one of `origins` (`*`: any, but then without what its browser remembers of us). A browser asks by
 * OPTIONS first, with the headers that it means to send.
 */
export function allowOrigin(origins: readonly string[], request: FastifyRequest, reply: FastifyReply): void {
  if (origins.length === 0) return;
  reply.header('vary', 'origin');
  const { origin } = request.headers;
  if (origin === undefined) return;
  const named = origins.includes(origin);
  if (!named && !origins.includes('*')) return;
  reply.header('access-control-allow-origin', named ? origin : '*');
  // sendBeacon always asks for it
  if (named) reply.header('access-control-allow-credentials', 'true');
  if (request.method !== 'OPTIONS') return;
  reply.header('access-control-allow-methods', 'POST');
  reply.header('access-control-max-age', '7200');
  const asked = request.headers['access-control-request-headers'];
  if (asked !== undefined) reply.header('access-control-allow-headers', asked);
}
