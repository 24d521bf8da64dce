import { nearest } from './nearest.ts';
import { functionNames, functions } from './functions.ts';
import { meaningError, syntaxError } from './lexer.ts';
import type { EqlReader } from './reader.ts';
import type { CompareOperator, Expression, Literal, MatchOperator } from './tree.ts';
import { readRegex } from '../regex.ts';

const comparisons = new Set(['==', '!=', '<', '<=', '>', '>=']);
const matchWords = new Set(['like', 'like~', 'regex', 'regex~']);
/** Parentheses, `not` and signs inside one another. */
const depthMax = 200;
/** A function counts as so many, since it becomes several functions of the engine inside one another. */
const callDepth = 5;

/** `or` < `and` < `not` < comparison < `+ -` < `* / %`. */
export function parseCondition(reader: EqlReader): Expression {
  return orTerm(reader, 0);
}

function chain(
  reader: EqlReader,
  depth: number,
  kind: 'and' | 'or',
  term: (reader: EqlReader, depth: number) => Expression,
): Expression {
  const first = term(reader, depth);
  const items = [first];
  while (reader.takeWord(kind)) items.push(term(reader, depth));
  return items.length === 1 ? first : { kind, items, at: first.at };
}

const orTerm = (reader: EqlReader, depth: number): Expression => chain(reader, depth, 'or', andTerm);
const andTerm = (reader: EqlReader, depth: number): Expression => chain(reader, depth, 'and', notTerm);

function notTerm(reader: EqlReader, depth: number): Expression {
  if (depth > depthMax) throw reader.fault(`the condition is nested deeper than ${depthMax}`);
  const at = reader.peek().from;
  if (reader.takeWord('not')) return { kind: 'not', of: notTerm(reader, depth + 1), at };
  return comparison(reader, depth);
}

function comparison(reader: EqlReader, depth: number): Expression {
  const left = sum(reader, depth);
  const token = reader.peek();
  let made = predicate(reader, left, depth);
  if (made === undefined) return left;
  // A list or pattern belongs to what is before it; its truth can be compared as any other value.
  if ((made.kind === 'in' || made.kind === 'match') && comparisons.has(reader.peek().text))
    made = predicate(reader, made, depth) ?? made;
  const again = reader.peek();
  if ((again.type === 'operator' && (comparisons.has(again.text) || again.text === ':')) || matchWords.has(again.text))
    throw reader.fault('comparisons cannot be chained; write a < b and b < c', token.from);
  return made;
}

function predicate(reader: EqlReader, left: Expression, depth: number): Expression | undefined {
  const token = reader.peek();
  const at = token.from;
  if (token.type === 'operator') {
    if (token.text === '=') throw reader.fault('"=" is not an operator; write == (exact) or : (any case, wildcards)');
    if (token.text === ':') {
      reader.next();
      return { kind: 'match', operator: ':', left, patterns: patterns(reader), at };
    }
    if (!comparisons.has(token.text)) return undefined;
    reader.next();
    return { kind: 'compare', operator: token.text as CompareOperator, left, right: sum(reader, depth), at };
  }
  if (token.type !== 'word') return undefined;
  if (matchWords.has(token.text)) {
    reader.next();
    const from = reader.peek().from;
    const operator = token.text as MatchOperator;
    const list = patterns(reader);
    if (operator.startsWith('regex')) for (const pattern of list) checkRegex(reader.text, from, pattern);
    return { kind: 'match', operator, left, patterns: list, at };
  }
  const negated = token.text === 'not' && /^in~?$/.test(reader.peek(1).text);
  if (negated) reader.next();
  const word = reader.peek().text;
  if (word !== 'in' && word !== 'in~') return undefined;
  reader.next();
  reader.operator('(');
  const list = [sum(reader, depth)];
  while (reader.takeOperator(',')) list.push(sum(reader, depth));
  reader.operator(')');
  return { kind: 'in', insensitive: word === 'in~', negated, left, list, at };
}

function pattern(reader: EqlReader): string {
  if (reader.peek().type !== 'string') throw reader.unexpected('a string in double quotes');
  return reader.next().value;
}

function patternList(reader: EqlReader): string[] {
  const list = [pattern(reader)];
  while (reader.takeOperator(',')) list.push(pattern(reader));
  return list;
}

/** One string, or strings in parentheses. */
function patterns(reader: EqlReader): string[] {
  if (!reader.takeOperator('(')) return [pattern(reader)];
  const list = patternList(reader);
  reader.operator(')');
  return list;
}

function checkRegex(text: string, at: number, pattern: string): void {
  try {
    readRegex(pattern);
  } catch (error) {
    throw syntaxError(
      text,
      at,
      `regular expression ${JSON.stringify(pattern)}: ${(error as Error).message} (RE2 syntax)`,
    );
  }
}

function sum(reader: EqlReader, depth: number): Expression {
  let left = product(reader, depth);
  for (let terms = 1; ; terms++) {
    const token = reader.peek();
    if (!reader.isOperator('+') && !reader.isOperator('-')) return left;
    if (terms > depthMax) throw reader.fault(`a sum of more than ${depthMax} terms`);
    reader.next();
    left = { kind: 'arithmetic', operator: token.text as '+', left, right: product(reader, depth), at: token.from };
  }
}

function product(reader: EqlReader, depth: number): Expression {
  let left = signed(reader, depth);
  for (let factors = 1; ; factors++) {
    const token = reader.peek();
    if (!['*', '/', '%'].some(o => reader.isOperator(o))) return left;
    if (factors > depthMax) throw reader.fault(`a product of more than ${depthMax} factors`);
    reader.next();
    left = { kind: 'arithmetic', operator: token.text as '*', left, right: signed(reader, depth), at: token.from };
  }
}

function signed(reader: EqlReader, depth: number): Expression {
  if (depth > depthMax) throw reader.fault(`the condition is nested deeper than ${depthMax}`);
  const at = reader.peek().from;
  if (reader.takeOperator('+')) return signed(reader, depth + 1);
  if (!reader.takeOperator('-')) return primary(reader, depth);
  const of = signed(reader, depth + 1);
  if (of.kind !== 'literal' || typeof of.value !== 'number') return { kind: 'negate', of, at };
  return { ...of, value: -of.value, text: of.text?.startsWith('-') ? of.text.slice(1) : `-${of.text}`, at };
}

function primary(reader: EqlReader, depth: number): Expression {
  const token = reader.peek();
  if (reader.takeOperator('(')) {
    const inner = orTerm(reader, depth + 1);
    reader.operator(')');
    return inner;
  }
  if (token.type === 'string') {
    reader.next();
    return { kind: 'literal', value: token.value, at: token.from };
  }
  if (token.type === 'number') {
    reader.next();
    return numberLiteral(reader, token.text, token.from);
  }
  if (token.type === 'word') {
    const constants: Record<string, boolean | null> = { true: true, false: false, null: null };
    const constant = Object.hasOwn(constants, token.text) ? constants[token.text] : undefined;
    if (constant !== undefined) {
      reader.next();
      return { kind: 'literal', value: constant, at: token.from };
    }
    if (reader.isOperator('(', 1)) return call(reader, depth);
    if (token.text === 'child' || token.text === 'descendant' || token.text === 'event')
      if (reader.isWord('of', 1))
        throw reader.fault(`"${token.text} of" is not supported; write a sequence by the process id instead`);
  }
  if (!reader.isField()) throw reader.unexpected('a field, a value, a function or (');
  return reader.field('a field name');
}

function numberLiteral(reader: EqlReader, text: string, at: number): Literal {
  const value = Number(text);
  if (!Number.isFinite(value)) throw reader.fault(`number ${text} is too large`, at);
  return { kind: 'literal', value, text, integer: /^\d+$/.test(text), at };
}

/** `wildcard(source, "pattern", ...)` and `match(source, "expression", ...)`, functions of the time before `like` and `regex`. */
function patternCall(reader: EqlReader, name: 'wildcard' | 'match', insensitive: boolean, depth: number): Expression {
  const at = reader.peek(-1).from;
  reader.operator('(');
  const left = orTerm(reader, depth + callDepth);
  reader.operator(',');
  const from = reader.peek().from;
  const list = patternList(reader);
  reader.operator(')');
  if (name === 'match') for (const pattern of list) checkRegex(reader.text, from, pattern);
  const word = name === 'match' ? 'regex' : 'like';
  return { kind: 'match', operator: insensitive ? `${word}~` : word, left, patterns: list, at };
}

function call(reader: EqlReader, depth: number): Expression {
  const token = reader.next();
  const insensitive = token.text.endsWith('~');
  const name = insensitive ? token.text.slice(0, -1) : token.text;
  if (name === 'wildcard' || name === 'match') return patternCall(reader, name, insensitive, depth);
  const known = functions.get(name);
  if (known === undefined) {
    const hint = nearest(name, functionNames);
    throw meaningError(
      reader.text,
      token.from,
      `Unknown function [${name}]${hint === undefined ? `; known are ${functionNames.join(', ')}` : `, did you mean [${hint}]?`}`,
    );
  }
  if (insensitive && !known.tilde)
    throw meaningError(reader.text, token.from, `Function [${name}] has no case-insensitive form [${name}~]`);
  reader.operator('(');
  const args: Expression[] = [];
  if (!reader.isOperator(')')) {
    args.push(orTerm(reader, depth + callDepth));
    while (reader.takeOperator(',')) args.push(orTerm(reader, depth + callDepth));
  }
  reader.operator(')');
  if (args.length < known.least || args.length > known.most)
    throw meaningError(
      reader.text,
      token.from,
      `Function [${name}] takes ${known.least === known.most ? known.least : known.most === Number.POSITIVE_INFINITY ? `${known.least} or more` : `${known.least} to ${known.most}`} arguments, found [${args.length}]: ${known.usage}`,
    );
  return { kind: 'call', name, insensitive, args, at: token.from };
}
