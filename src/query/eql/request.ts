import type { FastifyRequest } from 'fastify';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { FieldType } from '../../language/eql/fields.ts';
import { nearest } from '../../language/eql/nearest.ts';
import { type AskedField, type TimeFormat, timeFormats } from './source.ts';

/** The body of an EQL search, read and checked. */
export type EqlRequest = {
  query: string;
  filter?: unknown;
  timestampField: string;
  categoryField: string;
  /** Absent: `event.sequence` where records have it. */
  tiebreakerField?: string;
  size: number;
  position: 'head' | 'tail';
  /** Patterns of fields to be listed beside `_source`. */
  fields: readonly AskedField[];
  /** Fields that the request says there are. */
  declared: ReadonlyMap<string, FieldType>;
  caseSensitive: boolean;
  /** False: an answer that is not whole is an error. */
  allowPartial: boolean;
  samplesPerKey: number;
  /** Milliseconds after which the answer is that the search goes on; absent: it is waited for. */
  waitMillis?: number;
  /** Keep the answer even when it was there in time. */
  keepOnCompletion: boolean;
  /** Milliseconds that a search and its answer are kept. */
  keepMillis: number;
};

type Members = Record<string, unknown>;

const bad = (reason: string): WeirError => new WeirError('bad_request', { reason });
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 100) ?? String(value);

/** Members that have a meaning, and those that clients send although they have none here. */
const members = [
  'query', 'filter', 'timestamp_field', 'event_category_field', 'tiebreaker_field', 'size', 'fetch_size', 'result_position', 'fields',
  'case_sensitive', 'allow_partial_search_results', 'allow_partial_sequence_results', 'max_samples_per_key', 'runtime_mappings',
  'wait_for_completion_timeout', 'keep_alive', 'keep_on_completion',
] as const; // biome-ignore format: one list

/** Parameters of the URL that Elasticsearch's clients send about indices, shards and the form of the answer. */
const urlOnly = [
  'allow_no_indices', 'expand_wildcards', 'ignore_unavailable', 'ccs_minimize_roundtrips', 'pretty', 'human', 'error_trace', 'filter_path',
] as const; // biome-ignore format: one list

const isUrlOnly = (name: string): boolean => (urlOnly as readonly string[]).includes(name);

const fieldTypes = ['boolean', 'date', 'double', 'ip', 'keyword', 'long'] as const satisfies readonly FieldType[];

/** `{"name": {"type": "long"}}`: a field of the object that was sent. */
function declaredFields(value: unknown): Map<string, FieldType> {
  if (value === undefined || value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value))
    throw bad(`[runtime_mappings] must be an object such as {"name": {"type": "long"}}, found ${shown(value)}`);
  return new Map(
    Object.entries(value as Members).map(([name, mapping]) => {
      const { type, script, ...rest } = (mapping ?? {}) as Members;
      if (script !== undefined && script !== null)
        throw bad(
          `[runtime_mappings] [${name}]: scripts are not run; only {"type": ...} of a field that records have is`,
        );
      const known = fieldTypes.find(one => one === type);
      if (known === undefined)
        throw bad(
          `[runtime_mappings] [${name}]: type ${shown(type)} is not supported; there are ${fieldTypes.join(', ')}`,
        );
      const [other] = Object.keys(rest);
      if (other !== undefined) throw bad(`[runtime_mappings] [${name}] has no member [${other}] here; there is "type"`);
      return [name, known];
    }),
  );
}

const isTimeFormat = (format: unknown): format is TimeFormat => (timeFormats as readonly unknown[]).includes(format);

function text(body: Members, name: string, fallback: string): string {
  const value = body[name] ?? fallback;
  if (typeof value !== 'string' || value === '')
    throw bad(`[${name}] must be the name of a field, found ${shown(value)}`);
  return value;
}

function whole(body: Members, name: string, fallback: number, low: number, high: number): number {
  const value = body[name] ?? fallback;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < low || number > high)
    throw bad(`[${name}] must be a whole number from ${low} to ${high}, found ${shown(value)}`);
  return number;
}

const unitMillis: Record<string, number> = {
  nanos: 1e-6,
  micros: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration such as 500ms, 10s or 5d. */
function millis(body: Members, name: string, low: number, high: number): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(typeof value === 'string' ? value : '') ?? [];
  const found = Object.hasOwn(unitMillis, unit) ? Number(amount) * (unitMillis[unit] ?? 0) : Number.NaN;
  const days = (limit: number): string => (limit < 86_400_000 ? `${limit}ms` : `${limit / 86_400_000}d`);
  if (!(found >= low && found <= high))
    throw bad(
      `[${name}] must be a duration from ${days(low)} to ${days(high)} such as 500ms, 10s or 5d, found ${shown(value)}`,
    );
  return found;
}

/** The longest a request waits for a search. */
const waitMillisMax = 86_400_000;

/** What a request about a kept search may say: how long to wait, how long to keep it from now on. */
export function readWait(query: unknown): { waitMillis: number; keepMillis?: number } {
  const parameters = query as Members;
  const [other] = Object.keys(parameters).filter(
    name => name !== 'wait_for_completion_timeout' && name !== 'keep_alive' && !isUrlOnly(name),
  );
  if (other !== undefined)
    throw bad(`unknown parameter [${other}]; there are wait_for_completion_timeout and keep_alive`);
  const keepMillis = millis(parameters, 'keep_alive', 1, limits.eqlKeepMillisMax);
  const waitMillis = millis(parameters, 'wait_for_completion_timeout', 0, waitMillisMax) ?? 0;
  return { waitMillis, ...(keepMillis !== undefined && { keepMillis }) };
}

function truth(body: Members, name: string, fallback: boolean): boolean {
  const value = body[name] ?? fallback;
  if (value === true || value === 'true' || value === '') return true;
  if (value === false || value === 'false') return false;
  throw bad(`[${name}] must be true or false, found ${shown(value)}`);
}

function askedFields(value: unknown): AskedField[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value))
    throw bad(`[fields] must be an array of names such as ["process.*"], found ${shown(value)}`);
  return value.map((item: unknown) => {
    const { field: pattern, format } =
      typeof item === 'object' && item !== null ? (item as { field?: unknown; format?: unknown }) : { field: item };
    if (typeof pattern !== 'string' || pattern === '')
      throw bad(`[fields] must hold names or {"field": name}, found ${shown(item)}`);
    if (format === undefined || format === null) return { pattern };
    if (!isTimeFormat(format))
      throw bad(`[fields] [${pattern}]: format ${shown(format)} is not supported; there are ${timeFormats.join(', ')}`);
    return { pattern, format };
  });
}

/** The members of the body, and those of the URL, which count more as in Elasticsearch. Throws `bad_request` that names what is wrong. */
export function readRequest(request: FastifyRequest): EqlRequest {
  const { body: sent } = request;
  const { 'content-type': type = '' } = request.headers;
  if (typeof sent === 'string' && !type.includes('json'))
    throw new WeirError('unsupported_type', { type, supported: 'application/json' });
  if (sent !== undefined && sent !== null && (typeof sent !== 'object' || Array.isArray(sent)))
    throw bad('the body must be a JSON object such as {"query": "process where true"}');
  const url = Object.fromEntries(Object.entries(request.query as Members).filter(([name]) => !isUrlOnly(name)));
  const body: Members = { ...(sent as Members | undefined), ...url };
  for (const name of Object.keys(body)) {
    if ((members as readonly string[]).includes(name)) continue;
    const hint = nearest(name, members);
    throw bad(
      `unknown field [${name}]${hint === undefined ? `; known are ${members.join(', ')}` : `, did you mean [${hint}]?`}`,
    );
  }
  const { query } = body;
  if (typeof query !== 'string' || query.trim() === '')
    throw bad(
      query === undefined || typeof query === 'string'
        ? 'query is null or empty'
        : `[query] must be EQL text, found ${shown(query)}`,
    );
  const position = body.result_position ?? 'tail';
  if (position !== 'head' && position !== 'tail')
    throw bad(`[result_position] must be head or tail, found ${shown(position)}`);
  // A page size of Elasticsearch's own searches; here the engine streams. Checked, so that a mistake is seen before the move back.
  whole(body, 'fetch_size', 1000, 2, 1_000_000);
  const waitMillis = millis(body, 'wait_for_completion_timeout', 0, waitMillisMax);
  const partialSequences = truth(body, 'allow_partial_sequence_results', false);
  return {
    query,
    ...(body.filter !== undefined && body.filter !== null && { filter: body.filter }),
    timestampField: text(body, 'timestamp_field', '@timestamp'),
    categoryField: text(body, 'event_category_field', 'event.category'),
    ...(body.tiebreaker_field !== undefined &&
      body.tiebreaker_field !== null && { tiebreakerField: text(body, 'tiebreaker_field', '') }),
    size: whole(body, 'size', 10, 0, limits.eqlSizeMax),
    position,
    fields: askedFields(body.fields),
    declared: declaredFields(body.runtime_mappings),
    caseSensitive: truth(body, 'case_sensitive', true),
    allowPartial: truth(body, 'allow_partial_search_results', true) || partialSequences,
    samplesPerKey: whole(body, 'max_samples_per_key', 1, 1, 1000),
    ...(waitMillis !== undefined && { waitMillis }),
    keepOnCompletion: truth(body, 'keep_on_completion', false),
    keepMillis: millis(body, 'keep_alive', 1, limits.eqlKeepMillisMax) ?? limits.eqlKeepMillis,
  };
}
