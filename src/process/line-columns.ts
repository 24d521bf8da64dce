import { keyMap, keySlot } from '../base/json-keys-code.ts';
import type { FrameGroup } from './frame-groups.ts';
import { lineColumnsCode } from './line-columns-code.ts';
import { columnKind, memoryMap } from './line-columns-memory.ts';
import { mapType } from './service.ts';

/** The lines are none that can be made into columns; the engine has to read them itself. */
export class NoColumns extends Error {}

/** The lines have times of another kind than those that can be made into a column of times. */
export class OtherTimes extends Error {}

/**
 * Columns to be made of JSON lines: String for each of these keys, Nullable(String) for those with gaps; and one map of what a line has of the keys of `map`, under
 * the names given there. A key may be in both. Of the keys, `time` (without gaps) becomes a DateTime64(9, 'UTC') in place of a text, and `ids` are those of which {@link LineColumns.lowerIds} tells.
 */
export type WantedColumns = {
  keys: readonly string[];
  map?: { column: string; names: ReadonlyMap<string, string> };
  time?: string;
  ids?: readonly string[];
};

/** Type of the column of times, as the engine spells it. */
export const timeType = "DateTime64(9, 'UTC')";

type Program = {
  read(from: number, end: number, columns: number, row: number, rowsMax: number): number;
  write(rows: number, columns: number): number;
  writeMap(index: number, to: number): number;
};

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
const text = (of: string): Buffer => Buffer.concat([varint(Buffer.byteLength(of)), Buffer.from(of)]);
function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Dictionary in the block (0x200), which is new (0x400); one byte a row. The engine's `SerializationLowCardinality`. */
const dictionaryFlags = uint64(0x600);

/**
 * JSON lines that a door has found good -> blocks of the engine's Native format: what the engine makes of `JSONEachRow` with the settings of a tick, for a quarter of the CPU.
 * The work is done by a WebAssembly program, 16 bytes at a time.
 */
export class LineColumns {
  readonly #memory: Buffer;
  readonly #words: Int32Array;
  readonly #program: Program;
  #busy = false;
  /** From the first cell on, how many may hold something. */
  #cellsUsed = 0;

  constructor() {
    const pages = Math.ceil(memoryMap.bytes / 65_536);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#memory = Buffer.from(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(lineColumnsCode), { weir: { memory } });
    this.#program = exports as unknown as Program;
  }

  /** After all blocks: no value of a column has more than one line or more bytes than make the shape of a message. */
  get shortTexts(): boolean {
    return this.#words[memoryMap.longText / 4] === 0;
  }

  /** After all blocks: no id has a capital letter. */
  get lowerIds(): boolean {
    return this.#words[memoryMap.capitals / 4] === 0;
  }

  /** Buffers of one block after the other, each list good until the next is asked for. Throws {@link NoColumns} or {@link OtherTimes}, perhaps after some blocks. */
  *blocks(
    { keys, gaps, pieces }: Pick<FrameGroup, 'keys' | 'gaps'> & { pieces: readonly { payload: Uint8Array }[] },
    wanted: WantedColumns,
  ): Generator<Uint8Array[]> {
    if (this.#busy) throw new NoColumns('another group is being written');
    this.#busy = true;
    try {
      const { source, sourceBytes, rowsRead } = memoryMap;
      const columns = wanted.keys.length;
      const rowsMax = Math.min(memoryMap.rows, Math.floor(memoryMap.cells / columns));
      this.#setKeys(keys, wanted);
      this.#words[memoryMap.longText / 4] = 0;
      this.#words[memoryMap.capitals / 4] = 0;
      let rows = 0;
      let end: number = source;
      for (const { payload } of pieces)
        for (let at = 0; at < payload.length; ) {
          const room = source + sourceBytes - end;
          const to = payload.length - at <= room ? payload.length : payload.lastIndexOf(0x0a, at + room - 1) + 1;
          if (to > at && rows < rowsMax) {
            this.#memory.set(payload.subarray(at, to), end);
            const stop = end + to - at;
            this.#cellsUsed = memoryMap.cells;
            const read = this.#program.read(end, stop, columns, rows, rowsMax);
            if (read < 0) throw new NoColumns('a line is not as the door leaves them');
            rows = this.#words[rowsRead / 4] as number;
            this.#cellsUsed = rows * columns;
            at += read - end;
            end = read;
            if (read === stop) continue;
          }
          if (rows === 0) throw new NoColumns('a line is longer than a block');
          yield this.#block(rows, gaps, wanted);
          this.#clear();
          rows = 0;
          end = source;
        }
      if (rows > 0) yield this.#block(rows, gaps, wanted);
    } catch (error) {
      // What the program does with lines that no door lets through ends, if not by a fault of its own, at the end of its memory.
      throw error instanceof WebAssembly.RuntimeError ? new NoColumns('a line is not as the door leaves them') : error;
    } finally {
      this.#busy = false;
    }
  }

  #setKeys(keys: readonly string[], { keys: columns, map, time, ids = [] }: WantedColumns): void {
    const words = this.#words;
    const { from, to, next, slots, slotCount } = keyMap;
    this.#clear();
    words.fill(0, slots / 4, slots / 4 + slotCount);
    words.fill(0, next / 4, next / 4 + keys.length + 1);
    // Entries have one byte for the number of their key.
    if (keys.length > keyMap.keysMax || (map?.names.size ?? 0) > 255) throw new NoColumns('too many keys');
    const columnOf = new Map(columns.map((key, i) => [key, i + 1]));
    const entryOf = new Map([...(map?.names.keys() ?? [])].map((key, i) => [key, i + 1]));
    for (const [i, key] of columns.entries())
      words[memoryMap.kinds / 4 + i + 1] =
        key === time ? columnKind.time : ids.includes(key) ? columnKind.id : columnKind.text;
    let at: number = keyMap.keys;
    for (const [i, key] of keys.entries()) {
      const bytes = Buffer.from(`"${key}":`);
      if (bytes.length - 3 > keyMap.keyBytesMax) throw new NoColumns('a key is too long');
      this.#memory.set(bytes, at);
      words[from / 4 + i + 1] = at;
      at += bytes.length;
      words[to / 4 + i + 1] = at;
      words[memoryMap.cellOf / 4 + i + 1] = 8 * (columnOf.get(key) ?? 0);
      words[memoryMap.entryOf / 4 + i + 1] = entryOf.get(key) ?? 0;
      let slot = keySlot(bytes.subarray(1, -2));
      while (words[slots / 4 + slot] !== 0) slot = (slot + 1) & (slotCount - 1);
      words[slots / 4 + slot] = i + 1;
    }
  }

  #clear(): void {
    const { cellsAt, totals, seenIn } = memoryMap;
    const words = this.#words;
    words.fill(0, cellsAt / 4, cellsAt / 4 + 2 * this.#cellsUsed);
    for (const table of [totals, seenIn]) words.fill(0, table / 4, table / 4 + keyMap.keysMax + 1);
    words[memoryMap.entriesEnd / 4] = memoryMap.entriesAt;
    this.#cellsUsed = 0;
  }

  /** The rows read so far. Native without a revision: number of columns and of rows, then for each column its name, type and values, those of Nullable behind a byte for each row that is 1 for NULL. */
  #block(rows: number, gaps: ReadonlySet<string>, { keys, map, time }: WantedColumns): Uint8Array[] {
    const words = this.#words;
    const { totals, cursors, nulls, overshoot } = memoryMap;
    let at: number = memoryMap.outAt;
    const starts = keys.map((key, i) => {
      const start = at;
      words[nulls / 4 + i + 1] = gaps.has(key) ? at : 0;
      if (gaps.has(key)) at += rows;
      words[cursors / 4 + i + 1] = at;
      at += (words[totals / 4 + i + 1] as number) + rows + overshoot;
      return start;
    });
    if (this.#program.write(rows, keys.length) === 0) throw new OtherTimes('a time is written in another way');
    return [
      Buffer.concat([varint(keys.length + (map ? 1 : 0)), varint(rows)]),
      ...keys.flatMap((key, i) => [
        Buffer.concat([text(key), text(key === time ? timeType : gaps.has(key) ? 'Nullable(String)' : 'String')]),
        this.#memory.subarray(starts[i], words[cursors / 4 + i + 1]),
      ]),
      ...(map ? this.#map(rows, at, map) : []),
    ];
  }

  /** Version of the keys' serialization, end of each row's entries; then, if there are any, the dictionary of the keys (the default first), their numbers in it, the values. */
  #map(rows: number, at: number, { column, names }: NonNullable<WantedColumns['map']>): Uint8Array[] {
    const { offsetsAt, entriesAt, entriesEnd } = memoryMap;
    const entries = ((this.#words[entriesEnd / 4] as number) - entriesAt) / 12;
    const head = [
      Buffer.concat([text(column), text(mapType), uint64(1)]),
      this.#memory.subarray(offsetsAt, offsetsAt + 8 * rows),
    ];
    if (entries === 0) return head;
    const dictionary = ['', ...names.values()];
    const end = this.#program.writeMap(at, at + entries);
    return [
      ...head,
      Buffer.concat([dictionaryFlags, uint64(dictionary.length), ...dictionary.map(text), uint64(entries)]),
      this.#memory.subarray(at, end),
    ];
  }
}

/** Undefined where WebAssembly has no SIMD. */
export const makeLineColumns = (): LineColumns | undefined =>
  WebAssembly.validate(lineColumnsCode) ? new LineColumns() : undefined;
