import { availableParallelism } from 'node:os';
import { numberOf } from '../convert.ts';
import { recordColumns } from '../../base/record.ts';
import { conditionsOf, type Matching, namesAreColumns, rowColumns, type ToSql } from '../logs-sql.ts';
import { choose, find, type Row } from '../row.ts';
import { Scope } from '../scope.ts';
import { logqlName } from '../search/fields.ts';
import { and } from '../sql-writer.ts';
import type { LogQuery } from '../tree.ts';
import type { Shape, SortKey, Stats, StatsColumn } from './shape.ts';

export type TableColumn = { name: string; type: 'text' | 'number' };
/** `table`: columns `c0`, `c1` ... of the statement, in order; absent when it gives rows of the shape of QueryRow. */
export type Shaped = { sql: ToSql; settings: Record<string, string | number>; table?: TableColumn[] };

/**
 * A field as text; `''` where a record lacks it. The line and the time have the names that templates give them; `level` and `service` are those of the
 * record where it has no label of that name, as in search texts.
 */
function fieldOf(row: Row, name: string): string {
  if (name === '__line__') return row.line;
  if (name === '__timestamp__') return 'toString(toUnixTimestamp64Nano(timestamp))';
  const found = find(row, name);
  const other = logqlName[name];
  return other === undefined ? found.value : choose(found.present, found.value, find(row, other).value);
}

/** A number in a text; `NaN` and `inf` are texts, and would make sums of nothing. */
const amountOf = (key: string): string => `if(isFinite(${numberOf(key)}), ${numberOf(key)}, NULL)`;

/** Numbers in the order of their values before everything else, which goes by text; empty values last. */
function orderBy(key: string, { descending }: Pick<SortKey, 'descending'>): string {
  const way = descending ? 'DESC' : 'ASC';
  const value = amountOf(key);
  return `multiIf(isNotNull(${value}), 0, ${key} != '', 1, 2), ${value} ${way} NULLS LAST, ${key} ${way}`;
}

/** The value of a column as text, '' when there is none. `key`: the column that holds the field. */
function aggregate({ fn, quantile }: StatsColumn, key: string | undefined): string {
  if (key === undefined) return 'count()';
  const number = amountOf(key);
  switch (fn) {
    case 'count':
      return `countIf(${key} != '')`;
    case 'uniq':
      return `uniqExactIf(${key}, ${key} != '')`;
    case 'first':
      return `argMinIf(${key}, (timestamp, seq), ${key} != '')`;
    case 'last':
      return `argMaxIf(${key}, (timestamp, seq), ${key} != '')`;
    case 'stddev':
      return `stddevPopStable(${number})`;
    case 'median':
      return `quantileExactInclusive(0.5)(${number})`;
    case 'quantile':
      return `quantileExactInclusive(${Number(quantile)})(${number})`;
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
      return `${fn}(${number})`;
  }
}

const isText = ({ fn }: StatsColumn): boolean => fn === 'first' || fn === 'last';

/** Fields that shapes look at, up to the first that makes a table. */
function fieldsOf(shapes: readonly Shape[]): string[] {
  const names: string[] = [];
  for (const shape of shapes) {
    if (shape.kind === 'distinct') names.push(...shape.fields);
    if (shape.kind === 'sort') names.push(...shape.keys.map(k => k.field));
    if (shape.kind === 'stats') {
      names.push(...shape.by, ...shape.columns.flatMap(c => c.field ?? []));
      break;
    }
  }
  return [...new Set(names)];
}

/** SQL so far, the order its rows are wanted in, and where fields stand in it. */
type State = { sql: string; order: string; column: (field: string) => string };

function withStats(state: State, stats: Stats): State {
  const by = stats.by.map((field, i) => `${state.column(field)} AS c${i}`);
  const made = stats.columns.map(
    (c, i) =>
      `ifNull(toString(${aggregate(c, c.field === undefined ? undefined : state.column(c.field))}), '') AS c${by.length + i}`,
  );
  const names = [...stats.by, ...stats.columns.map(c => c.name)];
  const groups = stats.by.map((_, i) => `c${i}`);
  return {
    sql: `SELECT ${[...by, ...made].join(', ')} FROM (${state.sql})${groups.length > 0 ? ` GROUP BY ${groups.join(', ')}` : ''}`,
    // What is most comes first.
    order: [orderBy(`c${by.length}`, { descending: true }), ...groups].join(', '),
    column: field => `c${names.indexOf(field)}`,
  };
}

function withShape(state: State, shape: Shape): State {
  switch (shape.kind) {
    case 'distinct':
      return {
        ...state,
        sql: `SELECT * FROM (${state.sql}) ORDER BY ${state.order} LIMIT 1 BY ${shape.fields.map(state.column).join(', ')}`,
      };
    case 'sort':
      return {
        ...state,
        order: [...shape.keys.map(key => orderBy(state.column(key.field), key)), state.order].join(', '),
      };
    case 'limit':
      return { ...state, sql: `SELECT * FROM (${state.sql}) ORDER BY ${state.order} LIMIT ${shape.rows}` };
    case 'context':
      return {
        ...state,
        sql: `SELECT * FROM (SELECT *, max(hit) OVER (PARTITION BY stream ORDER BY timestamp, seq ROWS BETWEEN ${shape.records} PRECEDING AND ${shape.records} FOLLOWING) AS near FROM (${state.sql})) WHERE near = 1`,
      };
    case 'stats':
      return withStats(state, shape);
  }
}

/** The rows of a log query through its shapes, the first `limit` of them. */
export function shapedSql(
  query: LogQuery,
  shapes: readonly Shape[],
  matching: Matching,
  order: { direction: 'backward' | 'forward'; limit?: number },
): Shaped {
  const scope = new Scope();
  const { row, where } = conditionsOf(query, matching, scope);
  const stats = shapes.find(shape => shape.kind === 'stats');
  const hasContext = shapes[0]?.kind === 'context';
  // With context the neighbours are read too: all of the selector, with a mark on what matches.
  const condition = and(hasContext ? conditionsOf({ ...query, stages: [] }, matching, scope).where : where);
  const fields = fieldsOf(shapes);
  const keys = fields.map((name, i) => `toString(${fieldOf(row, name)}) AS f${i}`);
  const inner = [
    ...(stats ? ['timestamp', 'seq'] : recordColumns),
    ...(hasContext ? ['stream', `toUInt8(${and(where)}) AS hit`] : []),
    ...keys,
  ];
  const head = `${scope.with([...inner, condition])}SELECT ${inner.join(', ')}`;
  const way = order.direction === 'backward' ? 'DESC' : 'ASC';
  const cut = order.limit === undefined ? '' : ` LIMIT ${order.limit}`;
  const columns = rowColumns(query, row);
  return {
    sql: sources => {
      let state: State = {
        sql: sources.records.map(table => `${head} FROM ${table} WHERE ${condition}`).join(' UNION ALL '),
        order: `timestamp ${way}, seq ${way}`,
        column: field => `f${fields.indexOf(field)}`,
      };
      for (const shape of shapes) state = withShape(state, shape);
      const sorted = `SELECT * FROM (${state.sql}) ORDER BY ${state.order}${cut}`;
      if (stats) return sorted;
      const shown = hasContext ? [...columns, 'hit = 0 AS context'] : columns;
      return `${scope.with(shown)}SELECT ${shown.join(', ')} FROM (${sorted}) ORDER BY ${state.order}`;
    },
    settings: { ...namesAreColumns, max_threads: Math.max(1, Math.floor(availableParallelism() / 2)) },
    ...(stats && {
      table: [
        ...stats.by.map((name): TableColumn => ({ name, type: 'text' })),
        ...stats.columns.map((c): TableColumn => ({ name: c.name, type: isText(c) ? 'text' : 'number' })),
      ],
    }),
  };
}
