import { quote } from '../go-string.ts';
import { parseIpRange } from '../ip.ts';
import { labelVerdict } from '../label-condition.ts';
import type { TokenReader } from '../reader.ts';
import { withError } from '../row.ts';
import { checkRegex, printMatcher } from '../selector.ts';
import type { CompareOperator, LabelCondition, LabelFilter, MatchOperator } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

const compareOperators: Record<string, CompareOperator> = {
  '=': '=',
  '==': '=',
  '!=': '!=',
  '>': '>',
  '>=': '>=',
  '<': '<',
  '<=': '<=',
};
const depthMax = 500;

function condition(reader: TokenReader): LabelCondition {
  const name = reader.name('a label name').text;
  const operator = reader.peek();
  const op = operator.type === 'operator' ? compareOperators[operator.text] : undefined;
  if (op === undefined && !reader.isOperator('=~') && !reader.isOperator('!~'))
    throw reader.unexpected('a comparison (= != =~ !~ == > >= < <=)');
  reader.next();
  const equality = operator.text === '=' || operator.text === '!=';
  if (op === undefined || (equality && reader.peek().type === 'string')) {
    const value = reader.string('a string');
    if (op === undefined) checkRegex(reader, value.value, value);
    return { type: 'string', matcher: { name, op: operator.text as MatchOperator, value: value.value } };
  }
  if (equality && reader.isWord('ip')) {
    reader.next();
    reader.operator('(');
    const value = reader.string('an address, a CIDR or a range, as a string');
    if (parseIpRange(value.value) === undefined)
      reader.cannotRun(`ip: invalid pattern: ${value.text}: write an address, a CIDR or "from-to"`, value);
    reader.operator(')');
    return { type: 'ip', name, op: op === '=' ? '=' : '!=', value: value.value };
  }
  const sign = reader.isOperator('-') || reader.isOperator('+') ? reader.next() : undefined;
  const negative = sign?.text === '-';
  const token = reader.peek();
  // Of durations the sign is a part: no blank in between.
  const mine = token.type === 'duration' && negative && sign.to === token.from;
  if (
    token.type === 'number' ||
    (token.type === 'duration' && (sign === undefined || mine)) ||
    (token.type === 'bytes' && sign === undefined)
  ) {
    reader.next();
    return {
      type: token.type,
      name,
      op,
      value: negative ? -token.amount : token.amount,
      text: `${negative ? '-' : ''}${token.text}`,
    };
  }
  throw reader.unexpected(
    equality ? 'a string, a number, a duration, a size or ip(..)' : 'a number, a duration or a size',
  );
}

function primary(reader: TokenReader, depth: number): LabelCondition {
  if (depth > depthMax) throw reader.fault(`more than ${depthMax} nested parentheses`);
  if (!reader.takeOperator('(')) return condition(reader);
  const inner = filters(reader, 0, depth + 1);
  reader.operator(')');
  return inner;
}

/** `and` binds to the left: what stands on the right is evaluated after it in any case. */
function conjoin(left: LabelCondition, right: LabelCondition): LabelCondition {
  return right.type === 'and'
    ? { type: 'and', left: conjoin(left, right.left), right: right.right }
    : { type: 'and', left, right };
}

/**
 * `a and b`, `a, b` and `a b` all mean and. The word binds tighter than `or`; a comma or nothing in between joins what precedes with everything
 * that follows, so `a, b or c` is `a and (b or c)`. `least`: 2 within `and`, 1 within `or`.
 */
function filters(reader: TokenReader, least: number, depth: number): LabelCondition {
  let left = primary(reader, depth);
  for (;;) {
    if (least < 2 && reader.takeWord('and')) {
      left = conjoin(left, filters(reader, 2, depth));
    } else if (reader.takeOperator(',') || reader.isOperator('(') || reader.isName()) {
      left = conjoin(left, filters(reader, 0, depth + 1));
    } else if (least < 1 && reader.takeWord('or')) {
      left = { type: 'or', left, right: filters(reader, 1, depth) };
    } else return left;
  }
}

export function parseLabelFilterStage(reader: TokenReader): LabelFilter {
  return { kind: 'label_filter', condition: filters(reader, 0, 0) };
}

function printCondition(tree: LabelCondition, parent?: 'and' | 'or'): string {
  switch (tree.type) {
    case 'string':
      return printMatcher(tree.matcher);
    case 'ip':
      return `${tree.name}${tree.op}ip(${quote(tree.value)})`;
    case 'and':
    case 'or': {
      const right =
        tree.right.type === tree.type ? `(${printCondition(tree.right)})` : printCondition(tree.right, tree.type);
      const text = `${printCondition(tree.left, tree.type)} ${tree.type} ${right}`;
      return tree.type === 'or' && parent === 'and' ? `(${text})` : text;
    }
    default:
      return `${tree.name}${tree.op === '=' ? '==' : tree.op}${tree.text}`;
  }
}

export const labelFilter: StageDefinition<LabelFilter> = {
  parse: parseLabelFilterStage,
  print: stage => printCondition(stage.condition),
  apply(stage, row) {
    const { keep, error, details } = labelVerdict(row, stage.condition);
    return { row: withError(row, error, details), where: keep };
  },
};
