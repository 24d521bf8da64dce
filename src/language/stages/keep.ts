import { matcherCondition } from '../label-condition.ts';
import { filterLabels, find } from '../row.ts';
import { or } from '../sql-writer.ts';
import type { Keep } from '../tree.ts';
import { parseSelections, printSelections } from './drop.ts';
import type { StageDefinition } from './stage.ts';

/** `keep a, b="x"`: keeps these labels only, those with a matcher only where it matches. Errors stay. */
export const keep: StageDefinition<Keep> = {
  parse: reader => ({ kind: 'keep', labels: parseSelections(reader) }),
  print: stage => `keep ${printSelections(stage.labels)}`,
  apply(stage, row) {
    const conditions = new Map<string, string[]>();
    for (const { name, matcher } of stage.labels) {
      const when = matcher ? matcherCondition(find(row, name).value, matcher) : '1';
      conditions.set(name, [...(conditions.get(name) ?? []), row.scope.bind(when)]);
    }
    return { row: filterLabels(row, new Map(Array.from(conditions, ([name, when]) => [name, or(when)]))) };
  },
};
