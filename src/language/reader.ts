import type { WeirError } from '../base/errors.ts';
import { parseError, ruleError, type Token, tokenize } from './lexer.ts';

/** Words that cannot be label names. Function names are words like any other unless `(`, `by` or `without` follows. */
const reserved = new Set(
  'and or unless by without bool on ignoring group_left group_right offset unwrap json logfmt regexp pattern unpack decolorize line_format label_format drop keep'.split(
    ' ',
  ),
);

function describe(token: Token): string {
  if (token.type === 'end') return 'end of query';
  if (token.type === 'string') return `string ${token.text}`;
  return JSON.stringify(token.text);
}

/** Reads tokens one after another and says precisely what is wrong when the next is not what the grammar wants. */
export class TokenReader {
  readonly text: string;
  readonly tokens: Token[];
  at = 0;
  /** Why a well-formed query cannot be run, in order of the text. */
  readonly faults: { reason: string; token: Token }[] = [];

  constructor(text: string) {
    this.text = text;
    this.tokens = tokenize(text);
  }

  peek(ahead = 0): Token {
    const token = this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)];
    if (token === undefined) throw new Error('BUG: no end token');
    return token;
  }

  next(): Token {
    const token = this.peek();
    this.at++;
    return token;
  }

  /** An error at a token, the next one by default. */
  fault(reason: string, token: Token = this.peek()): WeirError {
    return parseError(this.text, token.from, reason);
  }

  /** An error of meaning, not of form: `parse error : reason` as Loki words it; the position is in the error's fields. */
  rule(reason: string, token: Token = this.peek()): WeirError {
    return ruleError(this.text, token.from, reason);
  }

  /** Notes an error of meaning that does not keep the query from being read: Loki formats such a query and refuses to run it. */
  cannotRun(reason: string, token: Token = this.peek()): void {
    this.faults.push({ reason, token });
  }

  unexpected(expected: string): WeirError {
    return this.fault(`syntax error: unexpected ${describe(this.peek())}, expected ${expected}`);
  }

  isOperator(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'operator' && token.text === text;
  }

  /** Keywords are recognised in any case. */
  isWord(word: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'word' && token.text.toLowerCase() === word;
  }

  takeOperator(text: string): boolean {
    if (!this.isOperator(text)) return false;
    this.at++;
    return true;
  }

  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.at++;
    return true;
  }

  operator(text: string): Token {
    if (!this.isOperator(text)) throw this.unexpected(JSON.stringify(text));
    return this.next();
  }

  word(word: string): Token {
    if (!this.isWord(word)) throw this.unexpected(JSON.stringify(word));
    return this.next();
  }

  isName(ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'word' && !reserved.has(token.text.toLowerCase());
  }

  name(what: string): Token {
    if (!this.isName()) throw this.unexpected(what);
    return this.next();
  }

  string(what: string): Token {
    if (this.peek().type !== 'string') throw this.unexpected(what);
    return this.next();
  }

  /** A number without sign. */
  number(what: string): Token {
    if (this.peek().type !== 'number') throw this.unexpected(what);
    return this.next();
  }
}
