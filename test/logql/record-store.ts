import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import type { PartsView } from '../../src/flow.ts';
import { factColumns, PartsHistory, readFacts } from '../../src/store/parts-history.ts';
import { numberColumnDefinitions } from '../../src/language/number-column.ts';
import { quoteMap, quoteString } from '../../src/language/sql-writer.ts';
import { epochNs, type LoadedRecord } from './script.ts';

const columns = `tenant LowCardinality(String), timestamp DateTime64(9, 'UTC'), received DateTime64(9, 'UTC'), seq UInt64, service LowCardinality(String),
  severity UInt8, level LowCardinality(String), stream UInt64 DEFAULT cityHash64(tenant, labels), labels Map(LowCardinality(String), String), message String, trace_id String, span_id String,
  attributes Map(LowCardinality(String), String), template String, door LowCardinality(String), class LowCardinality(String)`;

/** Fields that the tables have as number columns. */
export const numbers = ['v', 'n'];
const numberColumns = numbers
  .flatMap(numberColumnDefinitions)
  .map(c => `${c.name} ${c.type} DEFAULT ${c.expression}`)
  .join(', ');

/** Where {@link RecordStore} has its records. */
export const sources = { sources: ['records', 'tail'], tenants: ['t'] };

/** The same records without those of another tenant, of which it is therefore known whose they are (`facts`). */
export const ownSources = ['own', 'tail'];

/** All records in parts alone, as while nothing is in a tail. */
export const wholeSources = ['whole'];

/** An engine in this process with the tables that queries read. */
export class RecordStore {
  private readonly directory = mkdtempSync(join(tmpdir(), 'weir-logql-'));
  private readonly session = new Session(this.directory);
  private loaded: readonly LoadedRecord[] | undefined;

  constructor() {
    for (const table of ['records', 'own', 'whole'])
      this.session.query(`CREATE TABLE ${table} (${columns}, ${numberColumns}, INDEX words lower(message) TYPE text(tokenizer = splitByNonAlpha)) ENGINE = MergeTree
      PARTITION BY (class, toDate(received)) ORDER BY (tenant, timestamp) SETTINGS index_granularity = 4`);
    this.session.query(`CREATE TABLE tail (${columns}, ${numberColumns}) ENGINE = Memory`);
  }

  close(): void {
    this.session.cleanup();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Replaces what is stored. Rows go to parts and tail in turn; a record of another tenant must never be seen. */
  load(records: readonly LoadedRecord[]): void {
    if (this.loaded === records) return;
    this.loaded = records;
    for (const table of ['records', 'own', 'whole', 'tail']) this.session.query(`TRUNCATE TABLE ${table}`);
    const insert = (table: string, rows: string[]): void => {
      if (rows.length > 0)
        this.session.query(
          `INSERT INTO ${table} (tenant, timestamp, received, seq, service, level, labels, message, trace_id, span_id, attributes, door, class) VALUES ${rows.join(', ')}`,
        );
    };
    const rows = records.map(({ timeNs, labels, line, metadata }, i) => {
      const all: Record<string, string> = { service_name: 'svc', ...labels };
      const { detected_level: level = 'unknown', trace_id = '', span_id = '', ...attributes } = metadata;
      const time = `fromUnixTimestamp64Nano(toInt64(${epochNs + timeNs}), 'UTC')`;
      return `('t', ${time}, ${time}, ${i}, ${[all.service_name ?? '', level].map(quoteString).join(', ')}, ${quoteMap(all)}, ${[line, trace_id, span_id].map(quoteString).join(', ')}, ${quoteMap(attributes)}, 'json', 'c')`;
    });
    for (const table of ['records', 'own'])
      insert(
        table,
        rows.filter((_, i) => i % 2 === 0),
      );
    insert(
      'tail',
      rows.filter((_, i) => i % 2 === 1),
    );
    insert('whole', rows);
    const [first] = rows;
    if (first) for (const table of ['records', 'whole']) insert(table, [first.replace("('t'", "('other'")]);
  }

  /** What a store would know of the first of `ownSources`. */
  facts(): PartsView {
    const history = new PartsHistory();
    const [row] = this.rows(`SELECT count() AS n, ${factColumns('timestamp', 'timestamp')} FROM own`);
    history.learnt(history.generation, row && Number(row.n) > 0 ? readFacts(row) : undefined);
    return history.view(false);
  }

  /** Rows of a SELECT; `ts` and `time` as text, since they do not fit a JavaScript number. */
  rows(sql: string, settings: Readonly<Record<string, string | number>> = {}): Record<string, string>[] {
    // As an array, since the text of `query` says where it ends no better: one of 4,096 bytes is followed by other bytes of the memory.
    const list = Object.entries({ ...settings, output_format_json_array_of_rows: 1 });
    const text = this.session.query(`${sql} SETTINGS ${list.map(pair => pair.join(' = ')).join(', ')}`, 'JSONEachRow');
    const array = text.slice(0, text.indexOf('\n]') + 2).replace(/"(ts|time)":(-?\d+)/g, '"$1":"$2"');
    return JSON.parse(array) as Record<string, string>[];
  }
}
