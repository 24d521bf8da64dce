import type { LabelCondition, MetricQuery, Query, Stage } from '../language/tree.ts';

/** Names that people give the level of a record: labels of those records alone that were sent with them, where `detected_level` is one of every record. */
const levelName = /^(?:level|lvl|severity|severity_text|log_?level|level_?name)$/i;

/** Stages that may make labels of any name. */
const makesLabels = new Set<Stage['kind']>(['json', 'logfmt', 'pattern', 'regexp', 'unpack', 'label_format', 'lookup']);

/** The level name that the nearest groupings by label have, none of them with `detected_level`. */
function groupedLevel(query: MetricQuery): string | undefined {
  switch (query.kind) {
    case 'literal':
    case 'vector':
      return undefined;
    case 'binary':
      return groupedLevel(query.left) ?? groupedLevel(query.right);
    case 'label_replace':
      return groupedLevel(query.inner);
    case 'range':
    case 'vector_aggregation': {
      const { grouping } = query;
      if (!grouping) return query.kind === 'range' ? undefined : groupedLevel(query.inner);
      if (grouping.without || grouping.labels.includes('detected_level')) return undefined;
      return grouping.labels.find(name => levelName.test(name));
    }
  }
}

/** The level name without which nothing passes a filter. */
function askedIn(condition: LabelCondition): string | undefined {
  if ('left' in condition) {
    const [left, right] = [askedIn(condition.left), askedIn(condition.right)];
    // Either side of `or` alone lets a record pass.
    return condition.type === 'and' ? (left ?? right) : left && right;
  }
  const name = condition.type === 'string' ? askedBy(condition.matcher) : condition.name;
  return name !== undefined && levelName.test(name) ? name : undefined;
}

/** Matchers that nothing without the label passes. */
const askedBy = ({ name, op, value }: { name: string; op: string; value: string }): string | undefined =>
  (op === '=' || op === '=~') && value !== '' ? name : undefined;

/** The level name that a selector, or a filter before any parser, asks for. */
function filteredLevel(query: Query): string | undefined {
  switch (query.kind) {
    case 'literal':
    case 'vector':
      return undefined;
    case 'binary':
      return filteredLevel(query.left) ?? filteredLevel(query.right);
    case 'label_replace':
    case 'vector_aggregation':
      return filteredLevel(query.inner);
    case 'range':
      return filteredLevel({ kind: 'logs', ...query.range });
    case 'logs': {
      const named = query.selector.map(askedBy).find(name => name !== undefined && levelName.test(name));
      if (named !== undefined) return named;
      const parser = query.stages.findIndex(stage => makesLabels.has(stage.kind));
      const before = parser < 0 ? query.stages : query.stages.slice(0, parser);
      return before.flatMap(stage => (stage.kind === 'label_filter' ? (askedIn(stage.condition) ?? []) : []))[0];
    }
  }
}

/**
 * What to tell whoever takes `level` for the level that Weir finds in every record, which is the label `detected_level` as in Loki. `answered`: the label
 * sets of the series, or of what else was answered. Undefined where the answer shows that the label is there, and where nobody asked for it.
 */
export function levelHint(query: Query, answered: readonly Record<string, string>[]): string | undefined {
  if (answered.length === 0) {
    const name = filteredLevel(query);
    return name === undefined
      ? undefined
      : `nothing was found with the label "${name}", which only those records have that were sent with it; the level that is found in every record is the label detected_level: | detected_level="error"`;
  }
  if (query.kind === 'logs') return undefined;
  const name = groupedLevel(query);
  if (name === undefined || answered.some(labels => (labels[name] ?? '') !== '')) return undefined;
  return `no series has the label "${name}"; the level that is found in every record is the label detected_level: by (detected_level)`;
}
