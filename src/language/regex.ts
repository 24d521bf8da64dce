/**
 * Reads a regular expression of RE2 syntax far enough to refuse what RE2 refuses with a reason, to know its named groups, and to know
 * whether it can match the empty string. Users' expressions run in the engine only, never in V8.
 */
export type Regex = {
  /** Names of the capture groups by number, from 1; undefined for unnamed ones. */
  groups: (string | undefined)[];
  matchesEmpty: boolean;
  /** The text itself when it has no metacharacter. */
  literal?: string;
};

class RegexError extends Error {}

const classEscapes = 'dDsSwW';
const assertions = 'AzbB';

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

  alternation(depth: number): boolean {
    if (depth > 200) throw new RegexError('nested too deeply');
    let empty = this.sequence(depth);
    while (this.peek() === '|') {
      this.at++;
      empty = this.sequence(depth) || empty;
    }
    return empty;
  }

  sequence(depth: number): boolean {
    let empty = true;
    while (this.at < this.text.length && this.peek() !== '|' && this.peek() !== ')') {
      const atom = this.atom(depth);
      empty = this.repeat(atom) && empty;
    }
    return empty;
  }

  /** Reads repetition operators after an atom; gives whether the whole can be empty. */
  repeat(atomEmpty: boolean): boolean {
    let empty = atomEmpty;
    for (let count = 0; ; count++) {
      const bounds = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/.exec(this.text.slice(this.at, this.at + 16));
      if (bounds === null) return empty;
      if (count > 0) throw new RegexError(`invalid nested repetition operator: \`${bounds[0]}\``);
      const [whole, low, comma, high] = bounds;
      const least = low === undefined ? (whole.startsWith('+') ? 1 : 0) : Number(low);
      if (
        low !== undefined &&
        (Number(low) > 1000 || Number(high || 0) > 1000 || (comma && high && Number(high) < Number(low)))
      ) {
        throw new RegexError(`invalid repeat count: \`${whole}\``);
      }
      if (least === 0) empty = true;
      this.at += whole.length;
    }
  }

  /** Reads one atom; gives whether it can be empty. */
  atom(depth: number): boolean {
    const char = this.peek();
    if (char === '(') return this.group(depth);
    if (char === '[') {
      this.characterClass();
      return false;
    }
    if (char === '\\') return this.escape();
    if ('*+?'.includes(char)) throw new RegexError(`missing argument to repetition operator: \`${char}\``);
    this.at += (this.text.codePointAt(this.at) ?? 0) > 0xffff ? 2 : 1;
    return char === '^' || char === '$';
  }

  group(depth: number): boolean {
    const rest = this.text.slice(this.at);
    const named = /^\(\?P?<(\w+)>/.exec(rest);
    const flags = /^\(\?([imsU]*(?:-[imsU]+)?)([:)])/.exec(rest);
    if (named) {
      if (this.groups.includes(named[1])) throw new RegexError(`duplicate capture group name: \`${named[1]}\``);
      this.groups.push(named[1]);
      this.at += named[0].length;
    } else if (flags) {
      this.at += flags[0].length;
      if (flags[2] === ')') return true;
    } else if (rest.startsWith('(?')) {
      throw new RegexError(`invalid or unsupported Perl syntax: \`${rest.slice(0, 4)}\``);
    } else {
      this.groups.push(undefined);
      this.at++;
    }
    const empty = this.alternation(depth + 1);
    if (this.peek() !== ')') throw new RegexError('missing closing )');
    this.at++;
    return empty;
  }

  characterClass(): void {
    const start = this.at;
    this.at++;
    if (this.peek() === '^') this.at++;
    let first = true;
    while (first || this.peek() !== ']') {
      if (this.at >= this.text.length) throw new RegexError(`missing closing ]: \`${this.text.slice(start)}\``);
      first = false;
      const posix = /^\[:\^?\w+:\]/.exec(this.text.slice(this.at, this.at + 16));
      if (posix) this.at += posix[0].length;
      else if (this.peek() === '\\') this.escape();
      else this.at++;
    }
    this.at++;
  }

  escape(): boolean {
    const rest = this.text.slice(this.at, this.at + 24);
    const found = /^\\(?:x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]+\}|[pP](?:[A-Z]|\{\^?\w+\})|Q|E|[0-7]{3}|0[0-7]{0,2}|.)/s.exec(
      rest,
    )?.[0];
    if (found === undefined) throw new RegexError('trailing backslash at end of expression');
    const letter = found[1] ?? '';
    if (letter === 'Q') {
      const end = this.text.indexOf('\\E', this.at);
      this.at = end < 0 ? this.text.length : end + 2;
      return false;
    }
    const known =
      found.length > 2 || classEscapes.includes(letter) || assertions.includes(letter) || 'afnrtvCEC0'.includes(letter);
    if (!known && /[A-Za-z0-9]/.test(letter)) throw new RegexError(`invalid escape sequence: \`\\${letter}\``);
    this.at += found.length;
    return assertions.includes(letter) && found.length === 2;
  }
}

/** Throws an Error whose message says what RE2 would not accept. */
export function readRegex(text: string): Regex {
  const reader = new RegexReader(text);
  const matchesEmpty = reader.alternation(0);
  if (reader.at < text.length) throw new RegexError(`unexpected ): \`${text}\``);
  return { groups: reader.groups, matchesEmpty, ...(!/[\\^$.|?*+()[\]{}]/.test(text) && { literal: text }) };
}
