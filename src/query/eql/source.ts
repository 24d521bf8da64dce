import { attributeNames, fieldCandidates } from '../../base/fields.ts';

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
    parsed = JSON.parse(body.message);
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
  const source: Source = { '@timestamp': isoTime(BigInt(body.t)), message: body.message };
  const labels = Object.entries(body.labels);
  for (const [name, value] of labels) {
    // service_name is made from the label beside it.
    if (name === 'service_name' && labels.some(([other, text]) => other !== name && text === value)) continue;
    if (name === 'service_name' && value === 'unknown_service') continue;
    source[name] = likely(value);
  }
  if (body.trace_id !== '') source['trace.id'] = body.trace_id;
  if (body.span_id !== '') source['span.id'] = body.span_id;
  for (const [name, value] of Object.entries(body.attributes)) source[name] = likely(value);
  return source;
}

/** The value of a dotted field in an object, whether its parts are keys with dots, nested objects, or names made fit for labels. */
export function valueAt(source: Source, name: string): unknown {
  if (Object.hasOwn(source, name)) return source[name];
  const parts = name.split('.');
  for (let cut = parts.length - 1; cut > 0; cut--) {
    const head = source[parts.slice(0, cut).join('.')];
    if (typeof head !== 'object' || head === null || Array.isArray(head)) continue;
    const found = valueAt(head as Source, parts.slice(cut).join('.'));
    if (found !== undefined) return found;
  }
  const stored = name.replace(/[^A-Za-z0-9_]/g, '_');
  return stored !== name && Object.hasOwn(source, stored) ? source[stored] : undefined;
}

/** Every leaf of an object by its dotted name. */
function* leaves(source: Source, prefix = ''): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(source)) {
    if (value === null) continue;
    if (typeof value === 'object' && !Array.isArray(value)) yield* leaves(value as Source, `${prefix}${key}.`);
    else yield [prefix + key, value];
  }
}

/** `*` matches any characters. */
function fits(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= name.length - last.length;
}

/** The member `fields` of a hit: values in arrays, by name. */
export function fieldsOf(source: Source, patterns: readonly string[]): Record<string, unknown[]> {
  const found: Record<string, unknown[]> = {};
  for (const [name, value] of leaves(source))
    if (patterns.some(pattern => fits(name, pattern))) found[name] = Array.isArray(value) ? value : [value];
  return found;
}
