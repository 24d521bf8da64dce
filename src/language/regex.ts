import { unicodeClasses } from './regex-classes.ts';

/**
 * Reads a regular expression of RE2 syntax, as Go's regexp takes it: refuses what it refuses, in its words, and says what the compiler needs to
 * know. Users' expressions run in the engine only, never in V8.
 */
export type Regex = {
  /** Names of the capture groups by number, from 1; undefined for unnamed ones. */
  groups: (string | undefined)[];
  matchesEmpty: boolean;
  /** The text itself when it has no metacharacter. */
  literal?: string;
};

class RegexError extends Error {}

/** `most`: the largest product of nested repeat counts. */
type Atom = { empty: boolean; most: number };

const depthMax = 200;
const repeatMax = 1000;
const repetition = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/;
const posix = /^\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]/;
const character =
  /^\\(?:x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]+\}|0[0-7]{0,2}|[1-7][0-7]{1,2}|[afnrtv]|[\x00-\x2f:-@[-`{-\x7f])/;
const unicode = /^\\[pP](?:\{(\^?)([^}]*)\}|(.))/su;

class RegexReader {
  readonly text: string;
  at = 0;
  groups: (string | undefined)[] = [];

  constructor(text: string) {
    this.text = text;
  }

  peek(): string {
    return this.text[this.at] ?? '';
  }

  rest(length: number): string {
    return this.text.slice(this.at, this.at + length);
  }

  alternation(depth: number): Atom {
    if (depth > depthMax) throw new RegexError('nested too deeply');
    let { empty, most } = this.sequence(depth);
    while (this.peek() === '|') {
      this.at++;
      const other = this.sequence(depth);
      empty ||= other.empty;
      most = Math.max(most, other.most);
    }
    return { empty, most };
  }

  sequence(depth: number): Atom {
    const whole: Atom = { empty: true, most: 1 };
    while (this.at < this.text.length && this.peek() !== '|' && this.peek() !== ')') {
      if (this.flags()) continue;
      const atom = this.repeat(this.atom(depth));
      whole.empty &&= atom.empty;
      whole.most = Math.max(whole.most, atom.most);
    }
    return whole;
  }

  /** `(?i)`: nothing that could be repeated. */
  flags(): boolean {
    const found = /^\(\?[imsU]*(?:-[imsU]+)?\)/.exec(this.rest(16));
    if (found === null) return false;
    this.at += found[0].length;
    this.refuseRepeat();
    return true;
  }

  /** Reads repetition operators after an atom. */
  repeat({ empty, most }: Atom): Atom {
    for (let before = ''; ; ) {
      const found = repetition.exec(this.rest(32));
      if (found === null) return { empty, most };
      const [whole, low, comma, high] = found;
      if (before !== '') throw new RegexError(`invalid nested repetition operator: \`${before}${whole}\``);
      before = whole;
      const least = low === undefined ? (whole.startsWith('+') ? 1 : 0) : Number(low);
      const highest = low === undefined ? 1 : comma === undefined || high === '' ? Number(low) : Number(high);
      if (Math.max(least, highest) > repeatMax || highest < (low === undefined ? 0 : least))
        throw new RegexError(`invalid repeat count: \`${whole}\``);
      most *= Math.max(1, highest);
      if (most > repeatMax) throw new RegexError(`invalid repeat count: \`${whole}\``);
      if (least === 0) empty = true;
      this.at += whole.length;
    }
  }

  refuseRepeat(): void {
    const found = repetition.exec(this.rest(32));
    if (found) throw new RegexError(`missing argument to repetition operator: \`${found[0]}\``);
  }

  atom(depth: number): Atom {
    const char = this.peek();
    if (char === '(') return this.group(depth);
    if (char === '[') return this.characterClass();
    if (char === '\\') return { empty: this.escape(), most: 1 };
    this.refuseRepeat();
    this.skipCharacter();
    return { empty: char === '^' || char === '$', most: 1 };
  }

  skipCharacter(): void {
    const code = this.text.codePointAt(this.at) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) throw new RegexError('invalid UTF-8');
    this.at += code > 0xffff ? 2 : 1;
  }

  group(depth: number): Atom {
    const rest = this.text.slice(this.at);
    const named = /^\(\?P?<(\w+)>/.exec(rest);
    const flags = /^\(\?[imsU]*(?:-[imsU]+)?:/.exec(rest);
    if (named) {
      if (this.groups.includes(named[1])) throw new RegexError(`duplicate capture group name: \`${named[1]}\``);
      this.groups.push(named[1]);
      this.at += named[0].length;
    } else if (flags) this.at += flags[0].length;
    else if (/^\(\?P?<(?![=!])/.test(rest))
      throw new RegexError(`invalid named capture: \`${/^[^>)]*>?/.exec(rest)?.[0] ?? ''}\``);
    else if (rest.startsWith('(?')) throw new RegexError(`invalid or unsupported Perl syntax: \`${rest.slice(0, 3)}\``);
    else {
      this.groups.push(undefined);
      this.at++;
    }
    const inner = this.alternation(depth + 1);
    if (this.peek() !== ')') throw new RegexError(`missing closing ): \`${this.text}\``);
    this.at++;
    return inner;
  }

  /** One end of a range in a class; undefined for what is a class itself. */
  classItem(): string | undefined {
    const named = posix.exec(this.rest(16))?.[0];
    if (named !== undefined) {
      this.at += named.length;
      return undefined;
    }
    if (/^\[:\^?\w+:\]/.test(this.rest(16)))
      throw new RegexError(`invalid character class range: \`${/^[^\]]*\]/.exec(this.rest(16))?.[0] ?? ''}\``);
    if (this.peek() !== '\\') {
      const start = this.at;
      this.skipCharacter();
      return this.text.slice(start, this.at);
    }
    if (/^\\[dDsSwW]/.test(this.rest(2))) {
      this.at += 2;
      return undefined;
    }
    if (/^\\[pP]/.test(this.rest(2))) {
      this.unicodeClass();
      return undefined;
    }
    return this.characterEscape();
  }

  characterClass(): Atom {
    const start = this.at++;
    if (this.peek() === '^') this.at++;
    for (let first = true; first || this.peek() !== ']'; first = false) {
      if (this.at >= this.text.length) throw new RegexError(`missing closing ]: \`${this.text.slice(start)}\``);
      const from = this.at;
      const low = this.classItem();
      if (low === undefined || !/^-[^\]]/s.test(this.rest(2))) continue;
      this.at++;
      const high = this.classItem();
      if (high === undefined || codeOf(high) < codeOf(low))
        throw new RegexError(`invalid character class range: \`${this.text.slice(from, this.at)}\``);
    }
    this.at++;
    return { empty: false, most: 1 };
  }

  unicodeClass(): void {
    const [whole, , long, short] = unicode.exec(this.rest(64)) ?? [];
    const name = long ?? short ?? '';
    if (whole === undefined || !unicodeClasses.has(name))
      throw new RegexError(`invalid character class range: \`${whole ?? this.rest(64)}\``);
    this.at += whole.length;
  }

  characterEscape(): string {
    const found = character.exec(this.rest(16))?.[0];
    if (this.rest(2).length < 2) throw new RegexError('trailing backslash at end of expression: ``');
    const code = found === undefined ? undefined : codeOf(found);
    if (found === undefined || code === undefined || code > 0x10ffff)
      throw new RegexError(`invalid escape sequence: \`${this.rest(2)}\``);
    this.at += found.length;
    return found;
  }

  /** Reads an escape outside of a class; gives whether it matches no character. */
  escape(): boolean {
    const two = this.rest(2);
    if (two === '\\Q') {
      const end = this.text.indexOf('\\E', this.at);
      const length = end < 0 ? this.text.length - this.at - 2 : end - this.at - 2;
      this.at = end < 0 ? this.text.length : end + 2;
      return length === 0;
    }
    if (/^\\[AzbBdDsSwW]$/.test(two)) {
      this.at += 2;
      // There is no word boundary in an empty text.
      return 'AzB'.includes(two.charAt(1));
    }
    if (/^\\[pP]$/.test(two)) this.unicodeClass();
    else this.characterEscape();
    return false;
  }
}

const named: Record<string, number> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** Code point of a character or of an escape that stands for one. */
function codeOf(text: string): number {
  if (!text.startsWith('\\')) return text.codePointAt(0) ?? 0;
  const hex = /^\\x\{?([0-9a-fA-F]+)/.exec(text)?.[1];
  if (hex !== undefined) return Number.parseInt(hex, 16);
  const octal = /^\\([0-7]+)$/.exec(text)?.[1];
  if (octal !== undefined) return Number.parseInt(octal, 8);
  return named[text.charAt(1)] ?? text.charCodeAt(1);
}

/** Throws an Error whose message says what RE2 would not accept. */
export function readRegex(text: string): Regex {
  const reader = new RegexReader(text);
  const { empty } = reader.alternation(0);
  if (reader.at < text.length) throw new RegexError(`unexpected ): \`${text}\``);
  return { groups: reader.groups, matchesEmpty: empty, ...(!/[\\^$.|?*+()[\]{}]/.test(text) && { literal: text }) };
}
