import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { parseIpRange } from '../ip.ts';
import { parseError } from '../lexer.ts';
import type { SearchCondition } from '../tree.ts';
import { fieldName, looksLikeId } from './fields.ts';
import { setAt, weightAt, withoutSuffix, withQuotedSuffix } from './suffixes.ts';
import { isCode, isMessage, namePatternAt, saying } from './habits.ts';
import { fieldAt, type FieldStart, quotedAt, regexAt, type Term, tidy, wordAt } from './terms.ts';
import { checkedRegex, closeWords, fieldTest, type Fault } from './tests.ts';

const depthMax = 50;

export type SearchReading = {
  condition: SearchCondition;
  /** Where the search text ends: at a pipe, or at the end. */
  to: number;
  /** What may have been meant otherwise, for the person who typed it. */
  notes: string[];
};

const everything: SearchCondition = { type: 'and', items: [] };
const blank = /\s*/y;
const upper = /(?:(AND|OR|NOT|&&|and|or|not)(?=[\s()]|$)|(\|\|))/y;

/**
 * Reads a search text: words, phrases and `field:value` joined by AND (also by standing side by side), OR, NOT, `-`, and parentheses; NOT before AND
 * before OR. Stops at a single `|`. Throws `bad_query` with line and column. `now` (ns) is for relative dates.
 */
class SearchParser {
  readonly text: string;
  readonly now: bigint | undefined;
  readonly notes = new Set<string>();
  at: number;
  terms = 0;
  /** Parentheses that group and are not closed yet; those that words have opened since the last of them. */
  groups = 0;
  open = 0;
  /** True after a field condition or a closing parenthesis: there a lower-case `and` or `or` is an operator. */
  structured = false;
  /** True right after an operator. */
  combined = false;

  constructor(text: string, at: number, now: bigint | undefined) {
    this.text = text;
    this.at = at;
    this.now = now;
  }

  readonly fault: Fault = (reason, at = this.at) => parseError(this.text, at, reason);

  skip(): void {
    blank.lastIndex = this.at;
    this.at += blank.exec(this.text)?.[0].length ?? 0;
    // `a=1, b=2`: the comma between fields is none of them.
    if (this.structured && /^[,;](?=\s|$)/.test(this.text.slice(this.at, this.at + 2))) {
      this.at++;
      this.skip();
    }
  }

  /** The operator at `at`, if the word there is one. In a field's parentheses lower case counts always. */
  operator(field: FieldStart | undefined): 'and' | 'or' | 'not' | undefined {
    upper.lastIndex = this.at;
    const word = upper.exec(this.text)?.[0];
    if (word === undefined) return undefined;
    if (word === '&&') return 'and';
    if (word === '||') return 'or';
    const lower = word.toLowerCase() as 'and' | 'or' | 'not';
    if (word !== lower || field !== undefined) return lower;
    const after = this.text.slice(this.at + word.length).search(/\S|$/) + this.at + word.length;
    const next = fieldAt(this.text, after);
    // "User not found: id" excludes nothing.
    const nextStructured =
      this.text[after] === '(' || (next !== undefined && (lower !== 'not' || !next.blankAfter || this.combined));
    if (nextStructured || (lower !== 'not' && this.structured && after < this.text.length)) return lower;
    this.notes.add(`"${word}" in lower case is a word here; write ${word.toUpperCase()} to combine`);
    return undefined;
  }

  ended(): boolean {
    this.skip();
    const sign = this.text[this.at];
    return (
      sign === undefined ||
      (sign === ')' && this.groups > 0 && this.open === 0) ||
      (sign === '|' && this.text[this.at + 1] !== '|')
    );
  }

  /** In a field's parentheses values side by side mean OR, since a field has one value. */
  disjunction(depth: number, field?: FieldStart): SearchCondition {
    const items = [this.conjunction(depth, field)];
    while (!this.ended()) {
      if (this.operator(field) === 'or') {
        this.takeOperator();
        items.push(this.conjunction(depth, field));
      } else if (field !== undefined) items.push(this.conjunction(depth, field));
      else break;
    }
    return { type: 'or', items };
  }

  takeOperator(): void {
    const from = this.at;
    const word = /\S\S\S?/.exec(this.text.slice(from, from + 3))?.[0] ?? '';
    this.at += /^(?:&&|\|\||or)/i.test(word) ? 2 : 3;
    this.structured = false;
    this.combined = true;
    if (this.ended())
      throw this.fault(
        `${this.text.slice(from, from + 3).trim()} needs something after it; to search for the word, put it in quotes`,
        from,
      );
  }

  conjunction(depth: number, field?: FieldStart): SearchCondition {
    if (this.ended()) throw this.fault('expected a word, a "phrase" or field:value');
    this.expectTerm(field);
    const items = [this.unary(depth, field)];
    while (!this.ended()) {
      const operator = this.operator(field);
      if (operator === 'or') break;
      if (operator === 'and') {
        this.takeOperator();
        this.expectTerm(field);
      } else if (operator === undefined && field !== undefined && field.op === ':' && !isMessage(field)) break;
      items.push(this.unary(depth, field));
    }
    return { type: 'and', items };
  }

  /** No operator where something to combine must stand. */
  expectTerm(field: FieldStart | undefined): void {
    const found = this.operator(field);
    if (found === 'and' || found === 'or')
      throw this.fault(`${found.toUpperCase()} needs something before it; to search for the word, put it in quotes`);
  }

  unary(depth: number, field?: FieldStart): SearchCondition {
    if (depth > depthMax) throw this.fault(`more than ${depthMax} nested parentheses and negations`);
    if (this.operator(field) === 'not') {
      this.takeOperator();
      return { type: 'not', item: this.unary(depth + 1, field) };
    }
    const sign = this.text[this.at] ?? '';
    const next = this.text[this.at + 1] ?? '';
    if ('-!+'.includes(sign) && next !== '' && !/[\s\-!+=>~|)]/.test(next)) {
      this.at++;
      const option = /^[A-Za-z]{1,3}(?=\s|$)/.exec(this.text.slice(this.at, this.at + 4))?.[0];
      if (sign === '-' && option !== undefined && field === undefined)
        this.notes.add(
          `-${option} leaves out records with "${option}"; put it in quotes to search for it: "-${option}"`,
        );
      const item = this.unary(depth + 1, field);
      return sign === '+' ? item : { type: 'not', item };
    }
    const found = sign === '(' ? this.parentheses(depth, field) : this.primary(depth, field);
    this.dropWeight();
    return found;
  }

  parentheses(depth: number, field?: FieldStart): SearchCondition {
    const open = this.at++;
    const inside = /^\s*\)/.exec(this.text.slice(this.at, this.at + 100))?.[0];
    if (inside !== undefined && field === undefined) {
      this.at += inside.length;
      return { type: 'text', match: 'phrase', text: `(${inside}` };
    }
    const opened = this.open;
    this.open = 0;
    this.groups++;
    const inner = this.disjunction(depth + 1, field);
    if (this.text[this.at] !== ')')
      throw this.fault('this parenthesis is not closed; put it in quotes to search for it', open);
    this.at++;
    this.groups--;
    this.open = opened;
    this.structured = true;
    return inner;
  }

  primary(depth: number, field?: FieldStart): SearchCondition {
    if (++this.terms > limits.searchTermsMax)
      throw this.fault(`more than ${limits.searchTermsMax} words and conditions; search for fewer`);
    if (field === undefined) {
      const start = fieldAt(this.text, this.at);
      if (start) return this.field(start, depth);
    }
    this.structured = false;
    this.combined = false;
    const from = this.at;
    if (this.text[from] === '/') {
      const found = regexAt(this.text, from);
      if (found) {
        this.at = found.to;
        const regex = checkedRegex(found.regex, this.fault, from);
        return field ? fieldTest(field, { regex }, this) : { type: 'text', match: 'regex', text: regex };
      }
    }
    if (field !== undefined) {
      const sign = /^(?:>=|<=|>|<)[ \t]*(?=[^\s)])/.exec(this.text.slice(from, from + 100))?.[0];
      if (sign !== undefined) {
        this.at += sign.length;
        return fieldTest({ ...field, op: sign.trim() as FieldStart['op'] }, this.term(true), this);
      }
      const range = this.range(field);
      if (range) return range;
    }
    const wild = field === undefined ? namePatternAt(this.text, from) : undefined;
    if (wild?.valued) throw this.fault('name the field; wildcards work in values. For the text use quotes', from);
    if (wild) this.notes.add(`"${wild.name}" is searched as text: wildcards do not stand in names of fields`);
    const set = field === undefined ? this.oneOf(term => this.bare(term)) : undefined;
    if (set) return set;
    const term = this.term(field !== undefined);
    return field ? fieldTest(field, term, this) : this.bare(term);
  }

  /** A quoted text or a word; a value may be in single quotes too. */
  term(isValue = false): Term {
    const from = this.at;
    const single = /^'([^'\n]*)'(?=[\s)|,;]|$)/.exec(this.text.slice(from, from + 10_000));
    if (single && (isValue || single[1]?.trim() !== '')) {
      this.at += single[0].length;
      return { from, to: this.at, text: single[1] ?? '', quoted: true };
    }
    if (this.text[from] !== '"') {
      const word = wordAt(this.text, from, { closes: this.groups > 0, open: this.open, isValue });
      this.at = word.to;
      this.open = word.open ?? 0;
      this.noteSigns(word);
      const { term, weight } = withoutSuffix(word, this.text.slice(from, word.to), isValue);
      if (weight !== undefined) this.noteWeight(weight);
      return term;
    }
    const quoted = quotedAt(this.text, from);
    if (!quoted) throw this.fault('this quote is not closed; write \\" to search for the sign itself', from);
    const whole = withQuotedSuffix(this.text, quoted);
    this.at = whole.to;
    return whole;
  }

  /** `^2` behind a term is left out: logs are ordered by time, not by weight. */
  dropWeight(): void {
    const weight = weightAt(this.text, this.at);
    if (weight === undefined) return;
    this.at += weight.length;
    this.noteWeight(weight);
  }

  noteWeight(weight: string): void {
    this.notes.add(`${weight} is left out: logs are ordered by time, not by weight; use quotes for the text as it is`);
  }

  /** Signs that mean something elsewhere and are text here. */
  noteSigns({ text, from, to }: Term): void {
    const written = this.text.slice(from, to);
    if (/[^\\]\|/.test(written))
      this.notes.add(`"${text}" is searched as text; for one of several words write ${text.split('|').join(' OR ')}`);
    if (this.groups === 0 && this.open === 0 && /^[^(]*\)/.test(written) && !this.text.slice(0, from).includes('('))
      this.notes.add('")" is searched as text: no parenthesis was opened before it');
  }

  bare(term: Term): SearchCondition {
    const { text, pattern, quoted } = term;
    const close = closeWords(term);
    if (close) return close;
    if (quoted) return text === '' ? everything : { type: 'text', match: 'phrase', text };
    if (pattern === '*' || pattern === '*:*') return everything;
    if (pattern !== undefined) {
      const stem = pattern.endsWith('*') ? pattern.slice(0, -1) : '';
      if (looksLikeId(stem)) return { type: 'id', value: stem, prefix: true };
      return { type: 'text', match: 'wildcard', text: pattern };
    }
    if (looksLikeId(text)) return { type: 'id', value: text, prefix: false };
    if (/^[A-Za-z_][\w.]*:$/.test(text))
      this.notes.add(`"${text}" is searched as text; a field needs its value: ${text}value`);
    return { type: 'text', match: /^[0-9A-Za-z]+$/.test(text) ? 'word' : 'phrase', text };
  }

  field(start: FieldStart, depth: number): SearchCondition {
    this.at = start.to;
    this.combined = false;
    const valueAt = this.at;
    let condition: SearchCondition;
    if (this.text[valueAt] === '(' && (start.op === ':' || start.op === '=' || start.op === '!=')) {
      condition = this.parentheses(depth, { ...start, op: ':' });
      if (start.op === '!=') condition = { type: 'not', item: condition };
      // `curl: (7) failed`
      if (start.blankAfter) condition = { type: 'or', items: [condition, this.written(start)] };
    } else if (this.text[valueAt] === '/' && start.op === ':' && regexAt(this.text, valueAt)) {
      condition = this.primary(depth, start);
    } else {
      const range =
        start.op === ':'
          ? (this.range(start) ?? this.span(start) ?? this.oneOf(term => fieldTest(start, term, this)))
          : undefined;
      condition = range ?? this.value(start);
      // `error: timeout` and `java.io.IOException: closed` may be fields, and may be pieces of a line.
      if ((start.blankAfter || isCode(this.text, start)) && range === undefined) {
        const text = this.text.slice(start.from, this.at).replaceAll('"', '');
        this.notes.add(`"${text}" is searched as a field and as text; without the blank it is the field only`);
        condition = { type: 'or', items: [condition, this.written(start)] };
        // In `level: error or service: web` the word combines, in `ORA-00942: table or view` and `error: a or b` it does not.
        this.structured = /^[a-z_@][a-z0-9_.]*$/.test(start.name) && !saying.test(start.name);
        return condition;
      }
    }
    this.structured = true;
    return condition;
  }

  /** The text from a field's name to here as it stands, and without its quotes: `error: "timed out"` is said of a line `error: timed out`. */
  written(start: FieldStart): SearchCondition {
    const text = this.text.slice(start.from, this.at);
    const texts = [...new Set([text.replaceAll('"', ''), text])];
    return { type: 'or', items: texts.map(item => ({ type: 'text', match: 'phrase', text: item })) };
  }

  value(start: FieldStart): SearchCondition {
    return fieldTest(start, this.term(true), this);
  }

  /** `IN [a "b c"]`: one of these. */
  oneOf(test: (term: Term) => SearchCondition): SearchCondition | undefined {
    const set = setAt(this.text, this.at);
    if (set === undefined) return undefined;
    if (set.terms.length === 0) throw this.fault('IN needs values: IN [a b]');
    this.terms += set.terms.length - 1;
    if (this.terms > limits.searchTermsMax)
      throw this.fault(`more than ${limits.searchTermsMax} words and conditions; search for fewer`);
    this.at = set.to;
    return { type: 'or', items: set.terms.map(test) };
  }

  /** `status:500..599` */
  span(start: FieldStart): SearchCondition | undefined {
    const [whole, low = '', high = ''] =
      /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)(?=[\s),]|$)/.exec(this.text.slice(this.at, this.at + 60)) ?? [];
    if (whole === undefined) return undefined;
    const from = this.at;
    this.at += whole.length;
    const bound = (op: FieldStart['op'], text: string): SearchCondition =>
      fieldTest({ ...start, op }, { from, to: this.at, text, quoted: false }, this);
    return { type: 'and', items: [bound('>=', low), bound('<=', high)] };
  }

  /** `[a TO b]`, `{a TO b}` or mixed. */
  range(start: FieldStart): SearchCondition | undefined {
    const open = this.text[this.at];
    if (open !== '[' && open !== '{') return undefined;
    const found = /^[[{]\s*("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s*([\]}])/i.exec(
      this.text.slice(this.at),
    );
    if (!found) {
      const rest = this.text.slice(this.at, this.at + 60);
      if (open === '[' && !/\sTO\s/.test(rest)) return undefined;
      throw this.fault(
        /^\{\s*\w+\s*:/.test(rest)
          ? `nested fields are written with dots or underscores: ${start.name}.name:value`
          : `a range is written ${start.name}:[from TO to], with * for an open end and { } to leave an end out`,
      );
    }
    const [whole, low = '', high = '', close] = found;
    const from = this.at;
    this.at += whole.length;
    const bound = (written: string, op: FieldStart['op']): SearchCondition => {
      const text = written.startsWith('"') ? written.slice(1, -1) : written;
      return fieldTest({ ...start, op }, { from, to: this.at, text, quoted: written.startsWith('"') }, this);
    };
    if (parseIpRange(low) && parseIpRange(`${low}-${high}`) && open === '[' && close === ']')
      return { type: 'field', name: fieldName(start.name), test: { op: 'ip', range: `${low}-${high}` } };
    const items: SearchCondition[] = [];
    if (low !== '*') items.push(bound(low, open === '[' ? '>=' : '>'));
    if (high !== '*') items.push(bound(high, close === ']' ? '<=' : '<'));
    return items.length > 0
      ? { type: 'and', items }
      : fieldTest(start, { from, to: this.at, text: '*', quoted: false, pattern: '*' }, this);
  }
}

/** Reads the search text that begins at `at`. See {@link SearchParser}. */
export function readSearch(text: string, now?: bigint, at = 0): SearchReading {
  if (Buffer.byteLength(text) > limits.queryTextBytesMax)
    throw new WeirError('bad_query', {
      reason: `query text is longer than ${limits.queryTextBytesMax} bytes; shorten it`,
    });
  const parser = new SearchParser(text, at, now);
  if (parser.ended()) return { condition: everything, to: parser.at, notes: [] };
  const condition = tidy(parser.disjunction(0));
  return { condition, to: parser.at, notes: [...parser.notes] };
}
