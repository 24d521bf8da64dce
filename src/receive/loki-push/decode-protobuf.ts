import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { WeirError } from '../../base/errors.ts';
import type { ByteString } from '../byte-string.ts';
import { type Decoded, Intake } from '../intake.ts';
import { enter, leave, textField } from '../protobuf.ts';
import { checkLabels, LabelFault, parseLabels, setFree } from '../stream-labels.ts';
import { entryRow, fitsStore, type StreamPrefix, streamPrefix } from './entries.ts';

/*
 * PushRequest { repeated Stream streams = 1 }
 * Stream      { string labels = 1; repeated Entry entries = 2; uint64 hash = 3 }
 * Entry       { Timestamp timestamp = 1; string line = 2; repeated Pair structuredMetadata = 3; repeated Pair parsed = 4 }
 * Timestamp   { int64 seconds = 1; int32 nanos = 2 }
 * Pair        { string name = 1; string value = 2 }
 */

/** Decimal ns of seconds and nanos; the common case without BigInt. */
function nanoseconds(seconds: bigint | string, nanos: number): string {
  const whole = Number(seconds);
  if (whole > 0 && whole < 1e10 && nanos >= 0 && nanos < 1e9) return `${whole}${String(nanos).padStart(9, '0')}`;
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
}

function readTimestamp(reader: BinaryReader, end: number): string {
  let seconds: bigint | string = 0n;
  let nanos = 0;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Varint) seconds = reader.int64();
    else if (field === 2 && type === WireType.Varint) nanos = reader.int32();
    else reader.skip(type, field);
  }
  leave(reader, end);
  return nanoseconds(seconds, nanos);
}

function readPair(reader: BinaryReader, body: Buffer, into: Map<ByteString, ByteString>): void {
  const end = enter(reader);
  let name = '';
  let value = '';
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1) name = textField(reader, type, body);
    else if (field === 2) value = textField(reader, type, body);
    else reader.skip(type, field);
  }
  leave(reader, end);
  setFree(into, name, value);
}

function readEntry(
  reader: BinaryReader,
  body: Buffer,
  stream: StreamPrefix,
  intake: Intake,
  recordBytesMax: number,
): void {
  const end = enter(reader);
  const start = reader.pos;
  let ns = '0';
  let line = '';
  let metadata: Map<ByteString, ByteString> | undefined;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1) ns = readTimestamp(reader, enter(reader));
    else if (field === 2) line = textField(reader, type, body);
    else if (field === 3) readPair(reader, body, (metadata ??= new Map()));
    else reader.skip(type, field);
  }
  leave(reader, end);
  if (end - start > recordBytesMax) {
    intake.quarantine(
      body.subarray(start, end),
      'record_too_large',
      `entry of ${end - start} bytes is larger than ${recordBytesMax} (limits.record_bytes)`,
    );
  } else if (!fitsStore(ns)) {
    intake.quarantine(body.subarray(start, end), 'bad_time', `timestamp ${ns} ns is outside 1900 to 2262`);
  } else intake.row(entryRow(stream, ns, line, metadata));
}

/** Labels may come after the entries on the wire, so they are looked for first. */
function readStream(reader: BinaryReader, body: Buffer, intake: Intake, recordBytesMax: number): void {
  const end = enter(reader);
  const start = reader.pos;
  let labels = '';
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1) labels = textField(reader, type, body);
    else reader.skip(type, field);
  }
  leave(reader, end);
  let stream: StreamPrefix;
  try {
    stream = streamPrefix(checkLabels(parseLabels(labels)));
  } catch (error) {
    if (!(error instanceof LabelFault)) throw error;
    intake.quarantine(body.subarray(start, end), 'bad_labels', error.message);
    return;
  }
  reader.pos = start;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 2) readEntry(reader, body, stream, intake, recordBytesMax);
    else reader.skip(type, field);
  }
}

/** A push request after snappy. Throws `bad_request` with the byte when it is no protobuf, `no_streams` when it has none, as Loki. */
export function decodePushProtobuf(body: Buffer, recordBytesMax: number): Decoded {
  const intake = new Intake();
  const reader = new BinaryReader(body);
  let streams = 0;
  try {
    while (reader.pos < body.length) {
      const [field, type] = reader.tag();
      if (field === 1) {
        streams++;
        readStream(reader, body, intake, recordBytesMax);
      } else reader.skip(type, field);
    }
    leave(reader, body.length);
  } catch (error) {
    if (error instanceof WeirError) throw error;
    throw new WeirError(
      'bad_request',
      {
        reason: `the body is not a valid protobuf push request: ${(error as Error).message} near byte ${Math.min(reader.pos, body.length)}`,
      },
      { cause: error },
    );
  }
  if (streams === 0) throw new WeirError('no_streams');
  return intake.finish();
}
