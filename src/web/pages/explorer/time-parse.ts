import type { Zone } from './time-format.ts';
import { partsOf } from './time-format.ts';
import type { TimeRange } from './time-range.ts';
import { absolute } from './time-range.ts';

/** What a person typed, understood or refused with the reason. */
export type ParsedTime = { ok: true; range: TimeRange } | { ok: false; reason: string };

const examples = 'try 2h, yesterday 14:00, 14:05..14:20, or 2026-09-03 14:05';
const unitSeconds: Record<string, number> = {
  s: 1,
  sec: 1,
  second: 1,
  m: 60,
  min: 60,
  minute: 60,
  h: 3_600,
  hr: 3_600,
  hour: 3_600,
  d: 86_400,
  day: 86_400,
  w: 604_800,
  week: 604_800,
};
const dayMs = 86_400_000;

/** A point in time, or a whole day when only a date was given. */
type Moment = { at: number; wholeDay: boolean; hasDate: boolean };
type Context = {
  now: number;
  zone: Zone /** Local midnight (ms) that a clock time without a date belongs to. */;
  day: number;
};

/**
 * Reads a range as people write it. A duration (`2h`, `-90m`, `last 3 days`, `1h30m`) is relative to now; `A..B` (also `A to B`)
 * is from A to B, B taking A's date when it has none; one moment is from there to now; a date alone is that day.
 * Clock times without a date are today's, or yesterday's when today's are still to come. Times are in `zone`
 * unless the text carries an offset. Numbers of 10, 13, 16 or 19 digits are s, ms, us, ns since 1970.
 */
export function parseTimeRange(text: string, now: number, zone: Zone): ParsedTime {
  const input = text.trim().toLowerCase().replace(/\s+/g, ' ');
  if (!input) return { ok: false, reason: `no time given; ${examples}` };
  const seconds = parseDuration(input);
  if (seconds !== null) {
    if (seconds <= 0) return { ok: false, reason: `"${text.trim()}" is no time at all` };
    return { ok: true, range: { kind: 'relative', seconds } };
  }
  const today = midnight(now, zone);
  const sides = input.split(/\s*\.\.\.?\s*|\s+(?:to|until|–)\s+|\s*–\s*/);
  if (sides.length > 2) return { ok: false, reason: `"${text.trim()}" has more than two ends; write from..to` };
  const context = { now, zone, day: today };
  const from = parseMoment(sides[0] ?? '', context);
  if (!from) return refuse(sides[0] ?? '');
  if (sides.length === 1) {
    const end = from.wholeDay ? from.at + dayMs : now;
    return from.at < end
      ? { ok: true, range: absolute(from.at, end) }
      : { ok: false, reason: `"${text.trim()}" is in the future` };
  }
  const to = parseMoment(sides[1] ?? '', { ...context, day: from.hasDate ? midnight(from.at, zone) : today });
  if (!to) return refuse(sides[1] ?? '');
  let start = from.at;
  let end = to.wholeDay ? to.at + dayMs : to.at;
  // 23:50..00:10 without dates passes midnight; 14:05..14:20 asked in the morning is yesterday's.
  if (!from.hasDate && !to.hasDate && sides[1] !== 'now') {
    start = clockOn(today, start, zone);
    end = clockOn(today, end, zone);
    if (end <= start) start -= dayMs;
    if (start > now) {
      start -= dayMs;
      end -= dayMs;
    }
  }
  if (end <= start) return { ok: false, reason: `"${text.trim()}" ends before it starts` };
  return { ok: true, range: absolute(start, end) };
}

const refuse = (side: string): ParsedTime => ({ ok: false, reason: `"${side}" is not a time; ${examples}` });

/** Seconds of `2h`, `1h30m`, `last 3 days`, `-15 min`, or null. */
export function parseDuration(text: string): number | null {
  const body = text.replace(/^(?:last|past|-)\s*/, '').replace(/\s+ago$/, '');
  if (!/^(?:\d+(?:\.\d+)?\s*[a-z]+\s*)+$/.test(body)) return null;
  let total = 0;
  for (const [, amount, unit] of body.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const size = unitSeconds[unit ?? ''] ?? unitSeconds[(unit ?? '').replace(/s$/, '')];
    if (size === undefined) return null;
    total += Number(amount) * size;
  }
  return total;
}

function parseMoment(text: string, context: Context): Moment | null {
  const side = text.trim();
  if (side === 'now') return { at: context.now, wholeDay: false, hasDate: true };
  const ago = parseDuration(side);
  if (ago !== null) return { at: context.now - ago * 1000, wholeDay: false, hasDate: true };
  if (/^\d{10}$|^\d{13}$|^\d{16}$|^\d{19}$/.test(side)) {
    return { at: Math.floor(Number(side) / 10 ** (side.length - 13)), wholeDay: false, hasDate: true };
  }
  const words = /^(today|yesterday)(?: (?:at )?(.+))?$/.exec(side);
  if (words) {
    const day = midnight(
      midnight(context.now, context.zone) - (words[1] === 'yesterday' ? dayMs / 2 : 0),
      context.zone,
    );
    return onDay(day, words[2], context.zone);
  }
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[t ](\d[\d:.]*(?: ?[ap]m)?) ?(z|utc|[+-]\d{2}:?\d{2})?)?$/.exec(side);
  if (iso) {
    const offset = iso[5];
    const day = moment(Number(iso[1]), Number(iso[2]), Number(iso[3]), offset ? 'utc' : context.zone);
    if (day === null) return null;
    const found = onDay(day, iso[4], offset ? 'utc' : context.zone);
    if (found && offset && offset !== 'z' && offset !== 'utc') found.at -= offsetMs(offset);
    return found;
  }
  const found = onDay(context.day, side, context.zone);
  if (!found) return null;
  // Without a date of its own: yesterday's when it is still to come.
  if (context.day === midnight(context.now, context.zone) && found.at > context.now)
    found.at = clockOn(midnight(context.day - dayMs / 2, context.zone), found.at, context.zone);
  return { ...found, hasDate: false };
}

function offsetMs(text: string): number {
  const digits = text.replace(/\D/g, '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (text.startsWith('-') ? -1 : 1) * minutes * 60_000;
}

/** `14:05`, `14:05:10.123`, `2pm` on a day; the whole day without a clock time. */
function onDay(day: number, clock: string | undefined, zone: Zone): Moment | null {
  if (!clock) return { at: day, wholeDay: true, hasDate: true };
  const match = /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)? ?(am|pm)?$/.exec(clock);
  if (!match || (match[2] === undefined && !match[5])) return null;
  const [hour, minute, second] = [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
  if (hour > (match[5] ? 12 : 24) || minute > 59 || second > 60) return null;
  const hour24 = match[5] ? (hour % 12) + (match[5] === 'pm' ? 12 : 0) : hour;
  const p = partsOf(day, zone);
  const milli = Number((match[4] ?? '').slice(0, 3).padEnd(3, '0'));
  return { at: timeOf(zone, p.year, p.month, p.day, hour24, minute, second, milli), wholeDay: false, hasDate: true };
}

/** The clock time of `at` on another day, the right one also across a change of daylight saving. */
function clockOn(day: number, at: number, zone: Zone): number {
  const d = partsOf(day, zone);
  const c = partsOf(at, zone);
  return timeOf(zone, d.year, d.month, d.day, c.hour, c.minute, c.second, c.milli);
}

function midnight(ms: number, zone: Zone): number {
  const p = partsOf(ms, zone);
  return timeOf(zone, p.year, p.month, p.day, 0, 0, 0, 0);
}

function moment(year: number, month: number, day: number, zone: Zone): number | null {
  const at = timeOf(zone, year, month, day, 0, 0, 0, 0);
  const p = partsOf(at, zone);
  return p.month === month && p.day === day ? at : null;
}

const timeOf = (
  zone: Zone,
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  milli: number,
) =>
  zone === 'utc'
    ? Date.UTC(year, month - 1, day, hour, minute, second, milli)
    : new Date(year, month - 1, day, hour, minute, second, milli).getTime();
