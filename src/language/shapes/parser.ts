import { nearest } from '../../base/nearest.ts';
import { limits } from '../../base/limits.ts';
import type { TokenReader } from '../reader.ts';
import { type Shape, type StatsColumn, type StatsFunction, statsFunctions } from './shape.ts';

const keywords = ['distinct', 'sort', 'limit', 'stats', 'context'] as const;

/**
 * Where the shapes of a text begin: at the first `|` outside of quotes that is followed by the keyword of a shape and no comparison (`| limit > 5` is a
 * label filter). The length of the text when there are none.
 */
export function shapesAt(text: string): number {
  const piece =
    /"(?:[^"\\]|\\.)*"|`[^`]*`|#[^\n]*|\|\s*(distinct|sort|limit|stats|context)(?![\w:.])(?!\s*(?:[=!<>]|\|[^|]))(?=\s+\S|\s*$)/gis;
  for (const match of text.matchAll(piece)) if (match[1] !== undefined) return match.index;
  return text.length;
}

function fields(reader: TokenReader): string[] {
  const names = [reader.name('a field').text];
  while (reader.takeOperator(',')) names.push(reader.name('a field').text);
  return names;
}

function wholeNumber(reader: TokenReader, what: string, most: number): number {
  const token = reader.number(what);
  const value = Number(token.text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw reader.rule(`${what} must be a whole number from 1 to ${most}, found ${token.text}`, token);
  return value;
}

function statsColumn(reader: TokenReader): StatsColumn {
  const token = reader.name('an aggregation such as count() or avg(field)');
  const word = token.text.toLowerCase();
  const percent = /^p(\d{1,2}(?:\.\d+)?|100)$/.exec(word)?.[1];
  const fn: StatsFunction | undefined =
    percent === undefined ? statsFunctions.find(known => known === word) : 'quantile';
  if (fn === undefined) {
    const guess = nearest(word, [...statsFunctions, 'p95', 'p99']);
    throw reader.rule(
      `unknown aggregation ${JSON.stringify(token.text)}${guess ? `; did you mean ${guess}` : ''} (known: ${statsFunctions.join(', ')}, p1 to p99)`,
      token,
    );
  }
  reader.operator('(');
  let quantile = percent === undefined ? undefined : Number(percent) / 100;
  if (fn === 'quantile' && quantile === undefined) {
    const share = reader.number('a share from 0 to 1');
    quantile = Number(share.text);
    if (!(quantile >= 0 && quantile <= 1))
      throw reader.rule(`a share from 0 to 1 is needed, found ${share.text}`, share);
    reader.operator(',');
  }
  const field = reader.isOperator(')') ? undefined : reader.name('a field').text;
  if (field === undefined && fn !== 'count') throw reader.unexpected('a field');
  reader.operator(')');
  const written = percent === undefined ? (fn === 'quantile' ? `quantile_${quantile}` : fn) : word;
  const name = reader.takeWord('as')
    ? reader.name('a name').text
    : field === undefined
      ? written
      : `${written}_${field}`;
  return { fn, name, ...(field !== undefined && { field }), ...(quantile !== undefined && { quantile }) };
}

function one(reader: TokenReader, before: readonly Shape[]): Shape {
  const keyword = keywords.find(word => reader.isWord(word));
  if (!keyword) throw reader.unexpected(`${keywords.join(', ')}: behind one of these only these may follow`);
  const token = reader.next();
  switch (keyword) {
    case 'distinct':
      return { kind: 'distinct', fields: fields(reader) };
    case 'limit':
      return { kind: 'limit', rows: wholeNumber(reader, 'rows', 1_000_000_000) };
    case 'sort': {
      const keys: { field: string; descending: boolean }[] = [];
      do {
        const field = reader.name('a field').text;
        const descending = reader.takeWord('desc');
        if (!descending) reader.takeWord('asc');
        keys.push({ field, descending });
      } while (reader.takeOperator(','));
      return { kind: 'sort', keys };
    }
    case 'context':
      if (before.length > 0) throw reader.rule('context must come first, and once', token);
      return { kind: 'context', records: wholeNumber(reader, 'records', limits.contextRecordsMax) };
    case 'stats': {
      if (before.some(shape => shape.kind === 'stats' || shape.kind === 'context'))
        throw reader.rule('stats can stand once, and not with context', token);
      const columns = [statsColumn(reader)];
      while (reader.takeOperator(',')) columns.push(statsColumn(reader));
      const by = reader.takeWord('by') ? (reader.takeOperator('(') ? closed(reader) : fields(reader)) : [];
      const names = [...by, ...columns.map(c => c.name)];
      const twice = names.find((name, i) => names.indexOf(name) < i);
      if (twice !== undefined)
        throw reader.rule(`two columns are named ${JSON.stringify(twice)}; name one with "as"`, token);
      return { kind: 'stats', columns, by };
    }
  }
}

function closed(reader: TokenReader): string[] {
  const names = fields(reader);
  reader.operator(')');
  return names;
}

/** All shapes up to the end of the text. Throws `bad_query` with line and column. */
export function parseShapes(reader: TokenReader): Shape[] {
  const shapes: Shape[] = [];
  let known: string[] | undefined;
  while (reader.peek().type !== 'end') {
    reader.operator('|');
    const token = reader.peek();
    const shape = one(reader, shapes);
    const used = shape.kind === 'sort' ? shape.keys.map(k => k.field) : shape.kind === 'distinct' ? shape.fields : [];
    const strange = known && used.find(field => !known?.includes(field));
    if (strange !== undefined)
      throw reader.rule(
        `stats gives no column ${JSON.stringify(strange)}; its columns are ${known?.join(', ')}`,
        token,
      );
    if (shape.kind === 'stats') known = [...shape.by, ...shape.columns.map(c => c.name)];
    shapes.push(shape);
  }
  return shapes;
}
