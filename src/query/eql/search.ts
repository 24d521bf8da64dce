import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Tenant } from '../../base/record.ts';
import { bitsOfMask, type EqlScope, eventsSql, type Marked, markedSql } from '../../language/eql/events-sql.ts';
import { fieldName } from '../../language/eql/fields.ts';
import { meaningError } from '../../language/eql/lexer.ts';
import { parseEql } from '../../language/eql/parser.ts';
import { countIn, countTests, expressionFields, queryFields } from '../../language/eql/query-fields.ts';
import { instantOf } from '../../language/eql/times.ts';
import type { EqlQuery, EventQuery, Field, SampleQuery, SequenceQuery } from '../../language/eql/tree.ts';
import type { ToSql } from '../../language/compile.ts';
import type { Answer, Question, SqlSettings } from '../../flow.ts';
import { collect } from '../admission.ts';
import type { Room } from '../room.ts';
import { nowNs } from '../time-range.ts';
import { readFilter } from './filter.ts';
import { joinKeysOf, sentKey } from './join-keys.ts';
import { knownFields, type Rows } from './known-fields.ts';
import type { EqlRequest } from './request.ts';
import { SampleCollector } from './samples.ts';
import { Selection } from './selection.ts';
import { type Candidate, type Condition, type Found, type Match, SequenceMatcher } from './sequence-matcher.ts';

/** What an answer shows of its events, made of rows with their seq in `s`; `read` may change the row. */
export type EventShape<Event> = {
  sql(tenant: Tenant, found: readonly Found[]): ToSql;
  read(row: Record<string, unknown>): Event;
  /** The value of a join key as it was sent; undefined where that is not known, then its text stands. */
  sent?(event: Event, field: string): unknown;
};

/** `Event` is undefined where a sequence misses one. */
export type EqlResult<Event> = {
  total: { value: number; relation: 'eq' | 'gte' };
  /** Why the answer is not whole; null when it is. */
  partial: string | null;
  /** Of all statements together. */
  read: { rows: number; bytes: number };
} & (
  | { kind: 'events'; events: (Event | undefined)[] }
  | { kind: 'counts'; by: string[]; groups: { count: number; percent: number; key: (string | null)[] }[] }
  | { kind: 'sequences'; by: string[]; sequences: { joinKeys: unknown[]; events: (Event | undefined)[] }[] }
);

/** Events fetched by one statement. */
const fetchAtOnce = 1000;
/** In generated SQL names are columns where both could be meant. */
const settings: SqlSettings = { prefer_column_name_to_alias: 1 };

/** A row of markedSql. */
class Row implements Candidate {
  readonly ns: bigint;
  readonly id: Found;
  readonly #row: Record<string, unknown>;

  constructor(row: Record<string, unknown>) {
    this.#row = row;
    const ns = BigInt(row.t as string);
    this.ns = instantOf(ns);
    this.id = { seq: BigInt(row.s as string), ns: row.c === undefined ? ns : BigInt(row.c as string) };
  }

  meets(bit: number): boolean {
    const half = (bit < bitsOfMask ? this.#row.m : this.#row.h) as number;
    return ((half >>> (bit % bitsOfMask)) & 1) === 1;
  }

  keys(key: string): readonly string[] {
    return joinKeysOf(this.#row[key] as string);
  }
}

/** How long an answer is wanted, and ms for each of its statements. */
type Patience = { signal: AbortSignal; timeout?: number };

/** One EQL search: its own class because every part of it asks, and any answer may be cut off. */
class Search {
  readonly room: Room;
  readonly tenant: Tenant;
  readonly #question: Pick<Question, 'signal' | 'timeoutMs'>;
  partial: string | null = null;
  readonly read = { rows: 0, bytes: 0 };

  constructor(room: Room, tenant: Tenant, { signal, timeout }: Patience) {
    this.room = room;
    this.tenant = tenant;
    this.#question = { signal, timeoutMs: room.timeoutMs(timeout) };
  }

  async ask(write: Question['sql']): Promise<Answer> {
    const sql: Question['sql'] = sources => {
      const text = write(sources);
      const bytes = Buffer.byteLength(text);
      if (bytes > limits.eqlSqlBytesMax)
        throw new WeirError('bad_query', {
          reason: `the query is too long for the engine: ${bytes} bytes of SQL, at most ${limits.eqlSqlBytesMax}; shorten its lists, or ask in parts`,
        });
      return text;
    };
    return this.room.ask(this.tenant, { ...this.#question, sql, settings });
  }

  note(answer: Answer): void {
    const { partial, reason, readRows, readBytes } = answer.summary();
    this.read.rows += readRows;
    this.read.bytes += readBytes;
    if (partial) this.partial ??= reason ?? 'a limit was reached';
  }

  rows: Rows = async sql => {
    const answer = await this.ask(sql);
    const rows = await collect(answer);
    this.note(answer);
    return { rows, whole: !answer.summary().partial };
  };

  /** Whole events by seq. */
  async bodies<Event>(found: readonly Found[], shape: EventShape<Event>): Promise<Map<bigint, Event>> {
    const hits = new Map<bigint, Event>();
    for (let from = 0; from < found.length; from += fetchAtOnce) {
      const { rows } = await this.rows(shape.sql(this.tenant, found.slice(from, from + fetchAtOnce)));
      for (const row of rows) {
        const seq = BigInt(row.s as string);
        hits.set(seq, shape.read(row));
      }
    }
    return hits;
  }
}

/** The join keys as they were sent where that is known, else as text. */
function joinKeys<Event>(
  names: readonly string[],
  key: string,
  first: Event | undefined,
  shape: EventShape<Event>,
): unknown[] {
  if (names.length === 0) return [];
  const texts = JSON.parse(key) as (string | null)[];
  return names.map((name, i) => {
    const sent = first === undefined ? undefined : shape.sent?.(first, name);
    return sentKey(sent, texts[i] ?? null);
  });
}

/** Answer an EQL request with events of a shape. `timeout`: ms for each statement. Throws `bad_query` (line and column) and `bad_request`. */
export async function searchEql<Event>(
  room: Room,
  tenant: Tenant,
  request: EqlRequest,
  shape: EventShape<Event>,
  patience: Patience,
): Promise<EqlResult<Event>> {
  const search = new Search(room, tenant, patience);
  const { query, scope } = await understood(search, request);
  if (scope === undefined) return nothing(query.kind, search);
  if (query.kind === 'event') return events(search, query, scope, request, shape);
  return matches(search, query, scope, request, shape);
}

/**
 * The tree of an EQL request and the statement that finds its events, or the candidates of its steps; none when there is no record.
 * Throws as {@link searchEql}.
 */
export async function eqlStatement(
  room: Room,
  tenant: Tenant,
  request: EqlRequest,
  patience: Patience,
): Promise<{ tree: EqlQuery; sql: ToSql | undefined; settings: SqlSettings }> {
  const { query, scope } = await understood(new Search(room, tenant, patience), request);
  const sql =
    scope &&
    (query.kind === 'event'
      ? eventsSql(query, scope, request.size, request.position).sql
      : markedSql(query, scope).sql);
  return { tree: query, sql, settings };
}

/** The tree, and what its fields are among the records; no scope when there is no record. */
async function understood(
  search: Search,
  request: EqlRequest,
): Promise<{ query: EqlQuery; scope: EqlScope | undefined }> {
  const { room, tenant } = search;
  const query = parseEql(request.query);
  const now = nowNs();
  // Before the fields are looked for: a record that comes later may have others.
  const generation = room.partsNow()?.generation;
  const below = room.visible.knownBorder();
  const fieldOf = (name: string, optional: boolean): Field => ({ kind: 'field', path: [name], optional, at: 0 });
  const categoryField = fieldOf(request.categoryField, false);
  const timestampField = fieldOf(request.timestampField, false);
  const tiebreaker = fieldOf(request.tiebreakerField ?? 'event.sequence', request.tiebreakerField === undefined);
  const filter = request.filter === undefined ? undefined : readFilter(request.filter, request.timestampField, now);
  const range = filter?.range ?? {};
  const conditions = countTests(query) + (filter ? countIn(filter.condition) : 0);
  if (conditions > limits.eqlConditionsMax)
    throw new WeirError('bad_query', {
      reason: `${conditions} conditions are more than ${limits.eqlConditionsMax}; write many values of a field as a list: field in ("a", "b"), field : ("a*", "b*")`,
    });
  const named = [
    ...queryFields(query, categoryField),
    timestampField,
    tiebreaker,
    ...(filter ? expressionFields(filter.condition) : []),
  ];
  const known = await knownFields(named, request.declared, tenant, range, room.fields, search.rows, request.query);
  if (known.empty) return { query, scope: undefined };
  const scope: EqlScope = {
    tenant,
    range: known.columnIsTimestamp ? range : {},
    ...(below !== undefined && { seen: { below, ...(generation !== undefined && { generation }) } }),
    ...(filter && { filter: filter.condition }),
    field: field => known.field(field),
    insensitive: !request.caseSensitive,
    categoryField,
    time: known.time(timestampField),
    ...((request.tiebreakerField !== undefined || known.has('event.sequence')) && { tiebreakerField: tiebreaker }),
    nowNs: now,
    fault: (at, reason) => meaningError(request.query, at, reason),
  };
  return { query, scope };
}

function nothing<Event>(kind: EqlQuery['kind'], { partial, read }: Search): EqlResult<Event> {
  const common = { total: { value: 0, relation: 'eq' as const }, partial, read };
  return kind === 'event'
    ? { ...common, kind: 'events', events: [] }
    : { ...common, kind: 'sequences', by: [], sequences: [] };
}

async function events<Event>(
  search: Search,
  query: EventQuery,
  scope: EqlScope,
  request: EqlRequest,
  shape: EventShape<Event>,
): Promise<EqlResult<Event>> {
  const { sql, reversed, counts, limit } = eventsSql(query, scope, request.size, request.position);
  const { rows } = await search.rows(sql);
  if (reversed) rows.reverse();
  const total = { value: rows.length, relation: rows.length < limit ? ('eq' as const) : ('gte' as const) };
  if (counts) {
    const groups = rows.map(row => ({
      count: Number(row.n),
      percent: Number(row.n) / Number(row.a),
      key: row.k as (string | null)[],
    }));
    const by = query.pipes.flatMap(pipe => (pipe.kind === 'count' ? pipe.by.map(fieldName) : []));
    return { kind: 'counts', by, groups, total, partial: search.partial, read: search.read };
  }
  const found = rows.map(row => new Row(row).id);
  const hits = await search.bodies(found, shape);
  const { partial, read } = search;
  return { kind: 'events', events: found.map(({ seq }) => hits.get(seq)), total, partial, read };
}

/** `with runs=N` is N steps. */
const spelledOut = (
  query: SequenceQuery | SampleQuery,
  marks: readonly Marked[],
): (Condition & { missing: boolean })[] =>
  query.steps.flatMap((step, i) => {
    const mark = marks[i];
    if (mark === undefined) throw new Error('BUG: a step without its mark');
    return Array.from({ length: step.runs }, () => ({ ...mark, missing: step.missing }));
  });

async function matches<Event>(
  search: Search,
  query: SequenceQuery | SampleQuery,
  scope: EqlScope,
  request: EqlRequest,
  shape: EventShape<Event>,
): Promise<EqlResult<Event>> {
  const { sql, steps: marks, until } = markedSql(query, scope);
  const steps = spelledOut(query, marks);
  if (steps.length * request.size > limits.eqlEventsMax)
    throw new WeirError('bad_request', {
      reason: `[size] ${request.size} of ${steps.length} events each are more than ${limits.eqlEventsMax} events; ask for at most ${Math.floor(limits.eqlEventsMax / steps.length)}`,
    });
  const selection = new Selection<Match>(
    query.pipes,
    request.size,
    query.kind === 'sample' ? 'head' : request.position,
  );
  const answer = await search.ask(sql);
  let stopped = false;
  if (query.kind === 'sample') {
    const collector = new SampleCollector(steps, request.samplesPerKey);
    await feed(answer, collector);
    for (const match of collector.matches()) if (!selection.offer(match)) break;
    if (collector.overflowed) search.partial ??= overflow('the samples');
  } else {
    const matcher = new SequenceMatcher(
      { steps, ...(until && { until }), ...(query.maxspan !== undefined && { maxspan: query.maxspan }) },
      match => {
        stopped = !selection.offer(match);
        return !stopped;
      },
    );
    await feed(answer, matcher);
    if (!stopped) matcher.finish();
    if (matcher.overflowed) search.partial ??= overflow('the open sequences');
  }
  search.note(answer);
  const chosen = selection.result();
  const found = chosen.flatMap(match => match.events.flatMap(event => event ?? []));
  const hits = await search.bodies(found, shape);
  const by = [...query.by, ...(query.steps.find(step => !step.missing)?.by ?? [])].map(fieldName);
  const sequences = chosen.map(match => {
    const events = match.events.map(event => event && hits.get(event.seq));
    const first = events.find(event => event !== undefined);
    return { joinKeys: joinKeys(by, match.key, first, shape), events };
  });
  const whole = !stopped && search.partial === null;
  return {
    kind: 'sequences',
    by,
    sequences,
    total: { value: selection.offered, relation: whole ? 'eq' : 'gte' },
    partial: search.partial,
    read: search.read,
  };
}

const overflow = (what: string): string =>
  `${what} hold more than ${limits.eqlHeldEventsMax} events; narrow the time range, add maxspan, or make the steps more selective`;

async function feed(answer: Answer, into: { push(event: Candidate): boolean }): Promise<void> {
  for await (const batch of answer.rows) for (const row of batch) if (!into.push(new Row(row))) return;
}
