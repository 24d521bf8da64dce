import { limits } from '../../base/limits.ts';
import type { Tenant } from '../../base/record.ts';
import { recordColumns } from '../../base/record.ts';
import { rowColumns, type ToSql } from '../logs-sql.ts';
import { storedRow } from '../row.ts';
import { Scope } from '../scope.ts';
import { tenantCondition } from '../selector-sql.ts';
import { and, or, quoteInteger, quoteString, quoteTime } from '../sql-writer.ts';
import { type ConditionContext, conditionSql, filterSql } from './condition.ts';
import { columnNs, type FieldSql, unlessEmptyList } from './fields.ts';
import type { EventFilter, EventQuery, Expression, Field, Pipe, SampleQuery, SequenceQuery } from './tree.ts';

/** What a query is asked of, beside its text. */
export type EqlScope = {
  tenant: Tenant;
  /** ns since 1970, both inclusive; of the column `timestamp`, where the primary key can skip. */
  range: { start?: bigint; end?: bigint };
  /** Records from `below` on are not looked at: what is known of fields need not hold for them. Those in parts of the generation, where one is given, are below. */
  seen?: { below: bigint; generation?: number };
  /** Query DSL, as conditions. */
  filter?: Expression;
  field(field: Field): FieldSql;
  insensitive: boolean;
  categoryField: Field;
  /** SQL: ns by which events are in order. */
  time: string;
  tiebreakerField?: Field;
  nowNs: bigint;
  fault(at: number, reason: string): Error;
};

type Part = { sql: string; as: string };

/** SQL of a text as it orders: numbers before texts, by value. */
const ordering = (text: string): string => `(toFloat64OrNull(${text}), ${text})`;

class Select {
  readonly scope = new Scope();
  readonly context: ConditionContext;
  readonly parts: Part[];
  readonly where: string[];
  /** Names by which the rows are in order: time, tiebreaker, arrival. */
  readonly order: string[] = ['t'];
  /** The same inside one table: by the column itself the engine reads in order of its key. */
  readonly tableOrder: string[];
  readonly #seen: EqlScope['seen'];

  constructor(asked: EqlScope) {
    this.#seen = asked.seen;
    this.context = { ...asked, scope: this.scope };
    this.where = [tenantCondition([asked.tenant])];
    const { start, end } = asked.range;
    if (start !== undefined) this.where.push(`timestamp >= ${quoteTime(start)}`);
    if (end !== undefined) this.where.push(`timestamp <= ${quoteTime(end)}`);
    if (asked.filter) this.where.push(conditionSql(asked.filter, this.context));
    this.parts = [{ sql: 'seq', as: 's' }];
    const { time } = asked;
    if (time === columnNs) this.parts.unshift({ sql: columnNs, as: 't' });
    else {
      const ns = this.scope.bind(time);
      this.where.push(`isNotNull(${ns})`);
      this.parts.unshift({ sql: `assumeNotNull(${ns})`, as: 't' }, { sql: columnNs, as: 'c' });
    }
    if (asked.tiebreakerField) {
      this.parts.push({ sql: ordering(this.text(asked.tiebreakerField)), as: 'b' });
      this.order.push('b');
    }
    this.order.push('s');
    this.tableOrder = this.order.map(name => (name === 't' && time === columnNs ? 'timestamp' : name));
  }

  /** A field as Nullable(String). */
  text(field: Field): string {
    const found = this.context.field(field);
    return found.type === 'time'
      ? `toNullable(toString(toUnixTimestamp64Nano(timestamp)))`
      : this.scope.bind(found.exact);
  }

  /** A field to join by: an array without values is a missing one. */
  joinText(field: Field): string {
    const found = this.context.field(field);
    const text = this.text(field);
    return found.type === 'text' && found.lists ? this.scope.bind(unlessEmptyList(text)) : text;
  }

  /** Rows of every source; `cut` orders and limits those of each. */
  union(cut = ''): ToSql {
    const columns = this.parts.map(part => `${part.sql} AS ${part.as}`);
    const condition = and(this.where);
    const length = this.scope.weight(...columns, condition);
    if (length > limits.eqlSpelledOutMax)
      throw this.context.fault(
        0,
        `the query becomes too much for the engine (${length} characters, at most ${limits.eqlSpelledOutMax}); nest functions less deeply, or ask in parts`,
      );
    const head = `${this.scope.with([...columns, condition])}SELECT ${columns.join(', ')} FROM`;
    return sources =>
      sources.records
        .map((table, i) => `(${head} ${table} WHERE ${and([condition, ...this.#border(sources, i === 0)])}${cut})`)
        .join(' UNION ALL ');
  }

  /** Where others write into the store, too, the numbers of their records say nothing. */
  #border({ parts }: Parameters<ToSql>[0], ofParts: boolean): string[] {
    if (this.#seen === undefined || parts === undefined) return [];
    const { below, generation } = this.#seen;
    return ofParts && parts.generation === generation ? [] : [`seq < ${quoteInteger(below)}`];
  }
}

const orderBy = (names: readonly string[], way: 'ASC' | 'DESC'): string =>
  ` ORDER BY ${names.map(name => `${name} ${way}`).join(', ')}`;

export type EventsSql = {
  sql: ToSql;
  /** The newest come first and are to be turned round. */
  reversed: boolean;
  /** Rows are groups: `n` events with the values `k`. */
  counts: boolean;
  /** A step of the pipeline or the size may have left matches out. */
  limit: number;
};

/**
 * The events of an event query after its pipes, at most `size` of them: `t` ns, `s` seq (and `c`, the ns of the column when events are
 * ordered by another field). The cut by size takes the side that the last head or tail took, else `position`.
 */
export function eventsSql(query: EventQuery, asked: EqlScope, size: number, position: 'head' | 'tail'): EventsSql {
  const select = new Select(asked);
  select.where.push(filterSql(query.event, select.context));
  const names = new Map<Pipe, string[]>();
  for (const pipe of query.pipes) {
    if (!('by' in pipe)) continue;
    const columns = pipe.by.map(field => {
      const as = `p${select.parts.length}`;
      const text = select.text(field);
      select.parts.push({ sql: pipe.kind === 'sort' ? ordering(text) : text, as });
      return as;
    });
    names.set(pipe, columns);
  }
  const side = query.pipes.reduce((kept, { kind }) => (kind === 'head' || kind === 'tail' ? kind : kept), position);
  const cuts: Pipe[] = [...query.pipes, { kind: side, count: size, at: 0 }];
  let { order } = select;
  let counts = false;
  const wraps: ((inner: string) => string)[] = [];
  const first = cuts[0];
  const way = (kind: string): 'ASC' | 'DESC' => (kind === 'head' ? 'ASC' : 'DESC');
  for (const pipe of cuts) {
    const by = names.get(pipe) ?? [];
    const now = order;
    if (pipe.kind === 'head' || pipe.kind === 'tail') {
      wraps.push(inner => `SELECT * FROM (${inner})${orderBy(now, way(pipe.kind))} LIMIT ${pipe.count}`);
    } else if (pipe.kind === 'sort') {
      order = [...by, ...now];
    } else if (pipe.kind === 'unique') {
      wraps.push(inner => `SELECT * FROM (${inner})${orderBy(now, 'ASC')} LIMIT 1 BY ${by.join(', ')}`);
    } else {
      counts = true;
      const key = by.length === 0 ? "CAST([], 'Array(Nullable(String))')" : `[${by.join(', ')}]`;
      wraps.push(
        inner =>
          `SELECT ${key} AS k, count() AS n, sum(count()) OVER () AS a FROM (${inner}) GROUP BY ${by.length === 0 ? 'tuple()' : by.join(', ')}`,
      );
      order = ['n', 'k'];
    }
  }
  const cut =
    first && (first.kind === 'head' || first.kind === 'tail')
      ? `${orderBy(select.tableOrder, way(first.kind))} LIMIT ${first.count}`
      : '';
  const rows = select.union(cut);
  return {
    sql: sources => wraps.reduce((inner, wrap) => wrap(inner), rows(sources)),
    reversed: side === 'tail',
    counts,
    limit: size,
  };
}

/** A condition whose rows are told from others by bit `bit` of `m` (bits 31 and up: of `h`), with its join key in column `key`. */
export type Marked = { bit: number; key: string };

export type MarkedSql = { sql: ToSql; steps: Marked[]; until?: Marked };

/**
 * The events that meet any step of a sequence, in order, or of a sample, as they arrived: `t` ns, `s` seq, `m` (and `h`) which steps, and the join keys as JSON arrays.
 * A step whose join key has a missing value is not met, unless the key is optional.
 */
export function markedSql(query: SequenceQuery | SampleQuery, asked: EqlScope): MarkedSql {
  // Samples do not look at time: of several events the first to arrive counts, and one without a time counts too.
  const sample = query.kind === 'sample';
  const select = new Select(sample ? { ...asked, time: columnNs } : asked);
  const until = query.kind === 'sequence' ? query.until : undefined;
  const keys = new Map<string, string>();
  const conditions: string[] = [];
  const mark = (event: EventFilter, by: readonly Field[]): Marked => {
    const fields = [...query.by, ...by];
    const texts = fields.map(field => select.joinText(field));
    const known = fields.flatMap((field, i) => (field.optional ? [] : [`isNotNull(${texts[i]})`]));
    const condition = and([filterSql(event, select.context), ...known]);
    let bit = conditions.indexOf(condition);
    const text = texts.length === 0 ? "''" : `toJSONString([${texts.join(', ')}])`;
    const as = keys.get(text) ?? `k${keys.size}`;
    keys.set(text, as);
    if (bit < 0) bit = conditions.push(condition) - 1;
    return { bit, key: as };
  };
  const steps = query.steps.map(step => mark(step.event, step.by));
  const end = until && mark(until.event, until.by);
  const bits = (from: number, to: number): string =>
    `toUInt32(${
      conditions
        .slice(from, to)
        .map((c, i) => `bitShiftLeft(toUInt32(${select.scope.bind(`(${c}) = 1`)}), ${i})`)
        .join(' + ') || '0'
    })`;
  select.parts.push({ sql: bits(0, bitsOfMask), as: 'm' });
  if (conditions.length > bitsOfMask) select.parts.push({ sql: bits(bitsOfMask, 2 * bitsOfMask), as: 'h' });
  for (const [sql, as] of keys) select.parts.push({ sql, as });
  select.where.push(or(conditions.map(c => select.scope.bind(`(${c}) = 1`))));
  const rows = select.union();
  const columns = select.parts.filter(part => part.as !== 'b').map(part => part.as);
  return {
    sql: sources =>
      `SELECT ${columns.join(', ')} FROM (${rows(sources)})${orderBy(sample ? ['s'] : select.order, 'ASC')}`,
    steps,
    ...(end && { until: end }),
  };
}

/** Bits of one number that JavaScript shifts without a sign. */
export const bitsOfMask = 31;

type Address = { ns: bigint; seq: bigint };

/** Rows by (ns of the column, seq). */
function addressed(tenant: Tenant, rows: readonly Address[]): string {
  const times = [...new Set(rows.map(row => row.ns))].map(quoteTime).join(', ');
  return and([
    tenantCondition([tenant]),
    `timestamp IN (${times})`,
    `seq IN (${rows.map(row => quoteInteger(row.seq)).join(', ')})`,
  ]);
}

/** Whole events, as they are stored. */
export function bodiesSql(tenant: Tenant, rows: readonly Address[]): ToSql {
  const condition = addressed(tenant, rows);
  return sources =>
    sources.records
      .map(
        table =>
          `SELECT seq AS s, toUnixTimestamp64Nano(timestamp) AS t, toString(message) AS message, CAST(labels, 'Map(String, String)') AS labels, CAST(attributes, 'Map(String, String)') AS attributes, trace_id, span_id, toString(door) AS door FROM ${table} WHERE ${condition}`,
      )
      .join(' UNION ALL ');
}

/** The same events in the shape of QueryRow (query/contract.ts), and `s`. */
export function eventRowsSql(tenant: Tenant, rows: readonly Address[]): ToSql {
  const scope = new Scope();
  const columns = [...rowColumns({ kind: 'logs', selector: [], stages: [] }, storedRow(scope)), 'seq AS s'];
  const head = `${scope.with(columns)}SELECT ${columns.join(', ')}`;
  const condition = addressed(tenant, rows);
  return sources => {
    const legs = sources.records.map(table => `SELECT ${recordColumns.join(', ')} FROM ${table} WHERE ${condition}`);
    return `${head} FROM (${legs.join(' UNION ALL ')})`;
  };
}

/** A source and its times that are looked at. */
type Leg = { table: string; span: EqlScope['range'] };
export type KeyLeg = Leg & { condition: string; name: string };

/** Names of attributes (`a`) and labels (`l`) of records, and how many there are (`n`). */
export const keysSql = (tenant: Tenant, legs: readonly Leg[]): string =>
  legs
    .map(
      ({ table, span }) =>
        `SELECT groupUniqArrayArray(mapKeys(attributes)) AS a, groupUniqArrayArray(mapKeys(labels)) AS l, count() AS n FROM ${table} WHERE ${inSpan(tenant, span)}`,
    )
    .join(' UNION ALL ') || 'SELECT [] AS a, [] AS l, 0 AS n';

/** One row `f`, the name, for each condition that some record meets. */
export const anySql = (tenant: Tenant, legs: readonly KeyLeg[]): string =>
  legs
    .map(
      ({ table, span, condition, name }) =>
        `SELECT ${quoteString(name)} AS f FROM (SELECT 1 FROM ${table} WHERE ${inSpan(tenant, span)} AND (${condition}) LIMIT 1)`,
    )
    .join(' UNION ALL ') || "SELECT '' AS f WHERE 0";

const inSpan = (tenant: Tenant, { start, end }: EqlScope['range']): string =>
  and([
    tenantCondition([tenant]),
    ...(start === undefined ? [] : [`timestamp >= ${quoteTime(start)}`]),
    ...(end === undefined ? [] : [`timestamp <= ${quoteTime(end)}`]),
  ]);
