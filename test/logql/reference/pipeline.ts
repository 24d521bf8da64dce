import type { LabelFormat, LabelSelection, LogQuery, Matcher, Stage } from '../../../src/language/tree.ts';
import type { LoadedRecord } from '../script.ts';
import { matches, passesLabels, passesLine } from './filters.ts';
import { json, logfmt, pattern, regexp, template, unpack } from './parsers.ts';
import { type Category, type Line, labelOf, lineOf, removeLabel, setLabel } from './record.ts';

const colour = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');

const copy = (line: Line): Line => ({
  ...line,
  labels: {
    stream: new Map(line.labels.stream),
    metadata: new Map(line.labels.metadata),
    parsed: new Map(line.labels.parsed),
  },
});

/** Renames act at once, onto themselves they remove; templates read the labels as they were before the first template of the stage. */
function labelFormat(line: Line, { assignments }: LabelFormat): void {
  let read: Line | undefined;
  for (const { target, from } of assignments) {
    if ('template' in from) {
      read ??= copy(line);
      setLabel(line, 'parsed', target, template(read, from.template));
    } else if (from.label === target) removeLabel(line, target);
    else {
      for (const category of ['parsed', 'metadata', 'stream'] as Category[]) {
        const value = line.labels[category].get(from.label);
        if (value === undefined) continue;
        setLabel(line, category, target, value);
        removeLabel(line, from.label);
      }
    }
  }
}

const selects = (line: Line, { name, matcher }: LabelSelection): boolean =>
  matcher === undefined || matches(matcher, labelOf(line, name) ?? '');

/** Applies a stage in place; false when the line is dropped. */
function apply(line: Line, stage: Stage): boolean {
  switch (stage.kind) {
    case 'line_filter':
      return passesLine(stage, line.text);
    case 'label_filter':
      return passesLabels(line, stage.condition);
    case 'json':
      json(line, stage);
      return true;
    case 'logfmt':
      logfmt(line, stage);
      return true;
    case 'unpack':
      unpack(line);
      return true;
    case 'regexp':
      regexp(line, stage.regex);
      return true;
    case 'pattern':
      pattern(line, stage.pattern);
      return true;
    case 'decolorize':
      line.text = line.text.replace(colour, '');
      return true;
    case 'line_format':
      line.text = template(line, stage.template);
      return true;
    case 'label_format':
      labelFormat(line, stage);
      return true;
    case 'drop':
      for (const selection of stage.labels) {
        if (!selects(line, selection)) continue;
        if (selection.name === '__error__') line.error = '';
        else removeLabel(line, selection.name);
      }
      return true;
    case 'keep': {
      const kept = new Set(stage.labels.filter(selection => selects(line, selection)).map(({ name }) => name));
      for (const labels of Object.values(line.labels))
        for (const name of labels.keys()) if (!kept.has(name)) labels.delete(name);
      return true;
    }
    default:
      throw new Error(`the reference has no stage ${stage.kind}`);
  }
}

export function passesStages(line: Line, stages: readonly Stage[]): boolean {
  return stages.every(stage => apply(line, stage));
}

const selected = (record: LoadedRecord, selector: readonly Matcher[]): boolean => {
  const labels: Record<string, string> = { service_name: 'svc', ...record.labels };
  return selector.every(matcher => matches(matcher, labels[matcher.name] ?? ''));
};

/** The lines of a log query in the order in which records were loaded. */
export function linesOf(
  records: readonly LoadedRecord[],
  selector: readonly Matcher[],
  stages: readonly Stage[],
): Line[] {
  const lines: Line[] = [];
  records.forEach((record, seq) => {
    if (!selected(record, selector)) return;
    const line = lineOf(record, seq);
    if (passesStages(line, stages)) lines.push(line);
  });
  return lines;
}

/** Rows of a log query by time, ties in order of arrival. */
export function logRows(
  records: readonly LoadedRecord[],
  query: LogQuery,
  direction: 'forward' | 'backward',
  limit: number,
): Line[] {
  const lines = linesOf(records, query.selector, query.stages);
  lines.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : a.seq - b.seq));
  return (direction === 'forward' ? lines : lines.reverse()).slice(0, limit);
}
