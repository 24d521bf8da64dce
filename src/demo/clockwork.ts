import type { Micros } from './sink.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

let cachedSecond = -1;
let iso = '';
let nginx = '';
let syslog = '';

function refresh(at: Micros): void {
  const second = Math.floor(at / 1e6);
  if (second === cachedSecond) return;
  cachedSecond = second;
  iso = new Date(second * 1000).toISOString().slice(0, 19);
  const month = months[Number(iso.slice(5, 7)) - 1] ?? 'Jan';
  nginx = `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11)} +0000`;
  syslog = `${month} ${iso.slice(8, 10).replace(/^0/, ' ')} ${iso.slice(11)}`;
}

const millis = (at: Micros): string => String(1000 + (Math.floor(at / 1000) % 1000)).slice(1);

/** `2026-08-21T14:05:11.123Z` */
export function isoTime(at: Micros): string {
  refresh(at);
  return `${iso}.${millis(at)}Z`;
}

/** `2026-08-21 14:05:11,123` (Python) or with another separator before the milliseconds. */
export function spacedTime(at: Micros, separator: ',' | '.' = '.'): string {
  refresh(at);
  return `${iso.replace('T', ' ')}${separator}${millis(at)}`;
}

/** `21/Aug/2026:14:05:11 +0000` */
export function nginxTime(at: Micros): string {
  refresh(at);
  return nginx;
}

/** `Aug 21 14:05:11` */
export function syslogTime(at: Micros): string {
  refresh(at);
  return syslog;
}
