import { binaryStrength } from './operators.ts';
import { quote } from './go-string.ts';
import { printSelector } from './selector.ts';
import { printStage } from './stages/index.ts';
import type { Binary, Grouping, LogQuery, LogRange, MetricQuery, Query, Stage, Unwrap } from './tree.ts';
import { writeDuration } from './units.ts';

const pipeline = (stages: readonly Stage[]): string => stages.map(stage => ` ${printStage(stage)}`).join('');

const grouping = (by: Grouping | undefined): string =>
  by ? ` ${by.without ? 'without' : 'by'} (${by.labels.join(', ')})` : '';

function unwrapStage({ label, conversion, filters }: Unwrap): string {
  return `| unwrap ${conversion ? `${conversion}(${label})` : label}${pipeline(filters)}`;
}

const window = ({ rangeNs, offsetNs }: LogRange): string =>
  `[${writeDuration(rangeNs)}]${offsetNs === 0n ? '' : ` offset ${writeDuration(offsetNs)}`}`;

function logRange(range: LogRange): string {
  const unwrapped = range.unwrap ? ` ${unwrapStage(range.unwrap)}` : '';
  return `${printSelector(range.selector)}${pipeline(range.stages)}${unwrapped} ${window(range)}`;
}

const number = String;

/** `^` binds to the right, all others to the left. */
function needsParentheses(query: MetricQuery, parent: Binary, right: boolean): boolean {
  if (query.kind !== 'binary') return false;
  const [strength, outer] = [binaryStrength[query.op], binaryStrength[parent.op]];
  return strength < outer || (strength === outer && (parent.op === '^') !== right);
}

function operand(query: MetricQuery, parent: Binary, right: boolean): string {
  return needsParentheses(query, parent, right) ? `(${printQuery(query)})` : printQuery(query);
}

/** `> bool on (a) group_left (b)`. */
function operator({ op, bool, matching }: Binary): string {
  const include = matching?.include.length ? ` (${matching.include.join(', ')})` : '';
  const group = matching?.group ? ` group_${matching.group}${include}` : '';
  const match = matching ? ` ${matching.on ? 'on' : 'ignoring'} (${matching.labels.join(', ')})${group}` : '';
  return `${op}${bool ? ' bool' : ''}${match}`;
}

/** The normal form of a query; parsing it gives the same tree. */
export function printQuery(query: Query): string {
  switch (query.kind) {
    case 'logs':
      return printSelector(query.selector) + pipeline(query.stages);
    case 'literal':
      return number(query.value);
    case 'vector':
      return `vector(${number(query.value)})`;
    case 'range':
      return `${query.fn}(${query.parameter === undefined ? '' : `${number(query.parameter)}, `}${logRange(query.range)})${grouping(query.grouping)}`;
    case 'vector_aggregation': {
      const by = grouping(query.grouping);
      return `${query.fn}${by}${by === '' ? '' : ' '}(${query.parameter === undefined ? '' : `${query.parameter}, `}${printQuery(query.inner)})`;
    }
    case 'label_replace':
      return `label_replace(${[printQuery(query.inner), ...[query.target, query.replacement, query.source, query.regex].map(quote)].join(', ')})`;
    case 'binary':
      return `${operand(query.left, query, false)} ${operator(query)} ${operand(query.right, query, true)}`;
  }
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');

/** Loki's: expressions longer than this are broken. */
const lineCharsMax = 100;

/** What lies deeper stays on its line: indented text grows with the square of the depth. */
const brokenLevelsMax = 50;

/**
 * The query in the layout of Loki's formatter: what is longer than `widest` is broken, a stage, an argument or an operand a line, two blanks a
 * level. 0 breaks whatever can be broken. Parsing it gives the same tree.
 */
export function prettyQuery(query: Query, widest = 0, level = 0): string {
  const whole = printQuery(query);
  if (whole.length <= widest || level >= brokenLevelsMax) return whole;
  const inner = (part: Query): string => indent(prettyQuery(part, widest, level + 1));
  switch (query.kind) {
    case 'logs':
      return prettyPipeline(query, widest);
    case 'range': {
      const parameter = query.parameter === undefined ? '' : `  ${number(query.parameter)},\n`;
      return `${query.fn}(\n${parameter}${indent(prettyRange(query.range, widest))}\n)${grouping(query.grouping)}`;
    }
    case 'vector_aggregation': {
      const parameter = query.parameter === undefined ? '' : `  ${query.parameter},\n`;
      return `${query.fn}${grouping(query.grouping)}(\n${parameter}${inner(query.inner)}\n)`;
    }
    case 'label_replace': {
      const strings = [query.target, query.replacement, query.source, query.regex].map(text => indent(quote(text)));
      return `label_replace(\n${[inner(query.inner), ...strings].join(',\n')}\n)`;
    }
    case 'binary': {
      const leg = (part: MetricQuery, right: boolean): string =>
        needsParentheses(part, query, right) ? indent(`(\n${inner(part)}\n)`) : inner(part);
      return `${leg(query.left, false)}\n${operator(query)}\n${leg(query.right, true)}`;
    }
    default:
      return whole;
  }
}

function prettyPipeline({ selector, stages }: Pick<LogQuery, 'selector' | 'stages'>, widest: number): string {
  const whole = printSelector(selector) + pipeline(stages);
  if (whole.length <= widest) return whole;
  return [printSelector(selector), ...stages.map(stage => indent(printStage(stage)))].join('\n');
}

function prettyRange(range: LogRange, widest: number): string {
  const unwrapped = range.unwrap ? `\n${indent(unwrapStage(range.unwrap))}` : '';
  return `${prettyPipeline(range, widest)}${unwrapped} ${window(range)}`;
}

/** {@link prettyQuery} as Loki's `format_query` answers it. */
export const prettyPrint = (query: Query): string => prettyQuery(query, lineCharsMax);
