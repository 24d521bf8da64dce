import { WeirError } from '../../base/errors.ts';
import { nearest } from '../../language/eql/nearest.ts';
import { readTimeMath } from '../../language/eql/times.ts';
import { readRegex } from '../../language/regex.ts';
import type { CompareOperator, Expression, Field, Literal } from '../../language/eql/tree.ts';

/** What a Query DSL filter asks: a condition, and the bounds (ns, inclusive) that it puts on the time of every event. */
export type Filter = { condition: Expression; range: { start?: bigint; end?: bigint } };

type Members = Record<string, unknown>;

const bad = (reason: string): WeirError => new WeirError('bad_request', { reason: `[filter] ${reason}` });
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 100) ?? String(value);

const clauses = [
  'bool',
  'constant_score',
  'exists',
  'ids',
  'match',
  'match_all',
  'match_none',
  'match_phrase',
  'prefix',
  'range',
  'regexp',
  'term',
  'terms',
  'wildcard',
] as const;
const occurrences = ['must', 'filter', 'should', 'must_not'] as const;
const rangeMembers = ['gt', 'gte', 'lt', 'lte', 'format', 'time_zone', 'boost', 'relation'];
const depthMax = 50;

const always = (value: boolean): Expression => ({ kind: 'literal', value, at: 0 });
/** Fields of a filter need not exist. */
const field = (name: string): Field => ({ kind: 'field', path: [name], optional: true, at: 0 });
const all = (items: Expression[]): Expression =>
  items.length === 1 ? (items[0] ?? always(true)) : { kind: 'and', items, at: 0 };
const oneOf = (items: Expression[]): Expression =>
  items.length === 1 ? (items[0] ?? always(true)) : { kind: 'or', items, at: 0 };
/** Not true, missing included: what `must_not` means. */
const without = (of: Expression): Expression => ({ kind: 'not', of: { kind: 'certain', of, at: 0 }, at: 0 });

function object(value: unknown, where: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(`${where} must be an object, found ${shown(value)}`);
  return value as Members;
}

/** The one member of an object. */
function only(value: unknown, where: string): [string, unknown] {
  const entries = Object.entries(object(value, where)).filter(([name]) => name !== 'boost' && name !== '_name');
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    throw bad(`${where} must have one member, found ${shown(Object.keys(value as object))}; combine several by bool`);
  return entry;
}

function literal(value: unknown, where: string): Literal {
  if (typeof value === 'number')
    return { kind: 'literal', value, integer: Number.isInteger(value), text: String(value), at: 0 };
  if (typeof value === 'string' || typeof value === 'boolean') return { kind: 'literal', value, at: 0 };
  throw bad(`${where} must be a string, number or boolean, found ${shown(value)}`);
}

/** `{field: value}` or `{field: {value: value}}`. */
function fieldAndValue(
  value: unknown,
  where: string,
  member: string,
): { name: string; value: unknown; options: Members } {
  const [name, given] = only(value, where);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return { name, value: given, options: {} };
  const options = given as Members;
  if (!(member in options))
    throw bad(`${where} [${name}] must have a member "${member}", found ${shown(Object.keys(options))}`);
  return { name, value: options[member], options };
}

const equals = (name: string, value: Literal): Expression => ({
  kind: 'compare',
  operator: '==',
  left: field(name),
  right: value,
  at: 0,
});

/** Read a filter. Throws `bad_request` that names the clause. `now` and `timestamp`: for times. */
export function readFilter(filter: unknown, timestamp: string, nowNs: bigint): Filter {
  const range: Filter['range'] = {};
  const isTime = (name: string): boolean => name === timestamp || name === '@timestamp';

  /** `required`: every event must meet it, so its bounds of time hold for all. */
  function read(value: unknown, required: boolean, depth: number): Expression {
    if (depth > depthMax) throw bad(`is nested deeper than ${depthMax}`);
    const [kind, inner] = only(value, 'a clause');
    switch (kind) {
      case 'match_all':
        return always(true);
      case 'match_none':
        return always(false);
      case 'bool':
        return bool(object(inner, 'bool'), required, depth);
      case 'constant_score':
        return read(object(inner, 'constant_score').filter, required, depth + 1);
      case 'ids': {
        const { values } = object(inner, 'ids');
        if (!Array.isArray(values)) throw bad(`ids must have an array "values", found ${shown(inner)}`);
        if (values.length === 0) return always(false);
        const list = values.map((item: unknown) => literal(String(item), 'ids'));
        return { kind: 'in', insensitive: false, negated: false, left: field('_id'), list, at: 0 };
      }
      case 'exists': {
        const name = object(inner, 'exists').field;
        if (typeof name !== 'string' || name === '')
          throw bad(`exists must have a member "field", found ${shown(inner)}`);
        if (isTime(name)) return always(true);
        return {
          kind: 'compare',
          operator: '!=',
          left: field(name),
          right: { kind: 'literal', value: null, at: 0 },
          at: 0,
        };
      }
      case 'term': {
        const { name, value: wanted, options } = fieldAndValue(inner, 'term', 'value');
        const right = literal(wanted, `term [${name}]`);
        if (options.case_insensitive !== true || typeof right.value !== 'string') return equals(name, right);
        return { kind: 'in', insensitive: true, negated: false, left: field(name), list: [right], at: 0 };
      }
      case 'terms': {
        const [name, list] = only(inner, 'terms');
        if (!Array.isArray(list)) throw bad(`terms [${name}] must be an array, found ${shown(list)}`);
        if (list.length === 0) return always(false);
        const literals = list.map((item: unknown) => literal(item, `terms [${name}]`));
        return { kind: 'in', insensitive: false, negated: false, left: field(name), list: literals, at: 0 };
      }
      case 'match':
      case 'match_phrase': {
        const { name, value: wanted, options } = fieldAndValue(inner, kind, 'query');
        return match(name, literal(wanted, `${kind} [${name}]`), kind === 'match_phrase', options);
      }
      case 'prefix': {
        const { name, value: wanted, options } = fieldAndValue(inner, 'prefix', 'value');
        const insensitive = options.case_insensitive === true;
        return {
          kind: 'call',
          name: 'startsWith',
          insensitive,
          args: [field(name), literal(wanted, `prefix [${name}]`)],
          at: 0,
        };
      }
      case 'wildcard': {
        const { name, value: wanted, options } = fieldAndValue(inner, 'wildcard', 'value');
        if (typeof wanted !== 'string') throw bad(`wildcard [${name}] must be a string, found ${shown(wanted)}`);
        return {
          kind: 'match',
          operator: options.case_insensitive === true ? 'like~' : 'like',
          left: field(name),
          patterns: [wanted],
          at: 0,
        };
      }
      case 'regexp': {
        const { name, value: wanted, options } = fieldAndValue(inner, 'regexp', 'value');
        if (typeof wanted !== 'string') throw bad(`regexp [${name}] must be a string, found ${shown(wanted)}`);
        try {
          readRegex(wanted);
        } catch (error) {
          throw bad(`regexp [${name}] ${shown(wanted)}: ${(error as Error).message} (RE2 syntax)`);
        }
        const operator = options.case_insensitive === true ? 'regex~' : 'regex';
        return { kind: 'match', operator, left: field(name), patterns: [wanted], at: 0 };
      }
      case 'range':
        return bounds(inner, required);
      default: {
        const hint = nearest(kind, clauses);
        throw bad(
          `unknown query [${kind}]${hint === undefined ? `; known are ${clauses.join(', ')}` : `, did you mean [${hint}]?`}`,
        );
      }
    }
  }

  function bool(members: Members, required: boolean, depth: number): Expression {
    const lists: Record<(typeof occurrences)[number], Expression[]> = {
      must: [],
      filter: [],
      should: [],
      must_not: [],
    };
    let least: number | undefined;
    for (const [name, value] of Object.entries(members)) {
      if (name === 'minimum_should_match') {
        least = Number(value);
        if (!Number.isInteger(least) || least < 0)
          throw bad(`minimum_should_match must be a whole number, found ${shown(value)}`);
        continue;
      }
      if (name === 'boost' || name === '_name') continue;
      if (!(occurrences as readonly string[]).includes(name))
        throw bad(`bool has no member [${name}]; known are ${occurrences.join(', ')}, minimum_should_match`);
      const occurrence = name as (typeof occurrences)[number];
      const mustMeet = required && (occurrence === 'must' || occurrence === 'filter');
      for (const item of Array.isArray(value) ? value : [value])
        lists[occurrence].push(read(item, mustMeet, depth + 1));
    }
    const items = [...lists.must, ...lists.filter, ...lists.must_not.map(without)];
    const needed = least ?? (lists.must.length + lists.filter.length > 0 ? 0 : 1);
    if (lists.should.length > 0 && needed > 0) {
      if (needed > 1 && needed < lists.should.length)
        throw bad(`minimum_should_match ${needed} of ${lists.should.length} is not supported; 0, 1 and all are`);
      items.push(needed === 1 ? oneOf(lists.should) : needed > lists.should.length ? always(false) : all(lists.should));
    }
    return items.length === 0 ? always(true) : all(items);
  }

  function match(name: string, right: Literal, phrase: boolean, options: Members): Expression {
    if (typeof right.value !== 'string') return equals(name, right);
    // A field is text or keyword to Elasticsearch by its mapping; here words are looked for as in text, in any case.
    const words = phrase ? [right.value] : right.value.split(/\s+/).filter(word => word !== '');
    const tests = words.map(
      (word): Expression => ({
        kind: 'call',
        name: 'stringContains',
        insensitive: true,
        args: [field(name), { kind: 'literal', value: word, at: 0 }],
        at: 0,
      }),
    );
    if (tests.length === 0) return always(false);
    return options.operator === 'and' || options.operator === 'AND' ? all(tests) : oneOf(tests);
  }

  function bounds(value: unknown, required: boolean): Expression {
    const [name, inner] = only(value, 'range');
    const members = object(inner, `range [${name}]`);
    const items: Expression[] = [];
    for (const [bound, given] of Object.entries(members)) {
      if (!rangeMembers.includes(bound))
        throw bad(`range [${name}] has no member [${bound}]; known are ${rangeMembers.join(', ')}`);
      if (bound === 'time_zone' && given !== 'UTC' && given !== '+00:00' && given !== 'Z')
        throw bad(`range [${name}]: time_zone ${shown(given)} is not supported; write the offset into the times`);
      if (!['gt', 'gte', 'lt', 'lte'].includes(bound) || given === null) continue;
      const operator: CompareOperator = bound === 'gt' ? '>' : bound === 'gte' ? '>=' : bound === 'lt' ? '<' : '<=';
      let right = literal(given, `range [${name}].${bound}`);
      if (isTime(name)) {
        const ns = pointInTime(right.value, bound === 'gt' || bound === 'lte', members.format, nowNs);
        if (ns === undefined)
          throw bad(
            `range [${name}].${bound}: ${shown(given)} is no time; write 2026-05-01T10:00:00Z, milliseconds since 1970, or now-1h`,
          );
        right = { kind: 'literal', value: isoNs(ns), at: 0 };
        if (required && name === '@timestamp') {
          if (operator.startsWith('>')) range.start = range.start === undefined || ns > range.start ? ns : range.start;
          else range.end = range.end === undefined || ns < range.end ? ns : range.end;
        }
      }
      items.push({ kind: 'compare', operator, left: field(name), right, at: 0 });
    }
    if (items.length === 0) throw bad(`range [${name}] must have one of gt, gte, lt, lte`);
    return all(items);
  }

  return { condition: read(filter, true, 0), range };
}

const isoNs = (ns: bigint): string => {
  const seconds = ns >= 0n ? ns / 1_000_000_000n : -((-ns + 999_999_999n) / 1_000_000_000n);
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${String(ns - seconds * 1_000_000_000n).padStart(9, '0')}Z`;
};

/** A bound of a range on the time: ns, or undefined. */
function pointInTime(
  value: string | number | boolean | null,
  up: boolean,
  format: unknown,
  nowNs: bigint,
): bigint | undefined {
  if (typeof value === 'number') return BigInt(Math.round(value * (format === 'epoch_second' ? 1000 : 1))) * 1_000_000n;
  if (typeof value !== 'string') return undefined;
  return format === 'epoch_second' && /^\d+$/.test(value)
    ? BigInt(value) * 1_000_000_000n
    : readTimeMath(value, up, nowNs);
}
