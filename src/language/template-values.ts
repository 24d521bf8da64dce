import { withNames } from './scope.ts';
import type { Fault } from './template-parser.ts';

/**
 * What a template computes with, as SQL. Types are Go's, since its functions refuse values of another type when they run. `json`: text of a JSON
 * value ('' is nil); `labels`: a Map(String, String); `any`: text of a value whose type is known to no one; `time`: DateTime64(9, 'UTC').
 */
export type TemplateType = 'string' | 'int' | 'int64' | 'float64' | 'bool' | 'time' | 'json' | 'labels' | 'any' | 'nil';
export type TemplateValue = {
  sql: string;
  type: TemplateType;
  /** The value itself where it is written in the template. */
  constant?: string;
  /** Whether it counts as true, where the type does not say. */
  truth?: string;
  /** Of `json`: a place in an array (an int) or a name in an object. */
  isKey?: true;
  /** IANA name, of times that print in another zone than UTC. */
  zone?: string;
};

/** What functions need while they are written as SQL. */
export type TemplateContext = {
  /** The template fails where `condition` holds; `details` is what `__error_details__` then says (plain text). */
  fail(condition: string, details: string): void;
  /** Names an expression that is used more than once. */
  bind(sql: string): string;
  /** Length of an expression with all its names written out. */
  weight(sql: string): number;
  /** The line, as SQL. */
  line: string;
  /** For what cannot be written as SQL at all: the query is refused. */
  fault: Fault;
};

export const text = (sql: string): TemplateValue => ({ sql, type: 'string' });
export const bool = (sql: string): TemplateValue => ({ sql, type: 'bool' });
export const number = (sql: string, type: 'int' | 'int64' | 'float64'): TemplateValue => ({ sql, type });
export const nothing: TemplateValue = { sql: "''", type: 'nil' };

/** Go's zero time, which the engine cannot hold. */
export const zeroTime = "toDateTime64('1900-01-01 00:00:00', 9, 'UTC')";

/** Digits of a positive number as the engine writes it -> `d.ddd`. */
const mantissaOf = (digits: string): string =>
  `replaceRegexpOne(replaceRegexpOne(${digits}, '^([0-9])([0-9]*?)0*$', '\\\\1.\\\\2'), '\\\\.$', '')`;

/** A Float64 as Go's %v writes it: shortest digits; below 1e-4 and from 1e6 on with an exponent. */
export function floatText(sql: string): string {
  return withNames([`toFloat64(${sql})`], x =>
    withNames([`toString(abs(${x}))`], p => {
      const tiny = `concat(${mantissaOf(`replaceRegexpOne(${p}, '^0\\\\.0*', '')`)}, if(abs(${x}) >= 1e-5, 'e-05', 'e-06'))`;
      const exponent = `toString(length(substringIndex(${p}, '.', 1)) - 1)`;
      const large = `concat(${mantissaOf(`replaceOne(${p}, '.', '')`)}, 'e+', leftPad(${exponent}, 2, '0'))`;
      const written = `replaceRegexpOne(replaceRegexpOne(${p}, 'e([0-9])', 'e+\\\\1'), 'e([-+])([0-9])$', 'e\\\\10\\\\2')`;
      const sized = `multiIf(${x} = 0 OR (abs(${x}) >= 1e-4 AND abs(${x}) < 1e6), ${p}, position(${p}, 'e') > 0, ${written}, abs(${x}) < 1, ${tiny}, ${large})`;
      return `multiIf(isNaN(${x}), 'NaN', isInfinite(${x}), if(${x} > 0, '+Inf', '-Inf'), concat(if(${x} < 0, '-', ''), ${sized}))`;
    }),
  );
}

const decimal = '^[-+]?[0-9]+(?:_[0-9]+)*(?:\\\\.[0-9]*)?$';

/** Go's ParseInt as sprig calls it: a fraction is cut off, what is no number written with digits alone is 0. Other bases than ten are not read. */
const intOfText = (sql: string): string =>
  `if(match(${sql}, '${decimal}'), toInt64OrZero(replaceAll(substringIndex(${sql}, '.', 1), '_', '')), 0)`;

/** sprig's toInt64. */
export function toInt({ sql, type }: TemplateValue, { bind }: Pick<TemplateContext, 'bind'>): string {
  switch (type) {
    case 'string':
    case 'any':
      return intOfText(bind(`toString(${sql})`));
    case 'int':
    case 'int64':
      return `toInt64(${sql})`;
    case 'float64':
      return `toInt64(${sql})`;
    case 'bool':
      return `toInt64(${sql})`;
    case 'json': {
      const j = bind(sql);
      return `multiIf(startsWith(${j}, '"'), ${intOfText(`JSONExtractString(${j})`)}, ${j} = 'true', 1, toInt64(toFloat64OrZero(${j})))`;
    }
    default:
      return '0';
  }
}

/** sprig's toFloat64. */
export function toFloat({ sql, type }: TemplateValue, { bind }: Pick<TemplateContext, 'bind'>): string {
  switch (type) {
    case 'string':
    case 'any':
      return `toFloat64OrZero(toString(${sql}))`;
    case 'int':
    case 'int64':
    case 'float64':
    case 'bool':
      return `toFloat64(${sql})`;
    case 'json': {
      const j = bind(sql);
      return `multiIf(startsWith(${j}, '"'), toFloat64OrZero(JSONExtractString(${j})), ${j} = 'true', 1., toFloat64OrZero(${j}))`;
    }
    default:
      return '0.';
  }
}

const goNames: Record<TemplateType, string> = {
  string: 'string', int: 'int', int64: 'int64', float64: 'float64', bool: 'bool', time: 'time.Time',
  json: 'interface {}', labels: 'map[string]string', any: 'interface {}', nil: 'nil',
}; // biome-ignore format: a table

/** Go's name of a value's type. */
export const typeName = ({ type }: TemplateValue): string => goNames[type];

/** The value as a parameter of type string: others make the template fail. */
export function stringParameter(value: TemplateValue, context: TemplateContext): string {
  if (value.type === 'string' || value.type === 'any') return value.sql;
  if (value.type === 'json') {
    const j = context.bind(value.sql);
    context.fail(`NOT startsWith(${j}, '"')`, 'wrong type for value; expected string');
    return context.bind(`JSONExtractString(${j})`);
  }
  context.fail('1', `wrong type for value; expected string; got ${typeName(value)}`);
  return "''";
}

/** The value as a parameter of type int: numbers of other types make the template fail, as in Go. */
export function intParameter(value: TemplateValue, context: TemplateContext): string {
  if (value.type === 'int') return value.sql;
  if (value.isKey) {
    context.fail(`startsWith(${value.sql}, '"')`, 'wrong type for value; expected int; got string');
    return `toInt64OrZero(${value.sql})`;
  }
  if (value.type === 'float64' && value.constant !== undefined && Number.isInteger(Number(value.constant)))
    return value.constant;
  context.fail('1', `wrong type for value; expected int; got ${typeName(value)}`);
  return '0';
}
