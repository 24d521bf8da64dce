import { hash } from 'node:crypto';

const alias = /_x[0-9a-f]{12}/g;
const aliasOrString = /'(?:[^'\\]|\\.)*'|_x[0-9a-f]{12}/g;

/**
 * Named parts of expressions. What is used more than once is bound to an alias, so the text stays linear in the length of the query and
 * the engine computes it once per row. Names come from the text they stand for, so expressions of two scopes can meet in one statement.
 */
export class Scope {
  private readonly names = new Map<string, string>();
  private readonly texts = new Map<string, string>();
  private readonly weights = new Map<string, number>();
  private readonly uses = new Map<string, string[]>();

  /** A name for `sql`; the same text gives the same name. Names, columns and literals stand for themselves. */
  bind(sql: string): string {
    if (/^(?:\w+|'(?:[^'\\]|\\.)*')$/.test(sql)) return sql;
    const known = this.names.get(sql);
    if (known !== undefined) return known;
    const name = `_x${hash('sha1', sql).slice(0, 12)}`;
    this.names.set(sql, name);
    this.texts.set(name, sql);
    this.uses.set(name, sql.match(alias) ?? []);
    return name;
  }

  /** Length of `sql` with all names written out, as the engine's analyser sees it. */
  weight(sql: string): number {
    let sum = sql.length;
    for (const name of sql.match(alias) ?? []) {
      const known = this.weights.get(name) ?? this.weight(this.texts.get(name) ?? '');
      this.weights.set(name, known);
      sum += known;
    }
    return sum;
  }

  /** The `WITH ...` clause (or nothing) for a SELECT made of `parts`: what they use, directly or through other names, in order of definition. */
  with(parts: readonly string[]): string {
    const used = new Set<string>();
    const visit = (names: readonly string[]): void => {
      for (const name of names) {
        if (used.has(name)) continue;
        used.add(name);
        visit(this.uses.get(name) ?? []);
      }
    };
    for (const part of parts) visit(part.match(alias) ?? []);
    const list = Array.from(this.texts).filter(([name]) => used.has(name));
    return list.length === 0 ? '' : `WITH ${list.map(([name, sql]) => `${sql} AS ${name}`).join(', ')} `;
  }

  /** Length of the text of `parts` with every name spelled out, which is what the engine analyses. */
  spelledOut(parts: readonly string[]): number {
    const known = new Map<string, number>();
    const size = (sql: string): number => {
      let sum = sql.length;
      for (const name of sql.match(alias) ?? []) {
        let length = known.get(name);
        if (length === undefined) {
          length = size(this.texts.get(name) ?? '');
          known.set(name, length);
        }
        sum += length;
      }
      return sum;
    };
    return parts.reduce((sum, part) => sum + size(part), 0);
  }

  /** `sql` on its own, without a WITH clause: each name is defined where it is first used. */
  inline(sql: string): string {
    const defined = new Set<string>();
    const write = (text: string): string =>
      text.replace(aliasOrString, found => {
        const definition = this.texts.get(found);
        if (definition === undefined || defined.has(found)) return found;
        defined.add(found);
        return `((${write(definition)}) AS ${found})`;
      });
    return write(sql);
  }
}

/**
 * `body` over names for values: a real binding, made of a lambda. Other names are written out again by the engine wherever they are used, which
 * for nested expressions grows beyond its limit of 500,000 nodes.
 */
export function withNames(values: readonly string[], body: (...names: string[]) => string): string {
  const names = values.map((value, i) => `n${hash('sha1', value).slice(0, 10)}_${i}`);
  return `arrayMap((${names.join(', ')}) -> ${body(...names)}, ${values.map(value => `[${value}]`).join(', ')})[1]`;
}
