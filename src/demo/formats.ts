import { isoTime, nginxTime, spacedTime, syslogTime } from './clockwork.ts';
import type { Micros } from './sink.ts';

/** The formats that programs write, one function each. */

export type Access = {
  ip: string;
  method: string;
  path: string;
  status: number;
  bytes: number;
  agent: string;
  seconds: number;
  trace: string;
};

/** nginx, "combined" with request time and trace id at the end. */
export const access = (at: Micros, a: Access): string =>
  `${a.ip} - - [${nginxTime(at)}] "${a.method} ${a.path} HTTP/1.1" ${a.status} ${a.bytes} "-" "${a.agent}" rt=${a.seconds.toFixed(3)} trace=${a.trace}`;

const pinoLevels = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** pino: one JSON object per line, numeric level, time in ms. */
export const pino = (
  at: Micros,
  level: keyof typeof pinoLevels,
  msg: string,
  fields: Record<string, unknown>,
): string =>
  JSON.stringify({
    level: pinoLevels[level],
    time: Math.floor(at / 1000),
    pid: 1,
    hostname: 'checkout',
    ...fields,
    msg,
  });

/** Values with a space or a quote are quoted, as Go's loggers do. */
export function logfmt(at: Micros, level: string, msg: string, fields: Record<string, string | number>): string {
  let text = `ts=${isoTime(at)} level=${level} msg=${JSON.stringify(msg)}`;
  for (const [key, value] of Object.entries(fields)) {
    const plain = String(value);
    text += ` ${key}=${/[\s"=]/.test(plain) ? JSON.stringify(plain) : plain}`;
  }
  return text;
}

/** Spring Boot's console pattern; what follows the first line (a stack trace) belongs to the same record. */
export const spring = (at: Micros, level: string, thread: string, logger: string, text: string): string =>
  `${spacedTime(at)} ${level.padStart(5)} 1 --- [${thread}] ${logger.padEnd(40)} : ${text}`;

/** Python's logging with the usual format string. */
export const python = (at: Micros, level: string, logger: string, text: string): string =>
  `${spacedTime(at, ',')} ${level} [${logger}] ${text}`;

/** PostgreSQL with log_line_prefix '%m [%p] %u@%d '. */
export const postgres = (at: Micros, pid: number, who: string, text: string): string =>
  `${spacedTime(at)} UTC [${pid}] ${who} ${text}`;

/** RFC 3164 without the priority, as in /var/log/syslog. */
export const syslog = (at: Micros, host: string, program: string, text: string): string =>
  `${syslogTime(at)} ${host} ${program}: ${text}`;

const ansi = {
  debug: '\x1b[36mDEBUG\x1b[0m',
  info: '\x1b[32mINFO\x1b[0m',
  warn: '\x1b[33mWARN\x1b[0m',
  error: '\x1b[31mERROR\x1b[0m',
} as const;

/** A console logger that colours although nobody watches. */
export const coloured = (at: Micros, level: keyof typeof ansi, text: string): string =>
  `\x1b[90m${isoTime(at).slice(11, 23)}\x1b[0m ${ansi[level]} ${text}`;
