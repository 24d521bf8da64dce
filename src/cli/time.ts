import { CliError, exitCode } from './exit-code.ts';

/** A range as the API takes it: decimal ns, end exclusive. */
export type Range = { start: string; end: string };

const unitSeconds: Record<string, number> = {
  ms: 0.001,
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3600,
  hour: 3600,
  d: 86_400,
  day: 86_400,
  w: 604_800,
  week: 604_800,
};
const nanosPerMs = 1_000_000n;
const dayMs = 86_400_000;

/** Seconds of `2h`, `1h30m`, `-90s`, `3 days`, `2h ago`; undefined when it is no duration. */
export function durationSeconds(text: string): number | undefined {
  const body = text
    .trim()
    .toLowerCase()
    .replace(/^-/, '')
    .replace(/\s+ago$/, '');
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/.test(body)) return undefined;
  let total = 0;
  for (const [, amount, unit] of body.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const size = unitSeconds[unit ?? ''] ?? unitSeconds[(unit ?? '').replace(/(?<=[a-z]{3})s$/, '')];
    if (size === undefined) return undefined;
    total += Number(amount) * size;
  }
  return total;
}

/** A point in time; `floating` when only the clock was given, so that the day is a guess. */
type Moment = { ns: bigint; floating: boolean };

const ofMs = (ms: number): bigint => BigInt(Math.round(ms)) * nanosPerMs;

function localMidnight(ms: number, days = 0): number {
  const date = new Date(ms);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/** Nanoseconds after midnight of `14:05`, `14:05:10.25`; undefined when it is no clock time. */
function clock(text: string): { hour: number; minute: number; second: number; ns: bigint } | undefined {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/.exec(text);
  if (!match) return undefined;
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return { hour, minute, second, ns: BigInt((match[4] ?? '').padEnd(9, '0')) };
}

function onDay(dayStartMs: number, text: string | undefined): bigint | undefined {
  if (text === undefined) return ofMs(dayStartMs);
  const at = clock(text);
  if (!at) return undefined;
  const day = new Date(dayStartMs);
  return (
    ofMs(new Date(day.getFullYear(), day.getMonth(), day.getDate(), at.hour, at.minute, at.second).getTime()) + at.ns
  );
}

/** Reads one point in time, `now` in ms. Local time unless the text says otherwise. */
function moment(text: string, now: number): Moment | undefined {
  const word = text.trim();
  const fixed = (ns: bigint | undefined): Moment | undefined =>
    ns === undefined ? undefined : { ns, floating: false };
  if (word === 'now') return fixed(ofMs(now));
  const ago = durationSeconds(word);
  if (ago !== undefined) return fixed(ofMs(now - ago * 1000));
  // 10, 13, 16 or 19 digits are s, ms, us or ns since 1970.
  if (/^(\d{10}|\d{13}|\d{16}|\d{19})$/.test(word)) return fixed(BigInt(word.padEnd(19, '0')));
  const relativeDay = /^(today|yesterday)(?:\s+(?:at\s+)?(\S+))?$/i.exec(word);
  if (relativeDay)
    return fixed(onDay(localMidnight(now, relativeDay[1]?.toLowerCase() === 'yesterday' ? -1 : 0), relativeDay[2]));
  const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s*(Z|z|[+-]\d\d:?\d\d)?)?$/.exec(word);
  if (iso) {
    const [, year, month, day, time, zone] = iso;
    if (zone && time) {
      const at = clock(time);
      const offset = /^z$/i.test(zone) ? 'Z' : zone.replace(/^(...)(\d\d)$/, '$1:$2');
      const whole = Date.parse(`${year}-${month}-${day}T${time.replace(/\..*/, '')}${offset}`);
      return at && !Number.isNaN(whole) ? fixed(ofMs(whole) + at.ns) : undefined;
    }
    const start = new Date(Number(year), Number(month) - 1, Number(day));
    return start.getDate() === Number(day) ? fixed(onDay(start.getTime(), time)) : undefined;
  }
  const today = onDay(localMidnight(now), word);
  return today === undefined ? undefined : { ns: today, floating: true };
}

const unreadable = (text: string): CliError =>
  new CliError(
    exitCode.usage,
    `"${text}" is not a time; write 2h, yesterday 14:00, 14:05..14:20 or 2026-09-03T14:05:00Z`,
  );

function read(text: string, now: number): Moment {
  const found = moment(text, now);
  if (!found) throw unreadable(text);
  return found;
}

const nextDay = (ns: bigint, days: number): bigint => {
  const ms = Number(ns / nanosPerMs);
  const date = new Date(ms);
  date.setDate(date.getDate() + days);
  return ofMs(date.getTime()) + (ns % nanosPerMs);
};

/**
 * The range of `--since`, `--from`, `--to`. Each may be a duration before now (`2h`), a local time (`14:05`, `yesterday 14:00`), RFC 3339 or a number
 * since 1970; `--since` and `--from` also take `A..B`. Clock times without a day are the latest ones that are not in the future.
 * Without any: the last hour. Throws a CliError (usage).
 */
export function timeRange(options: { since?: string; from?: string; to?: string }, now = Date.now()): Range {
  if (options.since !== undefined && options.from !== undefined)
    throw new CliError(exitCode.usage, '--since and --from both say where to start; give one of them');
  const text = options.from ?? options.since ?? '1h';
  const sides = text.split('..');
  if (sides.length > 2 || (sides.length === 2 && options.to !== undefined))
    throw new CliError(
      exitCode.usage,
      `"${text}"${options.to === undefined ? '' : ` with --to ${options.to}`} has more than two ends`,
    );
  const nowNs = ofMs(now);
  const from = read(sides[0] ?? '', now);
  const endText = sides[1] ?? options.to ?? 'now';
  const to = read(endText, now);
  let start = from.ns;
  let end = to.ns;
  if (/^\d{4}-\d\d-\d\d$/.test(endText)) end = ofMs(Number(end / nanosPerMs) + dayMs);
  if (from.floating && start > nowNs) start = nextDay(start, -1);
  if (to.floating) {
    // `14:05..14:20` lies on one day, `23:50..00:10` passes midnight; `2026-09-03 14:05..14:20` keeps the day of its start.
    const day = onDay(localMidnight(Number(start / nanosPerMs)), endText.trim());
    end = day ?? end;
    if (end <= start) end = nextDay(end, 1);
  }
  if (end <= start)
    throw new CliError(exitCode.usage, `the range ends (${isoOf(end)}) before it starts (${isoOf(start)})`);
  return { start: String(start), end: String(end) };
}

const isoOf = (ns: bigint): string => new Date(Number(ns / nanosPerMs)).toISOString();

const two = (value: number): string => String(value).padStart(2, '0');

/** `14:05:10.123` in local time. */
export function clockText(ns: string): string {
  const date = new Date(Number(BigInt(ns) / nanosPerMs));
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `09-03` in local time. */
export const monthDayText = (ns: string): string => dayText(ns).slice(5, 10);

/** `2026-09-03 +02:00`: the day of a time and the zone it is shown in. */
export function dayText(ns: string): string {
  const date = new Date(Number(BigInt(ns) / nanosPerMs));
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${zone}`;
}
