import { eventTimeMaxNs, levelNames } from '../../base/fields.ts';
import { limits } from '../../base/limits.ts';
import { type ByteString, fromText, jsonString, toText } from '../byte-string.ts';
import { addServiceName, jsonObject, type Labels, setFree } from '../stream-labels.ts';
import { RecordFault, textOf, type Value } from './value.ts';

export type Attributes = [ByteString, Value][];

/** A LogRecord of either encoding. Times are decimal ns, '0' = unset; ids are lower-case hex, '' = absent. */
export type LogRecord = {
  time: string;
  observed: string;
  severityNumber: number;
  severityText: ByteString;
  body: Value;
  attributes: Attributes;
  dropped: number;
  flags: number;
  traceId: string;
  spanId: string;
  eventName: ByteString;
};

export const emptyRecord = (): LogRecord => ({
  time: '0',
  observed: '0',
  severityNumber: 0,
  severityText: '',
  body: null,
  attributes: [],
  dropped: 0,
  flags: 0,
  traceId: '',
  spanId: '',
  eventName: '',
});

export type Scope = { name: ByteString; version: ByteString; attributes: Attributes; dropped: number };
export const emptyScope = (): Scope => ({ name: '', version: '', attributes: [], dropped: 0 });

/** Resource attributes that become stream labels: Loki's default for OTLP. Everything else is structured metadata. */
const promoted = new Set([
  'service.name',
  'service.namespace',
  'service.instance.id',
  'deployment.environment',
  'deployment.environment.name',
  'cloud.region',
  'cloud.availability_zone',
  'k8s.cluster.name',
  'k8s.namespace.name',
  'k8s.pod.name',
  'k8s.container.name',
  'container.name',
  'k8s.replicaset.name',
  'k8s.deployment.name',
  'k8s.statefulset.name',
  'k8s.daemonset.name',
  'k8s.cronjob.name',
  'k8s.job.name',
]);

const clean = /^[A-Za-z0-9_]+$/;
/** Senders use few names over and over. */
const sanitised = new Map<ByteString, ByteString>();
const sanitisedMax = 10_000;

/** Every character (not byte) outside `[A-Za-z0-9_]` becomes `_`. */
function sanitise(name: ByteString): ByteString {
  let known = sanitised.get(name);
  if (known === undefined) {
    known = clean.test(name) ? name : fromText(toText(name).replace(/[^A-Za-z0-9_]/gu, '_'));
    if (sanitised.size >= sanitisedMax) sanitised.clear();
    if (name.length <= 256) sanitised.set(name, known);
  }
  return known;
}

/** Set an attribute as structured metadata; the members of maps by their joined names. */
function setAttribute(into: Map<ByteString, ByteString>, name: ByteString, value: Value): void {
  if (value instanceof Map) for (const [key, inner] of value) setAttribute(into, `${name}_${key}`, inner);
  else setFree(into, sanitise(name), textOf(value));
}

/** What the records of one scope of one resource have in common. */
export type Origin = { head: ByteString; metadata: Map<ByteString, ByteString>; metadataJson: ByteString };

export function originOf(resource: Attributes, scope: Scope): Origin {
  const labels: Labels = new Map();
  const metadata = new Map<ByteString, ByteString>();
  for (const [name, value] of resource) {
    const text = promoted.has(name) ? textOf(value) : '';
    if (text !== '' && text.length <= limits.labelValueBytesMax) setFree(labels, sanitise(name), text);
    else setAttribute(metadata, name, value);
  }
  addServiceName(labels);
  for (const [name, value] of scope.attributes) setAttribute(metadata, name, value);
  if (scope.name !== '') setFree(metadata, 'scope_name', scope.name);
  if (scope.version !== '') setFree(metadata, 'scope_version', scope.version);
  if (scope.dropped > 0) setFree(metadata, 'scope_dropped_attributes_count', String(scope.dropped));
  return { head: `{"l":${jsonObject(labels)}`, metadata, metadataJson: jsonObject(metadata).slice(1, -1) };
}

/** Ranges of four: 1-4 trace, ... 21-24 fatal. */
const levelOfRange = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

function levelOf(record: LogRecord, metadata: Map<ByteString, ByteString>): ByteString | undefined {
  const range = levelOfRange[Math.ceil(record.severityNumber / 4) - 1];
  if (range !== undefined) return range;
  if (record.severityText !== '') return record.severityText;
  return levelNames.map(name => metadata.get(name)).find(Boolean);
}

/** `name` of the metadata, when its column is free, else the metadata keeps it under another name. */
function idOf(column: string, name: string, metadata: Map<ByteString, ByteString>): ByteString {
  const own = metadata.get(name);
  if (own === undefined) return column;
  metadata.delete(name);
  if (column === '') return own;
  if (own !== column) setFree(metadata, `${name}_2`, own);
  return column;
}

function timeOf(record: LogRecord): string | undefined {
  const time = record.time !== '0' ? record.time : record.observed;
  if (time === '0') return undefined;
  if (time.length > 18 && BigInt(time) > eventTimeMaxNs)
    throw new RecordFault(`time ${time} ns is after the year 2262`);
  return time;
}

/** The row of a record. Throws {@link RecordFault} when the store cannot hold it. */
export function recordRow(origin: Origin, record: LogRecord): ByteString {
  const metadata = new Map<ByteString, ByteString>();
  for (const [name, value] of record.attributes) setAttribute(metadata, name, value);
  const traceId = idOf(record.traceId, 'trace_id', metadata);
  const spanId = idOf(record.spanId, 'span_id', metadata);
  const level = levelOf(record, metadata);
  metadata.delete('detected_level');
  if (record.severityNumber > 0) setFree(metadata, 'severity_number', String(record.severityNumber));
  if (record.severityText !== '') setFree(metadata, 'severity_text', record.severityText);
  if (record.dropped > 0) setFree(metadata, 'dropped_attributes_count', String(record.dropped));
  if (record.flags > 0) setFree(metadata, 'flags', String(record.flags));
  if (record.eventName !== '') setFree(metadata, 'event_name', record.eventName);
  if (record.time !== '0' && record.observed !== '0') setFree(metadata, 'observed_timestamp', record.observed);

  let clash = false;
  for (const name of metadata.keys()) clash ||= origin.metadata.has(name);
  if (clash) for (const [name, value] of origin.metadata) setFree(metadata, name, value);
  const own = jsonObject(metadata);
  const shared = clash ? '' : origin.metadataJson;
  const all = shared === '' ? own : own === '{}' ? `{${shared}}` : `${own.slice(0, -1)},${shared}}`;

  const time = timeOf(record);
  let row = `${origin.head},"m":${jsonString(textOf(record.body))}`;
  if (time !== undefined) row += `,"t":${time}`;
  if (all !== '{}') row += `,"a":${all}`;
  if (record.severityNumber > 0 && record.severityNumber <= 24) row += `,"n":${record.severityNumber}`;
  if (level) row += `,"v":${jsonString(level)}`;
  if (traceId !== '') row += `,"i":${jsonString(traceId)}`;
  if (spanId !== '') row += `,"p":${jsonString(spanId)}`;
  return `${row}}`;
}
