import type { Readable } from 'node:stream';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { BodyMemory } from './body-memory.ts';

/** Bytes the doors hold together. Throws `overloaded` rather than to grow past its limit. */
export class Admission {
  readonly #bytesMax: number;
  #held = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#held;
  }

  hold(bytes: number): void {
    if (this.#held + bytes > this.#bytesMax) {
      throw new WeirError('overloaded', { reason: `${this.#held} bytes of requests are in flight`, seconds: 1 });
    }
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}

/** What one request holds of the {@link Admission} and of the {@link BodyMemory}. */
export class Share {
  readonly #admission: Admission;
  readonly #memory: BodyMemory;
  #bytes = 0;
  #buffer: Buffer | undefined;

  constructor(admission: Admission, memory: BodyMemory) {
    this.#admission = admission;
    this.#memory = memory;
  }

  hold(bytes: number): void {
    this.#admission.hold(bytes);
    this.#bytes += bytes;
  }

  /** A buffer of at least `bytes` that begins with the first `length` bytes of the one before, which is given back. */
  grow(bytes: number, length: number): Buffer {
    const larger = this.#memory.take(bytes);
    if (this.#buffer) {
      this.#buffer.copy(larger, 0, 0, length);
      this.#memory.give(this.#buffer);
    }
    this.#buffer = larger;
    return larger;
  }

  /** Give back everything; nothing may refer to the buffer any more. */
  release(): void {
    this.#admission.release(this.#bytes);
    this.#bytes = 0;
    if (this.#buffer) this.#memory.give(this.#buffer);
    this.#buffer = undefined;
  }
}

const newline = 0x0a;
/** Memory taken for a body before any of it has come; more only as it arrives, whatever its head declares. */
const firstBytes = 1024 * 1024;

export type BodyOptions = {
  /** `Content-Length`, when there is one. */
  declared: number | undefined;
  bytesMax: number;
  /** End the last line by `\n`. */
  linewise: boolean;
};

/**
 * The body as it comes over the wire, in memory of the share: good until that is released. Chunks are copied at once rather than
 * kept, so that their memory is free again young. Throws `body_too_large`, `overloaded`, `body_timeout` when nothing arrives for
 * `limits.bodyIdleMillisMax`, `bad_request` when the sender goes away. What is left of the body then is read and thrown away,
 * so that the sender gets to see the answer.
 */
export async function readBody(
  stream: Readable,
  share: Share,
  { declared, bytesMax, linewise }: BodyOptions,
): Promise<Buffer> {
  // One byte more than declared, so that a last line without its end gets one for free.
  let body = share.grow(Math.min((declared ?? 0) + 1, firstBytes), 0);
  let length = 0;
  const tooLarge = (): WeirError => new WeirError('body_too_large', { limit: bytesMax });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const idle = setTimeout(
    () => reject(new WeirError('body_timeout', { seconds: limits.bodyIdleMillisMax / 1000 })),
    limits.bodyIdleMillisMax,
  );
  const onData = (chunk: Buffer): void => {
    idle.refresh();
    const end = length + chunk.length;
    if (end > bytesMax) return reject(tooLarge());
    try {
      share.hold(chunk.length);
    } catch (error) {
      return reject(error);
    }
    if (end >= body.length) body = share.grow(Math.max(end + 1, 2 * body.length), length);
    chunk.copy(body, length);
    length = end;
  };
  const onGone = (): void => reject(new WeirError('bad_request', { reason: 'the body ended early' }));
  const onEnd = (): void => {
    // It closes before whoever waits goes on.
    stream.off('close', onGone);
    resolve();
  };
  stream.on('data', onData).once('end', onEnd).once('error', onGone).once('close', onGone);
  try {
    if (declared !== undefined && declared > bytesMax) throw tooLarge();
    await promise;
  } finally {
    clearTimeout(idle);
    stream.off('data', onData).off('end', onEnd).off('close', onGone);
    stream.resume();
  }
  if (linewise && length > 0 && body[length - 1] !== newline) body[length++] = newline;
  return body.subarray(0, length);
}

/** `body` so that its last line is ended by `\n`. */
export function endLine(body: Buffer): Buffer {
  return body.length === 0 || body[body.length - 1] === newline ? body : Buffer.concat([body, Buffer.of(newline)]);
}
