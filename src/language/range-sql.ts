import { bytesOf, durationOf, numberOf } from './convert.ts';
import { type RangeDefinition, rangeDefinition } from './functions/range.ts';
import {
  categories,
  choose,
  find,
  type Found,
  isEmpty,
  isErrorLabel,
  notEmpty,
  removeLabel,
  type Row,
  storedRow,
  withError,
} from './row.ts';
import { holds } from './held.ts';
import { failureOf } from './sample-error.ts';
import { aggregatedSizeMax, Scope } from './scope.ts';
import { selectorConditions, tenantCondition } from './selector-sql.ts';
import { and, or, quoteMap, quoteString, quoteStrings, quoteTable, quoteTime } from './sql-writer.ts';
import { applyStage, applyStages } from './stages/index.ts';
import type { Grouping, LogRange, RangeAggregation, Unwrap, Stage } from './tree.ts';
import { timeOf, type Window, windowOf } from './window.ts';
import { type MetricContext, type Vector, withClause } from './vector.ts';

/** A longer value names its aggregates so often that they are better columns of a SELECT of their own. */
const finishMax = 300;

/** The record as a sample: its row after unwrap, the conditions to be one, and its value. */
type Sample = { row: Row; where: string[]; value: string };

/** Filters behind see the unwrapped label; it is none of the series', unless the samples are grouped by it. */
function unwrapped(row: Row, unwrap: Unwrap, grouping: Grouping | undefined): Sample {
  const column = unwrap.conversion === undefined ? row.number(unwrap.label) : undefined;
  const found: Found = column
    ? { value: column.text, present: `isNotNull(${column.number})` }
    : find(row, unwrap.label);
  const convert = { none: numberOf, bytes: bytesOf, duration: durationOf, duration_seconds: durationOf }[
    unwrap.conversion ?? 'none'
  ];
  const number = column ? column.number : row.scope.bind(convert(found.numeric ?? found.value));
  const failed = choose(`isNull(${number})`, "'SampleExtractionErr'", "''");
  const details = `concat('cannot convert ', ${quoteString(unwrap.label)}, ': ', ${found.value})`;
  const some = notEmpty(found.numeric ?? found.value);
  const where = [isErrorLabel(unwrap.label) ? '0' : column ? or([found.present, some]) : some];
  // Only records with the label are samples, and a label that a parser found may prove that the parser had no error.
  const sampled = { ...row, error: row.scope.bind(row.errorWhen(unwrap.label)) };
  let after = withError(sampled, failed, details);
  for (const filter of unwrap.filters) {
    const applied = applyStage(filter, after);
    after = applied.row;
    where.push(applied.where ?? '1');
  }
  const kept = grouping && !grouping.without && grouping.labels.includes(unwrap.label);
  return { row: kept ? after : removeLabel(after, unwrap.label), where, value: `ifNull(${number}, 0.)` };
}

/**
 * Without `line_format`s whose line nothing reads: they cannot change a count, and, as in Loki, not fail it either. Bytes are those of the line.
 */
function withoutUnusedFormats(stages: readonly Stage[]): Stage[] {
  const readsLine = (stage: Stage): boolean => {
    switch (stage.kind) {
      case 'label_filter':
      case 'drop':
      case 'keep':
      case 'lookup':
        return false;
      case 'line_format':
        return stage.template.includes('__line__');
      case 'label_format':
        return stage.assignments.some(({ from }) => 'template' in from && from.template.includes('__line__'));
      default:
        return true;
    }
  };
  return stages.filter((stage, i) => stage.kind !== 'line_format' || stages.slice(i + 1).some(readsLine));
}

function sampleOf(
  range: LogRange,
  definition: RangeDefinition,
  scope: Scope,
  numbers: readonly string[] | undefined,
  grouping: Grouping | undefined,
): Sample {
  const stages = definition.input === 'bytes' ? range.stages : withoutUnusedFormats(range.stages);
  const { row, where } = applyStages(stages, storedRow(scope, { numbers }));
  if (range.unwrap) {
    const sample = unwrapped(row, range.unwrap, grouping);
    return { ...sample, where: [...where, ...sample.where] };
  }
  return { row, where, value: definition.input === 'bytes' ? `length(${row.line})` : '1' };
}

/** Columns that tell series apart, and the label map made of them. */
type Identity = { columns: string[]; names: string[]; labels: string };

/** Stands for a missing label among the columns of a grouping, since an empty one is a value. */
const absentLabel = "'\\xff\\0'";

/** The label as a column of a grouping: what is stored is never empty, so only labels that stages made can be present and empty. */
function groupColumn(row: Row, label: string): string {
  const { value, present, optional } = find(row, label);
  if (present === '1') return value;
  return optional === undefined || present === notEmpty(value)
    ? choose(present, `toString(${value})`, absentLabel)
    : `ifNull(toString(${optional}), ${absentLabel})`;
}

/**
 * `by` needs only its labels; a missing one is absent. Otherwise the whole set of labels is the identity, without those of no value where the
 * grouping is that of a vector aggregation.
 */
function identityOf(row: Row, grouping: Grouping | undefined, ofVector: boolean): Identity {
  if (grouping && !grouping.without) {
    const labels = [...new Set(grouping.labels)].sort();
    const names = labels.map((_, i) => `g${i}`);
    const pairs = labels.flatMap((label, i) => [quoteString(label), `toString(g${i})`]);
    return {
      columns: labels.map((label, i) => `${groupColumn(row, label)} AS g${i}`),
      names,
      labels: labels.length === 0 ? quoteMap({}) : `mapFilter((k, v) -> v != ${absentLabel}, map(${pairs.join(', ')}))`,
    };
  }
  const merged = [...categories]
    .reverse()
    .map(category => row.map(category))
    .reduce((a, b) => `mapUpdate(${a}, ${b})`);
  const conditions = [
    ...(grouping && grouping.labels.length > 0 ? [`k NOT IN ${quoteStrings(grouping.labels)}`] : []),
    ...(ofVector ? ["v != ''"] : []),
  ];
  const kept = conditions.length === 0 ? merged : `mapFilter((k, v) -> ${and(conditions)}, ${merged})`;
  return { columns: [`mapSort((k, v) -> k, ${kept}) AS series`], names: ['series'], labels: 'series' };
}

/** What samples are read from: identity, slice of time, value and error of each are `names`, or columns of the SELECTs that `from` is made of, one per source. */
function samplesOf(
  range: LogRange,
  sample: Sample,
  identity: Identity,
  window: Window,
  extra: string[],
  failure: string,
  context: MetricContext,
): { names: readonly string[]; from: string } {
  const { scope } = sample.row;
  const columns = [
    ...identity.columns,
    `${window.slice} AS slice`,
    ...extra,
    ...(isEmpty(failure) ? [] : [`toString(${failure}) AS failure`]),
  ];
  const conditionsOf = (i: number): string[] => {
    // Bounds that hold for all rows of the parts need not be compared.
    const held = i === 0 ? context.parts : undefined;
    const times = held?.times;
    return [
      tenantCondition(context.tenants),
      ...(times && times.from > window.after ? [] : [`timestamp > ${quoteTime(window.after)}`]),
      ...(times && times.to <= window.upTo ? [] : [`timestamp <= ${quoteTime(window.upTo)}`]),
      ...selectorConditions(range.selector),
      ...sample.where,
      window.where,
    ].filter(condition => !holds(condition, held));
  };
  const named = [['ts', 'toUnixTimestamp64Nano(timestamp)']] as const;
  const [only, another] = context.sources;
  const flat =
    only !== undefined && another === undefined
      ? scope.flat(columns, conditionsOf(0), quoteTable(only), named, aggregatedSizeMax)
      : undefined;
  if (flat) return flat;
  const legs = context.sources.map((source, i) =>
    scope.select(columns, conditionsOf(i), quoteTable(source), named, [], aggregatedSizeMax),
  );
  return { names: [], from: `FROM (${legs.join(' UNION ALL ')})` };
}

/** An aggregation over a window. `over`: the grouping of a vector aggregation that is computed in the same pass. */
export function rangeVector(query: RangeAggregation, context: MetricContext, over?: Grouping): Vector {
  const definition = rangeDefinition(query);
  const scope = new Scope();
  const grouping = over ?? query.grouping;
  // Only a sum hands its grouping down to where samples are made; min and max are merely computed in the same pass.
  const handedDown = over && definition.fusesWith !== 'sum' && query.fn !== 'absent_over_time' ? undefined : grouping;
  const sample = sampleOf(query.range, definition, scope, context.numbers, handedDown);
  const identity = identityOf(sample.row, grouping, over !== undefined);
  const failed = failureOf(sample.row.error, query.range, handedDown);
  const fails = !isEmpty(failed);
  const { rangeNs, offsetNs } = query.range;
  const window = windowOf(context, rangeNs, offsetNs);
  const used = definition.aggregates.map(a => a.args).join(' ');
  const extra = [
    ...(/\bv\b/.test(used) ? [`${sample.value} AS v`] : []),
    ...(/\bts\b/.test(used) ? ['ts', 'seq'] : []),
  ];
  const samples = samplesOf(query.range, sample, identity, window, extra, failed, context);
  // An instant query has one slice. As a second key it would cost 8 CPU-ms per million rows.
  const oneSlice = window.last === 0n;
  const state = window.spread === undefined ? '' : 'State';
  const aggregated = definition.aggregates.map(
    ({ fn, parameters = '', args }, i) => `${fn}${state}${parameters}(${args}) AS a${i}`,
  );
  let { names, from } = samples;
  let [slice, failure] = [oneSlice ? '0' : 'slice', "anyIf(failure, failure != '')"];
  if (window.spread === undefined) {
    names = [...names, ...aggregated];
    const keys = oneSlice ? identity.names : [...identity.names, 'slice'];
    // Without a key there would be a row of no record.
    from += keys.length > 0 ? ` GROUP BY ${keys.join(', ')}` : ' HAVING count() > 0';
  } else {
    const keys = [...identity.names, 'slice'].join(', ');
    const failed = fails ? [`${failure} AS failed`] : [];
    const sliced = `${withClause(names)}SELECT ${[keys, ...aggregated, ...failed].join(', ')} ${from} GROUP BY ${keys}`;
    const states = definition.aggregates.map((_, i) => `a${i} AS m${i}`);
    const fanned = `SELECT ${[...identity.names, `arrayJoin(${window.spread}) AS k`, ...states, ...(fails ? ['failed'] : [])].join(', ')} FROM (${sliced})`;
    names = definition.aggregates.map(({ fn, parameters = '' }, i) => `${fn}Merge${parameters}(m${i}) AS a${i}`);
    from = `FROM (${fanned}) GROUP BY ${[...identity.names, 'k'].join(', ')}`;
    [slice, failure] = ['k', "anyIf(failed, failed != '')"];
  }
  const time = timeOf(context, slice);
  const results = definition.aggregates.map((_, i) => `a${i}`);
  const value = definition.finish(results, Number(rangeNs) / 1e9, `(${time} - ${offsetNs})`);
  const vector = { metric: identity.labels, t: time, value, fails };
  if (value.length <= finishMax) return { ...vector, names, from, error: fails ? failure : "''" };
  const columns = [
    ...identity.names,
    ...(oneSlice ? [] : [slice]),
    ...results,
    ...(fails ? [`${failure} AS failed`] : []),
  ];
  return {
    ...vector,
    names: [],
    from: `FROM (${withClause(names)}SELECT ${columns.join(', ')} ${from})`,
    error: fails ? 'failed' : "''",
  };
}
