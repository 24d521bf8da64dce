import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/base/config.ts';
import { matchingSql, rowsSql } from '../../src/language/compile.ts';
import { understand } from '../../src/language/search-text.ts';
import { isLogQuery } from '../../src/language/tree.ts';
import { addIdIndex, createRecords } from '../../src/store/schema.ts';

// The plan of the engine for an id, over the real schema: nearly all granules have to be left out by the indexes together.

const folder = mkdtempSync(join(tmpdir(), 'weir-ids-'));
const session = new Session(folder);
const rows = 200_000;

beforeAll(() => {
  session.query(createRecords('records', parseConfig('').store));
  session.query(addIdIndex('records'));
  session.query(`INSERT INTO records (tenant, timestamp, received, seq, service, level, message, trace_id, span_id, attributes, door, class)
SELECT 'default', fromUnixTimestamp64Nano(1700000000000000000 + number * 1000000), now(), number, 'web', 'info',
  concat('request ', lower(hex(sipHash64('m', number))), ' done'), lower(hex(sipHash128('t', number))), lower(hex(sipHash64('s', number))),
  map('user_id', concat('user-', toString(1000000 + number)), 'status', '200'), 'json', 'default' FROM numbers(${rows})`);
});
afterAll(() => {
  session.close();
  rmSync(folder, { recursive: true, force: true });
});

const text = (sql: string): string => session.query(sql, 'TSV').trim();
const valueOf = (expression: string): string => text(`SELECT ${expression} FROM records WHERE seq = 123456`);

it.each([
  ['a word of a message', "extract(message, '[0-9a-f]{16}')"],
  ['a trace', 'trace_id'],
  ['a span', 'span_id'],
  ['the value of an attribute', "attributes['user_id']"],
])('%s is found by the indexes', (_, expression) => {
  const { query, id } = understand(valueOf(expression));
  expect(id).toBeDefined();
  if (!isLogQuery(query)) throw new Error('no log query');
  const sql = rowsSql(query, { tenant: 'default' }, { direction: 'backward', limit: 100 })({ records: ['records'] });
  const settings = 'SETTINGS prefer_column_name_to_alias = 1';
  expect(text(`SELECT count() FROM (${sql} ${settings})`)).toBe('1');
  const matching = matchingSql(query, { tenant: 'default' }, ['seq'])({ records: ['records'] });
  const plan = text(`EXPLAIN indexes = 1 ${matching}`);
  const [, left, all] = /Combined skip indexes[\s\S]*?Granules: (\d+)\/(\d+)/.exec(plan) ?? [];
  expect(Number(all), plan).toBeGreaterThan(20);
  expect(Number(left), plan).toBeLessThanOrEqual(3);
});
