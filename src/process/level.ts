import { quoteStrings } from '../language/sql-writer.ts';
import type { Level } from '../base/record.ts';

/**
 * Spelling (lower case) -> level (Loki's `detected_level` values) and OpenTelemetry severity number. Numbers: 0 to 7 are syslog's, 10 to 60
 * are pino's and bunyan's; OpenTelemetry's own come in a field of their own.
 */
const spellings: Record<string, [Level, number]> = {
  trace: ['trace', 1],
  trc: ['trace', 1],
  verbose: ['trace', 1],
  finest: ['trace', 1],
  finer: ['trace', 2],
  '10': ['trace', 1],
  debug: ['debug', 5],
  dbg: ['debug', 5],
  debu: ['debug', 5],
  fine: ['debug', 5],
  d: ['debug', 5],
  '7': ['debug', 5],
  '20': ['debug', 5],
  info: ['info', 9],
  inf: ['info', 9],
  information: ['info', 9],
  informational: ['info', 9],
  log: ['info', 9],
  i: ['info', 9],
  '6': ['info', 9],
  '30': ['info', 9],
  notice: ['info', 10],
  note: ['info', 10],
  config: ['info', 10],
  '5': ['info', 10],
  warn: ['warn', 13],
  warning: ['warn', 13],
  wrn: ['warn', 13],
  w: ['warn', 13],
  '4': ['warn', 13],
  '40': ['warn', 13],
  error: ['error', 17],
  err: ['error', 17],
  eror: ['error', 17],
  severe: ['error', 17],
  e: ['error', 17],
  '3': ['error', 17],
  '50': ['error', 17],
  critical: ['critical', 18],
  crit: ['critical', 18],
  dpanic: ['critical', 18],
  '2': ['critical', 18],
  alert: ['critical', 19],
  '1': ['critical', 19],
  fatal: ['fatal', 21],
  f: ['fatal', 21],
  panic: ['fatal', 21],
  emerg: ['fatal', 21],
  emergency: ['fatal', 21],
  '0': ['fatal', 21],
  '60': ['fatal', 21],
};

/** Severity number 1 to 24 -> level; four numbers each, as OpenTelemetry groups them. */
const ofNumber: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

const names = quoteStrings(Object.keys(spellings));
const asLevels = quoteStrings(Object.values(spellings).map(([level]) => level));
const asNumbers = `[${Object.values(spellings)
  .map(([, number]) => `toUInt8(${number})`)
  .join(',')}]`;

/** Level of a spelling; '' when it is none. Cheapest on LowCardinality text, where it runs once per distinct value. */
export const levelOfText = (text: string): string => `transform(lower(${text}), ${names}, ${asLevels}, '')`;

/** Severity number of a spelling; 0 when it is none. */
export const severityOfText = (text: string): string => `transform(lower(${text}), ${names}, ${asNumbers}, toUInt8(0))`;

/** Level of an OpenTelemetry severity number; '' outside 1 to 24. */
export const levelOfNumber = (number: string): string =>
  `if(${number} BETWEEN 1 AND 24, ${quoteStrings(ofNumber)}[intDiv(${number} - 1, 4) + 1], '')`;

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
 * Level by the text of a message: a JSON or logfmt field that states it, else the leftmost whole word that is a level, else `unknown`.
 * The regular expressions run only on rows that a multi-substring search lets through.
 */
export function detectLevel(message: string): string {
  const fromField = levelOfText(`extract(${message}, '${stated}')`);
  const fromWord = levelOfText(`extract(${message}, '${word}')`);
  return `multiIf(
NOT multiSearchAnyCaseInsensitive(${message}, ${wordHint}) AND NOT multiSearchAnyCaseInsensitive(${message}, ${statedHint}), 'unknown',
multiSearchAnyCaseInsensitive(${message}, ${statedHint}) AND ${fromField} != '', ${fromField},
${fromWord} != '', ${fromWord}, 'unknown')`;
}
