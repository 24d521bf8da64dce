import { WeirError } from '../../base/errors.ts';
import { type ByteString, JsonFault, parseJson } from '../byte-string.ts';
import { type Decoded, Intake } from '../intake.ts';
import { rawJson } from '../stream-labels.ts';
import { type Attributes, emptyRecord, emptyScope, type LogRecord, originOf, recordRow, type Scope } from './record.ts';
import { RecordFault, type Value, valueDepthMax } from './value.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

const malformed = (reason: string): WeirError =>
  new WeirError('bad_request', { reason: `the body is not a valid JSON ExportLogsServiceRequest: ${reason}` });

/** The objects of a repeated field; an absent one is empty. */
function list(value: unknown, name: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed(`"${name}" must be an array`);
  return value as unknown[];
}

const text = (value: unknown): ByteString => (typeof value === 'string' ? value : '');
const count = (value: unknown): number => {
  const number = Number(value ?? 0);
  return Number.isInteger(number) && number >= 0 ? number : 0;
};

/** 64-bit numbers are texts in proto3 JSON; numbers are taken too. */
function integer(value: unknown, what: string): bigint {
  if (typeof value === 'string' ? /^-?\d{1,20}$/.test(value) : Number.isSafeInteger(value))
    return BigInt(value as string | number);
  throw new RecordFault(`${what} ${JSON.stringify(value)?.slice(0, 100)} is no integer`);
}

const time = (value: unknown, what: string): string =>
  value === undefined || value === null || value === '' ? '0' : String(BigInt.asUintN(64, integer(value, what)));

/** proto3 JSON has the names of what no number says. */
function double(value: unknown): number {
  const special = ['NaN', 'Infinity', '-Infinity'].includes(String(value));
  const number = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '') ? Number(value) : NaN;
  if (Number.isNaN(number) && !special)
    throw new RecordFault(`doubleValue ${JSON.stringify(value)?.slice(0, 100)} is no number`);
  return number;
}

/** A member that is null is not set, as in all of proto3 JSON: the JavaScript exporter writes NaN so. */
function valueOf(value: unknown, depth: number): Value {
  if (depth > valueDepthMax) throw new RecordFault(`a value is nested deeper than ${valueDepthMax}`);
  if (!isObject(value)) return null;
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue } = value;
  if (isSet(stringValue)) return text(stringValue);
  if (isSet(boolValue)) return boolValue === true || boolValue === 'true';
  if (isSet(intValue)) return integer(intValue, 'intValue');
  if (isSet(doubleValue)) return double(doubleValue);
  if (isObject(arrayValue)) return list(arrayValue.values, 'values').map(inner => valueOf(inner, depth + 1));
  if (isObject(kvlistValue)) return new Map(attributesOf(kvlistValue.values, depth + 1));
  return isSet(bytesValue) ? text(bytesValue) : null;
}

function attributesOf(value: unknown, depth = 0): Attributes {
  return list(value, 'attributes').flatMap(pair =>
    isObject(pair) ? [[text(pair.key), valueOf(pair.value, depth)] as [ByteString, Value]] : [],
  );
}

/** Ids are hex here, not base64 as proto3 JSON would have it. Wrong length or all zero = absent. */
function idOf(value: unknown, length: number): string {
  const id = text(value).toLowerCase();
  return id.length === 2 * length && /^[0-9a-f]*[1-9a-f][0-9a-f]*$/.test(id) ? id : '';
}

/** `SEVERITY_NUMBER_WARN2` of lenient senders: the range by its name and the place in it. */
function severityOf(value: unknown): number {
  const [, name, place = '1'] = /^SEVERITY_NUMBER_(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)([234])?$/.exec(text(value)) ?? [];
  if (name === undefined) return count(value);
  return ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].indexOf(name) * 4 + Number(place);
}

function recordOf(record: Json): LogRecord {
  return {
    ...emptyRecord(),
    time: time(record.timeUnixNano, 'timeUnixNano'),
    observed: time(record.observedTimeUnixNano, 'observedTimeUnixNano'),
    severityNumber: severityOf(record.severityNumber),
    severityText: text(record.severityText),
    body: valueOf(record.body, 0),
    attributes: attributesOf(record.attributes),
    dropped: count(record.droppedAttributesCount),
    flags: count(record.flags),
    traceId: idOf(record.traceId, 16),
    spanId: idOf(record.spanId, 8),
    eventName: text(record.eventName),
  };
}

function scopeOf(scope: unknown): Scope {
  if (!isObject(scope)) return emptyScope();
  return {
    name: text(scope.name),
    version: text(scope.version),
    attributes: attributesOf(scope.attributes),
    dropped: count(scope.droppedAttributesCount),
  };
}

function takeRecord(record: unknown, row: (record: Json) => ByteString, intake: Intake, recordBytesMax: number): void {
  try {
    if (!isObject(record)) throw new RecordFault('a log record must be an object');
    const line = row(record);
    if (line.length > recordBytesMax) {
      intake.quarantine(
        rawJson(record),
        'record_too_large',
        `record of ${line.length} bytes is larger than ${recordBytesMax} (limits.record_bytes)`,
      );
    } else intake.row(line);
  } catch (error) {
    if (!(error instanceof RecordFault)) throw error;
    intake.quarantine(rawJson(record), 'bad_record', error.message);
  }
}

function takeScope(resource: Attributes, scopeLogs: Json, intake: Intake, recordBytesMax: number): void {
  let row: (record: Json) => ByteString;
  try {
    const origin = originOf(resource, scopeOf(scopeLogs.scope));
    row = record => recordRow(origin, recordOf(record));
  } catch (error) {
    if (!(error instanceof RecordFault)) throw error;
    row = () => {
      throw error;
    };
  }
  for (const record of list(scopeLogs.logRecords, 'logRecords')) takeRecord(record, row, intake, recordBytesMax);
}

/** Whether a bare number is too long for a JavaScript number; also true for such a text within a message, which costs time only. */
const longNumber = /[:,[]\s*-?\d{16}/;

/** Unknown members are ignored, as the protocol demands. Throws `bad_request` when it is no JSON or not of the request's shape. */
export function decodeOtlpJson(body: Buffer, recordBytesMax: number): Decoded {
  const intake = new Intake();
  let request: unknown;
  try {
    request = parseJson(body, longNumber.test(body.toString('latin1')));
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw malformed(error.message);
  }
  if (!isObject(request)) throw malformed('an object is expected');
  for (const resourceLogs of list(request.resourceLogs, 'resourceLogs')) {
    if (!isObject(resourceLogs)) throw malformed('each of "resourceLogs" must be an object');
    let resource: Attributes;
    try {
      resource = attributesOf(isObject(resourceLogs.resource) ? resourceLogs.resource.attributes : []);
    } catch (error) {
      if (!(error instanceof RecordFault)) throw error;
      intake.quarantine(rawJson(resourceLogs), 'bad_record', error.message);
      continue;
    }
    for (const scopeLogs of list(resourceLogs.scopeLogs, 'scopeLogs')) {
      if (!isObject(scopeLogs)) throw malformed('each of "scopeLogs" must be an object');
      takeScope(resource, scopeLogs, intake, recordBytesMax);
    }
  }
  return intake.finish();
}
