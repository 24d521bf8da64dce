import { log } from '../base/log.ts';
import type { Engine, NumberColumnsOf } from '../flow.ts';
import { quoteString } from '../language/sql-writer.ts';
import { addNumbers, type TableNames } from './schema.ts';

/**
 * Give `records` the number columns of these fields; a field that is no longer asked for keeps its columns, which costs little and saves rewriting
 * parts. Gives the fields that have columns, in the order of the columns.
 */
export async function ensureNumbers(
  engine: Engine,
  names: TableNames,
  fields: readonly string[],
  columnsOf: NumberColumnsOf,
): Promise<string[]> {
  const present = await numbersOf(engine, names);
  const missing = fields.filter(field => !present.includes(field));
  for (const field of missing) await engine.run({ sql: addNumbers(names.records, columnsOf(field)) });
  if (missing.length === 0) return present;
  log.info({ fields: missing }, 'store: number columns added; parts written before compute them when they are read');
  return numbersOf(engine, names);
}

async function numbersOf(engine: Engine, names: TableNames): Promise<string[]> {
  const rows = await engine.run({
    sql: `SELECT substring(name, 8) AS field FROM system.columns WHERE database = ${quoteString(names.databaseName)} AND table = 'records'
AND startsWith(name, 'number_') ORDER BY position`,
  });
  return rows.map(row => String(row.field));
}
