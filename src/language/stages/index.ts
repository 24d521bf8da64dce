import { nearest } from '../../base/nearest.ts';
import type { TokenReader } from '../reader.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../tree.ts';
import { decolorize } from './decolorize.ts';
import { drop } from './drop.ts';
import { json } from './json.ts';
import { keep } from './keep.ts';
import { labelFilter } from './label-filter.ts';
import { labelFormat } from './label-format.ts';
import { lineFilter, lineFilterOperators } from './line-filter.ts';
import { lineFormat } from './line-format.ts';
import { logfmt } from './logfmt.ts';
import { lookup } from './lookup.ts';
import { pattern } from './pattern.ts';
import { regexp } from './regexp.ts';
import { search } from './search.ts';
import type { Applied, StageDefinition } from './stage.ts';
import { unpack } from './unpack.ts';

/** All stages by kind, which is also the keyword for those that have one. Adding a stage = one file and one line here. */
const stages: { [K in Stage['kind']]: StageDefinition<Extract<Stage, { kind: K }>> } = {
  line_filter: lineFilter,
  json,
  logfmt,
  pattern,
  regexp,
  unpack,
  decolorize,
  line_format: lineFormat,
  label_format: labelFormat,
  drop,
  keep,
  label_filter: labelFilter,
  search,
  lookup,
};

const keywords = Object.keys(stages).filter(
  kind => kind !== 'line_filter' && kind !== 'label_filter' && kind !== 'search' && kind !== 'lookup',
) as Stage['kind'][];

/** True for a word that begins a stage, or is nearly one. */
export const looksLikeStage = (word: string): boolean =>
  ['search', 'lookup', ...keywords].includes(word) || nearest(word, keywords) !== undefined;

export const isLineFilter = (reader: TokenReader): boolean => lineFilterOperators.some(op => reader.isOperator(op));

function definitionOf(stage: Stage): StageDefinition<Stage> {
  return stages[stage.kind];
}

/** A line filter, or `|` and a stage. */
export function parseStage(reader: TokenReader): Stage {
  const known = reader.faults.length;
  const stage = readStage(reader);
  for (const fault of reader.faults.slice(known))
    fault.reason = `stage '${stage.kind === 'line_filter' ? '' : '| '}${definitionOf(stage).print(stage)}' : ${fault.reason}`;
  return stage;
}

function readStage(reader: TokenReader): Stage {
  if (isLineFilter(reader)) return lineFilter.parse(reader);
  reader.operator('|');
  const keyword = keywords.find(kind => reader.isWord(kind));
  if (keyword) {
    reader.next();
    return stages[keyword].parse(reader);
  }
  // Not reserved: `| search="x"` is a label filter as ever.
  if (reader.isWord('search') && reader.peek(1).type === 'string') {
    reader.next();
    return search.parse(reader);
  }
  if (reader.isWord('lookup') && reader.peek(1).type === 'word') {
    reader.next();
    return lookup.parse(reader);
  }
  if (!reader.isOperator('(') && !reader.isName())
    throw reader.unexpected(`a stage (${keywords.join(', ')}) or a label filter`);
  const name = reader.peek();
  if (name.type === 'word' && reader.peek(1).type !== 'operator') {
    const guess = nearest(name.text, keywords);
    throw reader.fault(
      `syntax error: unexpected ${JSON.stringify(name.text)}, expected a stage or a label filter${guess ? `; did you mean ${guess}?` : ''}`,
    );
  }
  return labelFilter.parse(reader);
}

export function printStage(stage: Stage): string {
  const text = definitionOf(stage).print(stage);
  return stage.kind === 'line_filter' ? text : `| ${text}`;
}

export function applyStage(stage: Stage, row: Row): Applied {
  return definitionOf(stage).apply(stage, row);
}

/** All stages in turn: the row after the last and the conditions of all. */
export function applyStages(list: readonly Stage[], start: Row): { row: Row; where: string[] } {
  let row = start;
  const where: string[] = [];
  for (const stage of list) {
    const applied = applyStage(stage, row);
    row = applied.row;
    for (const condition of [applied.implied, applied.where])
      if (condition !== undefined && condition !== '1') where.push(condition);
  }
  return { row, where };
}
