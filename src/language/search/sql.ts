import { bytesOf, durationOf, numberOf } from '../convert.ts';
import { findIp } from '../ip.ts';
import { lineRegexCondition } from '../message-search.ts';
import { find, type Found, not, type Row } from '../row.ts';
import { readRegex } from '../regex.ts';
import { and, or, quoteNumber, quoteString, quoteStrings, quoteTime } from '../sql-writer.ts';
import { wholeRegex } from '../stages/stage.ts';
import type { FieldTest, SearchCondition, TextMatch } from '../tree.ts';
import { fuzzyInLine, fuzzyValue, nearInLine } from './closeness.ts';
import { logqlName } from './fields.ts';
import { lineField, nestedFields } from './line-field.ts';
import { longestLiteral, textRegex, valueRegex } from './text-match.ts';

/** Columns that are no labels. */
const columns: Record<string, Found> = {
  severity: { value: 'toString(severity)', present: '1', numeric: 'toString(severity)' },
  door: { value: 'door', present: '1' },
};

/** Lower-case tokens of a text as the text index on `lower(message)` has them; only ASCII. */
const tokensOf = (text: string): string[] => (text.toLowerCase().match(/[0-9a-z]+/g) ?? []).filter(t => t.length > 1);

/**
 * An implied condition that the text index answers: a line that has the field in its JSON or logfmt text has the tokens of its name, and those of a
 * value that needs no escapes there. `'1'` where that is not certain.
 */
function lineGate(row: Row, name: string, value?: string): string {
  if (row.line !== 'message') return '1';
  const names = /^[A-Za-z][0-9A-Za-z]*(?:_[0-9A-Za-z]+)*$/.test(name) ? tokensOf(name) : [];
  const values = value !== undefined && /^[0-9A-Za-z _.:,;/@-]*$/.test(value) ? tokensOf(value) : [];
  const all = [...new Set([...names, ...values])];
  return all.length === 0 ? '1' : `hasAllTokens(lower(message), ${quoteStrings(all)})`;
}

/** What the test says of a value; a missing value is empty text. */
function valueCondition(found: Found, test: FieldTest): string {
  const { value, present } = found;
  switch (test.op) {
    case '=':
      return test.value === '' ? not(present) : `${value} = ${quoteString(test.value)}`;
    case 'wildcard':
    case 'regex': {
      const regex = test.op === 'regex' ? test.regex : valueRegex(test.pattern);
      return and([readRegex(regex).matchesEmpty ? present : '1', `match(${value}, ${quoteString(wholeRegex(regex))})`]);
    }
    case 'exists':
      return present;
    case 'ip':
      return findIp(value, test.range);
    case 'fuzzy':
      return fuzzyValue(value, test.word, test.edits);
    default: {
      const { op, as, amount, text } = test;
      if (as === 'text') return and([present, `${value} ${op} ${quoteString(text)}`]);
      const convert = as === 'number' ? numberOf : as === 'duration' ? durationOf : bytesOf;
      return `ifNull(${convert(found.numeric ?? value)} ${op} ${quoteNumber(amount)}, 0)`;
    }
  }
}

/** The same of a value that may be a JSON array: true when it is true of one of its values. */
function anyValueCondition(found: Found, test: FieldTest): string {
  const whole = valueCondition(found, test);
  if (test.op === 'exists' || (test.op === '=' && test.value === '')) return whole;
  const one = valueCondition({ value: 'one', present: "one != ''" }, test);
  const values = `JSONExtract(${found.value}, 'Array(String)')`;
  return or([whole, and([`startsWith(${found.value}, '[')`, `arrayExists(one -> ${one}, ${values})`])]);
}

/**
 * A field wherever it may be: label, attribute or column, the first of these that has it; else inside an attribute that is a JSON object, or in a JSON or
 * logfmt line. A value that does not convert to what it is compared with does not match.
 */
function fieldCondition(row: Row, name: string, test: FieldTest): string {
  const column = columns[name];
  if (column) return valueCondition(column, test);
  const special = logqlName[name];
  const stored = find(row, special ?? name);
  if (special !== undefined || stored.present === '1') return valueCondition(stored, test);
  const nested = nestedFields(row, name);
  const inLine = lineField(row, name);
  if (test.op === '=' && test.value === '')
    return not(
      or([
        stored.present,
        ...nested.map(({ isObject, found }) => and([isObject, found.present])),
        and([lineGate(row, name), inLine.present]),
      ]),
    );
  const gate = lineGate(row, name, test.op === '=' ? test.value : undefined);
  const absent = not(stored.present);
  return or([
    and([stored.present, anyValueCondition(stored, test)]),
    ...nested.map(({ isObject, found }) => and([isObject, absent, anyValueCondition(found, test)])),
    and([gate, absent, valueCondition(inLine, test)]),
  ]);
}

/** A text in the line; `hint`: whether the index may help (it cannot where the condition is negated). */
export function textCondition(row: Row, match: TextMatch, hint: boolean): string {
  const exact = lineRegexCondition(row.line, textRegex(match), hint);
  if (match.match !== 'wildcard' || !hint || row.line !== 'message') return exact;
  return and([
    lineRegexCondition('message', textRegex({ match: 'phrase', text: longestLiteral(match.text) }), true),
    exact,
  ]);
}

/**
 * An id where ids stand. Each part has an index: the text index on the message, Bloom filters on `trace_id`, on `span_id` and on the values of all
 * attributes (store/schema.ts), so that searching everything that is stored reads a few granules. A prefix has only the text index.
 */
function idCondition(row: Row, value: string, prefix: boolean): string {
  const own = prefix ? 'wildcard' : /^[0-9A-Za-z]+$/.test(value) ? 'word' : 'phrase';
  const text = textCondition(row, { match: own, text: prefix ? `${value}*` : value }, true);
  const tokens = row.line === 'message' && own === 'phrase' && /^[\x20-\x7e]*$/.test(value) ? tokensOf(value) : [];
  const inLine = tokens.length === 0 ? text : and([`hasAllTokens(lower(message), ${quoteStrings(tokens)})`, text]);
  if (prefix) {
    const begins = (text: string): string => `startsWith(${text}, ${quoteString(value)})`;
    return or([
      inLine,
      begins('trace_id'),
      begins('span_id'),
      `arrayExists(v -> ${begins('v')}, mapValues(attributes))`,
    ]);
  }
  const exact = quoteString(value);
  const traces = [...new Set([value, value.toLowerCase()])].map(v => `trace_id = ${quoteString(v)}`);
  return or([inLine, ...traces, `span_id = ${exact}`, `has(mapValues(attributes), ${exact})`]);
}

/** The condition under which a record is found. */
export function searchSql(row: Row, condition: SearchCondition, hint = true): string {
  switch (condition.type) {
    case 'and':
      return and(condition.items.map(item => searchSql(row, item, hint)));
    case 'or':
      return or(condition.items.map(item => searchSql(row, item, hint)));
    case 'not':
      return not(searchSql(row, condition.item, false));
    case 'text':
      return textCondition(row, condition, hint);
    case 'near':
      return nearInLine(row.line, condition.text, condition.slop, hint);
    case 'fuzzy':
      return fuzzyInLine(row.line, condition.word, condition.edits);
    case 'field':
      return fieldCondition(row, condition.name, condition.test);
    case 'time':
      return 'start' in condition
        ? `timestamp >= ${quoteTime(condition.start)}`
        : `timestamp < ${quoteTime(condition.end)}`;
    case 'id':
      return idCondition(row, condition.value, condition.prefix);
  }
}
