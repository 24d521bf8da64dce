import type { Readable } from 'node:stream';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

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

/** What one request holds of the {@link Admission}. */
export class Share {
  readonly #admission: Admission;
  #bytes = 0;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  hold(bytes: number): void {
    this.#admission.hold(bytes);
    this.#bytes += bytes;
  }

  release(bytes = this.#bytes): void {
    this.#admission.release(bytes);
    this.#bytes -= bytes;
  }
}

/**
 * The body as it comes over the wire. Throws `body_too_large`, `overloaded`, `body_timeout` when nothing arrives for
 * `limits.bodyIdleMillisMax`, `bad_request` when the sender goes away. What is left of the body then is read and thrown away,
 * so that the sender gets to see the answer.
 */
export async function readBody(stream: Readable, declared: number | undefined, share: Share): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const tooLarge = (): WeirError => new WeirError('body_too_large', { limit: limits.wireBytesMax });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const idle = setTimeout(
    () => reject(new WeirError('body_timeout', { seconds: limits.bodyIdleMillisMax / 1000 })),
    limits.bodyIdleMillisMax,
  );
  const onData = (chunk: Buffer): void => {
    idle.refresh();
    length += chunk.length;
    if (length > limits.wireBytesMax) return reject(tooLarge());
    try {
      share.hold(chunk.length);
      chunks.push(chunk);
    } catch (error) {
      reject(error);
    }
  };
  const onGone = (): void => reject(new WeirError('bad_request', { reason: 'the body ended early' }));
  stream.on('data', onData).once('end', resolve).once('error', onGone).once('close', onGone);
  try {
    if (declared !== undefined && declared > limits.wireBytesMax) throw tooLarge();
    await promise;
  } finally {
    clearTimeout(idle);
    stream.off('data', onData).off('end', resolve).off('close', onGone);
    stream.resume();
  }
  return Buffer.concat(chunks, length);
}

const newline = 0x0a;

/** `body` so that its last line is ended by `\n`. */
export function endLine(body: Buffer): Buffer {
  return body.length === 0 || body[body.length - 1] === newline ? body : Buffer.concat([body, Buffer.of(newline)]);
}
