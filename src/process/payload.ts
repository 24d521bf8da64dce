import { assert } from '../base/errors.ts';
import type { Engine, SqlSettings, TailStore } from '../flow.ts';
import { quoteString } from '../language/sql-writer.ts';
import { makeLineColumns, NoColumns, type WantedColumns } from './line-columns.ts';
import type { FrameGroup, Piece } from './frame-groups.ts';
import type { Spool } from './spool.ts';

export type LineFormat = 'JSONEachRow' | 'Native' | 'LineAsString' | 'CustomSeparated';

/** SQL that stands after FROM: the lines of a payload in order, read as `format` into columns of `structure`. A statement may read them once more, as `LineAsString`. */
export type ReadLines = (format: LineFormat, structure: string) => string;

/** Lines on their way to the engine. */
export type Payload = {
  lines: ReadLines;
  /** The lines have become these columns, to be read as `Native`. */
  columns?: WantedColumns;
  /** No value of these columns has more than one line or more bytes than make the shape of a message. */
  shortTexts?: boolean;
  /** No id of these columns has a capital letter. */
  lowerIds?: boolean;
  /** Run an INSERT ... SELECT that has been written with `lines`. */
  insert(sql: string, settings: SqlSettings): Promise<void>;
};

export type Payloads = {
  /**
   * Run `work` with the payload of this group, which is good until then. `wanted`: the statement can do with these columns of JSON lines. Rejects with
   * {@link OtherTimes} when the lines have not the times that it wants.
   */
  with<T>(group: FrameGroup, wanted: WantedColumns | undefined, work: (payload: Payload) => Promise<T>): Promise<T>;
  /** Give back what is held. Nothing may be using it any more. */
  close(): Promise<void>;
};

/** For an engine on this machine: it reads a file, of columns where lines can be made into such (docs/decisions/0030), else of the lines. */
export function payloadFiles(engine: Engine, spool: Spool): Payloads {
  const columns = makeLineColumns();
  const payload = (path: string): Payload => ({
    lines: (format, structure) => `file(${quoteString(path)}, ${format}, ${quoteString(structure)})`,
    insert: async (sql, settings) => void (await engine.run({ sql, settings })),
  });
  return {
    async with(group, wanted, work) {
      if (wanted !== undefined && columns !== undefined)
        try {
          return await spool.with(columns.blocks(group, wanted), path =>
            work({ ...payload(path), columns: wanted, shortTexts: columns.shortTexts, lowerIds: columns.lowerIds }),
          );
        } catch (error) {
          if (!(error instanceof NoColumns)) throw error;
        }
      return spool.with([group.pieces.map(p => p.payload)], path => work(payload(path)));
    },
    close: () => spool.close(),
  };
}

/**
 * For a server: the payload is sent behind the statement, which reads it by `input()`. One thread and no parallel parsing (the settings of a tick)
 * keep row numbers the numbers of lines. `input()` can be read once, so lines that are wanted beside the fields go into a table of their own first.
 */
export function payloadBodies(engine: Engine, lines: TailStore['lines']): Payloads {
  const linesOf = (pieces: readonly Piece[]): readonly Uint8Array[] => pieces.map(p => p.payload);

  async function upload(pieces: readonly Piece[], settings: SqlSettings): Promise<void> {
    await lines.empty();
    await engine.run({
      sql: `INSERT INTO ${lines.table} (row, line) SELECT rowNumberInAllBlocks(), line FROM input('line String') FORMAT LineAsString`,
      settings,
      body: linesOf(pieces),
    });
  }

  return {
    async with({ pieces }, _wanted, work) {
      let format: LineFormat | undefined;
      let again = false;
      let uploaded = false;
      return work({
        lines(asked, structure) {
          if (format === undefined) {
            format = asked;
            return `input(${quoteString(structure)})`;
          }
          assert(asked === 'LineAsString' && !again, `${asked} is read beside ${format}`);
          again = true;
          return `(SELECT line FROM ${lines.table} ORDER BY row)`;
        },
        async insert(sql, settings) {
          assert(format !== undefined, 'the statement reads the payload');
          const statement = { sql: `${sql} FORMAT ${format}`, settings: { ...settings, async_insert: 0 } };
          const wanted = again && !uploaded;
          format = undefined;
          again = false;
          if (wanted) await upload(pieces, statement.settings);
          uploaded ||= wanted;
          await engine.run({ ...statement, body: linesOf(pieces) });
        },
      });
    },
    close: async () => {},
  };
}
