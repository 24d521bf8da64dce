import { log } from '../base/log.ts';
import type { Engine } from '../flow.ts';
import { quoteString } from '../language/sql-writer.ts';

const placeOf = ({ table, name }: Record<string, unknown>): string => `${String(table)}/${String(name)}`;

/** Parts that the engine set aside. It does so silently: without this look a damaged part is just rows missing from answers. */
export class DetachedParts {
  readonly #engine: Engine;
  readonly #database: string;
  #seen = new Set<string>();

  constructor(engine: Engine, database: string) {
    this.#engine = engine;
    this.#database = database;
  }

  known(): number {
    return this.#seen.size;
  }

  /** True when there are parts that were not there at the last look. They are named in the log and left alone on disk. */
  async look(): Promise<boolean> {
    const rows = await this.#engine.run({
      sql: `SELECT table, name, reason FROM system.detached_parts WHERE database = ${quoteString(this.#database)}`,
    });
    const found = rows.filter(r => !this.#seen.has(placeOf(r)));
    for (const { table, name, reason } of found)
      log.error(
        { table, part: name, reason },
        'store: the engine set a damaged part aside; its rows are compared with the log and refilled',
      );
    this.#seen = new Set(rows.map(placeOf));
    return found.length > 0;
  }
}
