import { readRegex } from '../regex.ts';
import type { Scope } from '../scope.ts';
import { and, or, quoteInteger, quoteNumber, quoteString, quoteTime } from '../sql-writer.ts';
import { arithmetic } from './arithmetic.ts';
import { fieldName, type FieldSql, readDate, unlessEmptyList } from './fields.ts';
import { functions, needsText } from './functions.ts';
import { isNullTest, isOpen, ofTruth } from './negation.ts';
import { inTexts, matchSql } from './patterns.ts';
import { expressionFields } from './query-fields.ts';
import { literalOf, mirrored, readsAsTime, timeTest, writtenTime } from './time-tests.ts';
import type { CompareOperator, EventFilter, Expression, Field, Literal } from './tree.ts';
import { asBoolean, asNumber, asText, numberLiteral, stringLiteral, unknownBoolean, type Value } from './value.ts';

export type ConditionContext = {
  scope: Scope;
  /** SQL of a field by name; throws when the query may not name it. */
  field(field: Field): FieldSql;
  /** Compare texts without regard to case everywhere (`case_sensitive: false`). */
  insensitive: boolean;
  /** The field that a category is a value of. */
  categoryField: Field;
  /** For times such as `now-1h`; ns since 1970. */
  nowNs: bigint;
  /** An error at an offset of the query. */
  fault(at: number, reason: string): Error;
};

/** How an expression is read: where its fields come from, and whether it can have named parts. */
type Reading = { context: ConditionContext; value(field: Field): Value; bind: (sql: string) => string };

/** SQL that is 1 where the event meets the filter, else 0. */
export function filterSql(filter: EventFilter, context: ConditionContext): string {
  const conditions = [conditionSql(filter.where, context)];
  if (filter.category !== undefined) {
    const right: Literal = { kind: 'literal', value: filter.category, at: 0 };
    conditions.unshift(
      conditionSql({ kind: 'compare', operator: '==', left: context.categoryField, right, at: 0 }, context),
    );
  }
  return certain(and(conditions));
}

const certain = (sql: string): string => (sql === '1' || sql === '0' ? sql : `ifNull(${sql}, 0)`);

/**
 * SQL of a condition: 1, 0, or NULL where a function or calculation of a missing field leaves it open. As in Elasticsearch, which asks its index for
 * the plain tests and turns the answer round, `!=` and `not` of a plain test hold where the field is missing.
 */
export function conditionSql(expression: Expression, context: ConditionContext): string {
  switch (expression.kind) {
    case 'and':
      return and(expression.items.map(item => conditionSql(item, context)));
    case 'or':
      return or(expression.items.map(item => conditionSql(item, context)));
    case 'not':
      return isOpen(expression.of)
        ? negated(openSql(expression.of, context))
        : negated(certain(conditionSql(expression.of, context)));
    case 'certain':
      return certain(conditionSql(expression.of, context));
    case 'least':
      return `(${expression.items.map(item => `toUInt16(${certain(conditionSql(item, context))})`).join(' + ')}) >= ${expression.count}`;
    case 'literal':
      return expression.value === true ? '1' : expression.value === false ? '0' : unknownBoolean;
    case 'compare': {
      const turned = ofTruth(expression);
      if (turned !== undefined) return conditionSql(turned, context);
      const { operator, at } = expression;
      return operator === '!='
        ? conditionSql({ kind: 'not', of: { ...expression, operator: '==' }, at }, context)
        : leaf(expression, context, true);
    }
    case 'in':
      return expression.negated
        ? conditionSql({ kind: 'not', of: { ...expression, negated: false }, at: expression.at }, context)
        : leaf(expression, context, true);
    default:
      return leaf(expression, context, true);
  }
}

/** What is open stays open when it is negated. */
function openSql(expression: Expression, context: ConditionContext): string {
  if (expression.kind === 'not') return negated(openSql(expression.of, context));
  if (expression.kind === 'compare' && expression.operator === '!=')
    return negated(leaf({ ...expression, operator: '==' }, context, false));
  if (expression.kind === 'in' && expression.negated)
    return negated(leaf({ ...expression, negated: false }, context, false));
  if (expression.kind === 'literal') return conditionSql(expression, context);
  return leaf(expression, context, false);
}

const negated = (sql: string): string => (sql === '1' ? '0' : sql === '0' ? '1' : `NOT (${sql})`);

/** A condition without `and`, `or`, `not`; of a field that may hold several values it is true when it is true of one of them. */
function leaf(expression: Expression, context: ConditionContext, positive: boolean): string {
  const light = positive && failsForEmpty(expression);
  const { scope } = context;
  const read = (field: Field): FieldSql => context.field(field);
  const whole: Reading = {
    context,
    bind: sql => scope.bind(sql),
    value(field) {
      const found = read(field);
      if (found.type === 'time') return { type: 'time', sql: found.sql };
      const text = scope.bind(light ? found.light : found.exact);
      return { type: 'text', sql: found.lists && isNullTest(expression) ? scope.bind(unlessEmptyList(text)) : text };
    },
  };
  const all = truth(expression, whole);
  const names = new Set(expressionFields(expression).map(fieldName));
  const [field] = expressionFields(expression);
  if (names.size !== 1 || field === undefined || isNullTest(expression) || !isShallow(expression)) return all;
  const found = read(field);
  if (found.type === 'time' || !found.lists) return all;
  const one: Reading = { context, bind: sql => sql, value: () => ({ type: 'text', sql: 'one' }) };
  const text = `ifNull(${scope.bind(light ? found.light : found.exact)}, '')`;
  const values = `JSONExtract(${text}, 'Array(Nullable(String))')`;
  const asOne = scope.bind(all);
  const several = `toNullable(toUInt8(ifNull(${asOne}, 0) OR arrayExists(one -> ifNull(${truth(expression, one)}, 0), ${values})))`;
  return scope.bind(`if(startsWith(${text}, '[') AND isValidJSON(${text}), ${several}, ${asOne})`);
}

/** A field, or a function or calculation of one: in a lambda nothing has a name, so deeper ones would be repeated over and over. */
function isShallow(expression: Expression): boolean {
  const isLeaf = (part: Expression): boolean => part.kind === 'field' || part.kind === 'literal';
  const isFlat = (part: Expression): boolean => {
    if (part.kind === 'call') return part.args.every(isLeaf);
    if (part.kind === 'arithmetic') return isLeaf(part.left) && isLeaf(part.right);
    return isLeaf(part);
  };
  switch (expression.kind) {
    case 'compare':
      return isFlat(expression.left) && isFlat(expression.right);
    case 'match':
      return isFlat(expression.left);
    case 'in':
      return isFlat(expression.left) && expression.list.every(isLeaf);
    default:
      return isFlat(expression);
  }
}

/** True when an empty text can never meet the condition, as a missing one cannot. */
function failsForEmpty(expression: Expression): boolean {
  const filled = (item: Expression | undefined): boolean =>
    item?.kind === 'literal' && item.value !== '' && item.value !== null;
  switch (expression.kind) {
    case 'field':
      return true;
    case 'compare': {
      const { left, right, operator } = expression;
      if (left.kind !== 'field' || !filled(right)) return false;
      return (
        operator === '==' || operator.startsWith('>') || (right.kind === 'literal' && typeof right.value === 'number')
      );
    }
    case 'match':
      if (expression.left.kind !== 'field') return false;
      return expression.patterns.every(p =>
        expression.operator.startsWith('regex') ? !readRegex(p).matchesEmpty : p.replaceAll('*', '') !== '',
      );
    case 'in':
      return expression.left.kind === 'field' && expression.list.every(filled);
    case 'call':
      return needsText.has(expression.name) && expression.args[0]?.kind === 'field' && filled(expression.args[1]);
    default:
      return false;
  }
}

function truth(expression: Expression, reading: Reading): string {
  const { context } = reading;
  switch (expression.kind) {
    case 'compare':
      return compare(
        expression.operator,
        valueOf(expression.left, reading),
        valueOf(expression.right, reading),
        expression,
        reading,
      );
    case 'match':
      return matchSql(
        asText(valueOf(expression.left, reading)),
        expression.operator,
        expression.patterns,
        context.insensitive,
      );
    case 'in': {
      const left = valueOf(expression.left, reading);
      const folding = { ...context, insensitive: context.insensitive || expression.insensitive };
      return membership(left, expression, { ...reading, context: folding });
    }
    default:
      return asBoolean(valueOf(expression, reading));
  }
}

/** Longer lists of literals are one set for the engine. */
const setFrom = 4;

function membership(left: Value, expression: Expression & { kind: 'in' }, reading: Reading): string {
  const { list } = expression;
  const { context } = reading;
  const values = list.map(item => (item.kind === 'literal' ? item.value : null));
  if (list.length >= setFrom && (left.type === 'text' || left.type === 'string')) {
    if (values.every((value): value is string => typeof value === 'string' && !readsAsTime(value)))
      return inTexts(left.sql, values, context.insensitive);
    if (values.every(value => typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
      const number = reading.bind(asNumber(left).sql);
      return `if(isNull(${number}), NULL, assumeNotNull(${number}) IN (${values.map(value => quoteNumber(Number(value))).join(', ')}))`;
    }
  }
  return or(
    list.map(item =>
      // NULL in a list is equal to nothing; what it leaves open is open.
      compare(
        '==',
        left,
        valueOf(item, reading),
        { ...expression, kind: 'compare', operator: '==', right: item },
        reading,
        false,
      ),
    ),
  );
}

function compare(
  operator: CompareOperator,
  left: Value,
  right: Value,
  expression: Expression & { kind: 'compare' },
  { context, bind }: Pick<Reading, 'context' | 'bind'>,
  nullTests = true,
): string {
  const sign = operator === '==' ? '=' : operator;
  if (left.type === 'null' || right.type === 'null') {
    if (operator !== '==' || !nullTests) return unknownBoolean;
    const other = left.type === 'null' ? right : left;
    return other.type === 'null' ? '1' : `isNull(${other.sql})`;
  }
  if (left.type === 'time' || right.type === 'time') {
    const point = (value: Value): string =>
      value.type === 'time' ? value.sql : `parseDateTime64BestEffortOrNull(${asText(value)}, 9, 'UTC')`;
    const literal = literalOf(expression);
    if (literal === undefined) return `${point(left)} ${sign} ${point(right)}`;
    const written = writtenTime(literal.side, literal.first ? mirrored[operator] : operator, context.nowNs);
    if (written === undefined)
      throw context.fault(
        literal.side.at,
        `[${literal.side.value}] is no time; write "2026-05-01T10:00:00Z", "now-1h" or milliseconds since 1970`,
      );
    return timeTest(point(literal.first ? right : left), written, quoteTime);
  }
  const types = [left.type, right.type];
  if (types.includes('number')) {
    const exact = exactIntegers(left, right, expression);
    if (exact !== undefined) return `${exact[0]} ${sign} ${exact[1]}`;
    return `${asNumber(left).sql} ${sign} ${asNumber(right).sql}`;
  }
  if (types.includes('boolean')) return `${asBoolean(left)} ${sign} ${asBoolean(right)}`;
  const fold = (sql: string): string => (context.insensitive ? `lowerUTF8(${sql})` : sql);
  const texts = `${fold(asText(left))} ${sign} ${fold(asText(right))}`;
  if (left.type !== 'text' || right.type !== 'text') {
    const literal = literalOf(expression);
    const field = literal?.first ? right : left;
    if (literal === undefined || field.type !== 'text' || !readsAsTime(literal.side.value)) return texts;
    const written = writtenTime(literal.side, literal.first ? mirrored[operator] : operator, context.nowNs);
    if (written === undefined) return texts;
    // Elasticsearch maps texts that are dates as dates by itself.
    const ns = bind(readDate(field.sql));
    return `if(isNotNull(${ns}), ${timeTest(ns, written, quoteInteger)}, ${texts})`;
  }
  // Two fields: as numbers when both are.
  const [a, b] = [asNumber(left).sql, asNumber(right).sql];
  return `if(isNotNull(${a}) AND isNotNull(${b}), ${a} ${sign} ${b}, ${texts})`;
}

/** A field against a whole number that Float64 cannot hold: compared digit by digit. */
function exactIntegers(
  left: Value,
  right: Value,
  expression: Expression & { kind: 'compare' },
): [string, string] | undefined {
  const large = (side: Expression): string | undefined =>
    side.kind === 'literal' && side.integer && !Number.isSafeInteger(side.value) && /^-?\d{1,38}$/.test(side.text ?? '')
      ? `toInt128(${quoteString(side.text ?? '')})`
      : undefined;
  const literal = large(expression.right);
  if (literal !== undefined && left.type === 'text') return [`toInt128OrNull(${left.sql})`, literal];
  const first = large(expression.left);
  if (first !== undefined && right.type === 'text') return [first, `toInt128OrNull(${right.sql})`];
  return undefined;
}

function valueOf(expression: Expression, reading: Reading): Value {
  switch (expression.kind) {
    case 'field':
      return reading.value(expression);
    case 'literal': {
      const { value } = expression;
      if (value === null) return { type: 'null' };
      if (typeof value === 'string') return stringLiteral(value);
      if (typeof value === 'number') return numberLiteral(value, expression.integer === true);
      return { type: 'boolean', sql: value ? '1' : '0' };
    }
    case 'call': {
      const known = functions.get(expression.name);
      if (known === undefined) throw new Error(`BUG: unchecked function ${expression.name}`);
      const args = expression.args.map(arg => valueOf(arg, reading));
      return named(
        known.sql(args, known.tilde && (expression.insensitive || reading.context.insensitive), reading.bind),
        reading,
      );
    }
    case 'arithmetic':
      return arithmetic(
        expression.operator,
        valueOf(expression.left, reading),
        valueOf(expression.right, reading),
        reading.bind,
      );
    case 'negate': {
      const { sql, integer } = asNumber(valueOf(expression.of, reading));
      return { type: 'number', sql: `(-${sql})`, integer };
    }
    default:
      // A truth as a value: of the whole field, one value at a time inside a list.
      return { type: 'boolean', sql: nested(expression, reading) };
  }
}

/** What is computed is written once, however often its value is used. */
function named(value: Value, { bind }: Reading): Value {
  if (value.type === 'null') return value;
  if (value.type !== 'number') return { ...value, sql: bind(value.sql) };
  return { ...value, sql: bind(value.sql), integer: bind(value.integer) };
}

function nested(expression: Expression, reading: Reading): string {
  switch (expression.kind) {
    case 'and':
      return `(${and(expression.items.map(item => nested(item, reading)))})`;
    case 'or':
      return `(${or(expression.items.map(item => nested(item, reading)))})`;
    case 'not':
      return `(NOT (${nested(expression.of, reading)}))`;
    case 'compare':
      return expression.operator === '!='
        ? `(NOT (${truth({ ...expression, operator: '==' }, reading)}))`
        : `(${truth(expression, reading)})`;
    case 'in':
      return expression.negated
        ? `(NOT (${truth({ ...expression, negated: false }, reading)}))`
        : `(${truth(expression, reading)})`;
    case 'certain':
      return `ifNull(${nested(expression.of, reading)}, 0)`;
    default:
      return `(${truth(expression, reading)})`;
  }
}
