import { WeirError } from '../base/errors.ts';

/** Bounds of a question, ns since 1970. Log queries take start inclusive and end exclusive. */
export type TimeRange = { start: bigint; end: bigint };

export const second = 1_000_000_000n;
const hour = 3600n * second;
/** Event times are DateTime64(9): they fit 64 bits of ns, which end in the year 2262. */
const latest = 9_223_372_036_854_775_807n;

const bad = (name: string, text: string, wanted: string): WeirError =>
  new WeirError('bad_request', { reason: `${name}: cannot read "${text.slice(0, 100)}" as ${wanted}` });

export const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;

const rfc3339 = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;

/** RFC 3339 with up to nine digits of fraction -> ns; undefined when it is none. */
function parseRfc3339(text: string): bigint | undefined {
  const [, whole, fraction = '', zone] = rfc3339.exec(text) ?? [];
  if (whole === undefined || zone === undefined) return undefined;
  const millis = Date.parse(`${whole.replace(' ', 'T')}${zone.toUpperCase()}`);
  return Number.isNaN(millis) ? undefined : BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** A time of our own API: decimal ns since 1970, or RFC 3339. */
export function parseTime(name: string, text: string): bigint {
  const ns = /^-?\d{1,19}$/.test(text) ? BigInt(text) : parseRfc3339(text);
  if (ns === undefined || ns > latest || ns < -latest)
    throw bad(name, text, 'a time: ns since 1970, or RFC 3339 such as 2026-05-01T10:00:00Z');
  return ns;
}

/** A time of the Loki API: with a dot float seconds; up to ten digits seconds; longer ns; else RFC 3339. */
export function parseLokiTime(name: string, text: string): bigint {
  let ns: bigint | undefined;
  const [, sign = '', whole, fraction = ''] = /^(-?)(\d{1,12})\.(\d{0,9})\d*$/.exec(text) ?? [];
  if (whole !== undefined) ns = BigInt(`${sign}${whole}${fraction.padEnd(9, '0')}`);
  else if (/^-?\d{1,10}$/.test(text)) ns = BigInt(text) * second;
  else if (/^-?\d{1,19}$/.test(text)) ns = BigInt(text);
  else if (/^\d+(\.\d+)?e\+?\d+$/i.test(text)) {
    const millis = Math.round(Number(text) * 1e3);
    ns = Number.isFinite(millis) ? BigInt(millis) * 1_000_000n : undefined;
  } else ns = parseRfc3339(text);
  if (ns === undefined || ns > latest || ns < -latest)
    throw bad(name, text, 'a time: seconds, ns since 1970, or RFC 3339');
  return ns;
}

const unitNs: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86400e9,
  w: 7 * 86400e9,
  y: 365 * 86400e9,
};

/** `1h30m`, `1.5h`, `15000ms`, or float seconds, which may be negative -> ns. */
export function parseDuration(name: string, text: string): bigint {
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) {
    const ns = Math.round(Number(text) * 1e9);
    if (Number.isFinite(ns)) return BigInt(ns);
  } else if (/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w|y))+$/.test(text)) {
    let total = 0;
    for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w|y)/g))
      total += Number(amount) * (unitNs[unit ?? ''] ?? 0);
    if (Number.isFinite(total)) return BigInt(Math.round(total));
  }
  throw new WeirError('bad_request', {
    reason: `${name}: cannot parse "${text.slice(0, 100)}" to a valid duration: seconds, or a text such as 30s, 1h30m`,
  });
}

function ordered(range: TimeRange): TimeRange {
  if (range.end < range.start)
    throw new WeirError('bad_request', {
      reason: `end timestamp must not be before or equal to start time (start ${range.start}, end ${range.end})`,
    });
  return range;
}

/** The range of our own requests: the last hour when nothing is said. */
export function rangeOf(request: { start?: string | undefined; end?: string | undefined }): TimeRange {
  const end = request.end === undefined ? nowNs() : parseTime('end', request.end);
  return ordered({ start: request.start === undefined ? end - hour : parseTime('start', request.start), end });
}

/** The range of Loki's requests: `since` (default 1h) counts back from the earlier of end and now. */
export function lokiRangeOf(parameter: (name: string) => string | undefined): TimeRange {
  const now = nowNs();
  const endText = parameter('end') || undefined;
  const startText = parameter('start') || undefined;
  const sinceText = parameter('since') || undefined;
  const end = endText === undefined ? now : parseLokiTime('end', endText);
  const since = sinceText === undefined ? hour : parseDuration('since', sinceText);
  const start = startText === undefined ? (end < now ? end : now) - since : parseLokiTime('start', startText);
  // No record is older than what 64 bits hold.
  return ordered({ start: start < -latest ? -latest : start, end });
}

/** Loki's default step: the range in seconds / 250, at least one second. */
export function defaultStep(range: TimeRange): bigint {
  const seconds = (range.end - range.start) / second / 250n;
  return (seconds < 1n ? 1n : seconds) * second;
}
