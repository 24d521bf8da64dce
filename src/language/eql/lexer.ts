import { WeirError } from '../../base/errors.ts';
import { positionAt } from '../lexer.ts';

export type EqlTokenType = 'word' | 'quoted' | 'string' | 'number' | 'operator' | 'end';
export type EqlToken = {
  type: EqlTokenType;
  /** As written. */
  text: string;
  /** Unquoted text of strings and of names in backticks; otherwise `text`. */
  value: string;
  from: number;
  to: number;
};

/** `line L:C: reason`, the shape of Elasticsearch's parsing errors. */
export function syntaxError(text: string, offset: number, reason: string): WeirError {
  const { line, column } = positionAt(text, offset);
  return new WeirError('bad_query', { reason: `line ${line}:${column}: ${reason}` }, { line, column });
}

/** What a query says but may not mean: unknown fields, wrong types. The shape of Elasticsearch's verification errors. */
export function meaningError(text: string, offset: number, reason: string): WeirError {
  const { line, column } = positionAt(text, offset);
  return new WeirError('bad_query', { reason: `Found 1 problem\nline ${line}:${column}: ${reason}` }, { line, column });
}

const operators = [
  '![',
  '==',
  '!=',
  '<=',
  '>=',
  '<',
  '>',
  '=',
  ':',
  '+',
  '-',
  '*',
  '/',
  '%',
  '(',
  ')',
  '[',
  ']',
  ',',
  '.',
  '|',
  '?',
  '!',
];

const blank = /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
/** The tilde belongs to the word: `like~`, `startsWith~`. */
const word = /[@A-Za-z_][A-Za-z0-9_]*~?/y;
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', '\\': '\\', '"': '"' };

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** Value and end of the string that begins with the quote at `from`. */
function readString(text: string, from: number): { value: string; to: number } {
  let value = '';
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '"') return { value, to: at + 1 };
    if (char === '\n' || char === '\r') break;
    if (char !== '\\') {
      value += char;
      continue;
    }
    const letter = text[++at] ?? '';
    const known = escapes[letter];
    if (known !== undefined) {
      value += known;
      continue;
    }
    if (letter === "'") throw syntaxError(text, at - 1, `invalid escape \\' in a string; single quotes need none`);
    const [whole, hex] = /^u\{([0-9a-fA-F]{2,8})\}/.exec(text.slice(at, at + 12)) ?? [];
    if (whole === undefined || hex === undefined)
      throw syntaxError(
        text,
        at - 1,
        `invalid escape \\${letter} in a string; known are \\n \\r \\t \\b \\f \\\\ \\" and \\u{2 to 8 hex digits}. Write """...""" for a string without escapes`,
      );
    const code = Number.parseInt(hex, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      throw syntaxError(text, at - 1, `\\${whole} is no Unicode character`);
    value += String.fromCodePoint(code);
    at += whole.length - 1;
  }
  throw syntaxError(text, from, 'string is not closed');
}

/** Splits a query into tokens; throws `bad_query` with line and column at the first text that is none. */
export function tokenizeEql(text: string): EqlToken[] {
  const tokens: EqlToken[] = [];
  let at = 0;
  const push = (type: EqlTokenType, to: number, value = text.slice(at, to)): void => {
    tokens.push({ type, text: text.slice(at, to), value, from: at, to });
    at = to;
  };
  while (at < text.length) {
    const skip = matchAt(blank, text, at).length;
    if (skip > 0) {
      at += skip;
      continue;
    }
    const char = text[at] ?? '';
    if (text.startsWith('/*', at)) throw syntaxError(text, at, 'comment is not closed');
    if (text.startsWith('"""', at)) {
      // The last quotes of a run belong to the end, so that a raw string may end with a quote.
      const found = /"""+/g;
      found.lastIndex = at + 3;
      const end = found.exec(text);
      if (end === null) throw syntaxError(text, at, 'raw string """ is not closed');
      const to = Math.min(found.lastIndex, end.index + 5);
      push('string', to, text.slice(at + 3, to - 3));
    } else if (char === '"') {
      const { value, to } = readString(text, at);
      push('string', to, value);
    } else if (char === '`') {
      const end = /`(?:[^`]|``)+`/y;
      const quoted = matchAt(end, text, at);
      if (quoted === '') throw syntaxError(text, at, 'a field name in backticks is empty or not closed');
      push('quoted', at + quoted.length, quoted.slice(1, -1).replaceAll('``', '`'));
    } else if (char === "'" || /^\?['"]/.test(text.slice(at, at + 2))) {
      throw syntaxError(text, at, 'strings are written in double quotes: "text", or """raw text"""');
    } else {
      const name = matchAt(word, text, at);
      const digits = name === '' && /[\d.]/.test(char) ? matchAt(number, text, at) : '';
      const operator = operators.find(o => text.startsWith(o, at));
      if (name !== '') push('word', at + name.length);
      else if (digits !== '') push('number', at + digits.length);
      else if (operator !== undefined) push('operator', at + operator.length);
      else
        throw syntaxError(
          text,
          at,
          `unexpected character ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`,
        );
    }
  }
  push('end', text.length);
  return tokens;
}
