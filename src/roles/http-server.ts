import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastifyWebsocket from '@fastify/websocket';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { log } from '../base/log.ts';
import { registry } from '../base/telemetry.ts';

export type Health = {
  /** True once records can be taken in and questions answered; stays true while the engine restarts, since ingest goes on. */
  ready: () => boolean;
  /** Why not ready, or what is impaired; one word a part. */
  state: () => Record<string, string>;
};

/** Host and port of a `host:port` text. Throws `config_invalid` naming the setting. */
export function parseListen(text: string, setting: string): { host: string; port: number } {
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (!host || port === undefined || Number(port) > 65535) {
    throw new WeirError('config_invalid', { reason: `${setting}: "${text}" is not host:port, e.g. 127.0.0.1:7575` });
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** The path and search of a request without `prefix`, when it has it. */
function withoutPrefix(url: string, prefix: string): string {
  if (!url.startsWith(prefix)) return url;
  const rest = url.slice(prefix.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : url;
}

/**
 * The HTTP server that the rooms hang their routes on: errors of ours as JSON with their status and Retry-After, unknown paths 404
 * JSON, health, metrics. `guard` runs before every route but health and the page's own files, and before any body is read.
 */
export async function openHttpServer(options: {
  guard: (headers: Record<string, string | string[] | undefined>) => string | undefined;
  health: Health;
  /** Everything is also answered under this path, e.g. `/weir`; none when empty. */
  pathPrefix?: string;
}): Promise<FastifyInstance> {
  const logger: FastifyBaseLogger = log;
  const prefix = options.pathPrefix ?? '';
  const server = fastify({
    // A proxy in front may hand the path over as it came.
    rewriteUrl: ({ url = '/' }) => (prefix === '' ? url : withoutPrefix(url, prefix)),
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.wireBytesMax,
    // A body may take long on a slow line, but a head may not, and idle sockets are closed: slow clients must not hold others up.
    requestTimeout: 120_000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    http: {
      headersTimeout: 20_000,
      maxHeaderSize: 64 * 1024,
      // Java's client offers HTTP/2 with every request over plain HTTP; who does not take an offer answers as if it were not there.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    forceCloseConnections: true,
    return503OnClosing: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
  });

  const open = new Set(['/healthz', '/readyz', '/ready']);
  server.addHook('onRequest', async (request, reply) => {
    if (open.has(request.routeOptions.url ?? '')) return;
    // What browsers ask before a page may send comes without its credentials; only the doors answer, with headers alone.
    if (request.method === 'OPTIONS' && !request.is404) return;
    let tenant: string | undefined;
    try {
      tenant = options.guard(request.headers);
    } catch (error) {
      // Browsers then ask for a password, and the token is it: the page needs no login of its own.
      if (error instanceof WeirError && error.status === 401)
        reply.header('www-authenticate', 'Basic realm="weir", charset="UTF-8"');
      throw error;
    }
    if (tenant !== undefined) request.headers['x-scope-orgid'] = tenant;
    // Before any body is read: what is sent to a path that does not exist is not looked at.
    if (request.is404) throw new WeirError('not_found', { path: request.url.split('?')[0] ?? '' });
  });

  server.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    if (error instanceof WeirError) {
      if (error.retry) reply.header('retry-after', String(error.retryAfter));
      return reply.code(error.status).send(error.toBody());
    }
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error, url: request.url }, 'a request failed unexpectedly');
    const message = status >= 500 ? 'internal error; see the server log' : error.message;
    return reply.code(status).send({ error: { code: error.code ?? 'internal', message } });
  });
  server.setNotFoundHandler((request, reply) => {
    const error = new WeirError('not_found', { path: request.url.split('?')[0] ?? '' });
    return reply.code(404).send(error.toBody());
  });

  server.get('/healthz', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_, reply) =>
    reply.code(options.health.ready() ? 200 : 503).send({ ready: options.health.ready(), ...options.health.state() }),
  );
  server.get('/ready', async (_, reply) =>
    reply
      .code(options.health.ready() ? 200 : 503)
      .type('text/plain')
      .send(options.health.ready() ? 'ready' : 'not ready'),
  );
  server.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));

  await server.register(fastifyWebsocket, { options: { maxPayload: 1024 * 1024 } });
  return server;
}

/** Serve the built page. Its paths are the files of dist/web and `/`; everything else stays 404 JSON. */
export async function servePage(server: FastifyInstance): Promise<void> {
  const folder = resolve(import.meta.dirname, '../../dist/web');
  if (!existsSync(resolve(folder, 'index.html'))) {
    log.warn({ folder }, 'the web page is not built; run npm start, or npm run build:web');
    return;
  }
  await server.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    index: 'index.html',
    setHeaders(reply, path) {
      reply.header('cache-control', path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
      reply.header('x-content-type-options', 'nosniff');
      reply.header('referrer-policy', 'no-referrer');
      reply.header(
        'content-security-policy',
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
      );
    },
  });
}
