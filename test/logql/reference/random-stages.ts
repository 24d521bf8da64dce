import fc from 'fast-check';
import type { Extraction, LabelCondition, LabelSelection, Matcher, Stage, Unwrap } from '../../../src/language/tree.ts';

/** Selectors and pipelines over the names that random records use. */
const name = fc.constantFrom('x', 'y', 'v', 'status', 'w', 'app', 'env', 'n_k', 'x_extracted', 'trace', 'nope');
const text = fc.constantFrom('1', 'a', 'p', '', 'abc', '2', 's', 'm');
const regex = fc.constantFrom('.+', '.*', 'a|b', '[0-9]+', '', 's|1');

const matcher: fc.Arbitrary<Matcher> = fc.oneof(
  fc.record({ name, op: fc.constantFrom('=', '!='), value: text }),
  fc.record({ name, op: fc.constantFrom('=~', '!~'), value: regex }),
);

export const selector: fc.Arbitrary<Matcher[]> = fc.constantFrom<Matcher[]>(
  [{ name: 'app', op: '=~', value: '.+' }],
  [{ name: 'app', op: '=~', value: 'a|b' }],
  [{ name: 'app', op: '=', value: 'a' }],
  [
    { name: 'app', op: '=~', value: 'a|c' },
    { name: 'env', op: '!=', value: 'd' },
  ],
  [
    { name: 'service_name', op: '=', value: 'svc' },
    { name: 'x', op: '!~', value: 's' },
  ],
  [{ name: 'app', op: '=', value: 'none' }],
);

const operand = (value: string): { value: string; ip: boolean } => ({ value, ip: false });
const lineFilter: fc.Arbitrary<Stage> = fc
  .oneof(
    fc.tuple(
      fc.constantFrom('|=', '!='),
      fc.array(fc.constantFrom('x', '=', '"', '1', 'plain', 'GET', '5 '), { minLength: 1, maxLength: 2 }),
    ),
    fc.tuple(
      fc.constantFrom('|~', '!~'),
      fc.array(fc.constantFrom('x=\\d', '^\\{', '[a-c]+ ', 'GET|error'), { minLength: 1, maxLength: 2 }),
    ),
    fc.tuple(
      fc.constantFrom('|>', '!>'),
      fc.constantFrom('<_>=<_>', 'GET <_>', 'plain', '<_>x<_>').map(pattern => [pattern]),
    ),
  )
  .map(([op, operands]): Stage => ({ kind: 'line_filter', op, operands: operands.map(operand) }));

const number = fc.constantFrom('0', '1', '2', '2.5', '100');
const comparison = fc.constantFrom('=', '!=', '>', '>=', '<', '<=');
const condition: fc.Arbitrary<LabelCondition> = fc.oneof(
  { weight: 3, arbitrary: matcher.map((m): LabelCondition => ({ type: 'string', matcher: m })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('x', 'v', 'status', 'y', 'nope'), comparison, number)
      .map(([label, op, n]): LabelCondition => ({ type: 'number', name: label, op, value: Number(n), text: n })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(comparison, fc.constantFrom<[string, number]>(['1s', 1e9], ['250ms', 250e6], ['1m30s', 90e9]))
      .map(([op, [written, value]]): LabelCondition => ({ type: 'duration', name: 'dur', op, value, text: written })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(comparison, fc.constantFrom<[string, number]>(['1KB', 1000], ['1KiB', 1024]))
      .map(([op, [written, value]]): LabelCondition => ({ type: 'bytes', name: 'size', op, value, text: written })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<Matcher[]>(
        [{ name: '__error__', op: '=', value: '' }],
        [{ name: '__error__', op: '!=', value: '' }],
      )
      .map(([m]): LabelCondition => ({ type: 'string', matcher: m as Matcher })),
  },
);
const labelFilter: fc.Arbitrary<Stage> = fc
  .oneof(
    { weight: 3, arbitrary: condition },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('and', 'or'), condition, condition)
        .map(([type, left, right]): LabelCondition => ({ type, left, right })),
    },
  )
  .map((tree): Stage => ({ kind: 'label_filter', condition: tree }));

const extractions = fc.uniqueArray(
  fc.constantFrom(
    { name: 'x', path: 'n.x' },
    { name: 'q', path: 'status' },
    { name: 'y', path: 'y' },
    { name: 'first', path: 'w[0]' },
    { name: 'whole', path: 'n' },
  ),
  { selector: ({ name: label }) => label, minLength: 1, maxLength: 2 },
);
const keys = fc.uniqueArray(
  fc.constantFrom({ name: 'q', path: 'status' }, { name: 'x', path: 'x' }, { name: 'z', path: 'v' }),
  { selector: ({ name: label }) => label, minLength: 1, maxLength: 2 },
);
const parser: fc.Arbitrary<Stage> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Stage>({ kind: 'json', extractions: [] }) },
  { weight: 4, arbitrary: fc.constant<Stage>({ kind: 'logfmt', strict: false, keepEmpty: false, extractions: [] }) },
  { weight: 1, arbitrary: extractions.map((list): Stage => ({ kind: 'json', extractions: list })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.boolean(), fc.boolean(), fc.oneof(fc.constant<Extraction[]>([]), keys))
      .map(([strict, keepEmpty, list]): Stage => ({ kind: 'logfmt', strict, keepEmpty, extractions: list })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('(?P<m>GET|error)\\S* ?(?P<rest>\\S+)?', 'x=(?P<x>\\d)', '^(?P<w>[a-z]+)')
      .map((text): Stage => ({ kind: 'regexp', regex: text })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('<w> <_>', '<k>=<v> <_>', 'GET <path> <status>')
      .map((p): Stage => ({ kind: 'pattern', pattern: p })),
  },
  { weight: 1, arbitrary: fc.constant<Stage>({ kind: 'unpack' }) },
);

const selection: fc.Arbitrary<LabelSelection> = fc.oneof(
  name.map((label): LabelSelection => ({ name: label })),
  matcher.map((m): LabelSelection => ({ name: m.name, matcher: m })),
);
const selections = fc.uniqueArray(selection, { selector: s => s.name, minLength: 1, maxLength: 3 });

const other: fc.Arbitrary<Stage> = fc.oneof(
  lineFilter,
  labelFilter,
  labelFilter,
  selections.map((labels): Stage => ({ kind: 'drop', labels })),
  selections.map((labels): Stage => ({ kind: 'keep', labels })),
  fc.constant<Stage>({ kind: 'decolorize' }),
  fc
    .constantFrom('{{.x}}-{{.app}}', '{{.app | ToUpper}} x={{.v}}', 'fixed', '{{ .w }}')
    .map((template): Stage => ({ kind: 'line_format', template })),
  fc
    .uniqueArray(
      fc.constantFrom(
        { target: 'x', from: { label: 'app' } },
        { target: 'w', from: { label: 'v' } },
        { target: 'z', from: { label: 'nope' } },
        { target: 'y', from: { template: '{{.x}}!' } },
        { target: 'env', from: { template: '{{.app}}{{.env}}' } },
        { target: 'app', from: { label: 'trace' } },
      ),
      { selector: a => a.target, minLength: 1, maxLength: 2 },
    )
    .map((assignments): Stage => ({ kind: 'label_format', assignments })),
);

/** Two parsers in one pipeline cost the engine seconds of planning, so only the long run has them. */
const parsersMax = process.env.WEIR_TEST_MODE === 'full' ? 2 : 1;

/** `drop x != "a"` is read as a matcher, so line filters with such an operator cannot follow. */
const readable = (list: readonly Stage[]): Stage[] =>
  list.reduce<Stage[]>((kept, stage) => {
    const before = kept.at(-1)?.kind;
    const isMatcher = stage.kind === 'line_filter' && stage.op.startsWith('!');
    return isMatcher && (before === 'drop' || before === 'keep') ? kept : [...kept, stage];
  }, []);

export const stages: fc.Arbitrary<Stage[]> = fc
  .tuple(
    fc.array(other, { maxLength: 1 }),
    fc.array(parser, { maxLength: parsersMax, size: 'max' }),
    fc.array(other, { maxLength: 3 }),
  )
  .map(parts => readable(parts.flat()));

/** Most pipelines of metric queries drop errored lines, so that not all of them fail. */
export const noErrors: Stage = {
  kind: 'label_filter',
  condition: { type: 'string', matcher: { name: '__error__', op: '=', value: '' } },
};
const noErrorFilters = [noErrors];

export const unwrap: fc.Arbitrary<Unwrap> = fc
  .tuple(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc
          .constantFrom('v', 'x', 'status', 'y', 'n_k')
          .map((label): Pick<Unwrap, 'label' | 'conversion'> => ({ label })),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom<Pick<Unwrap, 'label' | 'conversion'>>(
          { label: 'dur', conversion: 'duration' },
          { label: 'dur', conversion: 'duration_seconds' },
          { label: 'size', conversion: 'bytes' },
        ),
      },
    ),
    fc.constantFrom(noErrorFilters, noErrorFilters, noErrorFilters, []),
  )
  .map(([what, filters]): Unwrap => ({ ...what, filters }));
