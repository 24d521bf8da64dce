/**
 * Pretty-printed JSON that shows exactly what was written: tokens are cut from the source, never parsed into values, so a 64-bit id
 * keeps its digits and a duplicate key is seen.
 */
export type JsonToken = {
  kind: 'key' | 'string' | 'number' | 'literal' | 'punctuation' | 'space';
  /** As in the source; for `space` what the layout puts in between. */
  text: string;
  /** Scalars only: names on the way to it, joined by `_` as LogQL's `json` stage names labels; absent inside arrays. */
  path?: string;
};

const depthMax = 128;
const scalar =
  /"(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\\u0000-\u001f])*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const blank = /[ \t\r\n]*/y;

/** Tokens of a JSON object or array with line breaks and two-space indents, or null when the text is not exactly one of these (or nested deeper than 128). */
export function printJson(text: string): JsonToken[] | null {
  const first = /^\s*([{[])/.exec(text)?.[1];
  if (!first) return null;
  const printer = new Printer(text);
  return printer.value(0, '') && printer.ended() ? printer.tokens : null;
}

/** The value of a JSON string token as text. */
export const stringValue = (token: string): string => JSON.parse(token) as string;

class Printer {
  readonly tokens: JsonToken[] = [];
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  ended(): boolean {
    this.#skip();
    return this.#at === this.#text.length;
  }

  value(depth: number, path: string | undefined): boolean {
    this.#skip();
    if (depth > depthMax) return false;
    const open = this.#text[this.#at];
    if (open === '{' || open === '[') return this.#group(open, depth, path);
    const found = this.#scalar();
    if (found === null) return false;
    const kind = found.startsWith('"') ? 'string' : /^[tfn]/.test(found) ? 'literal' : 'number';
    this.tokens.push({ kind, text: found, ...(path && { path }) });
    return true;
  }

  #group(open: '{' | '[', depth: number, path: string | undefined): boolean {
    const close = open === '{' ? '}' : ']';
    this.#at++;
    this.#skip();
    if (this.#text[this.#at] === close) {
      this.#at++;
      this.#mark(open + close);
      return true;
    }
    this.#mark(open);
    for (;;) {
      this.#line(depth + 1);
      let inner: string | undefined;
      if (open === '{') {
        this.#skip();
        const key = this.#scalar();
        if (!key?.startsWith('"')) return false;
        this.tokens.push({ kind: 'key', text: key });
        if (!this.#take(':')) return false;
        this.#mark(': ');
        const name = stringValue(key).replace(/[^A-Za-z0-9_]/g, '_');
        if (path !== undefined) inner = path ? `${path}_${name}` : name;
      }
      if (!this.value(depth + 1, inner)) return false;
      if (this.#take(',')) this.#mark(',');
      else if (this.#take(close)) break;
      else return false;
    }
    this.#line(depth);
    this.#mark(close);
    return true;
  }

  #scalar(): string | null {
    scalar.lastIndex = this.#at;
    const found = scalar.exec(this.#text)?.[0];
    if (!found) return null;
    this.#at += found.length;
    return found;
  }

  #take(sign: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #skip(): void {
    blank.lastIndex = this.#at;
    this.#at += blank.exec(this.#text)?.[0].length ?? 0;
  }

  #mark(text: string): void {
    this.tokens.push({ kind: 'punctuation', text });
  }

  #line(depth: number): void {
    this.tokens.push({ kind: 'space', text: `\n${'  '.repeat(depth)}` });
  }
}
