import type { TimeRange } from './time-range.ts';
import { durationText } from './time-range.ts';

/** How clock times are written: the browser's zone or UTC. */
export type Zone = 'local' | 'utc';

const two = (n: number) => String(n).padStart(2, '0');

/** The parts of a moment in a zone; `month` is 1 to 12. */
export function partsOf(ms: number, zone: Zone) {
  const d = new Date(ms);
  return zone === 'utc'
    ? {
        year: d.getUTCFullYear(),
        month: d.getUTCMonth() + 1,
        day: d.getUTCDate(),
        hour: d.getUTCHours(),
        minute: d.getUTCMinutes(),
        second: d.getUTCSeconds(),
        milli: d.getUTCMilliseconds(),
      }
    : {
        year: d.getFullYear(),
        month: d.getMonth() + 1,
        day: d.getDate(),
        hour: d.getHours(),
        minute: d.getMinutes(),
        second: d.getSeconds(),
        milli: d.getMilliseconds(),
      };
}

/** `2026-09-03`. */
export function dateText(ms: number, zone: Zone): string {
  const p = partsOf(ms, zone);
  return `${p.year}-${two(p.month)}-${two(p.day)}`;
}

/** `14:05:10.123`. */
export function clockText(ms: number, zone: Zone): string {
  const p = partsOf(ms, zone);
  return `${two(p.hour)}:${two(p.minute)}:${two(p.second)}.${String(p.milli).padStart(3, '0')}`;
}

/** `2026-09-03 14:05:10.123`, seconds and milliseconds only where they are not zero: what the time parser reads back. */
export function momentText(ms: number, zone: Zone): string {
  const clock = clockText(ms, zone);
  const short = clock.endsWith('.000') ? clock.slice(0, -4) : clock;
  return `${dateText(ms, zone)} ${short.length === 8 && short.endsWith(':00') ? short.slice(0, -3) : short}`;
}

/** Full precision with the zone's offset: `2026-09-03T14:05:10.123456789+02:00`. */
export function preciseText(ns: string, zone: Zone): string {
  const ms = Number(BigInt(ns) / 1_000_000n);
  const below = ns.padStart(10, '0').slice(-9);
  return `${dateText(ms, zone)}T${clockText(ms, zone).slice(0, 8)}.${below}${offsetText(ms, zone)}`;
}

/** `Z` or `+02:00`, at that moment. */
export function offsetText(ms: number, zone: Zone): string {
  if (zone === 'utc') return 'Z';
  const minutes = -new Date(ms).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** For the button of the picker: `Last 1h`, `2026-09-03 14:05 – 14:20`. */
export function rangeText(range: TimeRange, zone: Zone): string {
  if (range.kind === 'relative') return `Last ${durationText(range.seconds)}`;
  // Fractions of a second say nothing about a range of minutes, and would not fit.
  const whole = (ms: number) => (range.to - range.from >= 60_000 ? Math.floor(ms / 1000) * 1000 : ms);
  const from = momentText(whole(range.from), zone);
  const to = momentText(whole(range.to), zone);
  return `${from} – ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`;
}
