import { wholeEvent } from '../../language/eql/fields.ts';
import { starsOnce } from '../../language/eql/patterns.ts';
import { escapeRegex } from '../../language/sql-writer.ts';
import type { Expression, Field, Literal } from '../../language/eql/tree.ts';

/** Fields of a filter need not exist. */
export const filterField = (name: string): Field => ({ kind: 'field', path: [name], optional: true, at: 0 });

/** All that a record says, for queries that name no field. */
export const anyField = wholeEvent;

export const always = (value: boolean): Expression => ({ kind: 'literal', value, at: 0 });
export const allOf = (items: readonly Expression[]): Expression =>
  items.length === 1 ? (items[0] ?? always(true)) : items.length === 0 ? always(true) : { kind: 'and', items, at: 0 };
export const oneOf = (items: readonly Expression[]): Expression =>
  items.length === 1 ? (items[0] ?? always(false)) : items.length === 0 ? always(false) : { kind: 'or', items, at: 0 };
/** Not true, missing included: what `must_not` means. */
export const without = (of: Expression): Expression => ({ kind: 'not', of: { kind: 'certain', of, at: 0 }, at: 0 });
export const leastOf = (count: number, items: readonly Expression[]): Expression => {
  if (count <= 0) return always(true);
  if (count > items.length) return always(false);
  if (count === 1) return oneOf(items);
  return count === items.length ? allOf(items) : { kind: 'least', count, items, at: 0 };
};

export const equals = (name: string, value: Literal): Expression => ({
  kind: 'compare',
  operator: '==',
  left: filterField(name),
  right: value,
  at: 0,
});

/** Words of a text as Elasticsearch's standard analyser cuts them, roughly: letters, digits and `_`, and dots and apostrophes between them. */
export const wordsOf = (text: string): string[] => text.match(/[\p{L}\p{N}_]+(?:[.'’][\p{L}\p{N}_]+)*/gu) ?? [];

/** Between two words. */
const gap = String.raw`[^\pL\pN_]+`;
const before = String.raw`(?:.*[^\pL\pN_])?`;
const after = String.raw`(?:[^\pL\pN_].*)?`;

/**
 * True where the field has the words one after the other, in any case; of the last with `prefix` its beginning. There is no mapping, so every field is looked at as
 * one of type text. No words: nothing is found.
 */
export function wordsTest(name: string, words: readonly string[], prefix = false): Expression {
  if (words.length === 0) return always(false);
  const pattern = `${before}${words.map(escapeRegex).join(gap)}${prefix ? '.*' : after}`;
  return { kind: 'match', operator: 'regex~', left: filterField(name), patterns: [pattern], at: 0 };
}

/** True where the field has a word that fits: `*` any signs of a word, `?` one. */
export function wildcardTest(name: string, pattern: string): Expression {
  // A value without blanks is one word to a keyword field, and may be several to a text field.
  const sign = String.raw`[\pL\pN_.'-]`;
  const escaped = escapeRegex(starsOnce(pattern));
  const inside = escaped.replaceAll('\\*', `${sign}*`).replaceAll('\\?', sign);
  const whole = escaped.replaceAll('\\*', '.*').replaceAll('\\?', '.');
  return {
    kind: 'match',
    operator: 'regex~',
    left: filterField(name),
    patterns: [`${before}${inside}${after}`, whole],
    at: 0,
  };
}

export type MatchOptions = {
  operator: 'and' | 'or';
  /** How many words there must be. */
  least?: (words: number) => number;
  /** Of the last word its beginning is enough. */
  prefix: boolean;
};

/** The words of a text, each for itself. */
export function matchTest(name: string, text: string, { operator, least, prefix }: MatchOptions): Expression {
  const words = wordsOf(text);
  if (words.length === 0) return always(false);
  const tests = words.map((word, i) => wordsTest(name, [word], prefix && i === words.length - 1));
  return leastOf(operator === 'and' ? tests.length : (least?.(tests.length) ?? 1), tests);
}

/**
 * `minimum_should_match` as a number of so many: `3`, `-2`, `75%`, `-25%`, and `2<75% 9<-3`. Undefined when it is none of these.
 */
export function leastCount(value: unknown, total: number): number | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (text.includes('<')) {
    let chosen: number | undefined = total;
    for (const part of text.split(/\s+/)) {
      const [, limit, then] = /^(\d{1,9})<(-?\d{1,9}%?)$/.exec(part) ?? [];
      if (limit === undefined) return undefined;
      if (total > Number(limit)) chosen = leastCount(then, total);
    }
    return chosen;
  }
  const [, sign, digits, percent] = /^(-?)(\d{1,9})(%?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const amount = percent === '%' ? Math.trunc((total * Number(digits)) / 100) : Number(digits);
  return Math.max(0, sign === '-' ? total - amount : amount);
}
