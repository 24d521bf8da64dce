import { quote } from '../go-string.ts';
import { matcherCondition } from '../label-condition.ts';
import type { TokenReader } from '../reader.ts';
import { find, removeLabel, withoutDetails, withoutError } from '../row.ts';
import { matchOperators, parseMatcher } from '../selector.ts';
import type { Drop, LabelSelection } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

/** `a, b="x"` after `drop` and `keep`. */
export function parseSelections(reader: TokenReader): LabelSelection[] {
  const list: LabelSelection[] = [];
  do {
    if (matchOperators.some(op => reader.isOperator(op, 1))) {
      const matcher = parseMatcher(reader);
      list.push({ name: matcher.name, matcher });
    } else list.push({ name: reader.name('a label name').text });
  } while (reader.takeOperator(','));
  return list;
}

export const printSelections = (list: readonly LabelSelection[]): string =>
  list.map(({ name, matcher }) => (matcher ? `${name}${matcher.op}${quote(matcher.value)}` : name)).join(', ');

/** `drop a, b="x"`: removes labels; `drop __error__` clears the error. */
export const drop: StageDefinition<Drop> = {
  parse: reader => ({ kind: 'drop', labels: parseSelections(reader) }),
  print: stage => `drop ${printSelections(stage.labels)}`,
  apply(stage, start) {
    let row = start;
    for (const { name, matcher } of stage.labels) {
      const when = matcher ? matcherCondition(find(row, name).value, matcher) : '1';
      if (name === '__error__') row = withoutError(row, when);
      else if (name === '__error_details__') row = withoutDetails(row, when);
      else row = removeLabel(row, name, when);
    }
    return { row };
  },
};
