import { nearest } from '../base/nearest.ts';
import { parseLabelFilterStage } from './stages/label-filter.ts';
import { parseStages } from './pipeline-parser.ts';
import type { Token } from './lexer.ts';
import { foldLiterals, isNumber } from './literals.ts';
import type { TokenReader } from './reader.ts';
import { checkRegex, parseSelector } from './selector.ts';
import { rangeFunctionNames, rangeRules } from './functions/rules.ts';
import { binaryStrength, setOperators } from './operators.ts';
import { isPrometheusDuration } from './units.ts';
import type {
  Binary,
  BinaryOperator,
  Conversion,
  Grouping,
  LabelFilter,
  LogRange,
  MetricQuery,
  RangeFunction,
  Unwrap,
  VectorFunction,
  VectorMatching,
} from './tree.ts';

const vectorFunctions: readonly VectorFunction[] = [
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'approx_topk',
  'sort',
  'sort_desc',
];
const withParameter = new Set<VectorFunction>(['topk', 'bottomk', 'approx_topk']);
const withoutGrouping = new Set<VectorFunction>(['sort', 'sort_desc', 'approx_topk']);
const functionNames = [...rangeFunctionNames, ...vectorFunctions, 'label_replace', 'vector'];

/** Of parentheses and operators around an expression: what the reader can go down without running out of stack. */
const depthMax = 1000;

export function parseMetric(reader: TokenReader, allowAll: boolean): MetricQuery {
  return new MetricParser(reader, allowAll).expression(0, 0);
}

class MetricParser {
  readonly reader: TokenReader;
  readonly allowAll: boolean;

  constructor(reader: TokenReader, allowAll: boolean) {
    this.reader = reader;
    this.allowAll = allowAll;
  }

  expression(least: number, depth: number): MetricQuery {
    if (depth > depthMax) throw this.reader.fault(`more than ${depthMax} nested expressions`);
    let left = this.operand(depth);
    for (;;) {
      const op = this.operatorAhead();
      if (op === undefined || binaryStrength[op] < least) return left;
      const at = this.reader.next();
      const bool = this.reader.takeWord('bool');
      const matching = this.matching(op);
      const right = this.expression(op === '^' ? binaryStrength[op] : binaryStrength[op] + 1, depth + 1);
      for (const leg of setOperators.has(op) ? [left, right].filter(isNumber) : []) {
        const folded = foldLiterals(leg);
        if (folded.kind === 'literal')
          throw this.reader.rule(
            `unexpected literal for ${leg === left ? 'left' : 'right'} leg of logical/set binary operation (${op}): ${folded.value.toFixed(6)}`,
            at,
          );
      }
      left = { kind: 'binary', op, bool, ...(matching && { matching }), left, right } satisfies Binary;
    }
  }

  operatorAhead(): BinaryOperator | undefined {
    const token = this.reader.peek();
    const text = token.type === 'word' ? token.text.toLowerCase() : token.text;
    return (token.type === 'operator' || token.type === 'word') && Object.hasOwn(binaryStrength, text)
      ? (text as BinaryOperator)
      : undefined;
  }

  matching(op: BinaryOperator): VectorMatching | undefined {
    const on = this.reader.isWord('on');
    if (!on && !this.reader.isWord('ignoring')) return undefined;
    this.reader.next();
    const matching: VectorMatching = { on, labels: this.labels(), include: [] };
    const side = (['left', 'right'] as const).find(s => this.reader.takeWord(`group_${s}`));
    if (side !== undefined) {
      const include = this.reader.isOperator('(') ? this.labels() : [];
      // Loki takes a group for and, or, unless as well; they match many to many anyway.
      if (!setOperators.has(op)) {
        matching.group = side;
        matching.include = matching.on ? include.filter(label => !matching.labels.includes(label)) : include;
      }
    }
    return matching;
  }

  /** `(a, b)`, possibly empty. */
  labels(): string[] {
    this.reader.operator('(');
    const labels: string[] = [];
    if (this.reader.takeOperator(')')) return labels;
    do labels.push(this.reader.name('a label name').text);
    while (this.reader.takeOperator(','));
    if (!this.reader.takeOperator(')')) throw this.reader.unexpected('"," or ")"');
    return labels;
  }

  operand(depth: number): MetricQuery {
    const token = this.reader.peek();
    if (this.reader.takeOperator('(')) {
      const inner = this.expression(0, depth + 1);
      this.reader.operator(')');
      return inner;
    }
    if (this.reader.isOperator('-') || this.reader.isOperator('+') || token.type === 'number')
      return { kind: 'literal', value: this.signedNumber() };
    const name = token.text.toLowerCase();
    const called = this.reader.isOperator('(', 1) || this.reader.isWord('by', 1) || this.reader.isWord('without', 1);
    if (token.type !== 'word' || !called) throw this.reader.unexpected('a log selector, a function call or a number');
    const vectorFunction = vectorFunctions.find(fn => fn === name);
    const rangeFunction = rangeFunctionNames.find(fn => fn === name);
    if (vectorFunction) return this.vectorAggregation(vectorFunction, depth);
    if (rangeFunction) return this.rangeAggregation(rangeFunction);
    if (name === 'label_replace') return this.labelReplace(depth);
    if (name === 'vector') return this.vector();
    const guess = nearest(name, functionNames);
    throw this.reader.fault(`unknown function ${JSON.stringify(token.text)}${guess ? `; did you mean ${guess}?` : ''}`);
  }

  signedNumber(): number {
    const sign = this.reader.takeOperator('-') ? -1 : 1;
    if (sign === 1) this.reader.takeOperator('+');
    return sign * this.reader.number('a number').amount;
  }

  grouping(): Grouping | undefined {
    const without = this.reader.isWord('without');
    if (!without && !this.reader.isWord('by')) return undefined;
    this.reader.next();
    return { without, labels: this.labels() };
  }

  vectorAggregation(fn: VectorFunction, depth: number): MetricQuery {
    const start = this.reader.next();
    const before = this.grouping();
    this.reader.operator('(');
    let parameter: number | undefined;
    if (withParameter.has(fn)) {
      const token = this.reader.number(`the parameter of ${fn}, an integer`);
      if (!/^\d+$/.test(token.text)) throw this.reader.rule(`invalid parameter ${fn}(${token.text},`, token);
      if (!Number.isSafeInteger(token.amount)) throw this.reader.rule(`invalid parameter ${fn}(${token.text},`, token);
      if (token.amount < 1)
        throw this.reader.rule(`invalid parameter (must be greater than 0) ${fn}(${token.text}`, token);
      parameter = token.amount;
      this.reader.operator(',');
    } else if (this.reader.peek().type === 'number' && this.reader.isOperator(',', 1)) {
      throw this.reader.rule(`unsupported parameter for operation ${fn}(${this.reader.peek().text},`);
    }
    const inner = this.vectorOperand(fn, start, depth);
    this.reader.operator(')');
    const grouping = before ?? this.grouping();
    if (grouping && withoutGrouping.has(fn) && (grouping.labels.length > 0 || fn === 'approx_topk'))
      throw this.reader.rule(`${fn} takes no grouping`, start);
    return {
      kind: 'vector_aggregation',
      fn,
      ...(parameter !== undefined && { parameter }),
      ...(grouping && !withoutGrouping.has(fn) && { grouping }),
      inner,
    };
  }

  rangeAggregation(fn: RangeFunction): MetricQuery {
    const start = this.reader.next();
    const rules = rangeRules[fn];
    this.reader.operator('(');
    let parameter: number | undefined;
    if (rules.parameter) {
      parameter = this.reader.number(`the parameter of ${fn}, a number`).amount;
      this.reader.operator(',');
    } else if (this.reader.peek().type === 'number')
      throw this.reader.rule(`parameter ${this.reader.peek().text} not supported for operation ${fn}`);
    const range = this.logRange();
    this.reader.operator(')');
    if (range.unwrap ? rules.unwrap === 'never' : rules.unwrap === 'always') {
      throw this.reader.rule(`invalid aggregation ${fn} ${range.unwrap ? 'with' : 'without'} unwrap`, start);
    }
    const grouping = this.grouping();
    if (grouping && !rules.grouping) throw this.reader.rule(`grouping not allowed for ${fn} aggregation`, start);
    return { kind: 'range', fn, ...(parameter !== undefined && { parameter }), range, ...(grouping && { grouping }) };
  }

  /**
   * `selector pipeline? unwrap? [5m] offset?` or `selector [5m] offset? pipeline? unwrap?`, the whole in any number of parentheses. What stands
   * before the window may be in parentheses of its own; after a bare `(selector)[5m]` there may be an unwrap.
   */
  logRange(depth = 0): LogRange {
    if (depth > depthMax) throw this.reader.fault(`more than ${depthMax} nested parentheses`);
    const inParentheses = this.reader.takeOperator('(');
    if (inParentheses && this.reader.isOperator('(')) {
      const inner = this.logRange(depth + 1);
      this.reader.operator(')');
      return inner;
    }
    const selector = parseSelector(this.reader, this.allowAll);
    let window = this.reader.isOperator('[') ? this.window() : undefined;
    const stages = parseStages(this.reader);
    let unwrap = this.optionalUnwrap();
    if (!window && this.reader.isOperator('[')) window = this.window();
    if (inParentheses) this.reader.operator(')');
    if (!window) {
      window = this.window();
      if (inParentheses && stages.length === 0) unwrap ??= this.optionalUnwrap();
    }
    return { selector, stages, ...(unwrap && { unwrap }), ...window };
  }

  window(): { rangeNs: bigint; offsetNs: bigint } {
    if (!this.reader.isOperator('[')) throw this.reader.unexpected('a range such as [5m]');
    const open = this.reader.next();
    const written = this.reader.peek();
    const rangeNs = this.range(open);
    if (written.from !== open.to || this.reader.peek().from !== written.to)
      throw this.reader.fault('a range is written without blanks, such as [5m]', written);
    this.reader.operator(']');
    if (!this.reader.takeWord('offset')) return { rangeNs, offsetNs: 0n };
    const negative = this.reader.takeOperator('-');
    if (this.reader.peek().type !== 'duration') throw this.reader.unexpected('an offset such as 1h');
    const offsetNs = BigInt(Math.round(this.reader.next().amount));
    return { rangeNs, offsetNs: negative ? -offsetNs : offsetNs };
  }

  /** What stands in the brackets: Prometheus' style of durations only. */
  range(open: Token): bigint {
    const token = this.reader.peek();
    if (token.type === 'end') throw this.reader.fault("missing closing ']' in duration", open);
    if (token.type !== 'duration' && token.text !== '0') throw this.reader.unexpected('a range such as 5m');
    if (token.type === 'duration' && !isPrometheusDuration(token.text)) {
      throw this.reader.fault(
        `not a valid duration string: ${JSON.stringify(token.text)}; write whole numbers with y w d h m s ms, such as 1h30m`,
      );
    }
    return BigInt(Math.round(this.reader.next().amount));
  }

  optionalUnwrap(): Unwrap | undefined {
    return this.reader.isOperator('|') && this.reader.isWord('unwrap', 1) ? this.unwrap() : undefined;
  }

  unwrap(): Unwrap {
    this.reader.operator('|');
    this.reader.word('unwrap');
    const conversions: readonly Conversion[] = ['bytes', 'duration', 'duration_seconds'];
    const conversion = this.reader.isOperator('(', 1) ? conversions.find(c => this.reader.isWord(c)) : undefined;
    if (conversion) {
      this.reader.next();
      this.reader.operator('(');
    }
    const label = this.reader.name(
      conversion ? 'a label name' : 'a label name or a conversion: bytes(..), duration(..), duration_seconds(..)',
    ).text;
    if (conversion) this.reader.operator(')');
    const filters: LabelFilter[] = [];
    while (this.reader.isOperator('|')) {
      this.reader.next();
      filters.push(parseLabelFilterStage(this.reader));
    }
    return { label, ...(conversion && { conversion }), filters };
  }

  vectorOperand(fn: string, start: Token, depth: number): MetricQuery {
    const inner = this.expression(0, depth + 1);
    if (isNumber(inner)) this.reader.cannotRun(`${fn} needs a vector, not a number`, start);
    return inner;
  }

  labelReplace(depth: number): MetricQuery {
    const start = this.reader.next();
    this.reader.operator('(');
    const inner = this.vectorOperand('label_replace', start, depth);
    const strings = ['the target label', 'the replacement', 'the source label', 'the regular expression'].map(what => {
      this.reader.operator(',');
      return this.reader.string(`${what}, a string`);
    });
    const [target, replacement, source, regex] = strings;
    this.reader.operator(')');
    if (!target || !replacement || !source || !regex) throw new Error('BUG: label_replace takes four strings');
    checkRegex(this.reader, regex.value, regex);
    return {
      kind: 'label_replace',
      inner,
      target: target.value,
      replacement: replacement.value,
      source: source.value,
      regex: regex.value,
    };
  }

  vector(): MetricQuery {
    this.reader.next();
    this.reader.operator('(');
    const value = this.reader.number('a number').amount;
    this.reader.operator(')');
    return { kind: 'vector', value };
  }
}
