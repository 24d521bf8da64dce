import { assert } from '../base/errors.ts';
import type { Engine } from '../flow.ts';
import { quoteName, quoteString } from '../language/sql-writer.ts';
import type { TableNames } from './schema.ts';

/** What has a staging table. `streams` needs one only where a day is counted anew. */
export type StagedKind = 'records' | 'quarantine' | 'streams';

/**
 * Parts are written with LZ4 and get ZSTD from their first merge, which writes every byte anew in any case: a seal costs a quarter less without indexes, for 6 MB more
 * on disk per unmerged part (docs/decisions/0020). A part carries its codecs, so the move into a table with others changes nothing.
 */
const fresh = (codec: string): string => codec.replaceAll('ZSTD(1)', 'LZ4');

/**
 * All columns of a fresh part are in one file (the engine's compact parts), a file for each comes with the first merge. A seal is small and has so many columns that making, hashing, syncing and
 * linking their files was a tenth to a quarter of its INSERT; questions for a few rows open fewer files, those that read all rows pay a quarter more for such parts (docs/decisions/0032).
 */
const oneFile = 'min_bytes_for_wide_part = 1073741824';

/**
 * Of a part in one file whole granules are read at a time. Granules of long lines would have so many bytes that a question with dear conditions saw its time limit, and how far it
 * is, too seldom: 4,096 lines of 1 KB with eight regular expressions took seconds. Rows of up to 360 bytes do not meet this. Only a new table takes it.
 */
const granuleBytes = 'index_granularity_bytes = 1500000';

/** The tables that parts are written into before they are moved to where questions see them. */
export class Staging {
  readonly #engine: Engine;
  readonly #names: TableNames;
  /** CREATE statement of the staging table of records, read once per start. */
  #createRecords = '';

  constructor(engine: Engine, names: TableNames) {
    this.#engine = engine;
    this.#names = names;
  }

  table(kind: StagedKind): string {
    const { staging, quarantineStaging, streamsStaging } = this.#names;
    return { records: staging, quarantine: quarantineStaging, streams: streamsStaging }[kind];
  }

  /** Empty all, and learn what `records` looks like by now. To be called when its columns and indexes are as they stay. */
  async prepare(): Promise<void> {
    this.#createRecords = '';
    await this.renew(['records', 'quarantine', 'streams']);
    const ofStaging = `database = ${quoteString(this.#names.databaseName)} AND table = 'staging'`;
    const columns = await this.#engine.run({
      sql: `SELECT name, compression_codec AS codec FROM system.columns WHERE ${ofStaging} AND compression_codec LIKE '%ZSTD(1)%'`,
    });
    const changes = columns.map(c => `MODIFY COLUMN ${quoteName(String(c.name))} ${fresh(String(c.codec))}`);
    await this.#engine.run({
      sql: `ALTER TABLE ${this.#names.staging} ${[...changes, `MODIFY SETTING ${oneFile}`].join(', ')}`,
    });
    const [made] = await this.#engine.run({
      sql: `SELECT create_table_query AS sql FROM system.tables WHERE ${ofStaging}`,
    });
    assert(typeof made?.sql === 'string', 'there is a staging table');
    this.#createRecords = made.sql.replace(/\bindex_granularity = \d+/, rows => `${rows}, ${granuleBytes}`);
    assert(this.#createRecords.includes(granuleBytes), 'tables say how many rows a granule has');
    await this.renew(['records']);
  }

  /**
   * New tables in place of the old, made like the tables that they are for. A move leaves an empty part in the place of each moved one, which the next move of the partition would take
   * along: emptied tables gave `records` more empty parts with every seal, and merges that nobody needed (docs/decisions/0008).
   */
  async renew(kinds: readonly StagedKind[]): Promise<void> {
    for (const kind of kinds) {
      await this.#engine.run({ sql: `DROP TABLE IF EXISTS ${this.table(kind)} SYNC` });
      await this.#engine.run({
        sql:
          kind === 'records' && this.#createRecords !== ''
            ? this.#createRecords
            : `CREATE TABLE ${this.table(kind)} AS ${this.#names[kind]}`,
      });
    }
  }

  /** Whether rows of this partition (`d30/2026-11-20`, or a day) are there; moved parts leave empty ones behind. */
  async holds(kind: StagedKind, partition: string): Promise<boolean> {
    const rows = await this.#engine.run({
      sql: `SELECT DISTINCT partition FROM system.parts WHERE active AND rows > 0 AND database = ${quoteString(this.#names.databaseName)}
AND table = ${quoteString({ records: 'staging', quarantine: 'quarantine_staging', streams: 'streams_staging' }[kind])}`,
    });
    // The engine prints a tuple as `('d30','2026-11-20')`.
    return rows.some(r => String(r.partition).replace(/^\('(.*)','(.*)'\)$/, '$1/$2') === partition);
  }
}
