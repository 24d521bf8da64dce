import { hash } from 'node:crypto';
import { and } from './sql-writer.ts';

const alias = /_x[0-9a-f]{12}/g;
const token = /'(?:[^'\\]|\\.)*'|_x[0-9a-f]{12}|->|[()[\],]/g;

/** An expression on its own, in characters after all names are replaced by what they stand for: above this a SELECT is cut into layers. */
const flatSizeMax = 75_000;
/** The same where no condition reads what is computed. Then nothing but planning is at stake. */
const unfilteredSizeMax = 4_000;
/** The same for aggregations: they read no columns of which the rows that pass are to be shown. */
export const aggregatedSizeMax = 18_000;
/** An array for each row of a layer: empty where the conditions do not hold. */
const keptName = '_kept';
/** Columns of this size, names written out, are analysed twice more cheaply than there is one more SELECT (0.3 CPU-ms); those of parsers are not. */
const flatColumnsMax = 500;
/** In a layered SELECT, an expression that is used more than once becomes a column beyond this. */
const columnSize = 100;

/** A further name for expressions to use, as SQL over the columns of the table. */
type Named = readonly [name: string, sql: string];

const namedIn = (parts: readonly string[], named: readonly Named[]): string[] =>
  named
    .filter(([name]) => parts.some(part => new RegExp(`\\b${name}\\b`).test(part)))
    .map(([name, sql]) => `${sql} AS ${name}`);

const whereClause = (conditions: readonly string[]): string =>
  conditions.length === 0 ? '' : ` WHERE ${and(conditions)}`;

/**
 * Named parts of expressions. What is used more than once is bound to an alias, so the text stays linear in the length of the query and
 * the engine computes it once per row. Names come from the text they stand for, so expressions of two scopes can meet in one statement.
 */
export class Scope {
  private readonly names = new Map<string, string>();
  private readonly texts = new Map<string, string>();
  private readonly weights = new Map<string, number>();
  /** By text. */
  private readonly uses = new Map<string, readonly string[]>();
  /** Names in order of definition. */
  private readonly order: string[] = [];
  private readonly rare = new Set<string>();

  /** A name for `sql`; the same text gives the same name. Names, columns and literals stand for themselves. */
  bind(sql: string): string {
    if (/^(?:\w+|'(?:[^'\\]|\\.)*')$/.test(sql)) return sql;
    const known = this.names.get(sql);
    if (known !== undefined) return known;
    const name = `_x${hash('sha1', sql).slice(0, 12)}`;
    this.names.set(sql, name);
    this.texts.set(name, sql);
    this.order.push(name);
    return name;
  }

  private textOf(name: string): string {
    return this.texts.get(name) ?? '';
  }

  /** The names in a text, looked for once. */
  private namesIn(sql: string): readonly string[] {
    let found = this.uses.get(sql);
    if (found === undefined) {
      found = sql.match(alias) ?? [];
      this.uses.set(sql, found);
    }
    return found;
  }

  /** A name for what few rows need: it never becomes a column of a layer, which would be computed for each row. */
  bindRare(sql: string): string {
    const name = this.bind(sql);
    this.rare.add(name);
    return name;
  }

  /** Length of `parts` with all names written out, which is what the engine analyses. */
  weight(...parts: readonly string[]): number {
    let sum = 0;
    for (const part of parts) {
      sum += part.length;
      for (const name of this.namesIn(part)) {
        let known = this.weights.get(name);
        if (known === undefined) {
          known = this.weight(this.textOf(name));
          this.weights.set(name, known);
        }
        sum += known;
      }
    }
    return sum;
  }

  /** Length of `sql` and of all names that it uses, each once. */
  length(sql: string): number {
    return Array.from(this.used([sql]), name => this.texts.get(name)?.length ?? 0).reduce((a, b) => a + b, sql.length);
  }

  /** The names that `parts` use, directly or through other names; not those that are `known` by other means, nor what these use. */
  private used(parts: readonly string[], known: (name: string) => boolean = () => false): Set<string> {
    const used = new Set<string>();
    const visit = (names: readonly string[]): void => {
      for (const name of names) {
        if (used.has(name) || known(name)) continue;
        used.add(name);
        visit(this.namesIn(this.textOf(name)));
      }
    };
    for (const part of parts) visit(this.namesIn(part));
    return used;
  }

  /** What `parts` use, directly or through other names, as `expression AS name` in order of definition. */
  private definitions(parts: readonly string[], known?: (name: string) => boolean): string[] {
    const used = this.used(parts, known);
    return this.order.filter(name => used.has(name)).map(name => `${this.textOf(name)} AS ${name}`);
  }

  /** The `WITH ...` clause (or nothing) for a SELECT made of `parts`. */
  with(parts: readonly string[], known?: (name: string) => boolean): string {
    const list = this.definitions(parts, known);
    return list.length === 0 ? '' : `WITH ${list.join(', ')} `;
  }

  /**
   * Names (`expression AS name`) and FROM clause of what `select` would write, for a SELECT in which its columns are names too; undefined where
   * they are better columns of a SELECT of their own.
   */
  flat(
    columns: readonly string[],
    conditions: readonly string[],
    table: string,
    named: readonly Named[],
    sizeMax: number,
  ): { names: string[]; from: string } | undefined {
    const parts = [...columns, ...conditions];
    if (this.weight(...columns) > flatColumnsMax || this.weight(...parts) > sizeMax) return undefined;
    return {
      names: [...this.definitions(parts), ...namedIn(parts, named), ...columns],
      from: `FROM ${table}${whereClause(conditions)}`,
    };
  }

  /**
   * `SELECT columns FROM table WHERE conditions`. `named`: further names, as SQL over the columns of the table, for expressions to use.
   * `closed`: conditions that use stored columns only, whatever names are inside them. `sizeMax`: what is larger is cut into layers.
   *
   * The engine's analysis copies what a name stands for to each place that uses it, which grows exponentially where names build on names (two parsers and
   * a few filters took 8 s to analyse and then met the limit of 500,000 nodes). Where that would happen, expressions with several uses are columns of nested
   * SELECTs. A condition of a higher layer makes all columns below it be computed for each row, so conditions stay flat for longer.
   */
  select(
    columns: readonly string[],
    conditions: readonly string[],
    table: string,
    named: readonly Named[] = [],
    closed: readonly string[] = [],
    sizeMax: number = conditions.length === 0 ? unfilteredSizeMax : flatSizeMax,
  ): string {
    const parts = [...columns, ...conditions];
    const extra = namedIn(parts, named);
    if (this.weight(...parts) > sizeMax) return this.layered(columns, conditions, table, extra, closed);
    const names = [...this.definitions(parts), ...extra];
    const head = names.length === 0 ? '' : `WITH ${names.join(', ')} `;
    return `${head}SELECT ${columns.join(', ')} FROM ${table}${whereClause([...conditions, ...closed])}`;
  }

  /** Whether such a SELECT is cut into layers. */
  isLayered(columns: readonly string[], conditions: readonly string[]): boolean {
    return this.weight(...columns, ...conditions) > flatSizeMax;
  }

  private layered(
    columns: readonly string[],
    conditions: readonly string[],
    table: string,
    extra: readonly string[],
    closed: readonly string[],
  ): string {
    const used = this.used([...columns, ...conditions]);
    const names = this.order.filter(name => used.has(name));
    const uses = new Map<string, number>();
    for (const part of [...columns, ...conditions, ...names.map(name => this.textOf(name))])
      for (const name of this.namesIn(part)) uses.set(name, (uses.get(name) ?? 0) + 1);
    // For each name: how large it is where it is used, which layer must be below, and whether it is a column of the next layer.
    const places = new Map<string, { size: number; layer: number; column: boolean }>();
    const place = (sql: string): { size: number; layer: number } => {
      const found = { size: sql.length, layer: 0 };
      for (const name of this.namesIn(sql)) {
        const known = places.get(name);
        if (known === undefined) continue;
        found.size += known.column ? name.length : known.size;
        found.layer = Math.max(found.layer, known.layer);
      }
      return found;
    };
    // What a condition is the first to use is computed for what the conditions before it left.
    const firstUse = new Map<string, number>();
    conditions.forEach((condition, i) => {
      for (const name of this.used([condition], known => firstUse.has(known))) firstUse.set(name, i);
    });
    const turns = Map.groupBy(names, name => firstUse.get(name) ?? conditions.length);
    let reached = 0;
    const layers = [...conditions, undefined].map((condition, i) => {
      for (const name of turns.get(i) ?? []) {
        const sql = this.textOf(name);
        const { size, layer } = place(sql);
        const column = size > columnSize && (uses.get(name) ?? 0) > 1 && isComputed(sql) && !this.rare.has(name);
        places.set(name, { size, layer: column ? Math.max(layer, reached) + 1 : layer, column });
      }
      reached = Math.max(reached, condition === undefined ? 0 : place(condition).layer);
      return reached;
    });
    const made = names.filter(name => places.get(name)?.column);
    const last = columns.reduce((layer, part) => Math.max(layer, place(part).layer), reached);
    const isColumn = (name: string): boolean => places.get(name)?.column ?? false;
    let from = table;
    for (let layer = 0; layer <= last; layer++) {
      const where = conditions.filter((_, i) => layers[i] === layer);
      const kept =
        layer > 0 && where.length > 0 ? [`range(toUInt8(ifNull(${and(where)}, 0) != 0)) AS ${keptName}${layer}`] : [];
      const next = made
        .filter(name => places.get(name)?.layer === layer + 1)
        .map(name => `${this.textOf(name)} AS ${name}`);
      const output = layer === last ? columns : ['*', ...(layer === 0 ? extra : []), ...next];
      // Conditions as an ARRAY JOIN, which drops rows of empty arrays: the engine would carry a WHERE through all layers to where parts are chosen,
      // writing out each layer again for each place that uses it. Rows are still read in the order of the key.
      if (kept.length > 0) from = `(${this.with(kept, isColumn)}SELECT *, ${kept.join('')} FROM ${from})`;
      const filter =
        layer === 0 ? whereClause([...where, ...closed]) : kept.length > 0 ? ` ARRAY JOIN ${keptName}${layer}` : '';
      const select = `${this.with(layer === 0 ? [...output, ...where] : output, isColumn)}SELECT ${output.join(', ')} FROM ${from}${filter}`;
      from = layer === last ? select : `(${select})`;
    }
    return from;
  }

  /**
   * `sql` on its own, without a WITH clause: each name is defined where it is first used. A definition inside of a lambda would not be seen
   * outside of it, so there names that are not defined yet are written out.
   */
  inline(sql: string): string {
    const defined = new Set<string>();
    const write = (text: string, within: boolean): string => {
      let depth = 0;
      /** Depths at which the bodies of lambdas stand that are open here. */
      const lambdas: number[] = [];
      const close = (open: (at: number) => boolean): void => {
        while (open(lambdas.at(-1) ?? -1)) lambdas.pop();
      };
      return text.replace(token, found => {
        if (found === '(' || found === '[') depth++;
        else if (found === ')' || found === ']') {
          depth--;
          close(at => at > depth);
        } else if (found === ',') close(at => at >= depth);
        else if (found === '->') lambdas.push(depth);
        const definition = this.texts.get(found);
        if (definition === undefined || defined.has(found)) return found;
        if (within || lambdas.length > 0) return `(${write(definition, true)})`;
        defined.add(found);
        return `((${write(definition, false)}) AS ${found})`;
      });
    };
    return write(sql, false);
  }
}

/**
 * How statements with conditions in layers are run: one step made of all layers would compute for each row, and for each place that uses it, what few
 * need. All others keep the step, without which conditions are not asked before other columns are read (docs/decisions/0028).
 */
export const stepsApart = { query_plan_merge_expressions: 0 };

/** Whether a statement has layers with conditions. */
export const isFiltered = (sql: string): boolean => sql.includes(` ARRAY JOIN ${keptName}`);

/** False for a literal, such as the list of a lookup table: functions want some of them constant, which columns of layers are not. */
function isComputed(sql: string): boolean {
  const wanted = /[a-z']/gi;
  const literal = /(?:[^'\\]|\\.)*'/y;
  for (let found = wanted.exec(sql); found; found = wanted.exec(sql)) {
    if (found[0] !== "'") return true;
    literal.lastIndex = wanted.lastIndex;
    if (!literal.test(sql)) return true;
    wanted.lastIndex = literal.lastIndex;
  }
  return false;
}

/**
 * `body` over names for values: a real binding, made of a lambda. Other names are written out again by the engine wherever they are used, which
 * for nested expressions grows beyond its limit of 500,000 nodes.
 */
export function withNames(values: readonly string[], body: (...names: string[]) => string): string {
  const names = values.map((value, i) => `n${hash('sha1', value).slice(0, 10)}_${i}`);
  return `arrayMap((${names.join(', ')}) -> ${body(...names)}, ${values.map(value => `[${value}]`).join(', ')})[1]`;
}
