import type {
  Binary,
  BinaryOperator,
  Grouping,
  LabelReplace,
  MetricQuery,
  VectorAggregation,
} from '../../../src/language/tree.ts';
import type { LoadedRecord } from '../script.ts';
import { byName, grouped, type LabelSet, type Point, QueryFault, variance, windowOf } from './samples.ts';

/** A metric query at one time: a number, or a vector in the order in which an instant query would show it. */
export type Value = number | Point[];

const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export function compareLabels(a: LabelSet, b: LabelSet): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [[nameA, valueA], [nameB, valueB]] = [a[i] ?? ['', ''], b[i] ?? ['', '']];
    const order = compareText(nameA, nameB) || compareText(valueA, valueB);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

const everything: Grouping = { without: false, labels: [] };
const handsDown = new Set(['count_over_time', 'rate', 'bytes_rate', 'bytes_over_time', 'sum_over_time']);

/** What is left where labels are put together anew. */
const withoutEmpty = (labels: LabelSet): LabelSet => labels.filter(([, value]) => value !== '');

function groupsOf(points: readonly Point[], grouping: Grouping): { labels: LabelSet; points: Point[] }[] {
  const groups = new Map<string, { labels: LabelSet; points: Point[] }>();
  for (const point of points) {
    const labels = grouped(grouping.without ? withoutEmpty(point.labels) : point.labels, grouping);
    const key = JSON.stringify(labels);
    const known = groups.get(key);
    if (known) known.points.push(point);
    else groups.set(key, { labels, points: [point] });
  }
  return [...groups.values()];
}

function aggregate(fn: VectorAggregation['fn'], values: readonly number[]): number {
  const sum = values.reduce((a, b) => a + b, 0);
  const mean = sum / values.length;
  const numbers = values.filter(value => !Number.isNaN(value));
  switch (fn) {
    case 'sum':
      return sum;
    case 'avg':
      return mean;
    case 'min':
      return numbers.length === 0 ? Number.NaN : Math.min(...numbers);
    case 'max':
      return numbers.length === 0 ? Number.NaN : Math.max(...numbers);
    case 'count':
      return values.length;
    default: {
      // The deviation of one series is 0 whatever its value.
      const squared = values.length === 1 ? 0 : variance(values);
      return fn === 'stddev' ? Math.sqrt(squared) : squared;
    }
  }
}

/** By value, NaN last, then by labels. */
const byValue = (points: readonly Point[], direction: 1 | -1): Point[] =>
  points.toSorted((a, b) => {
    if (Number.isNaN(a.value) || Number.isNaN(b.value))
      return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) || compareLabels(a.labels, b.labels);
    return a.value === b.value ? compareLabels(a.labels, b.labels) : (a.value - b.value) * direction;
  });

/** Arithmetic of LogQL: dividing by zero is NaN. */
export function calculate(op: BinaryOperator, a: number, b: number): number {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? Number.NaN : a / b;
    case '%':
      return b === 0 ? Number.NaN : a % b;
    case '^':
      return a === 1 ? 1 : a ** b;
    default:
      return Number(holds(op, a, b));
  }
}

const comparisons: Partial<Record<BinaryOperator, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};
const holds = (op: BinaryOperator, a: number, b: number): boolean => comparisons[op]?.(a, b) ?? false;

class Evaluator {
  readonly records: readonly LoadedRecord[];
  readonly atNs: bigint;

  constructor(records: readonly LoadedRecord[], atNs: bigint) {
    this.records = records;
    this.atNs = atNs;
  }

  vector(query: MetricQuery): Point[] {
    const value = this.value(query);
    if (typeof value === 'number') throw new Error('a number where a vector belongs');
    return value;
  }

  value(query: MetricQuery): Value {
    switch (query.kind) {
      case 'literal':
        return query.value;
      case 'vector':
        return [{ labels: [], value: query.value }];
      case 'range':
        return windowOf(this.records, query, this.atNs);
      case 'vector_aggregation':
        return this.aggregation(query);
      case 'label_replace':
        return this.labelReplace(query);
      case 'binary':
        return this.binary(query);
    }
  }

  aggregation({ fn, inner, grouping = everything, parameter = 0 }: VectorAggregation): Point[] {
    const direct = fn === 'sum' && inner.kind === 'range' && handsDown.has(inner.fn);
    const points = direct ? windowOf(this.records, inner, this.atNs, grouping) : this.vector(inner);
    if (fn === 'sort') return byValue(points, 1);
    if (fn === 'sort_desc') return byValue(points, -1);
    const groups = groupsOf(points, grouping);
    if (fn === 'topk' || fn === 'approx_topk' || fn === 'bottomk')
      return groups.flatMap(group => byValue(group.points, fn === 'bottomk' ? 1 : -1).slice(0, parameter));
    return groups.map(group => ({
      labels: group.labels,
      value: aggregate(
        fn,
        group.points.map(point => point.value),
      ),
    }));
  }

  labelReplace({ inner, source, target, regex, replacement }: LabelReplace): Point[] {
    const whole = new RegExp(`^(?:${regex.replaceAll('(?P<', '(?<')})$`, 's');
    return this.vector(inner).map(point => {
      const found = whole.exec(point.labels.find(([name]) => name === source)?.[1] ?? '');
      if (!found) return point;
      const value = replacement.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (piece, braced?: string, bare?: string) => {
        if (piece === '$$') return '$';
        const name = braced ?? bare ?? '';
        return (/^\d+$/.test(name) ? found[Number(name)] : found.groups?.[name]) ?? '';
      });
      const others = withoutEmpty(point.labels).filter(([name]) => name !== target);
      return { labels: value === '' ? others : byName([...others, [target, value]]), value: point.value };
    });
  }

  binary(query: Binary): Value {
    const [left, right] = [this.value(query.left), this.value(query.right)];
    if (typeof left === 'number' && typeof right === 'number') return calculate(query.op, left, right);
    if (typeof left === 'number' || typeof right === 'number') return besideNumber(query, left, right);
    if (query.op === 'and' || query.op === 'or' || query.op === 'unless') return setOperation(query, left, right);
    return matched(query, left, right);
  }
}

function besideNumber({ op, bool }: Binary, left: Value, right: Value): Point[] {
  const points = typeof left === 'number' ? (right as Point[]) : left;
  return points.flatMap(point => {
    const a = typeof left === 'number' ? left : point.value;
    const b = typeof right === 'number' ? right : point.value;
    if (!(op in comparisons) || bool) return [{ labels: point.labels, value: calculate(op, a, b) }];
    return holds(op, a, b) ? [point] : [];
  });
}

function keyOf({ matching }: Binary, labels: LabelSet): string {
  const kept = matching ? labels.filter(([name]) => matching.labels.includes(name) === matching.on) : labels;
  return JSON.stringify(kept);
}

function setOperation(query: Binary, left: Point[], right: Point[]): Point[] {
  const has = (points: Point[], point: Point): boolean =>
    points.some(other => keyOf(query, other.labels) === keyOf(query, point.labels));
  if (query.op === 'and') return left.filter(point => has(right, point));
  if (query.op === 'unless') return left.filter(point => !has(right, point));
  return [...left, ...right.filter(point => !has(left, point))];
}

function matched(query: Binary, left: Point[], right: Point[]): Point[] {
  const { op, bool, matching } = query;
  const group = matching?.group;
  const [many, one] = group === 'right' ? [right, left] : [left, right];
  const ones = new Map<string, Point>();
  for (const point of one) {
    const key = keyOf(query, point.labels);
    if (ones.has(key)) throw new QueryFault('found duplicate series');
    ones.set(key, point);
  }
  const seen = new Set<string>();
  return many.flatMap(point => {
    const key = keyOf(query, point.labels);
    const partner = ones.get(key);
    if (!partner) return [];
    let labels = point.labels;
    if (group) {
      const included = matching.include.flatMap(
        (name): LabelSet => partner.labels.filter(([n, v]) => n === name && v !== ''),
      );
      labels = byName([...labels.filter(([name]) => !matching.include.includes(name)), ...included]);
    } else if (matching) labels = labels.filter(([name]) => matching.labels.includes(name) === matching.on);
    labels = withoutEmpty(labels);
    const unique = group ? `${key} ${JSON.stringify(labels)}` : key;
    if (seen.has(unique)) throw new QueryFault('multiple matches for labels');
    seen.add(unique);
    const [a, b] = group === 'right' ? [partner.value, point.value] : [point.value, partner.value];
    if (!(op in comparisons) || bool) return [{ labels, value: calculate(op, a, b) }];
    return holds(op, a, b) ? [{ labels, value: a }] : [];
  });
}

const sorts = (query: MetricQuery): boolean => {
  if (query.kind === 'vector_aggregation') return query.fn === 'sort' || query.fn === 'sort_desc' || sorts(query.inner);
  if (query.kind === 'label_replace') return sorts(query.inner);
  return query.kind === 'binary' && (sorts(query.left) || sorts(query.right));
};

/** An instant answer: by label set, unless the query sorts. */
export function instant(records: readonly LoadedRecord[], query: MetricQuery, atNs: bigint): Value {
  const value = new Evaluator(records, atNs).value(query);
  if (typeof value === 'number' || sorts(query)) return value;
  return value.toSorted((a, b) => compareLabels(a.labels, b.labels));
}

export type Series = { labels: LabelSet; points: { timeNs: bigint; value: number }[] };

/** A range answer: series by label set, without points where the vector has none. */
export function range(
  records: readonly LoadedRecord[],
  query: MetricQuery,
  times: { startNs: bigint; endNs: bigint; stepNs: bigint },
): Series[] {
  const series = new Map<string, Series>();
  for (let timeNs = times.startNs; timeNs <= times.endNs; timeNs += times.stepNs) {
    const value = new Evaluator(records, timeNs).value(query);
    for (const point of typeof value === 'number' ? [{ labels: [], value }] : value) {
      const key = JSON.stringify(point.labels);
      const known = series.get(key) ?? { labels: point.labels, points: [] };
      known.points.push({ timeNs, value: point.value });
      series.set(key, known);
    }
  }
  return [...series.values()].sort((a, b) => compareLabels(a.labels, b.labels));
}
