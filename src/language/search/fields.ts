import { levels } from '../../base/record.ts';

/**
 * Names of a search text that mean something else than "a label, an attribute, or a field of the line". Values are the name in normal form;
 * spellings are what people bring from other tools.
 */
const spellings: Record<string, string> = {
  service: 'service',
  service_name: 'service',
  'service.name': 'service',
  level: 'level',
  detected_level: 'level',
  loglevel: 'level',
  'log.level': 'level',
  severity_text: 'level',
  severity: 'severity',
  severity_number: 'severity',
  trace_id: 'trace_id',
  traceid: 'trace_id',
  'trace.id': 'trace_id',
  span_id: 'span_id',
  spanid: 'span_id',
  'span.id': 'span_id',
  message: 'message',
  msg: 'message',
  body: 'message',
  timestamp: 'timestamp',
  '@timestamp': 'timestamp',
  door: 'door',
  anywhere: 'anywhere',
};

/** Names offered while typing, with what they are. */
export const namedFields: readonly [name: string, what: string][] = [
  ['service', 'the service'],
  ['level', `one of ${levels.join(', ')}; also >=warn`],
  ['message', 'the message'],
  ['trace_id', 'trace'],
  ['span_id', 'span'],
  ['timestamp', 'event time: dates, now-1h'],
  ['severity', 'OpenTelemetry severity, 1 to 24'],
  ['anywhere', 'an id in message, trace, span or any attribute'],
  ['door', 'how the record came in'],
];

/** A field name as written -> as records have it: special names by their spellings, all others as LogQL can name them. */
export function fieldName(name: string): string {
  // What Elasticsearch calls the whole value of a field, beside its words.
  const written = name.replace(/(?<=.)\.keyword$/i, '');
  const special = Object.hasOwn(spellings, written.toLowerCase()) ? spellings[written.toLowerCase()] : undefined;
  if (special !== undefined) return special;
  const clean = written.replace(/[^A-Za-z0-9_]/gu, '_');
  return /^\d/.test(clean) ? `_${clean}` : clean;
}

/** Fields that LogQL names, by their name here. */
export const logqlName: Record<string, string> = {
  service: 'service_name',
  level: 'detected_level',
  trace_id: 'trace_id',
  span_id: 'span_id',
};

const levelSpellings: Record<string, string> = {
  warning: 'warn',
  err: 'error',
  information: 'info',
  crit: 'critical',
  alert: 'critical',
  panic: 'fatal',
  emergency: 'fatal',
};

/** A level as records have it; undefined when there is none of that name. */
export function levelOf(written: string): string | undefined {
  const lower = written.toLowerCase();
  const level = levelSpellings[lower] ?? lower;
  return (levels as readonly string[]).includes(level) ? level : undefined;
}

/** The levels that are `op` a level, gravest last; `unknown` is neither above nor below any. */
export function levelsThat(op: '>' | '>=' | '<' | '<=', level: string): string[] {
  const known = levels.filter(candidate => candidate !== 'unknown') as string[];
  const at = known.indexOf(level);
  if (at < 0) return [];
  if (op === '>') return known.slice(at + 1);
  if (op === '>=') return known.slice(at);
  return known.slice(0, op === '<' ? at : at + 1);
}

/**
 * True for a word that is likely an id (trace, request, user, UUID): six characters or more of letters, digits, `-` and `_` with three digits or more,
 * and no date. Such a word is looked for wherever ids stand, not only in the message.
 */
export function looksLikeId(word: string): boolean {
  if (!/^[0-9A-Za-z][0-9A-Za-z_-]{5,127}$/.test(word)) return false;
  if (/^\d{4}-\d\d(-\d\d)?(T|$)/.test(word)) return false;
  return (word.match(/\d/g)?.length ?? 0) >= 3;
}
