import type { Tenant } from '../../base/record.ts';
import type { PartsView, Question } from '../../flow.ts';
import { anySql, type EqlScope, type KeyLeg, keysSql } from '../../language/eql/events-sql.ts';
import {
  arrayTests,
  fieldName,
  fieldSql,
  type FieldSql,
  type FieldType,
  isTime,
  type KnownKeys,
  orderSql,
  otherTimestamp,
  placeHolds,
  placesOf,
} from '../../language/eql/fields.ts';
import { meaningError } from '../../language/eql/lexer.ts';
import { nearest } from '../../language/eql/nearest.ts';
import type { Field } from '../../language/eql/tree.ts';
import { type Look, Looks } from './looks.ts';

/** Rows of a statement; not `whole` when the answer was cut off. */
export type Rows = (sql: Question['sql']) => Promise<{ rows: Record<string, unknown>[]; whole: boolean }>;

export type KnownFields = {
  /** Throws for a field that no record has, unless it is optional. */
  field(field: Field): FieldSql;
  has(name: string): boolean;
  /** SQL of the time by a field, ns; throws as `field` does. */
  time(field: Field): string;
  /** False: bounds of `@timestamp` are none of the column `timestamp`. */
  columnIsTimestamp: boolean;
  /** Without any record nothing can match, and nothing can be said about fields. */
  empty: boolean;
};

type Known = { attributes: Set<string>; labels: Set<string>; holds: Set<string>; records: boolean };

/**
 * What is known of the fields of a tenant's records: names of attributes and labels, and which conditions about values inside objects hold for some record. It only
 * grows; a name that no record has any more is one place more to look at, nothing else.
 */
export class FieldCatalogue {
  readonly #looks = new Looks();
  readonly #known = new Map<Tenant, Known>();
  readonly #partsNow: () => PartsView | undefined;

  constructor(partsNow: () => PartsView | undefined) {
    this.#partsNow = partsNow;
  }

  of(tenant: Tenant): Known {
    let known = this.#known.get(tenant);
    if (known === undefined) {
      known = { attributes: new Set(), labels: new Set(), holds: new Set(), records: false };
      this.#known.set(tenant, known);
      if (this.#known.size > tenantsMax) for (const oldest of this.#known.keys()) return this.#forget(oldest, known);
    }
    return known;
  }

  #forget(tenant: Tenant, asked: Known): Known {
    this.#known.delete(tenant);
    this.#looks.forget(tenant);
    return asked;
  }

  /** Learn the names that the records of a range have. */
  async learnNames(tenant: Tenant, range: EqlScope['range'], rows: Rows): Promise<Known> {
    const known = this.of(tenant);
    const question = 'names';
    if (this.#looks.isDone(tenant, question, range, this.#partsNow())) return known;
    let look: Look | undefined;
    const found = await rows(sources => {
      look = this.#looks.open(tenant, question, range, sources);
      return keysSql(tenant, look.legs);
    });
    for (const row of found.rows) {
      for (const key of row.a as string[]) known.attributes.add(key);
      for (const key of row.l as string[]) known.labels.add(key);
      known.records ||= Number(row.n) > 0;
    }
    if (found.whole) look?.done();
    return known;
  }

  /** Learn which conditions hold for some record of a range. */
  async learnConditions(
    conditions: readonly string[],
    tenant: Tenant,
    range: EqlScope['range'],
    rows: Rows,
  ): Promise<void> {
    const known = this.of(tenant);
    const view = this.#partsNow();
    const open = [...new Set(conditions)].filter(
      condition => !known.holds.has(condition) && !this.#looks.isDone(tenant, condition, range, view),
    );
    if (open.length === 0) return;
    let looks: Look[] = [];
    const found = await rows(sources => {
      looks = open.map(condition => this.#looks.open(tenant, condition, range, sources));
      return anySql(
        tenant,
        open.flatMap((condition, i) =>
          (looks[i]?.legs ?? []).map((leg): KeyLeg => ({ ...leg, condition, name: String(i) })),
        ),
      );
    });
    for (const row of found.rows) {
      const condition = open[Number(row.f)];
      if (condition !== undefined) known.holds.add(condition);
    }
    if (found.whole) for (const look of looks) look.done();
  }
}

/** Tenants of which something is remembered. */
const tenantsMax = 1000;

/** A field is certain when an attribute, a label or a column has its name; one inside objects must be looked for. */
const isCertain = (name: string, known: KnownKeys): boolean =>
  known.declared.has(name) || isTime(name, known) || placesOf(name, known).some(place => place.in !== 'json');

/**
 * What the records of a tenant have of the fields that a query names. A field is known when some record of the range has it, else when
 * any record of the tenant has: a narrow range must not turn a good query into a mistake.
 */
export async function knownFields(
  fields: readonly Field[],
  declared: ReadonlyMap<string, FieldType>,
  tenant: Tenant,
  range: EqlScope['range'],
  catalogue: FieldCatalogue,
  rows: Rows,
  text: string,
): Promise<KnownFields> {
  const names = [...new Set(fields.map(fieldName))];
  const learnt = catalogue.of(tenant);
  const known: KnownKeys = { ...learnt, declared };
  const inside = (name: string): string[] => placesOf(name, known).map(placeHolds);
  const isFound = (name: string): boolean =>
    isCertain(name, known) || inside(name).some(condition => learnt.holds.has(condition));
  const look = async (where: EqlScope['range']): Promise<void> => {
    await catalogue.learnNames(tenant, where, rows);
    // What is inside of an array is asked once the array is known.
    for (let tests: string[] = []; ; ) {
      const more = names.flatMap(name => arrayTests(name, known)).filter(test => !tests.includes(test));
      if (more.length === 0) break;
      await catalogue.learnConditions(more, tenant, where, rows);
      tests = [...tests, ...more];
    }
    const open = names.filter(name => !isFound(name));
    await catalogue.learnConditions(open.flatMap(inside), tenant, where, rows);
  };
  await look(range);
  const bounded = range.start !== undefined || range.end !== undefined;
  if (bounded && (!learnt.records || fields.some(field => !field.optional && !isFound(fieldName(field)))))
    await look({});
  const other = bounded ? otherTimestamp(known) : undefined;
  if (other !== undefined) await catalogue.learnConditions([other], tenant, {}, rows);
  const { records } = catalogue.of(tenant);
  const assertKnown = (field: Field): string => {
    const name = fieldName(field);
    if (!field.optional && records && !isFound(name)) {
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
    columnIsTimestamp: other === undefined || !learnt.holds.has(other),
    empty: !records,
    has: isFound,
    field: field => fieldSql(assertKnown(field), known),
    time: field => orderSql(assertKnown(field), known),
  };
}
