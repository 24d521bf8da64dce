import { quote } from '../go-string.ts';
import { categories, not, notEmpty, removeLabel, type Row, setLabel, withError } from '../row.ts';
import { templateFault, templateSql } from '../template.ts';
import type { LabelAssignment, LabelFormat } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

/** The label moves to its new name within its category; nothing happens where it is missing. Onto itself it is removed, as in Loki. */
function rename(row: Row, target: string, source: string): Row {
  let renamed = row;
  for (const category of categories) {
    const { value, present } = row.label(category, source);
    if (present !== '0') renamed = setLabel(renamed, category, target, value, present);
  }
  return removeLabel(renamed, source);
}

/** `label_format new=old, label="{{template}}"`. Renames act at once; all templates of the stage read the labels as they were before the first of them. */
export const labelFormat: StageDefinition<LabelFormat> = {
  parse(reader) {
    const assignments: LabelAssignment[] = [];
    do {
      const target = reader.name('a label name');
      if (target.text === '__error__') reader.cannotRun('__error__ cannot be formatted', target);
      if (assignments.some(a => a.target === target.text))
        reader.cannotRun(`multiple label name '${target.text}' not allowed in a single format operation`, target);
      reader.operator('=');
      const value = reader.peek();
      if (value.type === 'string') {
        const fault = templateFault(value.value);
        if (fault !== undefined) reader.cannotRun(`invalid template for label '${target.text}': ${fault}`, value);
        reader.next();
        assignments.push({ target: target.text, from: { template: value.value } });
      } else
        assignments.push({
          target: target.text,
          from: { label: reader.name('a label name or a template string').text },
        });
    } while (reader.takeOperator(','));
    return { kind: 'label_format', assignments };
  },

  print: stage =>
    `label_format ${stage.assignments.map(({ target, from }) => `${target}=${'label' in from ? from.label : quote(from.template)}`).join(', ')}`,

  apply(stage, start) {
    let row = start;
    let read: Row | undefined;
    for (const { target, from } of stage.assignments) {
      if ('label' in from) row = rename(row, target, from.label);
      else {
        read ??= row;
        const { text, error, details } = templateSql(from.template, read);
        row = withError(setLabel(row, 'parsed', target, text, not(notEmpty(error))), error, details, true);
      }
    }
    return { row };
  },
};
