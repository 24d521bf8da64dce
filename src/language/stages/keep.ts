import { matcherCondition } from '../label-condition.ts';
import { filterLabels, find } from '../row.ts';
import { and, or, quoteString } from '../sql-writer.ts';
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
    const key = or(Array.from(conditions, ([name, when]) => and([`k = ${quoteString(name)}`, or(when)])));
    return { row: filterLabels(row, { name: name => or(conditions.get(name) ?? []), key }) };
  },
};
