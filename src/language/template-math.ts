import { withNames } from './scope.ts';
import { and, or } from './sql-writer.ts';
import { either, truthOf } from './template-print.ts';
import {
  bool,
  intParameter,
  number,
  type TemplateContext,
  type TemplateValue,
  toFloat,
  toInt,
  typeName,
} from './template-values.ts';

/** Numbers, comparisons and logic of templates: sprig's and Go's. `write` gets the arguments in order, the piped one last. */
export type TemplateFunction = {
  /** Least and most arguments. */
  arity: [number, number];
  write(args: TemplateValue[], context: TemplateContext): TemplateValue;
};

const many = 64;

const ints = (
  arity: [number, number],
  fold: (values: string[], context: TemplateContext) => string,
): TemplateFunction => ({
  arity,
  write: (args, context) =>
    number(
      fold(
        args.map(arg => toInt(arg, context)),
        context,
      ),
      'int64',
    ),
});

const floats = (
  arity: [number, number],
  fold: (values: string[], context: TemplateContext) => string,
): TemplateFunction => ({
  arity,
  write: (args, context) =>
    number(
      fold(
        args.map(arg => toFloat(arg, context)),
        context,
      ),
      'float64',
    ),
});

const joined =
  (operator: string) =>
  (values: string[]): string =>
    `(${values.join(` ${operator} `)})`;
const nested =
  (fn: string) =>
  (values: string[]): string =>
    values.reduce((a, b) => `${fn}(${a}, ${b})`);

function divided(fn: 'intDiv' | 'modulo', name: string): TemplateFunction {
  return ints([2, 2], ([a, b = '0'], context) => {
    const divisor = context.bind(b);
    context.fail(`${divisor} = 0`, `error calling ${name}: runtime error: integer divide by zero`);
    return `toInt64(${fn}(${a}, if(${divisor} = 0, 1, ${divisor})))`;
  });
}

const scale = 18;

/** sprig computes floats in decimals, so that 1.1 + 2.2 is 3.3; outside of the engine's decimals in floats. */
function exact(a: string, operator: '+' | '-' | '*', b: string): string {
  const decimal = (value: string): string => `toDecimal256OrZero(toString(${value}), ${scale})`;
  const small = (value: string): string => `abs(${value}) < 1e15`;
  return withNames(
    [a, b],
    (x, y) =>
      `if(${small(x)} AND ${small(y)}, toFloat64(toString(${decimal(x)} ${operator} ${decimal(y)})), ${x} ${operator} ${y})`,
  );
}

/** A quotient of sprig's decimals has 16 places. */
function quotient(a: string, b: string): string {
  const decimal = (value: string): string => `toDecimal256OrZero(toString(${value}), ${scale})`;
  const small = (value: string): string => `abs(${value}) < 1e15`;
  return withNames(
    [a, b],
    (x, y) =>
      `if(${small(x)} AND ${small(y)} AND ${decimal(y)} != 0, toFloat64(toString(round(divideDecimal(${decimal(x)}, ${decimal(y)}, 17), 16))), ${x} / ${y})`,
  );
}

const exactly = (least: number, operator: '+' | '-' | '*'): TemplateFunction =>
  floats([least, many], values => (values.length === 0 ? '0.' : values.reduce((a, b) => exact(a, operator, b))));

const kinds: Record<string, string> = {
  int: 'int',
  int64: 'int',
  float64: 'float',
  string: 'text',
  any: 'text',
  bool: 'bool',
  time: 'time',
};

/** Values of different kinds do not compare: the template fails, as in Go. Numbers in JSON are compared with any number. */
function comparison(
  a: TemplateValue,
  operator: string,
  b: TemplateValue,
  name: string,
  context: TemplateContext,
): string {
  const [x, y] = [kinds[a.type], kinds[b.type]];
  if (a.type === 'json' || b.type === 'json') {
    const [json, other] = a.type === 'json' ? [a, b] : [b, a];
    if (kinds[other.type] === 'text') {
      const text = `JSONExtractString(${context.bind(json.sql)})`;
      return a.type === 'json' ? `${text} ${operator} ${b.sql}` : `${a.sql} ${operator} ${text}`;
    }
    if (other.type === 'bool') return `${json.sql} ${operator} if(${other.sql}, 'true', 'false')`;
    return `${toFloat(a, context)} ${operator} ${toFloat(b, context)}`;
  }
  const equality = operator === '=' || operator === '!=';
  if (x === undefined || x !== y || ((x === 'bool' || x === 'time') && !equality)) {
    context.fail(
      '1',
      `error calling ${name}: ${x !== undefined && y !== undefined && x === y ? 'invalid type for comparison' : `incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`}`,
    );
    return '0';
  }
  return `${a.sql} ${operator} ${b.sql}`;
}

const compare = (operator: string, name: string): TemplateFunction => ({
  arity: [2, operator === '=' ? many : 2],
  write: ([a, ...others], context) =>
    bool(`(${or(others.map(b => (a ? comparison(a, operator, b, name, context) : '0')))})`),
});

/** `and` gives the first argument that is false or else the last, `or` the first that is true. */
const logic = (kind: 'and' | 'or'): TemplateFunction => ({
  arity: [1, many],
  write: (args, context) => {
    if (args.every(arg => arg.type === 'bool'))
      return bool(`(${kind === 'and' ? and(args.map(a => a.sql)) : or(args.map(a => a.sql))})`);
    return args.reduceRight((rest, arg) => {
      const truth = context.bind(truthOf(arg));
      return kind === 'and' ? either(truth, rest, arg, context) : either(truth, arg, rest, context);
    });
  },
});

export const mathFunctions: Record<string, TemplateFunction> = {
  int: { arity: [1, 1], write: ([v], context) => number(v ? toInt(v, context) : '0', 'int') },
  float64: { arity: [1, 1], write: ([v], context) => number(v ? toFloat(v, context) : '0.', 'float64') },
  add: ints([0, many], values => joined('+')(['0', ...values])),
  sub: ints([2, 2], joined('-')),
  mul: ints([1, many], joined('*')),
  div: divided('intDiv', 'div'),
  mod: divided('modulo', 'mod'),
  addf: exactly(0, '+'),
  subf: exactly(1, '-'),
  mulf: exactly(1, '*'),
  divf: floats([1, many], (values, context) =>
    values.reduce((a, b) => {
      const divisor = context.bind(b);
      context.fail(`${divisor} = 0`, 'error calling divf: decimal division by 0');
      return quotient(a, `if(${divisor} = 0, 1., ${divisor})`);
    }),
  ),
  max: ints([1, many], nested('greatest')),
  min: ints([1, many], nested('least')),
  maxf: floats([1, many], nested('greatest')),
  minf: floats([1, many], nested('least')),
  ceil: floats([1, 1], ([v]) => `ceil(${v})`),
  floor: floats([1, 1], ([v]) => `floor(${v})`),
  round: {
    arity: [2, 3],
    write: ([v, places, on], context) => {
      const power = `exp10(${places ? intParameter(places, context) : '0'})`;
      const digit = context.bind(`${power} * ${v ? toFloat(v, context) : '0.'}`);
      const least = on ? toFloat(on, context) : '0.5';
      // As sprig does it: what is below zero goes down.
      return number(
        `if(${digit} - trunc(${digit}) >= ${least}, ceil(${digit}), floor(${digit})) / ${power}`,
        'float64',
      );
    },
  },
  eq: compare('=', 'eq'),
  ne: compare('!=', 'ne'),
  lt: compare('<', 'lt'),
  le: compare('<=', 'le'),
  gt: compare('>', 'gt'),
  ge: compare('>=', 'ge'),
  not: { arity: [1, 1], write: ([v]) => bool(`NOT (${v ? truthOf(v) : '0'})`) },
  and: logic('and'),
  or: logic('or'),
};
