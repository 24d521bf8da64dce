import { type NumberColumn, numberColumn } from './number-column.ts';
import type { Scope } from './scope.ts';
import { and, or, quoteMap, quoteString, quoteStrings, writeArray } from './sql-writer.ts';

/**
 * A label as SQL: `value` is a String expression ('' when the label is missing), `present` a boolean one. `'1'` and `'0'` mean known when compiling.
 *
 * A stored label or attribute with an empty value counts as missing: asking for the key itself would read the whole map column
 * (measured: 600 CPU-ms per million rows instead of 15).
 */
export type Found = {
  value: string;
  present: string;
  /** Text that converts to the same number as `value` but is cheaper to get (its digits may be spelled differently). */
  numeric?: string;
  /** `value` and `present` in one, NULL when the label is missing: where a part is dear to plan, it stands here once. */
  optional?: string;
  /** The same for `numeric`. */
  optionalNumeric?: string;
  /** Without the stored label of that name, beside which this one is missing. */
  unlessStored?: Found;
};
export const missing: Found = { value: "''", present: '0' };

/** Where a label comes from; at most one category holds a name. */
export type Category = 'stream' | 'metadata' | 'parsed';
export const categories: readonly Category[] = ['parsed', 'metadata', 'stream'];

/** A record between two stages, as SQL over the columns of one table. Immutable. */
export type Row = {
  scope: Scope;
  /** Computed for the rows of one page: what is cheap to plan is better then than what is cheap for each row. */
  few: boolean;
  /** The line. `message` until a stage changes it. */
  line: string;
  /** `__error__` and `__error_details__`; `''` (the SQL literal) when there is none. */
  error: string;
  details: string;
  /** `error`, given that label `name` is present: spares the check of a line when the label proves that its parser had no error. */
  errorWhen(name: string): string;
  /** What `error` is the first of, where filters added to it last. */
  errors?: readonly { error: string; details: string }[] | undefined;
  label(category: Category, name: string): Found;
  /** The columns that stand for label `name`, when records have them and no stage has touched the label. */
  number(name: string): NumberColumn | undefined;
  /** All labels of a category, Map(String, String). */
  map(category: Category): string;
};

export const isEmpty = (sql: string): boolean => sql === "''";
/** Folded for literals: the engine does not resolve what a constant condition leaves unused. */
export const notEmpty = (sql: string): string =>
  isEmpty(sql) ? '0' : /^'(?:[^'\\]|\\.)+'$/s.test(sql) ? '1' : `${sql} != ''`;
export const not = (sql: string): string => (sql === '1' ? '0' : sql === '0' ? '1' : `NOT (${sql})`);

/** `if`, folded where the condition is known. */
export function choose(condition: string, then: string, otherwise: string): string {
  if (condition === '1' || then === otherwise) return then;
  return condition === '0' ? otherwise : `if(${condition}, ${then}, ${otherwise})`;
}

/** The text of a label, NULL when it is missing. */
export const optionalOf = ({ optional, present, value }: Found): string =>
  optional ?? (present === '0' ? 'NULL' : choose(present, value, 'NULL'));

/** The text that converts to its number, NULL when the label is missing. */
export const optionalNumericOf = (found: Found): string => found.optionalNumeric ?? optionalOf(found);

/** The first of two, the first of which is an optional text. */
const ofOptional = (scope: Scope, one: Found, rest: Found): Found =>
  optionally(scope, or([one.present, rest.present]), one, text => `ifNull(${text}, ${optionalOf(rest)})`);

function optionally(scope: Scope, present: string, one: Found, write: (optional: string) => string): Found {
  const optional = scope.bind(write(optionalOf(one)));
  if (one.optionalNumeric === undefined) return { value: `ifNull(${optional}, '')`, present, optional };
  const optionalNumeric = scope.bind(write(one.optionalNumeric));
  return {
    value: `ifNull(${optional}, '')`,
    present,
    numeric: `ifNull(${optionalNumeric}, '')`,
    optional,
    optionalNumeric,
  };
}

/** A label that is there only where `condition` holds. */
export function presentWhere(found: Found, condition: string): Found {
  const only = (sql: string): string => choose(condition, sql, 'NULL');
  const text = (value: string, optional: string | undefined): string =>
    optional === undefined || condition === '1' ? choose(condition, value, "''") : `ifNull(${only(optional)}, '')`;
  return {
    ...found,
    value: text(found.value, found.optional),
    present: and([found.present, condition]),
    ...(found.numeric !== undefined && { numeric: text(found.numeric, found.optionalNumeric) }),
    ...(found.optional !== undefined && { optional: only(found.optional) }),
    ...(found.optionalNumeric !== undefined && { optionalNumeric: only(found.optionalNumeric) }),
  };
}

/** The first that is present. */
export function first(scope: Scope, found: readonly Found[]): Found {
  return found.reduceRight((rest, one) => {
    if (one.present === '0') return rest;
    if (one.present === '1' || rest.present === '0') return one;
    if (one.optional !== undefined) return ofOptional(scope, one, rest);
    const present = scope.bind(one.present);
    const either: Found = {
      value: scope.bind(choose(present, one.value, rest.value)),
      present: or([present, rest.present]),
    };
    if (one.numeric === undefined && rest.numeric === undefined) return either;
    return { ...either, numeric: scope.bind(choose(present, one.numeric ?? one.value, rest.numeric ?? rest.value)) };
  }, missing);
}

/** A name that is taken goes on under this one. */
export const extractedSuffix = '_extracted';
export const rootOf = (name: string): string | undefined =>
  name.endsWith(extractedSuffix) && name.length > extractedSuffix.length
    ? name.slice(0, -extractedSuffix.length)
    : undefined;

/** Columns that are structured metadata beside `attributes`. A door that gets a stream label `trace_id` or `span_id` fills the column too. */
const metadataColumns: Record<string, Found> = {
  detected_level: { value: 'level', present: '1' },
  trace_id: { value: 'trace_id', present: "trace_id != ''" },
  span_id: { value: 'span_id', present: "span_id != ''" },
};

const labelValue = (name: string): string => `labels[${quoteString(name)}]`;
const attributeValue = (name: string): string => `attributes[${quoteString(name)}]`;

/** True when the record itself, before any stage, has a label of that name; parsed labels then take `<name>_extracted`. */
export function storedHas(name: string): string {
  if (name === 'service_name') return '1';
  const column = metadataColumns[name];
  return column ? column.present : `${labelValue(name)} != '' OR ${attributeValue(name)} != ''`;
}

function storedLabel(scope: Scope, category: Category, name: string): Found {
  if (category === 'parsed') return missing;
  if (name === 'service_name') return category === 'stream' ? { value: 'service', present: '1' } : missing;
  const column = metadataColumns[name];
  if (column) return category === 'metadata' ? column : missing;
  const label = labelValue(name);
  if (category === 'stream') return { value: label, present: `${label} != ''` };
  const root = rootOf(name);
  const direct = attributeValue(name);
  const value =
    root === undefined || root === 'service_name' || root in metadataColumns
      ? direct
      : scope.bind(choose(`${labelValue(root)} != '' AND ${attributeValue(root)} != ''`, attributeValue(root), direct));
  return { value, present: `${label} = '' AND ${value} != ''` };
}

/** Whether a name stands for itself, without suffix, among the labels and attributes of a record. */
function isPlain(name: string): boolean {
  const root = rootOf(name);
  const special = (one: string): boolean => one === 'service_name' || one in metadataColumns;
  return !special(name) && (root === undefined || special(root));
}

function plainLabel(scope: Scope, name: string): Found {
  const value = scope.bind(`if(${labelValue(name)} = '', ${attributeValue(name)}, ${labelValue(name)})`);
  return { value, present: `${value} != ''` };
}

function storedMap(scope: Scope, category: Category): string {
  if (category === 'parsed') return quoteMap({});
  if (category === 'stream') return "CAST(labels, 'Map(String, String)')";
  const names = quoteStrings(Object.keys(metadataColumns));
  const columns = "map('detected_level', toString(level), 'trace_id', trace_id, 'span_id', span_id)";
  // The columns stand above attributes of their names, empty ones too. Few lambdas: analysing one costs the engine about 1 ms.
  const all = `mapUpdate(CAST(attributes, 'Map(String, String)'), ${columns})`;
  const kept = `mapFilter((k, v) -> v != '' AND NOT (k IN ${names} AND mapContains(labels, k)), ${all})`;
  return scope.bind(`mapApply((k, v) -> (if(mapContains(labels, k), concat(k, '${extractedSuffix}'), k), v), ${kept})`);
}

export type RowOptions = { numbers?: readonly string[] | undefined; few?: boolean };

/** A record as it is stored. `numbers`: fields with number columns. */
export function storedRow(scope: Scope, { numbers = [], few = false }: RowOptions = {}): Row {
  return {
    scope,
    few,
    line: 'message',
    error: "''",
    details: "''",
    errorWhen: () => "''",
    label: (category, name) => storedLabel(scope, category, name),
    number: name =>
      numbers.includes(name) && name !== 'service_name' && !(name in metadataColumns) && rootOf(name) === undefined
        ? numberColumn(name)
        : undefined,
    map: category => storedMap(scope, category),
  };
}

/** What a pipeline says about its errors: no labels that can be compared or unwrapped. */
export const isErrorLabel = (name: string): boolean => name === '__error__' || name === '__error_details__';

/** The label that filters, templates and groupings see under `name`; `__error__` included. */
export function find(row: Row, name: string): Found {
  if (name === '__error__') return { value: row.error, present: notEmpty(row.error) };
  if (name === '__error_details__') return { value: row.details, present: notEmpty(row.details) };
  const found = categories.map(category => row.label(category, name));
  const [parsed = missing, ...others] = found;
  const stored = categories.slice(1).map(category => storedLabel(row.scope, category, name));
  const { value, present } = isPlain(name) ? plainLabel(row.scope, name) : first(row.scope, stored);
  const untouched = others.every((one, i) => one.value === stored[i]?.value && one.present === stored[i]?.present);
  if (!untouched || present === '1') return first(row.scope, found);
  const optional = `nullIf(${value}, '')`;
  if (parsed.present === '0') return { value, present, optional };
  if (parsed.unlessStored?.optional === undefined) return first(row.scope, found);
  // Not under `if`, which would compute what the parser finds for each place that asks, and copy the line for it.
  const both = or([parsed.present, present]);
  return optionally(row.scope, both, parsed.unlessStored, text => `ifNull(${optional}, ${text})`);
}

/** All labels of a record as a map sorted by name, errors included; a parsed label stands above metadata, that above a stream label. */
export function labelMap(row: Row): string {
  const merged = [...categories]
    .reverse()
    .map(category => row.map(category))
    .reduce((a, b) => `mapUpdate(${a}, ${b})`);
  const errors = isEmpty(row.error)
    ? ''
    : `, mapFilter((k, v) -> v != '', map('__error__', toString(${row.error}), '__error_details__', toString(${row.details})))`;
  return row.scope.bind(`mapSort(${errors === '' ? merged : `mapUpdate(${merged}${errors})`})`);
}

export const withLine = (row: Row, line: string): Row => ({ ...row, line: row.scope.bind(line) });

/** Adds an error. `override`: the new one wins over an earlier one (parsers); otherwise the first stays (filters). */
export function withError(row: Row, error: string, details: string, override = false): Row {
  if (isEmpty(error)) return row;
  const { scope } = row;
  const fresh = { error: scope.bind(error), details };
  const before = { error: row.error, details: row.details };
  // Of many filters in a row the first error stays: one list, not a nest that is as deep as the query is long.
  const list = override ? [fresh, before] : [...(row.errors ?? [before]), fresh];
  const ofFirst = (text: (one: { error: string; details: string }) => string): string => {
    const cases = list.filter(one => !isEmpty(one.error));
    const otherwise = override ? text(before) : "''";
    if (cases.length === 1) return choose(notEmpty(fresh.error), text(fresh), otherwise);
    return `multiIf(${cases.map(one => `${notEmpty(one.error)}, ${text(one)}`).join(', ')}, ${otherwise})`;
  };
  const merged =
    list.filter(one => !isEmpty(one.error)).length === 1 ? fresh.error : scope.bind(ofFirst(one => one.error));
  return {
    ...row,
    error: merged,
    details: scope.bind(ofFirst(one => one.details)),
    errors: override ? undefined : list,
    errorWhen: () => merged,
  };
}

export const withoutError = (row: Row, when = '1'): Row => {
  const error = row.scope.bind(choose(when, "''", row.error));
  return { ...row, error, errors: undefined, errorWhen: () => error };
};
export const withoutDetails = (row: Row, when = '1'): Row => ({
  ...row,
  errors: undefined,
  details: row.scope.bind(choose(when, "''", row.details)),
});

/** The row with what its labels and maps are kept once they were asked for: each stage asks the one before several times. */
export function remembered(row: Row): Row {
  const labels = new Map<string, Found>();
  const maps = new Map<Category, string>();
  return {
    ...row,
    label(category, name) {
      const key = `${category} ${name}`;
      const found = labels.get(key) ?? row.label(category, name);
      labels.set(key, found);
      return found;
    },
    map(category) {
      const map = maps.get(category) ?? row.map(category);
      maps.set(category, map);
      return map;
    },
  };
}

const withoutKey = (map: string, name: string, when: string): string =>
  when === '0' ? map : `mapFilter((k, v) -> NOT (${and([`k = ${quoteString(name)}`, when])}), ${map})`;

/** Removes a label where `when` holds. */
export function removeLabel(row: Row, name: string, when = '1'): Row {
  const condition = row.scope.bind(when);
  return remembered({
    ...row,
    number: asked => (asked === name ? undefined : row.number(asked)),
    label(category, asked) {
      const found = row.label(category, asked);
      if (asked !== name) return found;
      return { value: choose(condition, "''", found.value), present: and([not(condition), found.present]) };
    },
    map: category => row.scope.bind(withoutKey(row.map(category), name, condition)),
  });
}

/** Sets a label in one category where `when` holds; it leaves the other categories there. */
export function setLabel(row: Row, category: Category, name: string, value: string, when = '1'): Row {
  const condition = row.scope.bind(when);
  const bound = row.scope.bind(value);
  if (condition === '0') return row;
  return remembered({
    ...row,
    number: asked => (asked === name ? undefined : row.number(asked)),
    label(asked, askedName) {
      const found = row.label(asked, askedName);
      if (askedName !== name) return found;
      if (asked !== category)
        return { value: choose(condition, "''", found.value), present: and([not(condition), found.present]) };
      return { value: choose(condition, bound, found.value), present: or([condition, found.present]) };
    },
    map(asked) {
      const map = row.map(asked);
      if (asked !== category) return row.scope.bind(withoutKey(map, name, condition));
      const added = `map(${quoteString(name)}, toString(${bound}))`;
      return row.scope.bind(`mapUpdate(${map}, ${choose(condition, added, quoteMap({}))})`);
    },
  });
}

/** Keeps only labels of these names, each where its condition holds. */
export function filterLabels(row: Row, kept: ReadonlyMap<string, string>): Row {
  const label = (category: Category, name: string): Found => {
    const keep = kept.get(name) ?? '0';
    if (keep === '0') return missing;
    const found = row.label(category, name);
    return { value: choose(keep, found.value, "''"), present: and([keep, found.present]) };
  };
  return {
    ...row,
    number: () => undefined,
    label,
    map: category =>
      row.scope.bind(namedValues(new Map(Array.from(kept.keys(), name => [name, label(category, name)])))),
  };
}

/** A Map(String, String) of labels known by name. */
export function namedValues(values: ReadonlyMap<string, Found>): string {
  const pairs = Array.from(values).flatMap(([name, { value, present }]) =>
    present === '0' ? [] : [{ pair: `(${quoteString(name)}, toString(${value}))`, present }],
  );
  if (pairs.length === 0) return quoteMap({});
  const all = writeArray(pairs.map(p => p.pair));
  if (pairs.every(p => p.present === '1')) return `CAST(${all}, 'Map(String, String)')`;
  return `CAST(arrayFilter((p, f) -> f, ${all}, ${writeArray(pairs.map(p => `toUInt8(${p.present})`))}), 'Map(String, String)')`;
}
