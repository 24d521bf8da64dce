import type { Tenant } from '../../base/record.ts';
import { anySql, type EqlScope, keysSql } from '../../language/eql/events-sql.ts';
import {
  fieldName,
  fieldSql,
  type FieldSql,
  isTime,
  orderSql,
  type KnownKeys,
  placeHolds,
  placesOf,
} from '../../language/eql/fields.ts';
import { meaningError } from '../../language/eql/lexer.ts';
import { nearest } from '../../language/eql/nearest.ts';
import type { Field } from '../../language/eql/tree.ts';
import type { ToSql } from '../../language/compile.ts';

export type Rows = (sql: ToSql) => Promise<Record<string, unknown>[]>;

export type KnownFields = {
  /** Throws for a field that no record has, unless it is optional. */
  field(field: Field): FieldSql;
  has(name: string): boolean;
  /** SQL of the time by a field, ns; throws as `field` does. */
  time(field: Field): string;
  /** Without any record in the range nothing can match, and nothing can be said about fields. */
  empty: boolean;
};

async function keysOf(tenant: Tenant, range: EqlScope['range'], rows: Rows): Promise<KnownKeys & { records: number }> {
  const attributes = new Set<string>();
  const labels = new Set<string>();
  let records = 0;
  for (const row of await rows(keysSql(tenant, range))) {
    for (const key of row.a as string[]) attributes.add(key);
    for (const key of row.l as string[]) labels.add(key);
    records += Number(row.n);
  }
  return { attributes, labels, records };
}

/** A field is certain when an attribute, a label or a column has its name; one inside objects must be looked for. */
const isCertain = (name: string, known: KnownKeys): boolean =>
  isTime(name, known) || placesOf(name, known).some(place => place.in !== 'json');

async function insideObjects(
  names: readonly string[],
  known: KnownKeys,
  tenant: Tenant,
  range: EqlScope['range'],
  rows: Rows,
): Promise<Set<string>> {
  const tests = new Map<string, string>();
  for (const name of names) {
    const places = placesOf(name, known);
    if (places.length > 0) tests.set(name, places.map(place => `(${placeHolds(place)})`).join(' OR '));
  }
  if (tests.size === 0) return new Set();
  return new Set((await rows(anySql(tenant, range, tests))).map(row => String(row.f)));
}

/**
 * What the records of a tenant have of the fields that a query names. A field is known when some record of the range has it, else when
 * any record of the tenant has: a narrow range must not turn a good query into a mistake.
 */
export async function knownFields(
  fields: readonly Field[],
  tenant: Tenant,
  range: EqlScope['range'],
  rows: Rows,
  text: string,
): Promise<KnownFields> {
  const names = [...new Set(fields.map(fieldName))];
  const known = await keysOf(tenant, range, rows);
  const found = new Set(names.filter(name => isCertain(name, known)));
  const look = async (keys: KnownKeys, where: EqlScope['range']): Promise<void> => {
    const open = names.filter(name => !found.has(name));
    for (const name of open) if (isCertain(name, keys)) found.add(name);
    const rest = open.filter(name => !found.has(name));
    for (const name of await insideObjects(rest, keys, tenant, where, rows)) found.add(name);
  };
  await look(known, range);
  const required = fields.filter(field => !field.optional && !found.has(fieldName(field)));
  if (required.length > 0 && known.records > 0 && (range.start !== undefined || range.end !== undefined))
    await look(await keysOf(tenant, {}, rows), {});
  const assertKnown = (field: Field): string => {
    const name = fieldName(field);
    if (!found.has(name) && !field.optional && known.records > 0) {
      const hint = nearest(name.replace(/[^A-Za-z0-9_]/g, '_'), [...known.attributes, ...known.labels]);
      throw meaningError(
        text,
        field.at,
        `Unknown column [${name}]${hint === undefined ? '' : `, did you mean [${hint}]?`}; no record has it. Write ?${name} for a field that need not exist`,
      );
    }
    return name;
  };
  return {
    empty: known.records === 0,
    has: name => found.has(name),
    field: field => fieldSql(assertKnown(field), known),
    time: field => orderSql(assertKnown(field), known),
  };
}
