import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Session } from 'chdb';
import { parseConfig } from '../src/base/config.ts';
import { messageShape, shapeId } from '../src/language/message-shape.ts';
import { addIdIndexes, createRecords } from '../src/store/schema.ts';

/**
 * The limit that ingest is held against: the engine alone, in this process, inserting pieces of the flat set from files straight into
 * the same table, with the same content, one part a piece, until its merges have settled. No HTTP, no log, no fsync of ours, no tail.
 * Arguments: folder of *.ndjson pieces, `indexes` or `plain`, `parse` to read without storing. Prints JSON {megabytes, cpuSeconds}.
 */
const [folder = '', indexes = 'indexes', mode = 'store'] = process.argv.slice(2);
const data = mkdtempSync(join(tmpdir(), 'weir-engine-alone-'));
const session = new Session(data);
const wanted = indexes === 'indexes';
const { store } = parseConfig(`store: {token_index: ${wanted}, trace_index: ${wanted}}`);
const structure = [
  'ts',
  'service',
  'level',
  'host',
  'pod',
  'trace_id',
  'span_id',
  'method',
  'status',
  'duration_ms',
  'message',
]
  .map(name => `${name} String`)
  .join(', ');
const fixed =
  'input_format_parallel_parsing = 0, max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 100000000, min_insert_block_size_bytes = 1000000000, max_insert_block_size = 100000000';

session.query('CREATE DATABASE IF NOT EXISTS bench');
session.query(createRecords('bench.records', store));
if (wanted) session.query(addIdIndexes('bench.records'));
const pieces = readdirSync(folder)
  .filter(name => name.endsWith('.ndjson'))
  .sort();
let megabytes = 0;
const cpu = (): number => {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
};
const start = cpu();
for (const [number, piece] of pieces.entries()) {
  const path = join(folder, piece);
  megabytes += statSync(path).size / 1e6;
  const rows = `SELECT 'default' AS tenant, parseDateTime64BestEffort(ts, 9) AS timestamp, now64(9) AS received, ${number} * 4294967296 + rowNumberInAllBlocks() AS seq,
    service, 9 AS severity, level, cityHash64(service) AS stream, map('service', service, 'service_name', service) AS labels, message, trace_id, span_id,
    map('level', level, 'host', host, 'pod', pod, 'method', method, 'status', status, 'duration_ms', duration_ms) AS attributes, ${shapeId(messageShape('message'))} AS template, 'json' AS door, 'd30' AS class
    FROM file('${path}', JSONEachRow, '${structure}')`;
  session.query(
    mode === 'parse'
      ? `SELECT count(), max(message), max(trace_id), max(host), max(pod), max(status) FROM file('${path}', JSONEachRow, '${structure}') SETTINGS ${fixed}`
      : `INSERT INTO bench.records ${rows} SETTINGS ${fixed}`,
  );
}
for (let quiet = 0, before = cpu(); quiet < 3; ) {
  await sleep(1000);
  const now = cpu();
  quiet = now - before < 0.04 ? quiet + 1 : 0;
  before = now;
}
const cpuSeconds = cpu() - start;
const [, bytes] = session
  .query("SELECT count(), sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'records'", 'CSV')
  .trim()
  .split(',')
  .map(Number);
session.close();
rmSync(data, { recursive: true, force: true });
console.log(JSON.stringify({ megabytes, cpuSeconds, bytes }));
