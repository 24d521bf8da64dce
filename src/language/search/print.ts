import type { FieldTest, SearchCondition } from '../tree.ts';
import { writeTime } from './dates.ts';
import { looksLikeId } from './fields.ts';
import { isAddress, patternParts } from './terms.ts';

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

function value(text: string): string {
  return /^[0-9A-Za-z_][\w.@-]*$/.test(text) && !text.includes('..') ? text : quoted(text);
}

/** A pattern as an unquoted word: every sign that could mean something carries a backslash. */
const pattern = (text: string): string =>
  patternParts(text)
    .map(part => (typeof part === 'string' ? part.replace(/[\s!-,/:-@[-^`{-~]/g, '\\$&') : part.wild))
    .join('');

function fieldText(bare: string, test: FieldTest): string {
  const name = isAddress(bare) ? quoted(bare) : bare;
  switch (test.op) {
    case '=':
      return `${name}:${value(test.value)}`;
    case 'wildcard':
      return `${name}:${pattern(test.pattern)}`;
    case 'regex':
      return `${name}=~${quoted(test.regex)}`;
    case 'exists':
      return `${name}:*`;
    case 'ip':
      return `${name}:${test.range}`;
    case 'fuzzy':
      return `${name}:${test.word}~${test.edits}`;
    default:
      return `${name}:${test.op}${value(test.text)}`;
  }
}

function wordText(text: string): string {
  if (/^(?:and|or|not)$/i.test(text)) return `\\${text}`;
  return looksLikeId(text) ? `message:${text}` : text;
}

/** The normal form of a search text; reading it gives the same condition. */
export function printSearch(condition: SearchCondition, parent?: 'and' | 'or' | 'not'): string {
  switch (condition.type) {
    case 'and':
    case 'or': {
      if (condition.items.length === 0) return condition.type === 'and' ? '*' : 'NOT *';
      const text = condition.items
        .map(item => printSearch(item, condition.type))
        .join(condition.type === 'and' ? ' AND ' : ' OR ');
      return parent === undefined || (parent === 'or' && condition.type === 'and') ? text : `(${text})`;
    }
    case 'not':
      return `NOT ${printSearch(condition.item, 'not')}`;
    case 'text':
      if (condition.match === 'word') return wordText(condition.text);
      if (condition.match === 'phrase') return quoted(condition.text);
      if (condition.match === 'wildcard') return `message:${pattern(condition.text)}`;
      return `message=~${quoted(condition.text)}`;
    case 'near':
      return `${quoted(condition.text)}~${condition.slop}`;
    case 'fuzzy':
      return `${condition.word}~${condition.edits}`;
    case 'field':
      return fieldText(condition.name, condition.test);
    case 'time':
      return 'start' in condition
        ? `timestamp:>=${writeTime(condition.start)}`
        : `timestamp:<${writeTime(condition.end)}`;
    case 'id':
      return condition.prefix ? `anywhere:${condition.value}*` : `anywhere:${value(condition.value)}`;
  }
}
