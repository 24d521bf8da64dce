import { isEmpty } from './row.ts';
import type { Grouping, LabelCondition, LogRange, Stage } from './tree.ts';

/** Errors that parsers give; a query can ask for these, those of filters and of unwrap always fail it. */
const parserErrors = ['JSONParserErr', 'LogfmtParserErr'];

function namesIn(condition: LabelCondition): string[] {
  if (condition.type === 'string') return [condition.matcher.name];
  return 'left' in condition ? [...namesIn(condition.left), ...namesIn(condition.right)] : [condition.name];
}

/** Stages whose outcome depends on labels. */
function readsLabels(stage: Stage): boolean {
  if (stage.kind === 'line_format') return stage.template.includes('{{');
  return stage.kind === 'label_filter' || stage.kind === 'label_format';
}

/**
 * SQL: why a sample with `error` fails the whole query, `''` (the literal) when none does. Any error fails, except
 * - where samples are grouped by named labels when they are made, and a label filter or the grouping names `__error__`: parser errors were asked for;
 * - where they are grouped into one series and nothing reads a label: the parser is not even run.
 */
export function failureOf(error: string, range: LogRange, grouping: Grouping | undefined): string {
  if (isEmpty(error) || !grouping || grouping.without) return error;
  const filters = [...range.stages, ...(range.unwrap?.filters ?? [])].filter(stage => stage.kind === 'label_filter');
  const asked = [...grouping.labels, ...filters.flatMap(filter => namesIn(filter.condition))];
  if (grouping.labels.length === 0 && !range.unwrap && !range.stages.some(readsLabels)) return "''";
  if (!asked.includes('__error__')) return error;
  return `if(${error} IN (${parserErrors.map(name => `'${name}'`).join(', ')}), '', ${error})`;
}
