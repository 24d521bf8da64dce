import type { WeirError } from '../../base/errors.ts';
import { type EqlToken, syntaxError, tokenizeEql } from './lexer.ts';
import type { Field } from './tree.ts';

/** Words with a meaning of their own; as field names they need backticks. */
const reserved = new Set(
  'and any by false in in~ join like like~ not null of or regex regex~ sample sequence true until where with'.split(
    ' ',
  ),
);

const describe = (token: EqlToken): string => (token.type === 'end' ? 'end of query' : JSON.stringify(token.text));

/** Reads tokens one after another and says what is wrong when the next is not what the grammar wants. */
export class EqlReader {
  readonly text: string;
  readonly tokens: EqlToken[];
  at = 0;

  constructor(text: string) {
    this.text = text;
    this.tokens = tokenizeEql(text);
  }

  peek(ahead = 0): EqlToken {
    const token = this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)];
    if (token === undefined) throw new Error('BUG: no end token');
    return token;
  }

  next(): EqlToken {
    const token = this.peek();
    this.at++;
    return token;
  }

  fault(reason: string, offset: number = this.peek().from): WeirError {
    return syntaxError(this.text, offset, reason);
  }

  unexpected(expected: string): WeirError {
    return this.fault(`unexpected ${describe(this.peek())}, expected ${expected}`);
  }

  isOperator(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'operator' && token.text === text;
  }

  isWord(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'word' && token.text === text;
  }

  takeOperator(text: string): boolean {
    if (!this.isOperator(text)) return false;
    this.at++;
    return true;
  }

  takeWord(text: string): boolean {
    if (!this.isWord(text)) return false;
    this.at++;
    return true;
  }

  operator(text: string): EqlToken {
    if (!this.isOperator(text)) throw this.unexpected(JSON.stringify(text));
    return this.next();
  }

  word(text: string): EqlToken {
    if (!this.isWord(text)) throw this.unexpected(JSON.stringify(text));
    return this.next();
  }

  isField(ahead = 0): boolean {
    const token = this.peek(ahead);
    return (
      this.isOperator('?', ahead) ||
      token.type === 'quoted' ||
      (token.type === 'word' && !token.text.endsWith('~') && !reserved.has(token.text))
    );
  }

  /** `?`, names with dots between. */
  field(what: string): Field {
    const at = this.peek().from;
    const optional = this.takeOperator('?');
    if (!this.isField() || this.isOperator('?')) throw this.unexpected(what);
    const path = [this.next().value];
    for (;;) {
      if (this.isOperator('['))
        if (this.peek(1).type === 'number')
          // Inside a sequence the next step may follow a join key.
          throw this.fault(
            'an index into an array is not supported; a condition on a field with several values holds when one of them meets it',
          );
      if (!this.takeOperator('.')) return { kind: 'field', path, optional, at };
      const part = this.peek();
      if ((part.type !== 'word' && part.type !== 'quoted') || part.text.endsWith('~'))
        throw this.unexpected('a name after the dot');
      path.push(this.next().value);
    }
  }

  /** Fields with commas between. */
  fields(what: string): Field[] {
    const fields = [this.field(what)];
    while (this.takeOperator(',')) fields.push(this.field(what));
    return fields;
  }

  /** A whole number without sign. */
  count(what: string): { value: number; at: number } {
    const token = this.peek();
    if (token.type !== 'number' || !/^\d{1,15}$/.test(token.text)) throw this.unexpected(what);
    this.at++;
    return { value: Number(token.text), at: token.from };
  }
}
