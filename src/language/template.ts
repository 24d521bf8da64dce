import { nearest } from '../base/config.ts';
import { WeirError } from '../base/errors.ts';
import { unquote } from './go-string.ts';
import { choose, find, type Row } from './row.ts';
import { or, quoteString } from './sql-writer.ts';
import { type Failures, knownFunctions, printed, type TemplateValue, templateFunctions } from './template-functions.ts';

/** Go text/template, the part that LogQL uses: text, `{{.label | fn "arg"}}`, `{{if}} {{else if}} {{else}} {{end}}`, comments, trim marks. */
type Part =
  | { kind: 'text'; text: string }
  | { kind: 'value'; pipeline: Operand[][] }
  | { kind: 'if'; condition: Operand[][]; body: Part[]; otherwise: Part[] };
type Operand =
  | { kind: 'label'; name: string }
  | { kind: 'string'; text: string }
  | { kind: 'number'; text: string }
  | { kind: 'function'; name: string }
  | { kind: 'pipeline'; pipeline: Operand[][] };

type Fault = (reason: string) => WeirError;

const unsupportedActions = ['range', 'with', 'define', 'template', 'block', 'break', 'continue'];
const operandPattern =
  /\s+|("(?:[^"\\\n]|\\.)*"|`[^`]*`)|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|\.([\p{L}_][\p{L}\p{Nd}_]*)|([\p{L}_][\p{L}\p{Nd}_]*)|([|()])/uy;

class TemplateParser {
  readonly fault: Fault;
  private readonly pieces: { action: boolean; text: string }[] = [];
  private at = 0;

  constructor(text: string, fault: Fault) {
    this.fault = fault;
    let read = 0;
    let trimNext = false;
    const push = (raw: string, trimEnd: boolean): void => {
      let piece = trimNext ? raw.trimStart() : raw;
      if (trimEnd) piece = piece.trimEnd();
      if (piece !== '') this.pieces.push({ action: false, text: piece });
    };
    for (;;) {
      const open = text.indexOf('{{', read);
      if (open < 0) break;
      const found = /^\{\{(-\s)?((?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|(?!\}\})[\s\S])*?)(\s-)?\}\}/.exec(text.slice(open));
      if (!found) throw fault('unclosed action');
      push(text.slice(read, open), found[1] !== undefined);
      const body = (found[2] ?? '').trim();
      if (!/^\/\*[\s\S]*\*\/$/.test(body)) this.pieces.push({ action: true, text: body });
      trimNext = found[3] !== undefined;
      read = open + found[0].length;
    }
    push(text.slice(read), false);
  }

  /** Parts up to one of `ends` (which is left to read) or to the end of the text. */
  parts(ends: boolean, depth: number): Part[] {
    if (depth > 50) throw this.fault('nested too deeply');
    const list: Part[] = [];
    for (let piece = this.pieces[this.at]; piece !== undefined; piece = this.pieces[this.at]) {
      const word = /^[a-z]+(?=$|[\s(])/.exec(piece.text)?.[0] ?? '';
      if (piece.action && (word === 'end' || word === 'else')) {
        if (!ends) throw this.fault(`unexpected {{${piece.text}}}`);
        return list;
      }
      this.at++;
      if (!piece.action) list.push({ kind: 'text', text: piece.text });
      else if (word === 'if') list.push(this.condition(piece.text.slice(2), depth));
      else if (unsupportedActions.includes(word)) throw this.fault(`{{${word}}} is not supported yet`);
      else list.push({ kind: 'value', pipeline: this.pipeline(piece.text) });
    }
    if (ends) throw this.fault('unexpected EOF: {{if}} without {{end}}');
    return list;
  }

  private condition(text: string, depth: number): Part {
    const condition = this.pipeline(text);
    const body = this.parts(true, depth + 1);
    const piece = this.pieces[this.at++]?.text ?? '';
    if (piece === 'end') return { kind: 'if', condition, body, otherwise: [] };
    const elseIf = /^else\s+if(?=[\s(.])([\s\S]*)$/.exec(piece);
    if (elseIf) return { kind: 'if', condition, body, otherwise: [this.condition(elseIf[1] ?? '', depth + 1)] };
    if (piece !== 'else') throw this.fault(`unexpected {{${piece}}}`);
    const otherwise = this.parts(true, depth + 1);
    if (this.pieces[this.at++]?.text !== 'end') throw this.fault('expected {{end}}');
    return { kind: 'if', condition, body, otherwise };
  }

  private pipeline(text: string): Operand[][] {
    const stack: Operand[][][] = [[[]]];
    operandPattern.lastIndex = 0;
    while (operandPattern.lastIndex < text.length) {
      const at = operandPattern.lastIndex;
      const found = operandPattern.exec(text);
      const commands = stack.at(-1);
      const command = commands?.at(-1);
      if (!found || !commands || !command)
        throw this.fault(`unexpected ${JSON.stringify(text.slice(at, at + 12))} in {{${text}}}`);
      const [, string, number, label, word, mark] = found;
      if (string !== undefined) {
        const value = unquote(string);
        if (value === undefined) throw this.fault(`bad string ${string}`);
        command.push({ kind: 'string', text: value });
      } else if (number !== undefined) command.push({ kind: 'number', text: number });
      else if (label !== undefined) command.push({ kind: 'label', name: label });
      else if (word !== undefined) command.push(this.word(word));
      else if (mark === '|') commands.push([]);
      else if (mark === '(') stack.push([[]]);
      else if (mark === ')') {
        stack.pop();
        const outer = stack.at(-1)?.at(-1);
        if (!outer) throw this.fault(`unexpected ) in {{${text}}}`);
        outer.push({ kind: 'pipeline', pipeline: this.checked(commands, text) });
      }
    }
    const [whole, ...open] = stack;
    if (!whole || open.length > 0) throw this.fault(`missing ) in {{${text}}}`);
    return this.checked(whole, text);
  }

  private word(name: string): Operand {
    if (name === 'true' || name === 'false') return { kind: 'number', text: name === 'true' ? '1' : '0' };
    if (name === '__line__' || name === '__timestamp__' || Object.hasOwn(templateFunctions, name))
      return { kind: 'function', name };
    if (knownFunctions.has(name)) throw this.fault(`function ${JSON.stringify(name)} is not supported yet`);
    const guess = nearest(name, [...Object.keys(templateFunctions), ...knownFunctions]);
    throw this.fault(`function ${JSON.stringify(name)} not defined${guess ? `; did you mean ${guess}?` : ''}`);
  }

  private checked(pipeline: Operand[][], text: string): Operand[][] {
    pipeline.forEach((command, i) => {
      const [head, ...rest] = command;
      if (!head) throw this.fault(`missing value for command in {{${text}}}`);
      if (head.kind !== 'function' && (rest.length > 0 || i > 0))
        throw this.fault(`can't give argument to non-function in {{${text}}}`);
      if (head.kind !== 'function' || head.name.startsWith('__')) return;
      const { arity } = templateFunctions[head.name] ?? {};
      const count = rest.length + (i > 0 ? 1 : 0);
      if (arity && (count < arity[0] || count > arity[1]))
        throw this.fault(`wrong number of args for ${head.name}: want ${arity[0]} got ${count}`);
    });
    return pipeline;
  }
}

/** Reads a template; `fault` makes the error to throw. */
export function parseTemplate(text: string, fault: Fault): Part[] {
  const parts = new TemplateParser(text, fault).parts(false, 0);
  // Arguments that must be constants (regular expressions, counts) are checked by writing the template once against no labels.
  const checker: Evaluate = { label: () => "''", line: "''", failures: [], fault };
  writeParts(parts, checker);
  return parts;
}

type Evaluate = { label: (name: string) => string; line: string; failures: Failures; fault: Fault };

function writeOperand(operand: Operand, context: Evaluate): TemplateValue {
  switch (operand.kind) {
    case 'label':
      return { sql: context.label(operand.name), type: 'string' };
    case 'string':
      return { sql: quoteString(operand.text), type: 'string', constant: operand.text };
    case 'number':
      return {
        sql: Number(operand.text) < 0 ? `(${operand.text})` : operand.text,
        type: 'number',
        constant: operand.text,
      };
    case 'pipeline':
      return writePipeline(operand.pipeline, context);
    case 'function':
      return call(operand.name, [], context);
  }
}

function call(name: string, args: TemplateValue[], context: Evaluate): TemplateValue {
  if (name === '__line__') return { sql: context.line, type: 'string' };
  if (name === '__timestamp__') return { sql: 'timestamp', type: 'time' };
  const definition = templateFunctions[name];
  if (!definition) throw context.fault(`function ${JSON.stringify(name)} not defined`);
  return definition.write(args, { failures: context.failures, fault: reason => context.fault(`${name}: ${reason}`) });
}

function writePipeline(pipeline: Operand[][], context: Evaluate): TemplateValue {
  let piped: TemplateValue | undefined;
  for (const [head, ...rest] of pipeline) {
    if (!head) continue;
    if (head.kind !== 'function') piped = writeOperand(head, context);
    else {
      const args = rest.map(operand => writeOperand(operand, context));
      piped = call(head.name, piped ? [...args, piped] : args, context);
    }
  }
  return piped ?? { sql: "''", type: 'string' };
}

const truth = ({ sql, type }: TemplateValue): string =>
  type === 'string' ? `${sql} != ''` : type === 'time' ? '1' : `${sql} != 0`;

function writeParts(parts: readonly Part[], context: Evaluate): string {
  const texts = parts.map(part => {
    if (part.kind === 'text') return quoteString(part.text);
    if (part.kind === 'value') return printed(writePipeline(part.pipeline, context));
    const condition = truth(writePipeline(part.condition, context));
    return choose(condition, writeParts(part.body, context), writeParts(part.otherwise, context));
  });
  if (texts.length === 0) return "''";
  return texts.length === 1 ? `toString(${texts[0]})` : `concat(${texts.join(', ')})`;
}

/** The template over a row: its text, and `TemplateFormatErr` where it fails (the literal `''` when it cannot). */
export function templateSql(text: string, row: Row): { text: string; error: string } {
  const fault: Fault = reason => new WeirError('bad_query', { reason });
  const failures: Failures = [];
  const parts = new TemplateParser(text, fault).parts(false, 0);
  const sql = row.scope.bind(
    writeParts(parts, { label: name => find(row, name).value, line: row.line, failures, fault }),
  );
  return {
    text: sql,
    error: failures.length === 0 ? "''" : row.scope.bind(choose(or(failures), "'TemplateFormatErr'", "''")),
  };
}
