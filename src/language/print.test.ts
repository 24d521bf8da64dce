import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangeRules } from './functions/rules.ts';
import { parseQuery } from './parser.ts';
import { prettyPrint, prettyQuery, printQuery } from './print.ts';
import type {
  Binary,
  Grouping,
  LabelCondition,
  LogQuery,
  LogRange,
  Matcher,
  MetricQuery,
  Query,
  RangeAggregation,
  RangeFunction,
  Stage,
  Unwrap,
  VectorMatching,
} from './tree.ts';

const name = fc.constantFrom('app', 'b', 'c_d', 'rate', 'sum', 'duration', 'bytes', 'ip', 'ünïcode', '_x', 'variants');
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', '"', '\\', '`', 'a\nb', '\u0000', '# no comment', '} |= "x"', '😀'),
);
const plain = fc.constantFrom('x', '', 'a b', 'é', '1');
const regex = fc.constantFrom('x', '.*', 'a|b', '(?i)x', '\\d+"', '[`]');
const matcher: fc.Arbitrary<Matcher> = fc.oneof(
  fc.record({ name, op: fc.constantFrom('=' as const, '!=' as const), value: text }),
  fc.record({ name, op: fc.constantFrom('=~' as const, '!~' as const), value: regex }),
);
const selector = fc
  .tuple(
    fc.record({ name, op: fc.constant('=' as const), value: fc.constantFrom('a', 'b"') }),
    fc.array(matcher, { maxLength: 3 }),
  )
  .map(([first, rest]): Matcher[] => [first, ...rest]);

const compare = fc.constantFrom('=' as const, '!=' as const, '>' as const, '>=' as const, '<' as const, '<=' as const);
const simple: fc.Arbitrary<LabelCondition> = fc.oneof(
  matcher.map(m => ({ type: 'string' as const, matcher: m })),
  fc
    .tuple(name, compare, fc.constantFrom<[number, string]>([1, '1'], [-2.5, '-2.5'], [1000, '1e3']))
    .map(([n, op, [value, written]]) => ({ type: 'number' as const, name: n, op, value, text: written })),
  fc
    .tuple(name, compare, fc.constantFrom<[number, string]>([5400e9, '1h30m'], [1500, '1.5us']))
    .map(([n, op, [value, written]]) => ({ type: 'duration' as const, name: n, op, value, text: written })),
  fc
    .tuple(name, compare, fc.constantFrom<[number, string]>([2000, '2KB'], [1536, '1.5KiB']))
    .map(([n, op, [value, written]]) => ({ type: 'bytes' as const, name: n, op, value, text: written })),
  fc
    .tuple(name, fc.constantFrom('=' as const, '!=' as const))
    .map(([n, op]) => ({ type: 'ip' as const, name: n, op, value: '10.0.0.0/8' })),
);
/** `and` binds to the left, so its right side is none itself. */
const { condition } = fc.letrec<{ condition: LabelCondition; other: LabelCondition }>(tie => ({
  other: fc.oneof(
    { depthSize: 'small' },
    simple,
    fc.record({ type: fc.constant('or' as const), left: tie('condition'), right: tie('condition') }),
  ),
  condition: fc.oneof(
    { depthSize: 'small' },
    simple,
    tie('other'),
    fc.record({ type: fc.constant('and' as const), left: tie('condition'), right: tie('other') }),
  ),
}));

const extractions = fc.array(
  fc.oneof(
    // A bare path is of ASCII letters.
    name.map(n => ({ name: n, path: /^\w+$/.test(n) ? n : `["${n}"]` })),
    name.map(n => ({ name: n, path: 'a.b[0]["c d"]' })),
  ),
  { maxLength: 2 },
);
/** Keys of logfmt are words, or in quotes. */
const keys = fc.array(
  fc.tuple(name, fc.constantFrom('status', 'k_1', '_x', '"status"')).map(([label, path]) => ({ name: label, path })),
  { maxLength: 2 },
);
const selections = fc.array(
  fc.oneof(
    name.map(n => ({ name: n })),
    matcher.map(m => ({ name: m.name, matcher: m })),
  ),
  { minLength: 1, maxLength: 3 },
);
const operand = fc.record({ value: text, ip: fc.constant(false) });
const stage: fc.Arbitrary<Stage> = fc.oneof(
  fc.record({
    kind: fc.constant('line_filter' as const),
    op: fc.constantFrom('|=' as const, '!=' as const),
    operands: fc.array(fc.oneof(operand, fc.constant({ value: '::1/8', ip: true })), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('line_filter' as const),
    op: fc.constantFrom('|~' as const, '!~' as const),
    operands: fc.array(fc.record({ value: regex, ip: fc.constant(false) }), { minLength: 1, maxLength: 2 }),
  }),
  fc.constant<Stage>({ kind: 'line_filter', op: '|>', operands: [{ value: '<_> "x"\n<_>', ip: false }] }),
  fc.record({ kind: fc.constant('json' as const), extractions }),
  fc.record({
    kind: fc.constant('logfmt' as const),
    strict: fc.boolean(),
    keepEmpty: fc.boolean(),
    extractions: keys,
  }),
  fc.constantFrom<Stage>(
    { kind: 'pattern', pattern: '<a> "<_>"' },
    { kind: 'regexp', regex: '(?P<x>\\d+)' },
    { kind: 'unpack' },
    { kind: 'decolorize' },
    { kind: 'line_format', template: '{{.a | ToUpper}} "q" `' },
  ),
  fc.tuple(plain, name).map(
    ([template, label]): Stage => ({
      kind: 'label_format',
      assignments: [
        { target: 'p', from: { template } },
        { target: 'q', from: { label } },
      ],
    }),
  ),
  fc.record({ kind: fc.constantFrom('drop' as const, 'keep' as const), labels: selections }),
  fc.record({ kind: fc.constant('label_filter' as const), condition }),
);
/** `drop a` and `keep a` take a following `!=` for their own, so no query has such a filter there. */
const stages = fc.array(stage, { maxLength: 4 }).filter(list =>
  list.every((one, i) => {
    const before = list[i - 1];
    const open = (before?.kind === 'drop' || before?.kind === 'keep') && !before.labels.at(-1)?.matcher;
    return !(open && one.kind === 'line_filter' && one.op.startsWith('!'));
  }),
);
const logs: fc.Arbitrary<LogQuery> = fc.record({ kind: fc.constant('logs' as const), selector, stages });

const grouping: fc.Arbitrary<Grouping> = fc.record({
  without: fc.boolean(),
  labels: fc.uniqueArray(name, { maxLength: 2 }),
});
const ns = fc.constantFrom(1_000000n, 90_000_000000n, 300_000_000000n, 93_784_005000000n, 604_800_000_000000n);
const offset = fc.constantFrom(0n, 3600_000000000n, -60_000000000n, 1500n, 86400_000001000n);
const unwrap: fc.Arbitrary<Unwrap> = fc
  .tuple(
    name,
    fc.constantFrom(undefined, 'bytes' as const, 'duration' as const, 'duration_seconds' as const),
    fc.array(condition, { maxLength: 2 }),
  )
  .map(([label, conversion, filters]) => ({
    label,
    ...(conversion && { conversion }),
    filters: filters.map(c => ({ kind: 'label_filter' as const, condition: c })),
  }));

const range: fc.Arbitrary<RangeAggregation> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(rangeRules) as RangeFunction[])),
    fc.tuple(selector, stages, ns, offset, unwrap, fc.boolean()),
    grouping,
    fc.boolean(),
  )
  .map(([fn, [s, list, rangeNs, offsetNs, u, either]]) => {
    const rule = rangeRules[fn];
    const unwraps = rule.unwrap === 'always' || (rule.unwrap === 'either' && either);
    const over: LogRange = { selector: s, stages: list, ...(unwraps && { unwrap: u }), rangeNs, offsetNs };
    return { kind: 'range', fn, ...(rule.parameter && { parameter: 0.99 }), range: over };
  });

const matching: fc.Arbitrary<VectorMatching> = fc.record({
  on: fc.boolean(),
  labels: fc.constant(['a']),
  include: fc.constant([]),
});
const { metric } = fc.letrec<{ metric: MetricQuery }>(tie => ({
  metric: fc.oneof(
    { depthSize: 'small' },
    range,
    fc.constantFrom<MetricQuery>({ kind: 'vector', value: 1.5 }),
    fc
      .tuple(
        fc.constantFrom('sum' as const, 'avg' as const, 'count' as const, 'stddev' as const),
        fc.option(grouping, { nil: undefined }),
        tie('metric'),
      )
      .map(([fn, g, inner]): MetricQuery => ({ kind: 'vector_aggregation', fn, ...(g && { grouping: g }), inner })),
    fc
      .tuple(fc.constantFrom('topk' as const, 'bottomk' as const), tie('metric'))
      .map(([fn, inner]): MetricQuery => ({ kind: 'vector_aggregation', fn, parameter: 3, inner })),
    fc.tuple(tie('metric'), text).map(
      ([inner, replacement]): MetricQuery => ({
        kind: 'label_replace',
        inner,
        target: 'x',
        replacement,
        source: 'y',
        regex: '(.*)',
      }),
    ),
    fc
      .tuple(
        fc.constantFrom<Binary['op']>('+', '-', '*', '/', '%', '^', '==', '!=', '<', '>=', 'and', 'or', 'unless'),
        fc.option(matching, { nil: undefined }),
        fc.boolean(),
        tie('metric'),
        tie('metric'),
      )
      .map(
        ([op, m, bool, left, right]): MetricQuery => ({
          kind: 'binary',
          op,
          bool,
          ...(m && { matching: m }),
          left,
          right,
        }),
      ),
    fc.tuple(fc.constantFrom<Binary['op']>('+', '>', '^'), tie('metric'), fc.constantFrom(1, -2.5, 1e21, 1e-7)).map(
      ([op, left, value]): MetricQuery => ({
        kind: 'binary',
        op,
        bool: false,
        left,
        right: { kind: 'literal', value },
      }),
    ),
  ),
}));

describe('parsing what is printed gives the same tree', () => {
  const roundTrip = (tree: Query): void => {
    expect(parseQuery(printQuery(tree))).toEqual(tree);
    expect(parseQuery(prettyQuery(tree))).toEqual(tree);
    expect(parseQuery(prettyPrint(tree))).toEqual(tree);
  };
  test('log queries', () => fc.assert(fc.property(logs, roundTrip), { numRuns: 400 }));
  test('metric queries', () => fc.assert(fc.property(metric, roundTrip), { numRuns: 400 }));
});

describe("the layout is that of Loki's formatter", () => {
  const long = 'app="a-rather-long-value-of-a-label", namespace="another-rather-long-value"';
  test.each([
    ['{app="a"}|json|line_format "x"', '{app="a"} | json | line_format "x"'],
    ['sum(rate({app="a"}[5m]))', 'sum(rate({app="a"} [5m]))'],
    [
      `{${long}}|= "error" != "timeout" | json | status>=500`,
      `{${long}}\n  |= "error"\n  != "timeout"\n  | json\n  | status>=500`,
    ],
    [
      `sum by (app, namespace)(rate({${long}}|="error"[5m] offset 1h))`,
      `sum by (app, namespace)(\n  rate(\n    {${long}} |= "error" [5m] offset 1h\n  )\n)`,
    ],
    [
      `quantile_over_time(0.99,{${long}}|json|unwrap duration(took)|__error__=""[5m])by(app)`,
      `quantile_over_time(\n  0.99,\n  {${long}} | json\n    | unwrap duration(took) | __error__="" [5m]\n) by (app)`,
    ],
    [`topk(3,sum(rate({${long}}[5m])) by (app))`, `topk(\n  3,\n  sum by (app)(\n    rate({${long}} [5m])\n  )\n)`],
    [
      `sum(rate({${long}}[5m]))/sum(rate({app="b"}[5m]))*100>1`,
      `      sum(rate({${long}} [5m]))\n    /\n      sum(rate({app="b"} [5m]))\n  *\n    100\n>\n  1`,
    ],
    [
      `label_replace(rate({${long}}[5m]),"dst","$1","src","(.*)")`,
      `label_replace(\n  rate({${long}} [5m]),\n  "dst",\n  "$1",\n  "src",\n  "(.*)"\n)`,
    ],
    [
      `sum(rate({${long}}[5m])) * (vector(1) + vector(2))`,
      `  sum(rate({${long}} [5m]))\n*\n  (\n    vector(1) + vector(2)\n  )`,
    ],
  ])('%s', (query, layout) => expect(prettyPrint(parseQuery(query))).toBe(layout));
});
