import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../base/limits.ts';
import { Admission, readBody, Share } from './body.ts';
import { BodyMemory } from './body-memory.ts';

const setUp = (heldMax = 1 << 30): { admission: Admission; share: Share; stream: PassThrough } => {
  const admission = new Admission(heldMax);
  return { admission, share: new Share(admission, new BodyMemory()), stream: new PassThrough() };
};
const options = { declared: undefined, bytesMax: 10_000_000, linewise: false };

describe('readBody', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gives up a body that stops arriving, not one that is merely slow', async () => {
    vi.useFakeTimers();
    const { admission, share, stream } = setUp();
    const body = readBody(stream, share, { ...options, declared: 100 });
    const outcome = body.catch((error: unknown) => error);
    for (let k = 0; k < 5; k++) {
      stream.write('x');
      await vi.advanceTimersByTimeAsync(limits.bodyIdleMillisMax - 1);
      expect(admission.heldBytes).toBe(k + 1);
    }
    await vi.advanceTimersByTimeAsync(2);
    expect(await outcome).toMatchObject({ code: 'body_timeout', status: 503 });
    share.release();
    expect(admission.heldBytes).toBe(0);
  });

  it('joins chunks of any size and ends the last line', async () => {
    for (const sizes of [[], [1], [300_000, 1, 700_000, 3_000_000], Array.from({ length: 500 }, (_, k) => k)]) {
      const { share, stream } = setUp();
      const body = readBody(stream, share, { ...options, linewise: true });
      const sent = sizes.map((size, k) => Buffer.alloc(size, k + 32));
      for (const chunk of sent) stream.write(chunk);
      stream.end();
      const whole = Buffer.concat(sent);
      expect((await body).equals(whole.length > 0 ? Buffer.concat([whole, Buffer.from('\n')]) : whole)).toBe(true);
    }
  });

  it('takes a body of exactly the limit, ended line or not', async () => {
    const { share, stream } = setUp();
    const body = readBody(stream, share, { declared: 5, bytesMax: 5, linewise: true });
    stream.end('12345');
    expect((await body).toString()).toBe('12345\n');
  });

  it('refuses more than may be held, and more than the limit', async () => {
    const full = setUp(1000);
    const held = readBody(full.stream, full.share, options).catch((error: unknown) => error);
    full.stream.write(Buffer.alloc(2000));
    expect(await held).toMatchObject({ code: 'overloaded' });
    const { share, stream } = setUp();
    const long = readBody(stream, share, { ...options, bytesMax: 10 }).catch((error: unknown) => error);
    stream.end(Buffer.alloc(11));
    expect(await long).toMatchObject({ code: 'body_too_large' });
  });
});
