import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { WeirError } from '../../../base/errors.ts';
import { planOf } from '../../plan.ts';
import { parseDuration } from '../../time-range.ts';
import { errorText } from '../errors.ts';

/** A text of Prometheus such as 1h30m; units in descending order. */
const duration = z
  .string()
  .regex(/^(0|(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$/, 'is no duration such as 30s or 1h30m');
const texts = z.record(z.string(), z.string());
const nothingAsNone = <T extends z.ZodType>(schema: T) =>
  z.preprocess(value => (value === null || value === '' ? undefined : value), schema.optional());

/** Keys in the order in which Loki writes them. All scalars are text, as they stood in the YAML. */
const ruleSchema = z.strictObject({
  record: z.string().optional(),
  alert: z.string().optional(),
  expr: z.string({ error: "field 'expr' must be set in rule" }),
  for: nothingAsNone(duration),
  keep_firing_for: nothingAsNone(duration),
  labels: nothingAsNone(texts),
  annotations: nothingAsNone(texts),
});
const groupSchema = z.strictObject({
  name: z.string().min(1, 'rule group name must not be empty').max(1000),
  interval: nothingAsNone(duration),
  query_offset: nothingAsNone(duration),
  limit: nothingAsNone(z.string().regex(/^\d{1,9}$/, 'is no whole number')),
  labels: nothingAsNone(texts),
  rules: z.array(ruleSchema).min(1, 'a group needs a rule'),
  remote_write: z.array(z.strictObject({ url: z.string() })).optional(),
});

export type Rule = z.infer<typeof ruleSchema>;
export type RuleGroup = z.infer<typeof groupSchema>;

/** Groups by namespace, both in the order in which they came. */
export type Namespaces = Map<string, RuleGroup[]>;

const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

function* faultsOf(rule: Rule): Generator<string> {
  const { record, alert } = rule;
  if (record !== undefined && alert !== undefined) yield "only one of 'record' and 'alert' must be set";
  if (!record && !alert) yield "one of 'record' or 'alert' must be set";
  if (record) {
    if (!metricName.test(record)) yield `invalid recording rule name: ${record}`;
    if (rule.for !== undefined) yield "invalid field 'for' in recording rule";
    if (rule.keep_firing_for !== undefined) yield "invalid field 'keep_firing_for' in recording rule";
    if (rule.annotations !== undefined) yield "invalid field 'annotations' in recording rule";
  }
  for (const name of Object.keys(rule.labels ?? {}))
    if (!labelName.test(name) || name === '__name__') yield `invalid label name: ${name}`;
  for (const name of Object.keys(rule.annotations ?? {}))
    if (!labelName.test(name)) yield `invalid annotation name: ${name}`;
  try {
    if (planOf(rule.expr, 'loki').kind === 'logs')
      yield `could not parse expression: ${JSON.stringify(rule.expr.slice(0, 200))} is a log query; a rule needs a metric query such as count_over_time({app="x"}[5m])`;
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    yield `could not parse expression: ${errorText(error)}`;
  }
}

/** One rule group as lokitool sends it. Throws `bad_request` that names every fault with its group and rule. */
export function parseGroup(yaml: string): RuleGroup {
  let value: unknown;
  try {
    value = parse(yaml, { schema: 'failsafe' });
  } catch (error) {
    throw new WeirError('bad_request', { reason: `unable to decode rule group: ${(error as Error).message}` });
  }
  const read = groupSchema.safeParse(value ?? {});
  if (!read.success)
    throw new WeirError('bad_request', {
      reason: read.error.issues
        .map(issue => `unable to decode rule group: ${issue.path.join('.') || 'group'}: ${issue.message}`)
        .join(', '),
    });
  const group = read.data;
  const faults = group.rules.flatMap((rule, i) =>
    [...faultsOf(rule)].map(
      fault =>
        `group ${JSON.stringify(group.name)}, rule ${i}, ${JSON.stringify(rule.alert ?? rule.record ?? '')}: ${fault}`,
    ),
  );
  if (faults.length > 0) throw new WeirError('bad_request', { reason: faults.join(', ') });
  return group;
}

/** What is written for a group: numbers bare, nothing that is absent. */
const plain = ({ limit, ...group }: RuleGroup): object => ({
  ...group,
  ...(limit !== undefined && { limit: Number(limit) }),
});
const written = (value: object): string => stringify(value, { lineWidth: 0 });

export const groupYaml = (group: RuleGroup): string => written(plain(group));
export const namespacesYaml = (namespaces: Namespaces): string =>
  written(new Map([...namespaces].map(([name, groups]) => [name, groups.map(plain)])));

/** Reads what {@link namespacesYaml} wrote. Throws when it is something else. */
export function readNamespaces(yaml: string): Namespaces {
  const value = z.record(z.string(), z.array(groupSchema)).parse(parse(yaml, { schema: 'failsafe' }) ?? {});
  return new Map(Object.entries(value));
}

/** Seconds of a duration of a rule; 0 when there is none. */
export const secondsOf = (text: string | undefined): number =>
  text === undefined ? 0 : Number(parseDuration('duration', text)) / 1e9;
