import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { WeirError } from '../../base/errors.ts';
import type { ByteString } from '../byte-string.ts';
import { type Decoded, Intake } from '../intake.ts';
import { enter, leave, nameField, textField } from '../protobuf.ts';
import {
  type Attributes,
  emptyRecord,
  emptyScope,
  type LogRecord,
  type Origin,
  originOf,
  recordRow,
  type Scope,
} from './record.ts';
import { RecordFault, type Value, valueDepthMax } from './value.ts';

/*
 * ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1 }
 * ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2 }     Resource { repeated KeyValue attributes = 1 }
 * ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2 }
 * InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4 }
 * LogRecord: see readRecord.   KeyValue { string key = 1; AnyValue value = 2 }
 * AnyValue { string 1 | bool 2 | int64 3 | double 4 | ArrayValue { repeated AnyValue 1 } 5 | KeyValueList { repeated KeyValue 1 } 6 | bytes 7 }
 */

function readValue(reader: BinaryReader, body: Buffer, depth: number): Value {
  if (depth > valueDepthMax) throw new RecordFault(`a value is nested deeper than ${valueDepthMax}`);
  const end = enter(reader);
  let value: Value = null;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1) value = textField(reader, type, body);
    else if (field === 2 && type === WireType.Varint) value = reader.bool();
    else if (field === 3 && type === WireType.Varint) value = BigInt(reader.int64());
    else if (field === 4 && type === WireType.Bit64) value = reader.double();
    else if (field === 5 && type === WireType.LengthDelimited) {
      const list: Value[] = [];
      eachMember(reader, 1, () => list.push(readValue(reader, body, depth + 1)));
      value = list;
    } else if (field === 6 && type === WireType.LengthDelimited) {
      const map = new Map<ByteString, Value>();
      eachMember(reader, 1, () => {
        const [name, inner] = readPair(reader, body, depth + 1);
        map.set(name, inner);
      });
      value = map;
    } else if (field === 7 && type === WireType.LengthDelimited) value = Buffer.from(reader.bytes()).toString('base64');
    else reader.skip(type, field);
  }
  leave(reader, end);
  return value;
}

function readPair(reader: BinaryReader, body: Buffer, depth = 0): [ByteString, Value] {
  const end = enter(reader);
  let name = '';
  let value: Value = null;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1) name = nameField(reader, type, body);
    else if (field === 2 && type === WireType.LengthDelimited) value = readValue(reader, body, depth);
    else reader.skip(type, field);
  }
  leave(reader, end);
  return [name, value];
}

/** Call `take` at each occurrence of member `wanted` of the message at the reader, and skip the others. */
function eachMember(reader: BinaryReader, wanted: number, take: () => void): void {
  const end = enter(reader);
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) take();
    else reader.skip(type, field);
  }
  leave(reader, end);
}

const zeros = '0'.repeat(32);
/** Hex of an id; '' when it has the wrong length or is all zero. */
function readId(reader: BinaryReader, body: Buffer, length: number): string {
  const end = enter(reader);
  const text = end - reader.pos === length ? body.toString('hex', reader.pos, end) : '';
  reader.pos = end;
  return zeros.startsWith(text) ? '' : text;
}

function readRecord(reader: BinaryReader, body: Buffer, end: number): LogRecord {
  const record = emptyRecord();
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Bit64) record.time = String(reader.fixed64());
    else if (field === 2 && type === WireType.Varint) record.severityNumber = reader.int32();
    else if (field === 3) record.severityText = nameField(reader, type, body);
    else if (field === 5 && type === WireType.LengthDelimited) record.body = readValue(reader, body, 0);
    else if (field === 6 && type === WireType.LengthDelimited) record.attributes.push(readPair(reader, body));
    else if (field === 7 && type === WireType.Varint) record.dropped = reader.uint32();
    else if (field === 8 && type === WireType.Bit32) record.flags = reader.fixed32();
    else if (field === 9 && type === WireType.LengthDelimited) record.traceId = readId(reader, body, 16);
    else if (field === 10 && type === WireType.LengthDelimited) record.spanId = readId(reader, body, 8);
    else if (field === 11 && type === WireType.Bit64) record.observed = String(reader.fixed64());
    else if (field === 12) record.eventName = textField(reader, type, body);
    else reader.skip(type, field);
  }
  leave(reader, end);
  return record;
}

function readScope(reader: BinaryReader, body: Buffer): Scope {
  const scope = emptyScope();
  const end = enter(reader);
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1) scope.name = textField(reader, type, body);
    else if (field === 2) scope.version = textField(reader, type, body);
    else if (field === 3 && type === WireType.LengthDelimited) scope.attributes.push(readPair(reader, body));
    else if (field === 4 && type === WireType.Varint) scope.dropped = reader.uint32();
    else reader.skip(type, field);
  }
  leave(reader, end);
  return scope;
}

/** One request on its way through; `start` of a message is where its members begin, after its length. */
class Request {
  readonly intake = new Intake();
  readonly #reader: BinaryReader;
  readonly #body: Buffer;
  readonly #recordBytesMax: number;

  constructor(body: Buffer, recordBytesMax: number) {
    this.#reader = new BinaryReader(body);
    this.#body = body;
    this.#recordBytesMax = recordBytesMax;
  }

  get position(): number {
    return Math.min(this.#reader.pos, this.#body.length);
  }

  read(): void {
    const reader = this.#reader;
    while (reader.pos < this.#body.length) {
      const [field, type] = reader.tag();
      if (field === 1 && type === WireType.LengthDelimited) this.#resourceLogs();
      else reader.skip(type, field);
    }
    leave(reader, this.#body.length);
  }

  /** Members may come in any order, so the resource is looked for before the scopes are read; likewise the scope before its records. */
  #resourceLogs(): void {
    const reader = this.#reader;
    const start = reader.pos;
    const attributes: Attributes = [];
    let fault: string | undefined;
    eachMember(reader, 1, () => {
      const resourceAt = reader.pos;
      try {
        eachMember(reader, 1, () => attributes.push(readPair(reader, this.#body)));
      } catch (error) {
        if (!(error instanceof RecordFault)) throw error;
        fault = error.message;
        reader.pos = resourceAt;
        reader.pos = enter(reader);
      }
    });
    reader.pos = start;
    eachMember(reader, 2, () => this.#scopeLogs(attributes, fault));
  }

  #scopeLogs(resource: Attributes, resourceFault: string | undefined): void {
    const reader = this.#reader;
    const start = reader.pos;
    let scope = emptyScope();
    let fault = resourceFault;
    eachMember(reader, 1, () => {
      const scopeAt = reader.pos;
      try {
        scope = readScope(reader, this.#body);
      } catch (error) {
        if (!(error instanceof RecordFault)) throw error;
        fault = error.message;
        reader.pos = scopeAt;
        reader.pos = enter(reader);
      }
    });
    const origin = originOf(resource, scope);
    reader.pos = start;
    eachMember(reader, 2, () => this.#record(origin, fault));
  }

  #record(origin: Origin, fault: string | undefined): void {
    const reader = this.#reader;
    const end = enter(reader);
    const start = reader.pos;
    if (end - start > this.#recordBytesMax) {
      this.intake.quarantine(
        this.#body.subarray(start, end),
        'record_too_large',
        `record of ${end - start} bytes is larger than ${this.#recordBytesMax} (limits.record_bytes)`,
      );
    } else {
      try {
        if (fault !== undefined) throw new RecordFault(fault);
        this.intake.row(recordRow(origin, readRecord(reader, this.#body, end)));
      } catch (error) {
        if (!(error instanceof RecordFault)) throw error;
        this.intake.quarantine(this.#body.subarray(start, end), 'bad_record', error.message);
      }
    }
    reader.pos = end;
  }
}

/** An ExportLogsServiceRequest straight to rows, no message objects between. Throws `bad_request` with the byte when it is no protobuf. */
export function decodeOtlpProtobuf(body: Buffer, recordBytesMax: number): Decoded {
  const request = new Request(body, recordBytesMax);
  try {
    request.read();
  } catch (error) {
    if (error instanceof WeirError) throw error;
    throw new WeirError(
      'bad_request',
      {
        reason: `the body is not a valid protobuf ExportLogsServiceRequest: ${(error as Error).message} near byte ${request.position}`,
      },
      { cause: error },
    );
  }
  return request.intake.finish();
}
