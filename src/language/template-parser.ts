import { nearest } from '../base/nearest.ts';
import type { WeirError } from '../base/errors.ts';
import { unquote } from './go-string.ts';

/** The tree of a Go text/template. */
export type TemplateNode =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipe: Pipe }
  | { kind: 'if' | 'with' | 'range'; pipe: Pipe; body: TemplateNode[]; otherwise: TemplateNode[] };
/** `$a, $b := command | command`; `assigns` for `$a = ..`. The first operand of a command is its function or value. */
export type Pipe = { variables: string[]; assigns: boolean; commands: Operand[][] };
export type Operand =
  | { kind: 'dot'; fields: string[] }
  | { kind: 'variable'; name: string; fields: string[] }
  | { kind: 'pipe'; pipe: Pipe; fields: string[] }
  | { kind: 'string'; text: string }
  | { kind: 'number'; text: string; isInt: boolean }
  | { kind: 'bool'; value: boolean }
  | { kind: 'nil' }
  | { kind: 'function'; name: string };

/** Makes the error to throw. */
export type Fault = (reason: string) => WeirError;

const keywords = new Set('if else end with range define template block break continue'.split(' '));
/** Parts of Go's templates that are refused, and why. */
const refused: Record<string, string> = {
  define: 'templates cannot be defined in a query',
  template: 'templates cannot be defined in a query',
  block: 'templates cannot be defined in a query',
  break: 'a loop runs over all its elements at once',
  continue: 'a loop runs over all its elements at once',
};

const name = '[\\p{L}_][\\p{L}\\p{Nd}_]*';
const token = new RegExp(
  [
    '(?<blank>\\s+)',
    '(?<string>"(?:[^"\\\\\\n]|\\\\.)*"|`[^`]*`)',
    `(?<fields>(?:\\.${name})+)(?![^\\s,|:)(=]|=(?!=))`,
    '(?<number>[+-]?(?:0[xX][0-9a-fA-F]+|(?:\\d[\\d_]*\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?))(?![\\p{L}\\p{N}_.])',
    `(?<variable>\\$(?:${name})?)`,
    `(?<word>${name})(?![^\\s.,|:)(=])`,
    "'(?<character>[^'\\\\]|\\\\(?:[abfnrtv\\\\']|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))'",
    '(?<mark>:=|[.|(),=])',
  ].join('|'),
  'uy',
);
/** What stands between single quotes, which are escaped as in a string but for the quotes themselves. */
function characterOf(text: string): string {
  if (text === "\\'") return "'";
  return (text.startsWith('\\') ? unquote(`"${text}"`) : text) ?? text;
}

type Token = { kind: string; text: string; spaced: boolean };

function tokens(action: string, fault: Fault): Token[] {
  const list: Token[] = [];
  token.lastIndex = 0;
  let spaced = true;
  while (token.lastIndex < action.length) {
    const at = token.lastIndex;
    const groups = token.exec(action)?.groups;
    const found = Object.entries(groups ?? {}).find(([, text]) => text !== undefined);
    if (!found) throw fault(`unexpected ${JSON.stringify(action.slice(at, at + 12))} in {{${action}}}`);
    const [kind, text] = found;
    if (kind !== 'blank') list.push({ kind, text, spaced });
    spaced = kind === 'blank';
  }
  return list;
}

type Piece = { action: boolean; text: string };

/** Text and actions in turn; comments are gone, trim marks have been applied. */
function pieces(text: string, fault: Fault): Piece[] {
  const list: Piece[] = [];
  const push = (raw: string, trimStart: boolean, trimEnd: boolean): void => {
    let piece = trimStart ? raw.replace(/^[ \t\r\n]+/, '') : raw;
    if (trimEnd) piece = piece.replace(/[ \t\r\n]+$/, '');
    if (piece !== '') list.push({ action: false, text: piece });
  };
  let read = 0;
  let trim = false;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', read)) {
    const rest = text.slice(open);
    const comment = /^\{\{(-[ \t\r\n])?\/\*[\s\S]*?\*\/([ \t\r\n]-)?\}\}/.exec(rest);
    const found =
      comment ??
      /^\{\{(-[ \t\r\n])?((?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|(?![ \t\r\n]-\}\}|\}\})[^"`'])*)([ \t\r\n]-)?\}\}/.exec(
        rest,
      );
    if (!found) throw fault(`unclosed action: ${rest.slice(0, 40)}`);
    push(text.slice(read, open), trim, found[1] !== undefined);
    if (!comment) list.push({ action: true, text: (found[2] ?? '').trim() });
    trim = (comment ? found[2] : found[3]) !== undefined;
    read = open + found[0].length;
  }
  push(text.slice(read), trim, false);
  return list;
}

const depthMax = 50;

/** A literal or `.` itself: it has no fields, and nothing can be given to it. */
const isPlain = (operand: Operand): boolean =>
  operand.kind === 'dot' ? operand.fields.length === 0 : ['string', 'number', 'bool', 'nil'].includes(operand.kind);

class TemplateParser {
  readonly fault: Fault;
  readonly known: readonly string[];
  private readonly pieces: Piece[];
  private at = 0;
  /** Variables in sight. */
  private variables: string[] = ['$'];
  private action = '';
  private tokens: Token[] = [];
  private next = 0;

  constructor(text: string, known: readonly string[], fault: Fault) {
    this.fault = fault;
    this.known = known;
    this.pieces = pieces(text, fault);
  }

  /** Nodes up to an `{{end}}` or `{{else}}` (which is left to read) or to the end of the text. */
  nodes(within: string | undefined, depth: number): TemplateNode[] {
    if (depth > depthMax) throw this.fault(`nested more than ${depthMax} deep`);
    const list: TemplateNode[] = [];
    for (let piece = this.pieces[this.at]; piece !== undefined; piece = this.pieces[this.at]) {
      const word = piece.action ? (/^[a-z]+(?![\p{L}\p{N}_])/u.exec(piece.text)?.[0] ?? '') : '';
      if (word === 'end' || word === 'else') {
        if (within === undefined) throw this.fault(`unexpected {{${piece.text}}}`);
        return list;
      }
      this.at++;
      if (!piece.action) list.push({ kind: 'text', text: piece.text });
      else if (word === 'if' || word === 'with' || word === 'range')
        list.push(this.control(word, piece.text.slice(word.length), depth));
      else if (refused[word] !== undefined) throw this.fault(`{{${word}}} is not supported: ${refused[word]}`);
      else list.push({ kind: 'action', pipe: this.read(piece.text, word) });
    }
    if (within !== undefined) throw this.fault(`unexpected EOF: {{${within}}} without {{end}}`);
    return list;
  }

  private control(kind: 'if' | 'with' | 'range', text: string, depth: number): TemplateNode {
    const before = this.variables.length;
    const pipe = this.read(text, kind);
    const body = this.nodes(kind, depth + 1);
    const rest = this.pieces[this.at++]?.text ?? '';
    let otherwise: TemplateNode[] = [];
    const chained = /^else\s+(if|with)(?![\p{L}\p{N}_])([\s\S]*)$/u.exec(rest);
    if (chained && kind !== 'range' && (chained[1] === 'with') === (kind === 'with'))
      otherwise = [this.control(kind, chained[2] ?? '', depth + 1)];
    else if (rest === 'else') {
      this.variables = this.variables.slice(0, before + pipe.variables.length);
      otherwise = this.nodes(kind, depth + 1);
      if (this.pieces[this.at++]?.text !== 'end') throw this.fault('expected {{end}}');
    } else if (rest !== 'end') throw this.fault(`unexpected {{${rest}}}`);
    this.variables = this.variables.slice(0, before);
    return { kind, pipe, body, otherwise };
  }

  private read(text: string, context: string): Pipe {
    this.action = text;
    this.tokens = tokens(text, this.fault);
    this.next = 0;
    const pipe = this.pipe(context, 0);
    if (this.next < this.tokens.length) throw this.unexpected();
    if (!pipe.assigns) this.variables.push(...pipe.variables);
    return pipe;
  }

  private peek(ahead = 0): Token | undefined {
    return this.tokens[this.next + ahead];
  }

  private isMark(text: string, ahead = 0): boolean {
    const found = this.peek(ahead);
    return found?.kind === 'mark' && found.text === text;
  }

  private unexpected(): WeirError {
    return this.fault(`unexpected ${JSON.stringify(this.peek()?.text ?? 'end of action')} in {{${this.action}}}`);
  }

  private pipe(context: string, depth: number): Pipe {
    if (depth > depthMax) throw this.fault(`nested more than ${depthMax} deep`);
    const variables: string[] = [];
    let assigns = false;
    const two = context === 'range' && this.isMark(',', 1) && this.peek(2)?.kind === 'variable' ? 2 : 0;
    if (depth === 0 && this.peek()?.kind === 'variable' && (this.isMark(':=', 1 + two) || this.isMark('=', 1 + two))) {
      assigns = this.isMark('=', 1 + two);
      for (let i = 0; i <= two; i += 2) variables.push(this.peek(i)?.text ?? '');
      this.next += 2 + two;
      const missing = assigns ? variables.find(v => !this.variables.includes(v)) : undefined;
      if (missing !== undefined) throw this.fault(`undefined variable ${JSON.stringify(missing)}`);
    }
    const commands: Operand[][] = [];
    do {
      const command = this.command(depth);
      const [head] = command;
      if (commands.length > 0 && head && isPlain(head))
        throw this.fault(`non executable command in pipeline stage ${commands.length + 1}`);
      commands.push(command);
    } while (this.isMark('|') && this.next++ >= 0);
    return { variables, assigns, commands };
  }

  private command(depth: number): Operand[] {
    const operands: Operand[] = [];
    while (this.peek() && !this.isMark('|') && !this.isMark(')')) operands.push(this.operand(depth));
    if (operands.length === 0) throw this.fault(`missing value for command in {{${this.action}}}`);
    return operands;
  }

  /** `.a.b` directly after a term. */
  private fields(): string[] {
    const found = this.peek();
    if (found?.kind !== 'fields' || found.spaced) return [];
    this.next++;
    return found.text.slice(1).split('.');
  }

  /** Fields belong to labels, variables, functions and what is in parentheses only. */
  private operand(depth: number): Operand {
    const term = this.peek()?.text;
    const operand = this.term(depth);
    if (isPlain(operand) && this.fields().length > 0)
      throw this.fault(`unexpected . after term ${JSON.stringify(term)}`);
    return operand;
  }

  private term(depth: number): Operand {
    const { kind, text } = this.peek() ?? { kind: 'end', text: '' };
    if (kind === 'mark' && text !== '(' && text !== '.') throw this.unexpected();
    this.next++;
    switch (kind) {
      case 'string': {
        const value = unquote(text);
        if (value === undefined) throw this.fault(`bad string ${text}`);
        return { kind, text: value };
      }
      case 'number': {
        const plain = text.replaceAll('_', '');
        if (/^[+-]?(?:0[xX]|\d+$)/.test(plain)) {
          const size = BigInt(plain.replace(/^[+-]/, ''));
          const value = plain.startsWith('-') ? -size : size;
          if (BigInt.asIntN(64, value) !== value) throw this.fault(`integer overflow: ${text}`);
          return { kind, text: String(value), isInt: true };
        }
        const value = Number(plain);
        if (!Number.isFinite(value)) throw this.fault(`bad number ${text}`);
        return { kind, text: String(value), isInt: false };
      }
      case 'character':
        return { kind: 'number', text: String(characterOf(text).codePointAt(0)), isInt: true };
      case 'fields':
        return { kind: 'dot', fields: text.slice(1).split('.') };
      case 'variable':
        if (!this.variables.includes(text)) throw this.fault(`undefined variable ${JSON.stringify(text)}`);
        return { kind, name: text, fields: this.fields() };
      case 'word':
        return this.word(text);
      default: {
        if (text === '.') return { kind: 'dot', fields: [] };
        const pipe = this.pipe('', depth + 1);
        if (!this.isMark(')')) throw this.fault(`missing ) in {{${this.action}}}`);
        this.next++;
        return { kind: 'pipe', pipe, fields: this.fields() };
      }
    }
  }

  private word(text: string): Operand {
    if (text === 'true' || text === 'false') return { kind: 'bool', value: text === 'true' };
    if (text === 'nil') return { kind: 'nil' };
    if (keywords.has(text)) throw this.fault(`unexpected <${text}> in {{${this.action}}}`);
    if (this.known.includes(text)) return { kind: 'function', name: text };
    const guess = nearest(text, this.known);
    throw this.fault(`function ${JSON.stringify(text)} not defined${guess ? `; did you mean ${guess}?` : ''}`);
  }
}

/** Reads a template. `known` are the names of its functions. */
export const readTemplate = (text: string, known: readonly string[], fault: Fault): TemplateNode[] =>
  new TemplateParser(text, known, fault).nodes(undefined, 0);
