import { quote } from '../go-string.ts';
import { ipInText, parseIpRange } from '../ip.ts';
import { lineRegexCondition, substringCondition } from '../message-search.ts';
import { lineMatchesPattern, longestText, parsePattern } from '../pattern-text.ts';
import type { TokenReader } from '../reader.ts';
import { not } from '../row.ts';
import { regexFault } from '../selector.ts';
import { or } from '../sql-writer.ts';
import type { LineFilter, LineFilterOperator, LineOperand } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

export const lineFilterOperators: readonly LineFilterOperator[] = ['|=', '!=', '|~', '!~', '|>', '!>'];

function operand(reader: TokenReader, op: LineFilterOperator): LineOperand {
  if (reader.isWord('ip') && reader.isOperator('(', 1)) {
    const at = reader.next();
    if (op !== '|=' && op !== '!=')
      reader.cannotRun(`ip: invalid operation: ip(..) works with |= and != only, not with ${op}`, at);
    reader.operator('(');
    const value = reader.string('an address, a CIDR or a range, as a string');
    if (parseIpRange(value.value) === undefined)
      reader.cannotRun(`ip: invalid pattern: ${value.text}: write an address, a CIDR or "from-to"`, value);
    reader.operator(')');
    return { value: value.value, ip: true };
  }
  const token = reader.string('a string');
  if (op === '|~' || op === '!~') {
    const fault = regexFault(token.value);
    if (fault !== undefined) reader.cannotRun(fault, token);
  }
  if (op === '|>' || op === '!>') {
    const fault = parsePattern(token.value, { named: false }).fault;
    if (fault !== undefined) reader.cannotRun(`invalid pattern ${token.text}: ${fault}`, token);
  }
  return { value: token.value, ip: false };
}

/** `|= "a" or "b"`: keeps lines with one of the operands, the negated operators lines with none of them. */
export const lineFilter: StageDefinition<LineFilter> = {
  parse(reader) {
    const op = lineFilterOperators.find(candidate => reader.isOperator(candidate));
    if (op === undefined) throw reader.unexpected('a line filter');
    reader.next();
    const operands = [operand(reader, op)];
    while (reader.takeWord('or')) operands.push(operand(reader, op));
    return { kind: 'line_filter', op, operands };
  },

  print: ({ op, operands }) =>
    `${op} ${operands.map(({ value, ip }) => (ip ? `ip(${quote(value)})` : quote(value))).join(' or ')}`,

  apply({ op, operands }, row) {
    const positive = op.startsWith('|');
    const conditions = operands.map(({ value, ip }) => {
      if (ip) return ipInText(row.line, value);
      if (op === '|>' || op === '!>') return lineMatchesPattern(row.line, value, sql => row.scope.bind(sql));
      if (op === '|~' || op === '!~') return lineRegexCondition(row.line, value, positive);
      return substringCondition(row.line, value, positive);
    });
    const one = or(conditions);
    if (op !== '|>' || row.line !== 'message') return { row, where: positive ? one : not(one) };
    // Each text of a pattern stands somewhere in the line, which the index can answer; the places of all of them cost fifty times as much to find.
    const texts = operands.map(({ value }) => longestText(value));
    const implied = texts.includes('') ? '1' : or(texts.map(text => substringCondition(row.line, text, true)));
    return { row, where: one, implied };
  },
};
