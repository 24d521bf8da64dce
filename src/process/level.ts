import { quoteStrings } from '../language/sql-writer.ts';
import type { Level } from '../base/record.ts';

/**
 * Spelling (lower case) -> OpenTelemetry severity number. Numbers: 0 to 7 are syslog's, 10 to 60
 * are pino's and bunyan's; OpenTelemetry's own come in a field of their own.
 */
const spellings: Record<string, number> = {
  trace: 1,
  trc: 1,
  verbose: 1,
  finest: 1,
  finer: 2,
  '10': 1,
  debug: 5,
  dbg: 5,
  debu: 5,
  fine: 5,
  d: 5,
  '7': 5,
  '20': 5,
  info: 9,
  inf: 9,
  information: 9,
  informational: 9,
  log: 9,
  i: 9,
  '6': 9,
  '30': 9,
  notice: 10,
  note: 10,
  config: 10,
  '5': 10,
  warn: 13,
  warning: 13,
  wrn: 13,
  w: 13,
  '4': 13,
  '40': 13,
  error: 17,
  err: 17,
  eror: 17,
  severe: 17,
  e: 17,
  '3': 17,
  '50': 17,
  critical: 18,
  crit: 18,
  dpanic: 18,
  '2': 18,
  alert: 19,
  '1': 19,
  fatal: 21,
  f: 21,
  panic: 21,
  emerg: 21,
  emergency: 21,
  '0': 21,
  '60': 21,
};

/** Level (Loki's `detected_level`) by severity number as `spellings` uses them, 0 to 24. */
const byNumber: readonly Level[] = [
  'unknown',
  ...(['trace', 'debug', 'info', 'warn'] as const).flatMap(level => [level, level, level, level]),
  'error',
  'critical',
  'critical',
  'critical',
  'fatal',
  'fatal',
  'fatal',
  'fatal',
];

/** Severity number of a spelling; 0 when it is none. Cheapest on LowCardinality text, where it runs once per distinct value. */
export const severityOfText = (text: string): string =>
  `transform(lower(${text}), ${quoteStrings(Object.keys(spellings))}, [${Object.values(spellings).join(',')}], 0)`;

/** Level of a number that {@link severityOfText} gave. */
export const levelOfSeverity = (number: string): string => `${quoteStrings(byNumber)}[${number} + 1]`;

/** Level of an OpenTelemetry severity number 1 to 24; four numbers each. */
export const levelOfOtel = (number: string): string =>
  `${quoteStrings(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])}[intDiv(${number} - 1, 4) + 1]`;

const stated = `(?i)(?:"(?:level|lvl|severity|loglevel|levelname|log\\\\.level)"\\\\s*:\\\\s*"?|(?:^|[\\\\s,{;|])(?:level|lvl|severity|loglevel)=["\\']?)([a-z0-9]+)`;
const word = `(?i)(?:^|[^a-z0-9_])(trace|debug|info|notice|warn|warning|error|err|crit|critical|fatal|panic|emerg|alert|severe)(?:$|[^a-z0-9_])`;
const statedHint = quoteStrings(['level', 'lvl', 'severity']);
const wordHint = quoteStrings([
  'trace',
  'debug',
  'info',
  'notice',
  'warn',
  'err',
  'crit',
  'fatal',
  'panic',
  'emerg',
  'alert',
  'severe',
]);

/**
 * Spelling of the level in the text of a message: a JSON or logfmt field that states it, else the leftmost whole word that is a level, else
 * ''. The regular expressions run only on rows that a multi-substring search lets through. `message` is a column name; it is repeated.
 */
export function findLevel(message: string): string {
  return `multiIf(multiSearchAnyCaseInsensitive(${message}, ${statedHint}) AND (extract(${message}, '${stated}') AS ${message}_stated) != '', ${message}_stated,
multiSearchAnyCaseInsensitive(${message}, ${wordHint}), extract(${message}, '${word}'), '')`;
}
