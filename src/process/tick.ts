import type { Config } from '../base/config.ts';
import type { PayloadFormat } from '../base/record.ts';
import { assert } from '../base/errors.ts';
import { pipelineDropped } from '../base/telemetry.ts';
import type { Engine, SqlSettings, Tail, TailStore } from '../flow.ts';
import { messageShape, shapeId } from '../language/message-shape.ts';
import { engineCode } from './engine-errors.ts';
import { type FrameGroup, groupRows } from './frame-groups.ts';
import type { Pipeline } from './pipeline/compile.ts';
import { OtherTimes, type WantedColumns } from './line-columns.ts';
import type { Payload, Payloads } from './payload.ts';
import { type JsonReading, jsonReadings, needsThorough, readJson, wantedColumns } from './read-json.ts';
import { type RecordReading, readColumns } from './record-reading.ts';
import { readQuarantine } from './read-quarantine.ts';
import { readRows } from './read-rows.ts';
import { readText } from './read-text.ts';
import { retentionClass } from './retention-class.ts';

/**
 * One thread and no parallel parsing, so that the row number is the line number (and parsing costs 38 % less CPU); JSON values as the text
 * the sender wrote; lone surrogates kept as written. Columns win over aliases of the same name, as the pipeline's REPLACE needs.
 */
const tickSettings: SqlSettings = {
  max_threads: 1,
  max_insert_threads: 1,
  input_format_parallel_parsing: 0,
  input_format_json_read_numbers_as_strings: 1,
  input_format_json_read_bools_as_strings: 1,
  input_format_json_read_objects_as_strings: 1,
  input_format_json_read_arrays_as_strings: 1,
  input_format_json_throw_on_bad_escape_sequence: 0,
  input_format_skip_unknown_fields: 1,
  format_custom_escaping_rule: 'JSON',
  prefer_column_name_to_alias: 1,
  max_query_size: 64 * 1024 * 1024,
  max_ast_elements: 1_000_000,
  max_expanded_ast_elements: 1_000_000,
};

/** Plan optimisations find nothing to do in a plain read, and cost a quarter of the planning of every tick. */
const plain: SqlSettings = { ...tickSettings, query_plan_enable_optimizations: 0 };

const ownColumns = ['stream', 'template', 'class'] as const;
const columnNames = [...readColumns, ...ownColumns];
const columns = columnNames.join(', ');
const quarantineColumns = 'tenant, received, seq, door, line, reason, raw';

/** Verdict of rows that the store has already; see store/schema.ts. */
const presentVerdict = 65_535;

/** Seqs in [from, to) that may be in the store already: their rows are looked up and left out. */
export type Except = { from: bigint; to: bigint };

export type Inserter = {
  /**
   * Read the group and insert its rows into the tail, atomically. Gives the rows that pipeline steps dropped, by segment.
   * Rejects with what the engine threw; nothing was inserted then.
   */
  insert(group: FrameGroup, tail: Tail, except: Except | undefined): Promise<ReadonlyMap<number, number>>;
  /** Read the group and throw the rows away: to find out whether the engine takes it. */
  tryOut(group: FrameGroup): Promise<void>;
};

export type InserterOptions = {
  engine: Engine;
  store: TailStore;
  payloads: Payloads;
  pipeline: Pipeline;
  retention: Config['retention'];
};

const columnsFor = (group: FrameGroup, reading: JsonReading): WantedColumns | undefined =>
  group.format === 'json' ? wantedColumns(group, reading) : undefined;

const empty: ReadonlyMap<number, number> = new Map();

export function makeInserter({ engine, store, payloads, pipeline, retention }: InserterOptions): Inserter {
  /** Of `jsonReadings`, the one that a group's last tick needed. */
  const readings = new Map<string, number>();
  const recordClass = retentionClass(retention);

  function readRecords(
    format: Exclude<PayloadFormat, 'quarantine'>,
    group: FrameGroup,
    payload: Payload,
    reading: JsonReading,
  ): RecordReading {
    switch (format) {
      case 'rows':
        return readRows(group, payload.lines);
      case 'json':
        return readJson(group, payload, reading);
      case 'text':
        return readText(group, payload.lines);
    }
  }

  function select(group: FrameGroup, payload: Payload, reading: JsonReading, verdict: string | undefined): string {
    if (group.format === 'quarantine')
      return `SELECT ${quarantineColumns} FROM (${readQuarantine(group, payload.lines)})`;
    const { values, from } = readRecords(group.format, group, payload, reading);
    const own: Record<(typeof ownColumns)[number], string> = {
      stream: 'cityHash64(tenant, labels)',
      // What pipeline steps make of a message may be long.
      template: shapeId(messageShape('message', payload.shortTexts && pipeline.names.length === 0)),
      class: recordClass,
    };
    const listed = (of: Record<string, string>): string =>
      Object.entries(of)
        .map(([name, sql]) => (sql === name ? name : `${sql} AS ${name}`))
        .join(', ');
    const read = Object.fromEntries(readColumns.map(name => [name, values[name]]));
    // Without steps in between, one SELECT less for the engine to analyse.
    if (verdict === undefined && pipeline.names.length === 0)
      return `SELECT ${listed({ ...read, ...own })} FROM ${from}`;
    const marked = verdict === undefined ? read : { ...read, verdict };
    return `SELECT ${readColumns.join(', ')}, ${listed(own)}${verdict === undefined ? '' : ', verdict'} FROM (${pipeline.wrap(`SELECT ${listed(marked)} FROM ${from}`)})`;
  }

  async function insertMarked(payload: Payload, sql: string, tail: Tail): Promise<ReadonlyMap<number, number>> {
    const incoming = await store.emptyIncoming();
    await payload.insert(`INSERT INTO ${incoming} (${columns}, verdict) ${sql}`, tickSettings);
    const verdicts = await engine.run({
      sql: `SELECT verdict, toUInt32(bitShiftRight(seq, 32)) AS segment, count() AS n FROM ${incoming} WHERE verdict > 0 GROUP BY verdict, segment`,
    });
    await engine.run({
      sql: `INSERT INTO ${tail.records} (${columns}) SELECT ${columns} FROM ${incoming} WHERE verdict = 0`,
      settings: tickSettings,
    });
    const dropped = new Map<number, number>();
    for (const { verdict, segment, n } of verdicts) {
      if (Number(verdict) === presentVerdict) continue;
      const step = pipeline.names[Number(verdict) - 1];
      assert(step, `verdict ${String(verdict)} is a step of the pipeline`);
      pipelineDropped(step, Number(n));
      dropped.set(Number(segment), (dropped.get(Number(segment)) ?? 0) + Number(n));
    }
    return dropped;
  }

  /** With the reading that the group's last tick needed; one that meets a row it cannot take is followed by the next. */
  async function withReading<T>(group: FrameGroup, work: (reading: JsonReading) => Promise<T>): Promise<T> {
    if (group.format !== 'json') return work('thorough');
    const signature = `${JSON.stringify(group.hints)} ${group.keys.join(' ')}`;
    // Where the sender says what numbers count, times are numbers.
    for (
      let at = readings.get(signature) ?? (group.hints.timeUnit === undefined ? 0 : jsonReadings.indexOf('plain'));
      ;
    ) {
      const reading = jsonReadings[at] ?? 'thorough';
      try {
        return await work(reading);
      } catch (error) {
        const refused = engineCode(error) === needsThorough;
        if (reading === 'thorough' || !(refused || error instanceof OtherTimes)) throw error;
        // With `usual` the same row would be refused: it has no message, or its time came as a text.
        at += reading === 'timed' && refused ? 2 : 1;
      }
      if (readings.size > 1_000) readings.clear();
      readings.set(signature, at);
    }
  }

  return {
    insert: (group, tail, except) =>
      withReading(group, reading =>
        payloads.with(group, columnsFor(group, reading), async payload => {
          if (group.format === 'quarantine') {
            const fresh = except ? ` WHERE seq NOT IN (${store.presentSeqs(except.from, except.to)})` : '';
            // LIMIT keeps the filter from moving below the row numbers, which count lines.
            const read = `SELECT * FROM (${select(group, payload, reading, undefined)} LIMIT ${groupRows(group)})${fresh}`;
            await payload.insert(`INSERT INTO ${tail.quarantine} (${quarantineColumns}) ${read}`, tickSettings);
            return empty;
          }
          if (!except && !pipeline.drops) {
            const sql = select(group, payload, reading, undefined);
            await payload.insert(`INSERT INTO ${tail.records} (${columns}) ${sql}`, plain);
            return empty;
          }
          const verdict = except
            ? `toUInt16(if(seq IN (${store.presentSeqs(except.from, except.to)}), ${presentVerdict}, 0))`
            : 'toUInt16(0)';
          return insertMarked(payload, select(group, payload, reading, verdict), tail);
        }),
      ),
    tryOut: group =>
      withReading(group, reading =>
        payloads.with(group, columnsFor(group, reading), async payload => {
          const sql = select(
            group,
            payload,
            reading,
            group.format === 'quarantine' || !pipeline.drops ? undefined : 'toUInt16(0)',
          );
          await payload.insert(
            `INSERT INTO FUNCTION null('n UInt64') SELECT sum(ignore(*)) AS n FROM (${sql})`,
            tickSettings,
          );
        }),
      ),
  };
}
