import { keyMap } from '../base/json-keys-code.ts';
import { shapeBytesMax } from '../language/message-shape.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** What is loaded or stored 16 bytes at a time goes as far beyond its end. */
const overshoot = 16;

/** Lines of a block: at 14,000 rows the engine's fixed cost of a block is a thirtieth of the rest (docs/decisions/0030). */
const sourceBytes = 4 * MiB;
const rows = 64 * KiB;
/** Rows times columns of a block. */
const cells = 256 * KiB;
const entries = 256 * KiB;
const cellsAt = keyMap.end + sourceBytes + KiB;
const offsetsAt = cellsAt + 8 * cells;
const entriesAt = offsetsAt + 8 * rows;
const outAt = entriesAt + 12 * entries;
/** A value and its length are no longer than it was with key and quotes, and may be wanted twice; what a line lacks takes a length, and each value of Nullable a byte more. */
const outBytes = 2 * sourceBytes + 2 * cells + 2 * overshoot * (keyMap.keysMax + 2);
const [totals, cursors, nulls, cellOf, entryOf, seenIn, kinds] = keyMap.own;

/** What `write` makes of the values of a column. */
export const columnKind = { text: 0, time: 1, id: 2 } as const;

/** Where things are in the program's memory, beside keys (base/json-keys-code.ts). Columns have numbers from 1 on. All numbers have four bytes. */
export const memoryMap = {
  /** Results beside the one that is returned: end of the text that `unescape` wrote; when `read` ended, rows and end of the entries. */
  textEnd: 16,
  rowsRead: 20,
  entriesEnd: 24,
  /** 1 once a string had an escaped line end, or a column a value of more than `shortBytes`. */
  longText: 28,
  /** 1 once a column of ids had one with a capital letter. */
  capitals: 32,
  shortBytes: shapeBytesMax,
  /** By column: bytes of its values; where its next value goes; where its null map is, or 0; its kind. */
  totals,
  cursors,
  nulls,
  kinds,
  /** By key id: 8 times the number of its column, or 0; its number in the map, or 0; the last row it was in, from 1 on. */
  cellOf,
  entryOf,
  seenIn,
  source: keyMap.end,
  sourceBytes,
  /** Row by row, for each column: address (0: none or null) and length of a value. */
  cellsAt,
  cells,
  /** By row, eight bytes: number of entries of this and all earlier rows. */
  offsetsAt,
  rows,
  /** Row by row, for each value of the map: number of its key, address and length. */
  entriesAt,
  entries,
  outAt,
  overshoot,
  bytes: outAt + outBytes,
} as const;
