import { promisify } from 'node:util';
import {
  brotliDecompress,
  gunzip,
  inflate,
  inflateRaw,
  type InputType,
  type ZlibOptions,
  zstdDecompress,
} from 'node:zlib';
import { uncompress } from 'snappy';
import { WeirError } from '../base/errors.ts';
import { unLz4 } from './lz4.ts';
import { blockLength, isFramed, unframe } from './snappy.ts';

/** Content encodings that are undone here; `deflate` is zlib or raw, `snappy` the block format or a framed stream, which is told by its start. */
export type Encoding = 'gzip' | 'deflate' | 'zstd' | 'snappy' | 'x-snappy-framed' | 'lz4' | 'br';
const known = new Map<string, Encoding>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['zlib', 'deflate'],
  ['zstd', 'zstd'],
  ['snappy', 'snappy'],
  ['x-snappy-framed', 'x-snappy-framed'],
  ['lz4', 'lz4'],
  ['br', 'br'],
]);
export const encodingsSupported = 'gzip, deflate, zstd, snappy, lz4 or br';

/** The encoding a header names; undefined for none. Names are case-insensitive; `identity` and an empty value mean none. Throws `unsupported_encoding`, also for several layers. */
export function encodingOf(header: string | undefined): Encoding | undefined {
  const name = (header ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return undefined;
  const encoding = known.get(name);
  if (encoding === undefined)
    throw new WeirError('unsupported_encoding', { encoding: JSON.stringify(header), supported: encodingsSupported });
  return encoding;
}

type Inflated = { buffer: Buffer; engine: { bytesWritten: number } };
type Inflate = (input: InputType, options: ZlibOptions, done: (error: Error | null, result: Buffer) => void) => void;
/** With `info` the callback gets the engine too, whose `bytesWritten` tells how much of the input one stream took. */
const withInfo = (inflater: Inflate) =>
  promisify(inflater) as unknown as (input: Buffer, options: ZlibOptions & { info: true }) => Promise<Inflated>;
const inflaters = {
  gzip: withInfo(gunzip),
  zlib: withInfo(inflate),
  raw: withInfo(inflateRaw),
  br: withInfo(brotliDecompress),
  zstd: withInfo(zstdDecompress as Inflate),
};

/** RFC 1950: method 8 and a check that the first two bytes are a multiple of 31. A raw stream that starts so would need an odd stored block. */
const isZlib = (body: Buffer): boolean =>
  ((body[0] ?? 0) & 0x0f) === 8 && (((body[0] ?? 0) << 8) | (body[1] ?? 0)) % 31 === 0;

/**
 * Undo `encoding`. Several streams one after the other (gzip members, zstd frames) are all taken; anything else after the first is an error,
 * so that no byte is dropped silently. Stops at `bytesMax` with `body_too_large`; broken data is a `bad_request`.
 */
export async function decompress(body: Buffer, encoding: Encoding, bytesMax: number): Promise<Buffer> {
  const tooLarge = (): WeirError => new WeirError('body_too_large', { limit: bytesMax });
  const broken = (reason: string): WeirError =>
    new WeirError('bad_request', { reason: `the body is not valid ${encoding}: ${reason}` });
  if (encoding === 'lz4' || encoding === 'x-snappy-framed' || (encoding === 'snappy' && isFramed(body))) {
    let whole: Buffer;
    try {
      whole = await (encoding === 'lz4' ? unLz4 : unframe)(body, bytesMax);
    } catch (error) {
      throw broken((error as Error).message);
    }
    if (whole.length > bytesMax) throw tooLarge();
    return whole;
  }
  if (encoding === 'snappy') {
    const length = blockLength(body);
    if (length < 0) throw broken('no length at its start');
    if (length > bytesMax) throw tooLarge();
    try {
      return (await uncompress(body)) as Buffer;
    } catch (error) {
      throw broken((error as Error).message);
    }
  }
  const inflater = inflaters[encoding === 'deflate' ? (isZlib(body) ? 'zlib' : 'raw') : encoding];
  const pieces: Buffer[] = [];
  let left = bytesMax;
  for (let at = 0; at < body.length; ) {
    let result: Inflated;
    try {
      result = await inflater(body.subarray(at), {
        maxOutputLength: Math.max(left, 1),
        chunkSize: 256 * 1024,
        info: true,
      });
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
      throw broken((error as Error).message);
    }
    left -= result.buffer.length;
    if (left < 0) throw tooLarge();
    if (result.engine.bytesWritten === 0) throw broken('no data');
    at += result.engine.bytesWritten;
    pieces.push(result.buffer);
  }
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
}
