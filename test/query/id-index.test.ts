import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/base/config.ts';
import { matchingSql, rowsSql } from '../../src/language/compile.ts';
import { understand } from '../../src/language/search-text.ts';
import { isLogQuery } from '../../src/language/tree.ts';
import {
  addCopiedIdIndex,
  addIdIndexes,
  createRecords,
  dropCopiedIdIndex,
  materializeIdIndexes,
} from '../../src/store/schema.ts';

// The plan of the engine for an id, over the real schema: nearly all granules have to be left out by the indexes together.

const folder = mkdtempSync(join(tmpdir(), 'weir-ids-'));
const session = new Session(folder);
const rows = 200_000;

const insert = (table: string, from: number, to: number): string =>
  `INSERT INTO ${table} (tenant, timestamp, received, seq, service, level, message, trace_id, span_id, attributes, door, class)
SELECT 'default', fromUnixTimestamp64Nano(1700000000000000000 + number * 1000000), now(), number, 'web', 'info',
  concat('request ', lower(hex(sipHash64('m', number))), ' done'), lower(hex(sipHash128('t', number))), lower(hex(sipHash64('s', number))),
  map('user_id', concat('user-', toString(1000000 + number)), 'status', '200'), 'json', 'default' FROM numbers(${from}, ${to - from})`;

beforeAll(async () => {
  const { store } = parseConfig('');
  session.query(createRecords('records', store));
  session.query(addIdIndexes('records'));
  session.query(insert('records', 0, rows));
  // As a store of version 5, brought to version 6 while it takes records in.
  session.query(createRecords('migrated', store));
  session.query(addCopiedIdIndex('migrated'));
  session.query(insert('migrated', 0, rows / 2));
  session.query('CREATE TABLE staged AS migrated');
  session.query(dropCopiedIdIndex('migrated'));
  session.query(addIdIndexes('migrated'));
  session.query(materializeIdIndexes('migrated'));
  session.query('DROP TABLE staged SYNC');
  session.query('CREATE TABLE staged AS migrated');
  session.query(insert('staged', rows / 2, rows));
  const id = text("SELECT DISTINCT partition_id FROM system.parts WHERE active AND rows > 0 AND table = 'staged'");
  session.query(`ALTER TABLE staged MOVE PARTITION ID '${id}' TO TABLE migrated`);
  while (text("SELECT count() FROM system.mutations WHERE NOT is_done AND latest_fail_reason = ''") !== '0')
    await new Promise(resolve => setTimeout(resolve, 20));
});
afterAll(() => {
  session.close();
  rmSync(folder, { recursive: true, force: true });
});

const text = (sql: string): string => session.query(sql, 'TSV').trim();

describe.each(['records', 'migrated'])('%s', table => {
  const valueOf = (row: number, expression: string): string =>
    text(`SELECT ${expression} FROM ${table} WHERE seq = ${row}`);

  it.each([
    ['a word of a message', "extract(message, '[0-9a-f]{16}')"],
    ['a trace', 'trace_id'],
    ['a span', 'span_id'],
    ['the value of an attribute', "attributes['user_id']"],
  ])('%s is found by the indexes', (_, expression) => {
    // One row of each half: of a part that was there before the indexes and of one that came after.
    for (const row of [23456, 123456]) {
      const { query, id } = understand(valueOf(row, expression));
      expect(id).toBeDefined();
      if (!isLogQuery(query)) throw new Error('no log query');
      const sql = rowsSql(query, { tenant: 'default' }, { direction: 'backward', limit: 100 })({ records: [table] });
      const settings = 'SETTINGS prefer_column_name_to_alias = 1';
      expect(text(`SELECT count() FROM (${sql} ${settings})`)).toBe('1');
      const matching = matchingSql(query, { tenant: 'default' }, ['seq'])({ records: [table] });
      const plan = text(`EXPLAIN indexes = 1 ${matching}`);
      const [, left, all] = /Combined skip indexes[\s\S]*?Granules: (\d+)\/(\d+)/.exec(plan) ?? [];
      expect(Number(all), plan).toBeGreaterThan(20);
      expect(Number(left), plan).toBeLessThanOrEqual(4);
    }
  });
});
