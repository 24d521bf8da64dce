import { WeirError } from '../base/errors.ts';
import { durationStart, readBytes, readDuration } from './units.ts';
import { unquote } from './go-string.ts';
import type { Position } from './tree.ts';

export type TokenType = 'word' | 'string' | 'number' | 'duration' | 'bytes' | 'flag' | 'operator' | 'end';
export type Token = {
  type: TokenType;
  /** As written. */
  text: string;
  /** Unquoted text of a string; otherwise equal to `text`. */
  value: string;
  /** Of numbers; ns of durations; bytes of sizes. */
  amount: number;
  from: number;
  to: number;
};

const operators = [
  '|=', '|~', '|>', '!=', '!~', '!>', '=~', '==', '>=', '<=', // longest first
  '|', '=', '>', '<', '{', '}', '(', ')', '[', ']', ',', '+', '-', '*', '/', '%', '^',
]; // biome-ignore format: one line per length

const word = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const number = /(?:0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][+-]?\d+|(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
/** Blanks and comments as Go's text/scanner skips them, and LogQL's own `#`. */
const blank = /(?:[ \t\r\n]|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
/** Go reads what begins with 0 and has no point or exponent as octal. */
const badOctal = /0[\d_]*[89]/y;
const flag = /--[\p{L}-]*/uy;
const flags = ['--strict', '--keep-empty'];
/** Sizes are 64 bits. */
const maxBytes = 2 ** 64;
/** Durations are 64 bits of ns. */
const maxNs = 2 ** 63;
const wordAfter = /[\p{L}\p{Nd}_.]/uy;

/** Line and column (1-based, in UTF-16 units) of an offset. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 };
}

/** `parse error at line L, col C: reason`, the shape Loki's clients show and match. */
export function parseError(text: string, offset: number, reason: string): WeirError {
  const { line, column } = positionAt(text, offset);
  return new WeirError(
    'bad_query',
    { reason: `parse error at line ${line}, col ${column}: ${reason}` },
    { line, column },
  );
}

/** `parse error : reason`, the shape of Loki's errors about what is well-formed but not allowed. */
export function ruleError(text: string, offset: number, reason: string): WeirError {
  const { line, column } = positionAt(text, offset);
  return new WeirError('bad_query', { reason: `parse error : ${reason}` }, { line, column });
}

function hexFloat(text: string): number {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)$/.exec(text) ?? [];
  return Number.parseInt(`${whole}${fraction}` || '0', 16) * 2 ** (Number(exponent) - 4 * fraction.length);
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function readString(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === quote) return at + 1;
    if (quote === '"' && text[at] === '\n') break;
    if (quote === '"' && text[at] === '\\') at++;
  }
  throw parseError(text, from, 'literal not terminated');
}

/** Splits a query into tokens; throws a `bad_query` with line and column at the first text that is no token. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const push = (type: TokenType, from: number, to: number, amount = 0, value = text.slice(from, to)): number => {
    tokens.push({ type, text: text.slice(from, to), value, amount, from, to });
    return to;
  };
  const nul = text.indexOf('\0');
  if (nul >= 0) throw parseError(text, nul, 'invalid character NUL');
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    const skip = matchAt(blank, text, at).length;
    if (skip > 0) {
      at += skip;
      continue;
    }
    const char = text[at] ?? '';
    if (text.startsWith('/*', at)) throw parseError(text, at, 'comment not terminated');
    if (char === '"' || char === '`') {
      const to = readString(text, at);
      const value = unquote(text.slice(at, to));
      if (value === undefined) throw parseError(text, at, `invalid string literal ${text.slice(at, to)}: bad escape`);
      at = push('string', at, to, 0, value);
    } else if (durationStart(text, at)) {
      const { length, ns } = readDuration(text, at);
      const size = readBytes(text, at);
      if (Math.abs(ns) > maxNs)
        throw parseError(text, at, `duration ${text.slice(at, at + length)} is longer than 292 years`);
      if (size.bytes > maxBytes)
        throw parseError(text, at, `size ${text.slice(at, at + size.length)} is larger than 16 EiB`);
      if (size.length > length) at = push('bytes', at, at + size.length, size.bytes);
      else if (length > 0) {
        if (matchAt(wordAfter, text, at + length) !== '')
          throw parseError(
            text,
            at,
            `bad number or duration ${JSON.stringify(text.slice(at).match(/^[\w.]+/)?.[0] ?? char)}`,
          );
        at = push('duration', at, at + length, ns);
      } else {
        const found = matchAt(number, text, at);
        const after = matchAt(wordAfter, text, at + found.length);
        if (found === '' || after !== '')
          throw parseError(
            text,
            at,
            `bad number or duration ${JSON.stringify(text.slice(at).match(/^[\w.]+/)?.[0] ?? char)}`,
          );
        if (matchAt(badOctal, text, at) === found)
          throw parseError(text, at, `invalid digit ${JSON.stringify(found.match(/[89]/)?.[0])} in octal literal`);
        const amount = /^0[xX]/.test(found) ? hexFloat(found) : Number(found.replaceAll('_', ''));
        if (!Number.isFinite(amount)) throw parseError(text, at, `number ${found} is out of range`);
        at = push('number', at, at + found.length, amount);
      }
    } else if (flags.includes(matchAt(flag, text, at))) {
      at = push('flag', at, at + matchAt(flag, text, at).length);
    } else {
      const name = matchAt(word, text, at);
      const operator = name === '' ? operators.find(o => text.startsWith(o, at)) : undefined;
      if (name === '' && operator === undefined)
        throw parseError(
          text,
          at,
          `syntax error: unexpected character ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`,
        );
      at = name === '' ? push('operator', at, at + (operator ?? '').length) : push('word', at, at + name.length);
    }
  }
  push('end', text.length, text.length);
  return tokens;
}
