import { quote } from '../go-string.ts';
import { choose, notEmpty, withError, withLine } from '../row.ts';
import { templateFault, templateSql } from '../template.ts';
import type { LineFormat } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

/** `line_format "{{.label}} text"`: the line becomes what the template gives. */
export const lineFormat: StageDefinition<LineFormat> = {
  parse(reader) {
    const token = reader.string('a template, as a string');
    const fault = templateFault(token.value);
    if (fault !== undefined) reader.cannotRun(`invalid line template: ${fault}`, token);
    return { kind: 'line_format', template: token.value };
  },
  print: stage => `line_format ${quote(stage.template)}`,
  apply(stage, row) {
    const { text, error, details } = templateSql(stage.template, row);
    const changed = withError(row, error, details, true);
    return { row: withLine(changed, choose(notEmpty(error), row.line, text)) };
  },
};
