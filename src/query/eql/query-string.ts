import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { CompareOperator, Expression } from '../../language/eql/tree.ts';
import { allOf, leastOf, oneOf, without, wordsOf } from './filter-words.ts';

/** What a query string asks of one field. */
export type FieldTests = {
  words(name: string, text: string): Expression;
  phrase(name: string, text: string): Expression;
  wildcard(name: string, pattern: string): Expression;
  regexp(name: string, pattern: string): Expression;
  exists(name: string): Expression;
  bound(name: string, operator: CompareOperator, value: string): Expression;
};

export type QueryStringOptions = {
  /** Fields of terms that name none. */
  fields: readonly string[];
  operator: 'and' | 'or';
  /** Of the clauses of the whole text that are neither required nor excluded. */
  least?: (total: number) => number;
  tests: FieldTests;
};

type Clause = { occurs: 'must' | 'should' | 'not'; of: Expression };

const depthMax = 50;
const bad = (reason: string): WeirError => new WeirError('bad_request', { reason: `[filter] query_string: ${reason}` });

/** As a boolean query: all that must be, none that must not, and where nothing must be one of the others. */
function clausesTest(clauses: readonly Clause[], least?: (total: number) => number): Expression {
  const of = (occurs: Clause['occurs']): Expression[] => clauses.filter(c => c.occurs === occurs).map(c => c.of);
  const [must, should, not] = [of('must'), of('should'), of('not')];
  const needed = least?.(should.length) ?? (must.length > 0 || should.length === 0 ? 0 : 1);
  const items = [...must, ...not.map(without), ...(needed > 0 ? [leastOf(needed, should)] : [])];
  return allOf(items);
}

/**
 * Lucene's query syntax as Elasticsearch's `query_string` reads it. AND and OR have no precedence there: AND requires the clauses on both of its sides, OR (and standing side
 * by side) leaves them as the default operator says. Throws `bad_request`.
 */
class QueryStringReader {
  readonly #text: string;
  readonly #options: QueryStringOptions;
  #at = 0;
  #terms = 0;

  constructor(text: string, options: QueryStringOptions) {
    this.#text = text;
    this.#options = options;
  }

  whole(): Expression {
    const found = this.#group(this.#options.fields, 0, this.#options.least);
    if (this.#at < this.#text.length) throw this.#fault('this parenthesis was never opened');
    return found;
  }

  #fault(reason: string, at = this.#at): WeirError {
    return bad(`${reason}, at ${at + 1} of ${JSON.stringify(this.#text.slice(0, 200))}`);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    const sticky = new RegExp(pattern.source, `${pattern.flags}y`);
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #group(fields: readonly string[], depth: number, least?: (total: number) => number): Expression {
    if (depth > depthMax) throw this.#fault(`more than ${depthMax} nested parentheses`);
    const clauses: Clause[] = [];
    const both = this.#options.operator === 'and';
    for (;;) {
      this.#take(/\s*/);
      if (this.#at >= this.#text.length || this.#text[this.#at] === ')') return clausesTest(clauses, least);
      const joined = this.#take(/(AND|&&|OR|\|\|)(?=[\s("]|$)\s*/)?.[1];
      const conjunction = joined === undefined ? undefined : /^(?:AND|&&)$/.test(joined) ? 'and' : 'or';
      if (conjunction !== undefined && (clauses.length === 0 || this.#at >= this.#text.length))
        throw this.#fault(`${joined} needs something on both sides`);
      const sign = this.#take(/(NOT(?=[\s("])\s*|[+!-](?=[^\s]))/)?.[0]?.trim();
      const of = this.#clause(fields, depth);
      const last = clauses.at(-1);
      if (last !== undefined && last.occurs !== 'not') {
        if (conjunction === 'and') last.occurs = 'must';
        else if (conjunction === 'or' && both) last.occurs = 'should';
      }
      const required = sign === '+' || (both ? conjunction !== 'or' : conjunction === 'and');
      const excluded = sign === 'NOT' || sign === '-' || sign === '!';
      clauses.push({ occurs: excluded ? 'not' : required ? 'must' : 'should', of });
    }
  }

  #clause(fields: readonly string[], depth: number): Expression {
    if (++this.#terms > limits.searchTermsMax) throw this.#fault(`more than ${limits.searchTermsMax} terms`);
    const named = this.#take(/((?:[^\s:()"[\]{}^~!+\\/<>=|&]|\\.)(?:[^\s:()"[\]{}^~\\/<>=|&]|\\.)*):\s*/)?.[1];
    if (named === '_exists_') return this.#options.tests.exists(this.#word());
    const asked = named === undefined ? fields : [unescaped(named)];
    if (named !== undefined && /[*?]/.test(named.replace(/\\./g, '')) && named !== '*')
      throw this.#fault(`wildcards in the name of a field (${named}) are not supported; name it, or leave it out`);
    if (this.#take(/\(/)) {
      const inner = this.#group(asked, depth + 1);
      if (!this.#take(/\)/)) throw this.#fault('a parenthesis is not closed');
      this.#boost();
      return inner;
    }
    return oneOf(this.#term(asked));
  }

  /** The same term of every field. */
  #term(fields: readonly string[]): Expression[] {
    const { tests } = this.#options;
    const each = (make: (name: string) => Expression): Expression[] => fields.map(make);
    const phrase = this.#take(/"((?:[^"\\]|\\.)*)"/s)?.[1];
    if (phrase !== undefined) {
      if (this.#take(/~\d+/)) throw this.#fault('words at a distance ("a b"~2) are not supported; ask for each word');
      this.#boost();
      return each(name => tests.phrase(name, unescaped(phrase)));
    }
    const regexp = this.#take(/\/((?:[^/\\]|\\.)*)\/(?=[\s)^]|$)/)?.[1];
    if (regexp !== undefined) {
      this.#boost();
      return each(name => tests.regexp(name, regexp.replaceAll('\\/', '/')));
    }
    const range = this.#take(/([[{])\s*("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s*([\]}])/);
    if (range !== undefined) {
      const [, open, low = '', high = '', close] = range;
      const value = (text: string): string => unescaped(text.startsWith('"') ? text.slice(1, -1) : text);
      this.#boost();
      return each(name => {
        const bounds: Expression[] = [];
        if (low !== '*') bounds.push(tests.bound(name, open === '[' ? '>=' : '>', value(low)));
        if (high !== '*') bounds.push(tests.bound(name, close === ']' ? '<=' : '<', value(high)));
        return bounds.length === 0 ? tests.exists(name) : allOf(bounds);
      });
    }
    const sign = this.#take(/>=|<=|>|</)?.[0];
    if (sign !== undefined) {
      const value = this.#word();
      return each(name => tests.bound(name, sign as CompareOperator, value));
    }
    const from = this.#at;
    const word = this.#word(true);
    if (/^(?:[^\\~]|\\.)+~[\d.]*$/.test(word))
      throw this.#fault(`fuzzy terms (${word}) are not supported; use wildcards`, from);
    const bare = word.replace(/\\./g, '');
    if (bare === '*') return each(name => tests.exists(name));
    if (/[*?]/.test(bare)) return each(name => tests.wildcard(name, unescaped(word)));
    const text = unescaped(word);
    return wordsOf(text).length === 0 ? [] : each(name => tests.words(name, text));
  }

  #boost(): void {
    this.#take(/\^\d+(?:\.\d+)?/);
  }

  /** A term up to a blank or parenthesis, with its escapes when `raw`. */
  #word(raw = false): string {
    const quoted = raw ? undefined : this.#take(/"((?:[^"\\]|\\.)*)"/s)?.[1];
    if (quoted !== undefined) return unescaped(quoted);
    const word = this.#take(/(?:[^\s()"[\]{}^\\]|\\.)+/s)?.[0];
    if (word === undefined) throw this.#fault('expected a term');
    this.#boost();
    return raw ? word : unescaped(word);
  }
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1');

/** What a `query_string` asks. Throws `bad_request` that says where its syntax is broken. */
export const queryStringTest = (text: string, options: QueryStringOptions): Expression =>
  new QueryStringReader(text, options).whole();
