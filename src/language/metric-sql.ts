import { WeirError } from '../base/errors.ts';
import { binaryVector } from './binary-sql.ts';
import { rangeDefinition } from './functions/range.ts';
import { rangeVector } from './range-sql.ts';
import { isFiltered, stepsApart } from './scope.ts';
import { quoteMap, quoteNumber, quoteString, quoteStrings } from './sql-writer.ts';
import { wholeRegex } from './stages/stage.ts';
import { readRegex } from './regex.ts';
import type { Grouping, LabelReplace, MetricQuery, RangeAggregation, VectorAggregation } from './tree.ts';
import { answerSql, type MetricContext, type Vector, vectorOf, vectorSql } from './vector.ts';
import { foldLiterals } from './literals.ts';
import { valueOrder } from './order.ts';
import { lastIndex, timeOf } from './window.ts';

/** SQL: the labels that a grouping leaves. As in Loki, labels without a value get lost under `without` only. */
function grouped(grouping: Grouping | undefined): string {
  if (grouping?.without)
    return `mapFilter((k, v) -> v != ''${grouping.labels.length > 0 ? ` AND k NOT IN ${quoteStrings(grouping.labels)}` : ''}, metric)`;
  if (!grouping || grouping.labels.length === 0) return quoteMap({});
  return `mapFilter((k, v) -> k IN ${quoteStrings(grouping.labels)}, metric)`;
}

const aggregates: Partial<Record<VectorAggregation['fn'], string>> = {
  sum: 'sum(value)',
  avg: 'avg(value)',
  min: 'if(countIf(NOT isNaN(value)) = 0, nan, minIf(value, NOT isNaN(value)))',
  max: 'if(countIf(NOT isNaN(value)) = 0, nan, maxIf(value, NOT isNaN(value)))',
  count: 'toFloat64(count())',
  stddev: 'stddevPopStable(value)',
  stdvar: 'varPopStable(value)',
};

/** Label sets in the order of their names and values. */
export const labelOrder = (labels: string): string => `CAST(${labels}, 'Array(Tuple(String, String))')`;

function vectorAggregation(query: VectorAggregation, context: MetricContext): Vector {
  const { fn, inner, grouping } = query;
  if (fn === 'sort' || fn === 'sort_desc') return metricVector(inner, context);
  if (
    inner.kind === 'range' &&
    inner.fn !== 'absent_over_time' &&
    !inner.grouping &&
    rangeDefinition(inner).fusesWith === fn
  ) {
    return rangeVector(inner, context, grouping ?? { without: false, labels: [] });
  }
  const from = metricVector(inner, context);
  const aggregate = aggregates[fn];
  if (aggregate !== undefined) {
    const error = from.fails ? "anyIf(error, error != '')" : "''";
    return {
      ...from,
      names: [],
      metric: 'g',
      t: 't',
      value: aggregate,
      error,
      from: `FROM (SELECT ${grouped(grouping)} AS g, t, value, error FROM (${vectorSql(from)})) GROUP BY g, t`,
    };
  }
  const order = fn === 'bottomk' ? 'ASC' : 'DESC';
  const ranked = `SELECT metric, t, value, error FROM (SELECT ${grouped(grouping)} AS g, * FROM (${vectorSql(from)}))`;
  const first = `${ranked} ORDER BY error DESC, value ${order}, ${labelOrder('metric')} LIMIT ${query.parameter ?? 1} BY g, t`;
  return vectorOf(first, from.fails);
}

function absent(query: RangeAggregation, context: MetricContext): Vector {
  const present = rangeVector(query, context, { without: false, labels: [] });
  const sql = vectorSql(present);
  const { selector } = query.range;
  const equal = selector.filter(
    m => m.op === '=' && m.value !== '' && selector.filter(other => other.name === m.name).length === 1,
  );
  const labels = quoteMap(
    Object.fromEntries(equal.map(m => [m.name, m.value] as const).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  const times = `SELECT ${labels} AS metric, ${timeOf(context, 'number')} AS t, toFloat64(1) AS value, '' AS error FROM numbers(${lastIndex(context) + 1n})`;
  const missing = `${times} WHERE t NOT IN (SELECT t FROM (${sql}))`;
  return vectorOf(
    present.fails ? `${missing} UNION ALL SELECT * FROM (${sql}) WHERE error != ''` : missing,
    present.fails,
  );
}

function labelReplace(query: LabelReplace, context: MetricContext): Vector {
  const from = metricVector(query.inner, context);
  const names = readRegex(query.regex).groups;
  const regex = quoteString(wholeRegex(query.regex));
  const source = `metric[${quoteString(query.source)}]`;
  const groups = query.replacement.split(/(\$\$|\$\{\w+\}|\$\w+)/).map((piece, i) => {
    if (i % 2 === 0) return quoteString(piece);
    if (piece === '$$') return "'$'";
    const name = piece.replace(/[${}]/g, '');
    const index = /^\d+$/.test(name) ? Number(name) : names.indexOf(name) + 1;
    if (index === 0 && name === '0') return source;
    return index > 0 && index <= names.length ? `extractGroups(${source}, ${regex})[${index}]` : "''";
  });
  const fresh = `concat('', ${groups.join(', ')})`;
  const target = quoteString(query.target);
  // Where the expression matches, labels without a value are gone too.
  const without = `mapFilter((k, v) -> k != ${target} AND v != '', metric)`;
  const changed = `if(fresh = '', ${without}, mapSort((k, v) -> k, mapUpdate(${without}, map(${target}, fresh))))`;
  const sql = `SELECT if(match(${source}, ${regex}), ${changed}, metric) AS replaced, ${fresh} AS fresh, t, value, error FROM (${vectorSql(from)})`;
  return { ...vectorOf(sql, from.fails), metric: 'replaced' };
}

/** Any metric expression but a lone number. */
export function metricVector(query: MetricQuery, context: MetricContext): Vector {
  switch (query.kind) {
    case 'range':
      return query.fn === 'absent_over_time' ? absent(query, context) : rangeVector(query, context);
    case 'vector_aggregation':
      return vectorAggregation(query, context);
    case 'label_replace':
      return labelReplace(query, context);
    case 'binary':
      return binaryVector(query, context, metricVector);
    case 'vector':
    case 'literal': {
      return {
        names: [],
        metric: quoteMap({}),
        t: timeOf(context, 'number'),
        value: quoteNumber(query.value),
        error: "''",
        from: `FROM numbers(${lastIndex(context) + 1n})`,
        fails: false,
      };
    }
  }
}

export type MetricOptions = MetricContext;
/** `metric` (map of labels), `time` (ns, Int64), `value` (text of a Float64: `nan`, `inf` possible), `error` ('' or why the query fails; see {@link metricFault}). */
export const metricColumns = ['metric', 'time', 'value', 'error'] as const;
export type CompiledMetric = {
  sql: string;
  columns: readonly string[];
  /** `scalar`: the query is a number without vector; the one series has no labels. */
  kind: 'vector' | 'scalar';
  /** True when an instant query sorts by value (see {@link valueOrder}); otherwise rows come by label set and time. */
  ordered: boolean;
};

/** Whether an answer has one series at most: of an aggregation without labels. */
export const hasOneSeries = (query: MetricQuery): boolean =>
  query.kind === 'vector_aggregation' &&
  aggregates[query.fn] !== undefined &&
  !query.grouping?.without &&
  (query.grouping?.labels ?? []).length === 0;

const apartClause = ` SETTINGS ${Object.entries(stepsApart)
  .map(([name, value]) => `${name} = ${value}`)
  .join(', ')}`;

/** SQL of a metric query at start, start+step, ... <= end (an instant query has start = end). */
export function compileMetric(tree: MetricQuery, context: MetricOptions): CompiledMetric {
  const query = foldLiterals(tree);
  const instant = lastIndex(context) === 0n;
  const sql = answerSql(metricVector(query, context));
  const order = instant ? valueOrder(query) : undefined;
  const first = order ? [`toFloat64(value) ${order}`] : [];
  // Rows of one series need no order of labels, one row none at all: sorting costs 0.4 CPU-ms of planning.
  const keys = hasOneSeries(query) ? (instant ? [] : ['time']) : [...first, labelOrder('metric'), 'time'];
  return {
    sql: `${sql}${keys.length > 0 ? ` ORDER BY ${keys.join(', ')}` : ''}${isFiltered(sql) ? apartClause : ''}`,
    columns: metricColumns,
    kind: query.kind === 'literal' ? 'scalar' : 'vector',
    ordered: order !== undefined,
  };
}

/** The error of a metric query one of whose rows has a non-empty `error`. */
export function metricFault(error: string, labels: Readonly<Record<string, string>>): WeirError {
  if (!/^\w+Err$/.test(error)) return new WeirError('bad_query', { reason: error });
  const series = `{${Object.entries({ ...labels, __error__: error })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${k}=${JSON.stringify(v)}`)
    .join(', ')}}`;
  return new WeirError('bad_query', {
    reason: `pipeline error: '${error}' for series: '${series}'.\nUse a label filter to intentionally skip this error. (e.g | __error__!="${error}").\nTo skip all potential errors you can match empty errors.(e.g __error__="")\nThe label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )\n`,
  });
}
