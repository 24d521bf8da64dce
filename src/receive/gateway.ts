import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { finished, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { receiveTimeNs } from '../base/clock.ts';
import type { Config } from '../base/config.ts';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AgentBatchId, Door, Tenant } from '../base/record.ts';
import { batchAcked, batchReceived, recordsQuarantined, requestRejected } from '../base/telemetry.ts';
import { tenantOf } from '../base/tenant.ts';
import type { AcceptBatch } from '../flow.ts';
import type { Arrival } from './arrival.ts';
import { Admission, endLine, readBody, Share } from './body.ts';
import { BodyMemory } from './body-memory.ts';
import { allowOrigin } from './cors.ts';
import { decompress, type Encoding, encodingOf } from './decompress.ts';
import { agentBatchOf } from './hints.ts';
import type { Decoded } from './intake.ts';

/** One protocol: where it listens, how its bytes become batches, and how its clients are answered. */
export type DoorSpec = {
  door: Door;
  paths: readonly string[];
  /** Media types taken; '' stands for a request without one. Empty list: any. */
  mediaTypes: readonly string[];
  /** How the body is compressed; default: as `Content-Encoding` says. May throw the error its protocol wants. */
  encoding?(request: FastifyRequest, mediaType: string): Encoding | undefined;
  /** The body is lines: hand it over with its last line ended by `\n`. */
  linewise: boolean;
  /** Pure. Throws `bad_request` when the body as a whole is malformed; single bad records go to quarantine. */
  decode(arrival: Arrival): Decoded;
  /** The answer once everything is in the log and fsynced. */
  answer(reply: FastifyReply, decoded: Decoded, mediaType: string): FastifyReply;
  /** The answer when nothing of the request was accepted; status, Retry-After and Allow are set already. */
  refuse(reply: FastifyReply, error: WeirError, mediaType: string): FastifyReply;
};

const mediaTypeOf = (request: FastifyRequest): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

const unsupportedType = (spec: DoorSpec, mediaType: string): WeirError =>
  new WeirError('unsupported_type', {
    type: JSON.stringify(mediaType),
    supported: spec.mediaTypes.filter(type => type !== '').join(' or '),
  });

const otherMethods: HTTPMethods[] = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'];

/**
 * What every request goes through, whatever its protocol, in the order of {@link Gateway.receive}. Refusals come before work: nothing
 * is read of a request that is refused by its head, and a body is inflated only within the limits.
 */
export class Gateway {
  readonly #accept: AcceptBatch;
  readonly #config: Config;
  readonly #admission: Admission;
  readonly #memory = new BodyMemory();
  readonly #answering = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: { accept: AcceptBatch; config: Config; heldBytesMax?: number }) {
    this.#accept = options.accept;
    this.#config = options.config;
    this.#admission = new Admission(options.heldBytesMax ?? limits.receiveBytesMax);
  }

  /**
   * From now on every request is answered 503 with Retry-After. Resolves when those that are in already have their answer, after
   * `limits.stopMillisMax` at the latest.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    const late = new AbortController();
    await Promise.race([
      Promise.all(this.#answering),
      sleep(limits.stopMillisMax, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
  }

  /** Bytes of requests in flight. */
  heldBytes(): number {
    return this.#admission.heldBytes;
  }

  /** Mount a door on `server`: POST takes data, OPTIONS tells so, other methods are 405. */
  mount(server: FastifyInstance, spec: DoorSpec): void {
    const errorHandler = (
      error: Error & { statusCode?: number },
      request: FastifyRequest,
      reply: FastifyReply,
    ): void => {
      this.#refuse(spec, error, request, reply);
    };
    server.register(async scope => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_, payload, done) => done(null, payload));
      // Refusals too: a page sees no status of an answer that its browser keeps from it.
      scope.addHook('onSend', async (request, reply) => allowOrigin(this.#config.cors_origins, request, reply));
      for (const url of spec.paths) {
        scope.post(url, { errorHandler, bodyLimit: Number.MAX_SAFE_INTEGER }, (request, reply) =>
          this.#receive(spec, request, reply),
        );
        scope.options(url, (_, reply) => reply.code(200).header('allow', 'POST, OPTIONS').send());
        scope.route({
          method: otherMethods,
          url,
          errorHandler,
          handler: request => {
            throw new WeirError('method_not_allowed', { method: request.method, allowed: 'POST' });
          },
        });
      }
    });
  }

  async #receive(spec: DoorSpec, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const started = performance.now();
    if (this.#stopping) throw new WeirError('shutting_down');
    this.#track(reply);
    const origin = { tenant: tenantOf(request.headers), agentBatch: agentBatchOf(request.headers) };
    const mediaType = mediaTypeOf(request);
    if (spec.mediaTypes.length > 0 && !spec.mediaTypes.includes(mediaType)) {
      throw unsupportedType(spec, mediaType);
    }
    const encoding = spec.encoding
      ? spec.encoding(request, mediaType)
      : encodingOf(request.headers['content-encoding']);
    const share = new Share(this.#admission, this.#memory);
    try {
      // fastify gives no stream for an empty body
      const body = request.body ? await this.#readBody(spec, request, encoding, share) : Buffer.alloc(0);
      const decoded = spec.decode({
        body,
        mediaType,
        headers: request.headers,
        query: request.query as Arrival['query'],
        recordBytesMax: this.#config.limits.record_bytes,
      });
      share.hold(decoded.bytes);
      batchReceived(spec.door, decoded.accepted + decoded.quarantined, body.length);
      await this.#append(spec.door, origin, decoded);
      batchAcked(spec.door, decoded.accepted, (performance.now() - started) / 1000);
      for (const [kind, records] of decoded.quarantinedBy) recordsQuarantined(spec.door, kind, records);
      return spec.answer(reply, decoded, mediaType);
    } finally {
      share.release();
    }
  }

  /** Remember the request until its answer is handed over, or its client is gone. */
  #track(reply: FastifyReply): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    finished(reply.raw, () => resolve());
    this.#answering.add(promise);
    void promise.then(() => this.#answering.delete(promise));
  }

  async #readBody(
    spec: DoorSpec,
    request: FastifyRequest,
    encoding: Encoding | undefined,
    share: Share,
  ): Promise<Buffer> {
    const bytesMax = this.#config.limits.body_bytes;
    const plain = encoding === undefined;
    const length = request.headers['content-length'];
    const wire = await readBody(request.body as Readable, share, {
      declared: length === undefined ? undefined : Number(length),
      bytesMax: plain ? bytesMax : limits.wireBytesMax,
      linewise: plain && spec.linewise,
    });
    if (plain) return wire;
    const body = await decompress(wire, encoding, bytesMax);
    share.release();
    share.hold(body.length);
    return spec.linewise ? endLine(body) : body;
  }

  /** All batches, in order, acked together: when one is refused the whole request is, and the client sends it again. */
  async #append(
    door: Door,
    { tenant, agentBatch }: { tenant: Tenant; agentBatch: AgentBatchId | undefined },
    decoded: Decoded,
  ): Promise<void> {
    const appends = decoded.batches.map(({ header, payload }) =>
      this.#accept({
        header: { ...header, tenant, door, received: String(receiveTimeNs()), ...(agentBatch && { agentBatch }) },
        payload,
      }),
    );
    const failed = (await Promise.allSettled(appends)).find(result => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** What fastify refuses before a door sees it: a content type it cannot read, a head that makes no sense. */
  #errorOf(spec: DoorSpec, cause: Error & { statusCode?: number }, request: FastifyRequest): WeirError {
    return cause.statusCode === 415
      ? unsupportedType(spec, mediaTypeOf(request))
      : new WeirError('bad_request', { reason: cause.message }, { cause });
  }

  #refuse(spec: DoorSpec, cause: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void {
    // An error that is not of ours and carries no client status is a mistake of ours: the server's own handler logs it.
    if (!(cause instanceof WeirError) && (cause.statusCode ?? 500) >= 500) throw cause;
    const error = cause instanceof WeirError ? cause : this.#errorOf(spec, cause, request);
    requestRejected(spec.door, error.code);
    if (error.retry) reply.header('retry-after', String(error.retryAfter));
    if (error.code === 'method_not_allowed') reply.header('allow', 'POST, OPTIONS');
    if (error.code === 'body_timeout') reply.header('connection', 'close');
    spec.refuse(reply.code(error.status), error, mediaTypeOf(request));
  }
}

/** The refusal of Weir's own doors: the JSON body of every error of ours. */
export const refuseAsJson: DoorSpec['refuse'] = (reply, error) => reply.type('application/json').send(error.toBody());

/** Headers and sockets of slow or greedy clients; the bodies have their own limit. Call once per server. */
export function guardSockets(server: FastifyInstance): void {
  server.server.maxHeadersCount = limits.headersMax;
}
