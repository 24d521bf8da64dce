import { WeirError } from '../../base/errors.ts';
import { nearest } from '../../language/eql/nearest.ts';
import { countIn } from '../../language/eql/query-fields.ts';
import type { CompareOperator, Expression } from '../../language/eql/tree.ts';
import { readRegex } from '../../language/regex.ts';
import { literal, rangeTest, type TimeBounds } from './filter-range.ts';
import {
  allOf, always, anyField, equals, filterField, leastCount, leastOf, matchTest, oneOf, wildcardTest, without, wordsOf, wordsTest,
} from './filter-words.ts'; // biome-ignore format: one list
import { type FieldTests, type QueryStringOptions, queryStringTest } from './query-string.ts';
import { simpleQueryStringTest } from './simple-query-string.ts';

/** What a Query DSL filter asks: a condition, and the bounds (ns, inclusive) that it puts on the time of every event. */
export type Filter = { condition: Expression; range: TimeBounds };

type Members = Record<string, unknown>;

const bad = (reason: string): WeirError => new WeirError('bad_request', { reason: `[filter] ${reason}` });
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 100) ?? String(value);

const clauses = [
  'bool', 'boosting', 'constant_score', 'dis_max', 'exists', 'ids', 'match', 'match_all', 'match_bool_prefix', 'match_none', 'match_phrase',
  'match_phrase_prefix', 'multi_match', 'nested', 'prefix', 'query_string', 'range', 'regexp', 'simple_query_string', 'term', 'terms', 'terms_set',
  'wildcard',
] as const; // biome-ignore format: one list
const occurrences = ['must', 'filter', 'should', 'must_not'] as const;
const depthMax = 50;

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

/** `{field: value}` or `{field: {value: value}}`. */
function fieldAndValue(
  value: unknown,
  where: string,
  ...names: readonly string[]
): { name: string; value: unknown; options: Members } {
  const [name, given] = only(value, where);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return { name, value: given, options: {} };
  const options = given as Members;
  const member = names.find(one => one in options);
  if (member === undefined)
    throw bad(`${where} [${name}] must have a member "${names[0]}", found ${shown(Object.keys(options))}`);
  return { name, value: options[member], options };
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw bad(`${where} must be a string, found ${shown(value)}`);
}

const isTrue = (value: unknown): boolean => value === true || value === 'true';

function regexp(name: string, pattern: string, insensitive: boolean): Expression {
  try {
    readRegex(pattern);
  } catch (error) {
    throw bad(`regexp [${name}] ${shown(pattern)}: ${(error as Error).message} (RE2 syntax)`);
  }
  return {
    kind: 'match',
    operator: insensitive ? 'regex~' : 'regex',
    left: filterField(name),
    patterns: [pattern],
    at: 0,
  };
}

/** `minimum_should_match`, checked; absent: as `fallback` says. */
function least(value: unknown): ((total: number) => number) | undefined {
  if (value === undefined || value === null) return undefined;
  if (leastCount(value, 1) === undefined)
    throw bad(
      `minimum_should_match must be a number, a share or conditions of these such as 2, -1, 75%, 2<75%, found ${shown(value)}`,
    );
  return total => leastCount(value, total) ?? total;
}

/** The operator between words. */
function operatorOf(value: unknown, where: string): 'and' | 'or' {
  const name = typeof value === 'string' ? value.toLowerCase() : (value ?? 'or');
  if (name !== 'and' && name !== 'or') throw bad(`${where} must be and or or, found ${shown(value)}`);
  return name;
}

/** Names of fields, without weights. */
function fieldNames(value: unknown, where: string): string[] {
  const list = value === undefined || value === null ? ['*'] : Array.isArray(value) ? value : [value];
  if (list.length === 0) throw bad(`${where} must name a field`);
  return list.map((item: unknown) => {
    const name = text(item, where).replace(/\^[\d.]+$/, '');
    if (name === '*') return anyField;
    if (/[*?]/.test(name)) throw bad(`${where}: wildcards in names (${name}) are not supported; name the fields`);
    return name;
  });
}

/** Options that would find what is not asked for when they are passed over. */
function refuse(options: Members, where: string, names: readonly string[]): void {
  for (const name of names) {
    const value = options[name];
    if (value !== undefined && value !== null && value !== 0 && value !== '0' && value !== false)
      throw bad(`${where}: ${name} is not supported`);
  }
}

/** Read a filter. Throws `bad_request` that names the clause. `timestamp` and `nowNs`: for times. */
export function readFilter(filter: unknown, timestamp: string, nowNs: bigint): Filter {
  const range: TimeBounds = {};
  const isTime = (name: string): boolean => name === timestamp || name === '@timestamp';
  const exists = (name: string): Expression =>
    isTime(name)
      ? always(true)
      : {
          kind: 'compare',
          operator: '!=',
          left: filterField(name),
          right: { kind: 'literal', value: null, at: 0 },
          at: 0,
        };
  const bounds = (name: string, given: Members, required: boolean): Expression =>
    rangeTest(name, given, { isTime, nowNs }, ({ start, end }) => {
      if (!required || name !== '@timestamp') return;
      if (start !== undefined && (range.start === undefined || start > range.start)) range.start = start;
      if (end !== undefined && (range.end === undefined || end < range.end)) range.end = end;
    });

  /** What query strings ask of a field. */
  const tests: FieldTests = {
    words: (name, words) => wordsTest(name, wordsOf(words)),
    phrase: (name, phrase) => wordsTest(name, wordsOf(phrase)),
    wildcard: wildcardTest,
    regexp: (name, pattern) => regexp(name, pattern, false),
    exists: name => (name === anyField ? always(true) : exists(name)),
    bound(name, operator: CompareOperator, value) {
      if (name === anyField) throw bad(`query_string: ${operator}${value} needs the name of a field before it`);
      const member = operator === '>' ? 'gt' : operator === '>=' ? 'gte' : operator === '<' ? 'lt' : 'lte';
      const number = !isTime(name) && /^-?\d+(?:\.\d+)?$/.test(value);
      return bounds(name, { [member]: number ? Number(value) : value }, false);
    },
  };

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
      case 'boosting':
        return read(object(inner, 'boosting').positive, required, depth + 1);
      case 'dis_max': {
        const { queries } = object(inner, 'dis_max');
        if (!Array.isArray(queries) || queries.length === 0)
          throw bad(`dis_max must have an array "queries", found ${shown(inner)}`);
        return oneOf(queries.map((item: unknown) => read(item, false, depth + 1)));
      }
      case 'nested': {
        const condition = read(object(inner, 'nested').query, false, depth + 1);
        if (countIn(condition) > 1)
          throw bad(
            'nested with several conditions is not supported: they would have to hold for the same object of an array, and here each holds for any of them',
          );
        return condition;
      }
      case 'ids': {
        const { values } = object(inner, 'ids');
        const list = (Array.isArray(values) ? values : [values]).map((item: unknown) =>
          literal(text(item, 'ids values'), 'ids'),
        );
        if (list.length === 0) return always(false);
        return { kind: 'in', insensitive: false, negated: false, left: filterField('_id'), list, at: 0 };
      }
      case 'exists': {
        const name = object(inner, 'exists').field;
        if (typeof name !== 'string' || name === '')
          throw bad(`exists must have a member "field", found ${shown(inner)}`);
        return exists(name);
      }
      case 'range': {
        const [name, given] = only(inner, 'range');
        return bounds(name, object(given, `range [${name}]`), required);
      }
      default:
        return leaf(kind, inner);
    }
  }

  function leaf(kind: string, inner: unknown): Expression {
    switch (kind) {
      case 'term': {
        const { name, value: wanted, options } = fieldAndValue(inner, 'term', 'value', 'term');
        const right = literal(wanted, `term [${name}]`);
        if (!isTrue(options.case_insensitive) || typeof right.value !== 'string') return equals(name, right);
        return { kind: 'in', insensitive: true, negated: false, left: filterField(name), list: [right], at: 0 };
      }
      case 'terms': {
        const [name, list] = only(inner, 'terms');
        if (!Array.isArray(list)) throw bad(`terms [${name}] must be an array, found ${shown(list)}`);
        if (list.length === 0) return always(false);
        const literals = list.map((item: unknown) => literal(item, `terms [${name}]`));
        return { kind: 'in', insensitive: false, negated: false, left: filterField(name), list: literals, at: 0 };
      }
      case 'terms_set': {
        const { name, value: list, options } = fieldAndValue(inner, 'terms_set', 'terms');
        if (!Array.isArray(list)) throw bad(`terms_set [${name}] must have an array "terms", found ${shown(list)}`);
        refuse(options, 'terms_set', ['minimum_should_match_field', 'minimum_should_match_script']);
        const items = list.map((item: unknown) => equals(name, literal(item, `terms_set [${name}]`)));
        return leastOf(least(options.minimum_should_match)?.(items.length) ?? 1, items);
      }
      case 'match':
      case 'match_bool_prefix': {
        const { name, value: wanted, options } = fieldAndValue(inner, kind, 'query');
        refuse(options, kind, ['fuzziness', 'analyzer']);
        const right = literal(wanted, `${kind} [${name}]`);
        return typeof right.value === 'string'
          ? matchTest(name, right.value, matching(options, kind))
          : equals(name, right);
      }
      case 'match_phrase':
      case 'match_phrase_prefix': {
        const { name, value: wanted, options } = fieldAndValue(inner, kind, 'query');
        refuse(options, kind, ['slop', 'analyzer']);
        const right = literal(wanted, `${kind} [${name}]`);
        if (typeof right.value !== 'string') return equals(name, right);
        return wordsTest(name, wordsOf(right.value), kind === 'match_phrase_prefix');
      }
      case 'multi_match':
        return multiMatch(object(inner, kind));
      case 'query_string':
      case 'simple_query_string':
        return queryString(kind, object(inner, kind));
      case 'prefix': {
        const { name, value: wanted, options } = fieldAndValue(inner, 'prefix', 'value', 'prefix');
        const part = literal(text(wanted, `prefix [${name}]`), 'prefix');
        const insensitive = isTrue(options.case_insensitive);
        return { kind: 'call', name: 'startsWith', insensitive, args: [filterField(name), part], at: 0 };
      }
      case 'wildcard': {
        const { name, value: wanted, options } = fieldAndValue(inner, 'wildcard', 'value', 'wildcard');
        const patterns = [text(wanted, `wildcard [${name}]`)];
        const operator = isTrue(options.case_insensitive) ? 'like~' : 'like';
        return { kind: 'match', operator, left: filterField(name), patterns, at: 0 };
      }
      case 'regexp': {
        const { name, value: wanted, options } = fieldAndValue(inner, 'regexp', 'value');
        return regexp(name, text(wanted, `regexp [${name}]`), isTrue(options.case_insensitive));
      }
      default: {
        const hint = nearest(kind, clauses);
        throw bad(
          `unknown query [${kind}]${hint === undefined ? `; known are ${clauses.join(', ')}` : `, did you mean [${hint}]?`}`,
        );
      }
    }
  }

  function matching(options: Members, kind: string): Parameters<typeof matchTest>[2] {
    const needed = least(options.minimum_should_match);
    return {
      operator: operatorOf(options.operator, `${kind} operator`),
      prefix: kind === 'match_bool_prefix' || options.type === 'bool_prefix',
      ...(needed && { least: needed }),
    };
  }

  function multiMatch(options: Members): Expression {
    refuse(options, 'multi_match', ['fuzziness', 'analyzer', 'slop']);
    const wanted = text(options.query, 'multi_match query');
    const fields = fieldNames(options.fields, 'multi_match fields');
    const { type = 'best_fields' } = options;
    if (type === 'phrase' || type === 'phrase_prefix')
      return oneOf(fields.map(name => wordsTest(name, wordsOf(wanted), type === 'phrase_prefix')));
    if (type === 'cross_fields') {
      const tests = wordsOf(wanted).map(word => oneOf(fields.map(name => wordsTest(name, [word]))));
      const { operator, least: needed } = matching(options, 'multi_match');
      return leastOf(operator === 'and' ? tests.length : (needed?.(tests.length) ?? 1), tests);
    }
    if (type !== 'best_fields' && type !== 'most_fields' && type !== 'bool_prefix')
      throw bad(`multi_match: type ${shown(type)} is not supported`);
    return oneOf(fields.map(name => matchTest(name, wanted, matching(options, 'multi_match'))));
  }

  function queryString(kind: string, options: Members): Expression {
    refuse(options, kind, ['analyzer', 'phrase_slop', 'fuzzy_prefix_length']);
    const needed = least(options.minimum_should_match);
    const reading: QueryStringOptions = {
      fields: fieldNames(options.fields ?? options.default_field, `${kind} fields`),
      operator: operatorOf(options.default_operator, `${kind} default_operator`),
      tests,
      ...(needed && { least: needed }),
    };
    const asked = text(options.query, `${kind} query`);
    return kind === 'query_string' ? queryStringTest(asked, reading) : simpleQueryStringTest(asked, reading);
  }

  function bool(members: Members, required: boolean, depth: number): Expression {
    const lists: Record<(typeof occurrences)[number], Expression[]> = {
      must: [],
      filter: [],
      should: [],
      must_not: [],
    };
    for (const [name, value] of Object.entries(members)) {
      if (['minimum_should_match', 'boost', '_name', 'adjust_pure_negative'].includes(name)) continue;
      if (!(occurrences as readonly string[]).includes(name))
        throw bad(`bool has no member [${name}]; known are ${occurrences.join(', ')}, minimum_should_match`);
      const occurrence = name as (typeof occurrences)[number];
      const mustMeet = required && (occurrence === 'must' || occurrence === 'filter');
      for (const item of Array.isArray(value) ? value : [value])
        lists[occurrence].push(read(item, mustMeet, depth + 1));
    }
    const { must, filter: also, should, must_not: mustNot } = lists;
    const fallback = must.length + also.length > 0 || should.length === 0 ? 0 : 1;
    const needed = least(members.minimum_should_match)?.(should.length) ?? fallback;
    return allOf([
      ...must,
      ...also,
      ...mustNot.map(without),
      ...(needed > 0 && should.length > 0 ? [leastOf(needed, should)] : []),
    ]);
  }

  return { condition: read(filter, true, 0), range };
}
