import { attributeNames, fieldCandidates } from '../../base/fields.ts';
import { timeOf } from '../../language/eql/times.ts';
import { fitsPattern } from './name-pattern.ts';

/** A record as bodiesSql gives it. */
export type Body = {
  s: string;
  /** ns since 1970. */
  t: string;
  message: string;
  labels: Record<string, string>;
  attributes: Record<string, string>;
  trace_id: string;
  span_id: string;
  door: string;
};

export type Source = Record<string, unknown>;

const consumable: ReadonlySet<string> = new Set([
  ...fieldCandidates.time,
  ...fieldCandidates.message,
  ...fieldCandidates.traceId,
  ...fieldCandidates.spanId,
]);

/**
 * The object as it was sent, where the message is it: the door stores an object without a message field whole. A message that merely
 * looks like an object is told apart by its keys, which must be those of the attributes.
 */
function wholeObject(body: Body): Source | undefined {
  if (body.door !== 'json' || !body.message.startsWith('{')) return undefined;
  let parsed: unknown;
  try {
    parsed = parseWhole(body.message);
  } catch {
    return undefined;
  }
  const object = parsed as Source;
  const sent = Object.keys(object).filter(key => object[key] !== null);
  const named = attributeNames(sent);
  const stored = new Set(Object.keys(body.attributes));
  for (const key of sent) {
    const found = stored.delete(named.get(key) ?? key) || stored.delete(key);
    if (!found && !consumable.has(key) && !(key in body.labels)) return undefined;
  }
  return stored.size === 0 ? object : undefined;
}

declare global {
  interface JSON {
    /** A number that is written with these digits. */
    rawJSON(digits: string): unknown;
    isRawJSON(value: unknown): boolean;
  }
}

/** Keeps the digits of numbers that are none of JavaScript's. */
const allDigits = ((_: string, value: unknown, context: { source?: string }): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) && context.source !== String(value)
    ? JSON.rawJSON(context.source ?? String(value))
    : value) as (key: string, value: unknown) => unknown;

/** The value of a JSON text, numbers to their last digit. */
export const parseWhole = (text: string): unknown => JSON.parse(text, allDigits) as unknown;

/** Text as the JSON value it most likely was: the type that was sent is not kept. */
function likely(text: string): unknown {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) {
    const number = Number(text);
    return String(number) === text ? number : text;
  }
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** ns as RFC 3339 with as many digits as it needs, at least milliseconds. */
export function isoTime(ns: bigint): string {
  const millis = ns / 1_000_000n - (ns % 1_000_000n < 0n ? 1n : 0n);
  const rest = ns - millis * 1_000_000n;
  const text = new Date(Number(millis)).toISOString();
  return rest === 0n ? text : `${text.slice(0, -1)}${String(rest).padStart(6, '0').replace(/0+$/, '')}Z`;
}

/** The event as an object: exactly as sent where that is known, else put together from what is stored. */
export function sourceOf(body: Body): Source {
  const whole = wholeObject(body);
  if (whole !== undefined) return whole;
  // Of two times that were sent, `timestamp` and `@timestamp`, the first became the column.
  const { _timestamp: own, ...attributes } = body.attributes;
  const time = isoTime(BigInt(body.t));
  const times = own === undefined ? { '@timestamp': time } : { '@timestamp': likely(own), timestamp: time };
  const source: Source = { ...times, message: body.message };
  const labels = Object.entries(body.labels);
  for (const [name, value] of labels) {
    // service_name is made from the label beside it.
    if (name === 'service_name' && labels.some(([other, text]) => other !== name && text === value)) continue;
    if (name === 'service_name' && value === 'unknown_service') continue;
    source[name] = likely(value);
  }
  if (body.trace_id !== '') source['trace.id'] = body.trace_id;
  if (body.span_id !== '') source['span.id'] = body.span_id;
  for (const [name, value] of Object.entries(attributes)) source[name] = likely(value);
  return source;
}

/**
 * The value of a dotted field in an object, whether its parts are keys with dots, nested objects, or names made fit for labels. Of objects in an
 * array the values of all, as an array.
 */
export function valueAt(source: Source, name: string): unknown {
  if (Object.hasOwn(source, name)) return source[name];
  const parts = name.split('.');
  for (let cut = parts.length - 1; cut > 0; cut--) {
    const head = source[parts.slice(0, cut).join('.')];
    if (!isObject(head)) continue;
    const rest = parts.slice(cut).join('.');
    const found = Array.isArray(head)
      ? head.filter(isObject).flatMap(item => valueAt(item as Source, rest) ?? [])
      : valueAt(head as Source, rest);
    if (found !== undefined && !(Array.isArray(head) && (found as unknown[]).length === 0)) return found;
  }
  const stored = name.replace(/[^A-Za-z0-9_]/g, '_');
  return stored !== name && Object.hasOwn(source, stored) ? source[stored] : undefined;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !JSON.isRawJSON(value);

/** Every leaf of an object by its dotted name. */
function* leaves(source: Source, prefix = ''): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(source)) yield* leavesOf(value, prefix + key);
}

/** As Elasticsearch's fields: objects by their members, arrays one value after another. */
function* leavesOf(value: unknown, name: string): Generator<[string, unknown]> {
  if (value === null) return;
  if (!isObject(value)) yield [name, value];
  else if (Array.isArray(value)) for (const item of value) yield* leavesOf(item, name);
  else yield* leaves(value as Source, `${name}.`);
}

/** How times are written where `fields` asks for them; Elasticsearch's names. */
export const timeFormats = [
  'strict_date_optional_time',
  'strict_date_optional_time_nanos',
  'date_optional_time',
  'date_time',
  'iso8601',
  'epoch_millis',
  'epoch_second',
] as const;
export type TimeFormat = (typeof timeFormats)[number];
/** A pattern of names, and how values that are times are written. */
export type AskedField = { pattern: string; format?: TimeFormat };

function inFormat(value: unknown, format: TimeFormat): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const ns = timeOf(String(value));
  if (ns === undefined) return value;
  if (format === 'epoch_millis') return String(ns / 1_000_000n);
  if (format === 'epoch_second') return String(ns / 1_000_000_000n);
  return isoTime(ns);
}

/** The member `fields` of a hit: values in arrays, by name. `@timestamp` is a time without being told. */
export function fieldsOf(source: Source, asked: readonly AskedField[]): Record<string, unknown[]> {
  const found: Record<string, unknown[]> = {};
  for (const [name, value] of leaves(source)) {
    const field = asked.find(({ pattern }) => fitsPattern(name, pattern));
    if (field === undefined) continue;
    const format = field.format ?? (name === '@timestamp' ? 'strict_date_optional_time' : undefined);
    (found[name] ??= []).push(format === undefined ? value : inFormat(value, format));
  }
  return found;
}
