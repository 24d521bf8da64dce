import { fieldCandidates, timeMagnitudes, unknownService } from '../../base/fields.ts';
import { quoteString } from '../sql-writer.ts';
import type { Field } from './tree.ts';

/**
 * Where a record may keep a field of the sender's object (docs/decisions/0001). `json` is a path inside a value that is a JSON object:
 * `event.category` of `{"event":{"category":"process"}}`.
 */
export type Place =
  | { in: 'column'; sql: string }
  | { in: 'label' | 'attribute'; key: string }
  | {
      in: 'json';
      of: Exclude<Place, { in: 'json' }>;
      steps: readonly string[];
      /** After so many steps may stand an array, in order; the rest is looked for in each of its objects. */
      arrays?: readonly number[];
    };

/** Types that a request may give to a field. Only a date is read in another way; all others are what they are compared with. */
export type FieldType = 'boolean' | 'date' | 'double' | 'ip' | 'keyword' | 'long';

/** What records of a tenant have. */
export type KnownKeys = {
  /** Names of attributes and labels. */
  attributes: ReadonlySet<string>;
  labels: ReadonlySet<string>;
  /** Conditions that some record meets, see `arrayTests`. */
  holds: ReadonlySet<string>;
  /** Fields that the request says there are. */
  declared: ReadonlyMap<string, FieldType>;
};

export type FieldSql =
  | { type: 'time'; sql: string }
  | {
      type: 'text';
      /** Nullable(String); an empty value counts as missing in `light`, which is much cheaper to read. */
      light: string;
      exact: string;
      /** May hold a JSON array: then a condition holds when one value meets it. */
      lists: boolean;
    };

export const fieldName = (field: Pick<Field, 'path'>): string => field.path.join('.');

const times: ReadonlySet<string> = new Set(fieldCandidates.time);
const messages: ReadonlySet<string> = new Set(fieldCandidates.message);
const columns: readonly { names: readonly string[]; sql: string }[] = [
  { names: fieldCandidates.traceId, sql: "nullIf(trace_id, '')" },
  { names: fieldCandidates.spanId, sql: "nullIf(span_id, '')" },
  { names: ['_id'], sql: 'toString(seq)' },
  { names: ['service.name', 'service_name'], sql: `nullIf(toString(service), ${quoteString(unknownService)})` },
  { names: [...fieldCandidates.level, 'detected_level'], sql: "nullIf(toString(level), 'unknown')" },
];

/** Stands for all that a record says, names and values. Not EQL: what a Query DSL clause without a field asks. */
export const wholeEvent = '*';
const wholeEventSql =
  "concat(toString(message), '\\n', arrayStringConcat(mapValues(attributes), '\\n'), '\\n', arrayStringConcat(mapValues(labels), '\\n'))";

/** The name under which a key is stored; see base/fields.ts. */
const stored = (key: string): string => key.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');

function keyed(key: string, known: KnownKeys): Exclude<Place, { in: 'json' }>[] {
  const names = [...new Set([key, stored(key)])];
  return [
    // Every record has the label service_name, made where the sender gave none: its column says so (below).
    ...names
      .filter(name => known.labels.has(name) && name !== 'service_name')
      .map(name => ({ in: 'label' as const, key: name })),
    ...names.filter(name => known.attributes.has(name)).map(name => ({ in: 'attribute' as const, key: name })),
  ];
}

/** SQL: the time of a record, ns since 1970. */
export const columnNs = 'toUnixTimestamp64Nano(timestamp)';

/** True for a field that is a point in time: `@timestamp` always, and what the column `timestamp` was read from. */
export function isTime(name: string, known: KnownKeys): boolean {
  return name === '@timestamp' || (times.has(name) && keyed(name, known).length === 0);
}

/** SQL: ns since 1970 of a text that is a time, or a number of s, ms, us or ns by its magnitude; NULL when it is none. */
function readTime(text: string): string {
  const number = `toInt64OrNull(${text})`;
  const scaled = timeMagnitudes.map(({ max, digits }) => `abs(${number}) <= ${max}, ${number} * ${10 ** digits}`);
  return `if(isNotNull(${number}), multiIf(${scaled.join(', ')}, ${number}), toUnixTimestamp64Nano(parseDateTime64BestEffortOrNull(${text}, 9, 'UTC')))`;
}

/** SQL: ns since 1970 of the text of a field that reads as a date (a date of ten signs and what follows, or a number of milliseconds or finer); NULL when it does not. */
export const readDate = (text: string): string =>
  `if(match(${text}, '^(\\d{4}[-/]\\d{2}[-/]\\d{2}($|[T ])|\\d{12,19}$)'), ${readTime(text)}, NULL)`;

/**
 * SQL: ns since 1970 by which events are ordered, NULL for events without. Of several names for the time only one becomes the column
 * of an event; the others are attributes, and are asked first.
 */
export function orderSql(name: string, known: KnownKeys): string {
  const places = placesOf(name, known);
  if (places.length === 0) return times.has(name) ? columnNs : "CAST(NULL, 'Nullable(Int64)')";
  const read = readTime(firstOf(places, false));
  return times.has(name) ? `ifNull(${read}, ${columnNs})` : read;
}

/** SQL: true where the sender calls another time `@timestamp` than the one that became the column; undefined when no record has it beside. */
export function otherTimestamp(known: KnownKeys): string | undefined {
  const places = keyed('@timestamp', known);
  return places.length === 0 ? undefined : `${readTime(firstOf(places, false))} != ${columnNs}`;
}

/** Every place a field can be at, in the order they are looked at. Empty: no record of the tenant has it. */
export function placesOf(name: string, known: KnownKeys): Place[] {
  const places = plainPlaces(name, known);
  const through = places.filter(isInside).flatMap(place => {
    const arrays = new Set(arrayPaths(place, known).flatMap(({ path, test }) => (known.holds.has(test) ? path : [])));
    return arrays.size === 0 ? [] : [{ ...place, arrays: [...arrays].sort((x, y) => x - y) }];
  });
  return [...places, ...through];
}

type Inside = Place & { in: 'json' };
const isInside = (place: Place): place is Inside => place.in === 'json' && place.of.in !== 'column';

/** SQL conditions: some record has an array on the way to the field. Where one is known to hold there are more, of arrays inside of it. */
export const arrayTests = (name: string, known: KnownKeys): string[] =>
  plainPlaces(name, known)
    .filter(isInside)
    .flatMap(place => arrayPaths(place, known).map(({ test }) => test));

/** Steps of a place at which arrays may stand, one inside the other; beyond the first only where an array is known before. */
function arrayPaths({ of, steps }: Inside, known: KnownKeys): { path: number[]; test: string }[] {
  const found: { path: number[]; test: string }[] = [];
  const add = (before: readonly number[]): void => {
    for (let at = (before.at(-1) ?? -1) + 1; at < steps.length; at++) {
      const path = [...before, at];
      const test = holdsArray(baseText(of), steps, path);
      found.push({ path, test });
      if (known.holds.has(test)) add(path);
    }
  };
  add([]);
  return found;
}

/** SQL: the arguments of a JSON function that lead from a text along steps. */
const along = (text: string, steps: readonly string[]): string => [text, ...steps.map(quoteString)].join(', ');

function holdsArray(text: string, steps: readonly string[], [at = 0, ...inner]: readonly number[], depth = 0): string {
  const path = along(text, steps.slice(0, at));
  if (inner.length === 0) return at === 0 ? `startsWith(${text}, '[')` : `JSONType(${path}) = 'Array'`;
  const item = `item${depth}`;
  const rest = inner.map(step => step - at);
  return `arrayExists(${item} -> ${holdsArray(item, steps.slice(at), rest, depth + 1)}, JSONExtractArrayRaw(${path}))`;
}

function plainPlaces(name: string, known: KnownKeys): Place[] {
  if (name === wholeEvent) return [{ in: 'column', sql: wholeEventSql }];
  const places: Place[] = keyed(name, known);
  const parts = name.split('.');
  for (let cut = 1; cut < parts.length; cut++) {
    const head = parts.slice(0, cut).join('.');
    const rest = parts.slice(cut);
    const bases: Exclude<Place, { in: 'json' }>[] = keyed(head, known);
    if (messages.has(head)) bases.push({ in: 'column', sql: 'message' });
    for (const of of bases) {
      places.push({ in: 'json', of, steps: rest });
      // A key inside an object may have dots of its own.
      if (rest.length > 1) places.push({ in: 'json', of, steps: [rest.join('.')] });
    }
  }
  if (messages.has(name) && (name === 'message' || places.length === 0)) places.push({ in: 'column', sql: 'message' });
  for (const { names, sql } of columns) if (names.includes(name)) places.push({ in: 'column', sql });
  // Elasticsearch maps a text by itself as `name` and, to compare it whole, as `name.keyword`.
  if (name.endsWith('.keyword')) places.push(...plainPlaces(name.slice(0, -'.keyword'.length), known));
  return places;
}

const mapValue = (place: Place & { in: 'label' | 'attribute' }): string =>
  `${place.in === 'label' ? 'labels' : 'attributes'}[${quoteString(place.key)}]`;

const baseText = (place: Exclude<Place, { in: 'json' }>): string =>
  place.in === 'column' ? place.sql : mapValue(place);

/** SQL: Nullable(String). */
function placeSql(place: Place, exact: boolean): string {
  if (place.in === 'column') return place.sql;
  if (place.in === 'json' && place.arrays !== undefined) {
    const values = valuesSql(baseText(place.of), place.steps, place.arrays);
    return `nullIf(concat('[', arrayStringConcat(arrayFilter(item -> item != '' AND item != 'null', ${values}), ','), ']'), '[]')`;
  }
  if (place.in === 'json')
    return `JSONExtract(${baseText(place.of)}, ${place.steps.map(quoteString).join(', ')}, 'Nullable(String)')`;
  const value = mapValue(place);
  if (!exact) return `nullIf(${value}, '')`;
  const map = place.in === 'label' ? 'labels' : 'attributes';
  return `if(${value} != '', ${value}, if(mapContains(${map}, ${quoteString(place.key)}), '', NULL))`;
}

/** SQL: the values at the end of the steps as JSON texts, of each object where an array stands. */
function valuesSql(text: string, steps: readonly string[], arrays: readonly number[], depth = 0): string {
  const [at, ...inner] = arrays;
  const end = along(text, steps);
  if (at === undefined) return `if(JSONType(${end}) = 'Array', JSONExtractArrayRaw(${end}), [JSONExtractRaw(${end})])`;
  const path = along(text, steps.slice(0, at));
  const item = `item${depth}`;
  const each = valuesSql(
    item,
    steps.slice(at),
    inner.map(step => step - at),
    depth + 1,
  );
  const items = `arrayFlatten(arrayMap(${item} -> ${each}, JSONExtractArrayRaw(${path})))`;
  return `if(JSONType(${path}) = 'Array', ${items}, ${valuesSql(text, steps, inner, depth)})`;
}

const firstOf = (places: readonly Place[], exact: boolean): string => {
  const texts = places.map(place => placeSql(place, exact));
  if (texts.length === 0) return "CAST(NULL, 'Nullable(String)')";
  return texts.length === 1 ? `toNullable(${texts[0]})` : `coalesce(${texts.join(', ')})`;
};

/** SQL of a field. A field that no record has is NULL; whether that is an error is for the caller to say. */
export function fieldSql(name: string, known: KnownKeys): FieldSql {
  const places = placesOf(name, known);
  if (isTime(name, known) || known.declared.get(name) === 'date')
    return {
      type: 'time',
      sql:
        orderSql(name, known) === columnNs ? 'timestamp' : `fromUnixTimestamp64Nano(${orderSql(name, known)}, 'UTC')`,
    };
  return {
    type: 'text',
    light: firstOf(places, false),
    exact: firstOf(places, true),
    lists: places.some(place => place.in !== 'column'),
  };
}

/** SQL: a field that may hold an array, NULL where that has no value in it: such a field is missing, as in Elasticsearch. */
export const unlessEmptyList = (text: string): string =>
  `if(startsWith(${text}, '[') AND match(${text}, '^\\\\[(\\\\s|,|\\\\[|\\\\]|null)*\\\\]$'), NULL, ${text})`;

/** SQL: true where the place holds a value; to find out whether any record has a field that only objects could hold. */
export const placeHolds = (place: Place): string => `isNotNull(${placeSql(place, false)})`;
