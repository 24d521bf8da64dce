import { binaryStrength } from './operators.ts';
import { quote } from './go-string.ts';
import { printSelector } from './selector.ts';
import { printStage } from './stages/index.ts';
import type { Grouping, LogRange, MetricQuery, Query, Stage } from './tree.ts';
import { writeDuration } from './units.ts';

const pipeline = (stages: readonly Stage[]): string => stages.map(stage => ` ${printStage(stage)}`).join('');

const grouping = (by: Grouping | undefined): string =>
  by ? ` ${by.without ? 'without' : 'by'} (${by.labels.join(', ')})` : '';

function logRange({ selector, stages, unwrap, rangeNs, offsetNs }: LogRange): string {
  const label = unwrap?.conversion ? `${unwrap.conversion}(${unwrap.label})` : unwrap?.label;
  const unwrapped = unwrap ? ` | unwrap ${label}${pipeline(unwrap.filters)}` : '';
  const offset = offsetNs === 0n ? '' : ` offset ${writeDuration(offsetNs)}`;
  return `${printSelector(selector)}${pipeline(stages)}${unwrapped} [${writeDuration(rangeNs)}]${offset}`;
}

const number = (value: number): string => (Number.isFinite(value) ? String(value) : value > 0 ? '1e999' : '-1e999');

function operand(query: MetricQuery, parent: number, right: boolean): string {
  if (query.kind !== 'binary') return printQuery(query);
  const strength = binaryStrength[query.op];
  // `^` binds to the right, all others to the left.
  const bare = strength > parent || (strength === parent && (query.op === '^') === right);
  return bare ? printQuery(query) : `(${printQuery(query)})`;
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
    case 'binary': {
      const { op, bool, matching, left, right } = query;
      const strength = binaryStrength[op];
      const include = matching?.include.length ? ` (${matching.include.join(', ')})` : '';
      const group = matching?.group ? ` group_${matching.group}${include}` : '';
      const match = matching ? ` ${matching.on ? 'on' : 'ignoring'} (${matching.labels.join(', ')})${group}` : '';
      return `${operand(left, strength, false)} ${op}${bool ? ' bool' : ''}${match} ${operand(right, strength, true)}`;
    }
  }
}

/** The query over several lines, one stage per line. */
export function prettyQuery(query: Query): string {
  if (query.kind === 'logs')
    return [printSelector(query.selector), ...query.stages.map(stage => `  ${printStage(stage)}`)].join('\n');
  if (query.kind === 'vector_aggregation') {
    const by = grouping(query.grouping);
    const parameter = query.parameter === undefined ? '' : `  ${query.parameter},\n`;
    return `${query.fn}${by} (\n${parameter}${indent(prettyQuery(query.inner))}\n)`;
  }
  if (query.kind === 'binary') {
    const [left, right] = [query.left, query.right].map(leg => indent(prettyQuery(leg)));
    const middle = printQuery({ ...query, left: { kind: 'literal', value: 0 }, right: { kind: 'literal', value: 0 } });
    const wrap = (leg: MetricQuery, text = ''): string => (leg.kind === 'binary' ? `  (\n${indent(text)}\n  )` : text);
    return `${wrap(query.left, left)}\n${middle.slice(2, -2)}\n${wrap(query.right, right)}`;
  }
  return printQuery(query);
}

const indent = (text: string): string => text.replace(/^/gm, '  ');
