import { levels } from '../../base/record.ts';
import type { WeirError } from '../../base/errors.ts';
import { parseIpRange } from '../ip.ts';
import { readRegex } from '../regex.ts';
import type { FieldTest, SearchCondition } from '../tree.ts';
import { readBytes, readDuration } from '../units.ts';
import { wordsOf } from './closeness.ts';
import { readTime } from './dates.ts';
import { fieldName, levelOf, levelsThat, looksLikeId } from './fields.ts';
import type { FieldStart, Term } from './terms.ts';

export type Fault = (reason: string, at?: number) => WeirError;
type Context = { fault: Fault; now: bigint | undefined };
type Compare = '>' | '>=' | '<' | '<=';

const isCompare = (op: FieldStart['op']): op is Compare => op.startsWith('>') || op.startsWith('<');

/** The expression, when the engine will take it. */
export function checkedRegex(regex: string, fault: Fault, at: number): string {
  try {
    readRegex(regex);
    return regex;
  } catch (error) {
    throw fault(`error parsing regexp: ${error instanceof Error ? error.message : String(error)}`, at);
  }
}

const not = (item: SearchCondition): SearchCondition => ({ type: 'not', item });
const any = (items: SearchCondition[]): SearchCondition => ({ type: 'or', items });

/** `field op value` as a condition. */
export function fieldTest(field: FieldStart, value: Term | { regex: string }, context: Context): SearchCondition {
  const at = 'regex' in value ? field.to : value.from;
  if (field.name === '_exists_' || field.name === '_missing_') {
    if ('regex' in value || value.text === '') throw context.fault('expected the name of a field', at);
    const there: SearchCondition = { type: 'field', name: fieldName(value.text), test: { op: 'exists' } };
    return field.name === '_exists_' ? there : not(there);
  }
  if (field.name.includes('*') || field.name === '')
    throw context.fault('name the field; wildcards work in values', field.from);
  const name = fieldName(field.name);
  if (field.op === '=~' || field.op === '!~') {
    const regex = checkedRegex('regex' in value ? value.regex : value.text, context.fault, at);
    const condition = regexCondition(name, regex);
    return field.op === '!~' ? not(condition) : condition;
  }
  if ('regex' in value) return regexCondition(name, value.regex);
  if (value.text === '' && !value.quoted) throw context.fault(`expected a value after ${field.name}${field.op}`, at);
  if (isCompare(field.op)) return compare(field.op, name, value, context);
  const equal = equality(name, value, context);
  return field.op === '!=' ? not(equal) : equal;
}

function regexCondition(name: string, regex: string): SearchCondition {
  if (name === 'message') return { type: 'text', match: 'regex', text: regex };
  return { type: 'field', name, test: { op: 'regex', regex } };
}

/** `"a b"~2` and `roam~1` as words of the message; undefined for a term that is neither. */
export function closeWords({ text, slop, edits }: Term): SearchCondition | undefined {
  if (slop !== undefined && slop > 0 && wordsOf(text).length > 1) return { type: 'near', text, slop };
  if (edits === undefined) return undefined;
  if (edits > 0) return { type: 'fuzzy', word: text, edits };
  return { type: 'text', match: /^[0-9A-Za-z]+$/.test(text) ? 'word' : 'phrase', text };
}

function equality(name: string, term: Term, { fault, now }: Context): SearchCondition {
  const { text, pattern, quoted } = term;
  const field = (test: FieldTest): SearchCondition => ({ type: 'field', name, test });
  const close = closeWords(term);
  if (close && name === 'message') return close;
  if (close?.type === 'near' || (close && ['timestamp', 'anywhere', 'level'].includes(name)))
    throw fault(
      `${name} cannot be searched with ~; words at a distance are of the message, close words of other fields`,
      term.from,
    );
  if (close?.type === 'fuzzy') return field({ op: 'fuzzy', word: text, edits: close.edits });
  if (name === 'timestamp') {
    if (pattern === '*') return { type: 'and', items: [] };
    const stretch = readTime(text, now);
    if (!stretch) throw badTime(text, fault, term.from, now);
    return {
      type: 'and',
      items: [
        { type: 'time', start: stretch.start },
        { type: 'time', end: stretch.end },
      ],
    };
  }
  if (name === 'anywhere') {
    if (pattern === undefined) return { type: 'id', value: text, prefix: false };
    const stem = pattern.slice(0, -1);
    if (!pattern.endsWith('*') || !/^[\w.:@-]+$/.test(stem))
      throw fault('anywhere: takes an id, or its beginning and *', term.from);
    return { type: 'id', value: stem, prefix: true };
  }
  if (name === 'message') {
    if (quoted)
      return text === '' ? not({ type: 'text', match: 'regex', text: '.' }) : { type: 'text', match: 'phrase', text };
    if (pattern === '*') return { type: 'text', match: 'regex', text: '.' };
    if (pattern !== undefined) return { type: 'text', match: 'wildcard', text: pattern };
    return { type: 'text', match: /^[0-9A-Za-z]+$/.test(text) ? 'word' : 'phrase', text };
  }
  if (pattern === '*') return field({ op: 'exists' });
  if (name === 'level') {
    if (pattern !== undefined) return field({ op: 'wildcard', pattern: pattern.toLowerCase() });
    const level = levelOf(text);
    if (level === undefined) throw fault(`unknown level "${text}"; levels are ${levels.join(', ')}`, term.from);
    return field({ op: '=', value: level });
  }
  if (pattern !== undefined) return field({ op: 'wildcard', pattern });
  if (!quoted && /[/-]/.test(text) && /^[\da-fA-F.:]+[/-]/.test(text) && parseIpRange(text) && !looksLikeId(text))
    return field({ op: 'ip', range: text });
  return field({ op: '=', value: text });
}

const badTime = (text: string, fault: Fault, at: number, now: bigint | undefined): WeirError =>
  fault(
    now === undefined && /^now/i.test(text)
      ? 'now is not known inside a stage; write the date'
      : `cannot read "${text}" as a time; write 2026-05-01, 2026-05-01T10:00:00Z or now-1h`,
    at,
  );

function compare(op: Compare, name: string, term: Term, { fault, now }: Context): SearchCondition {
  const { text } = term;
  if (name === 'timestamp') {
    const stretch = readTime(text, now);
    if (!stretch) throw badTime(text, fault, term.from, now);
    if (op === '>') return { type: 'time', start: stretch.end };
    if (op === '>=') return { type: 'time', start: stretch.start };
    return { type: 'time', end: op === '<' ? stretch.start : stretch.end };
  }
  if (name === 'message' || name === 'anywhere')
    throw fault(`${name} cannot be compared with ${op}; name a field with numbers`, term.from);
  if (name === 'level') {
    const level = levelOf(text);
    if (level === undefined || level === 'unknown')
      throw fault(`unknown level "${text}"; levels in order are ${levels.slice(0, -1).join(', ')}`, term.from);
    return any(levelsThat(op, level).map(value => ({ type: 'field', name, test: { op: '=', value } })));
  }
  return { type: 'field', name, test: { op, text, ...amountOf(text) } };
}

function amountOf(text: string): { as: 'number' | 'duration' | 'bytes' | 'text'; amount: number } {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return { as: 'number', amount: Number(text) };
  const sign = text.startsWith('-') ? -1 : 1;
  const unsigned = text.replace(/^-/, '');
  if (/^[\d.]/.test(unsigned)) {
    const duration = readDuration(unsigned, 0);
    if (duration.length === unsigned.length) return { as: 'duration', amount: (sign * duration.ns) / 1e9 };
    const size = readBytes(unsigned, 0);
    if (size.length === unsigned.length) return { as: 'bytes', amount: sign * size.bytes };
  }
  return { as: 'text', amount: 0 };
}
