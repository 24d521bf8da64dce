import { limits } from '../base/limits.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const keysMax = limits.jsonKeysMax;
const table = (index: number): number => 64 + index * 4 * (keysMax + 1);
/** A door lets no longer keys into the union, see the scanner; with quotes and colon. */
const keyBytesMax = 1024 + 3;
const keys = 16 * KiB;
const keysEnd = keys + keysMax * keyBytesMax;
/** What is loaded or stored 16 bytes at a time goes as far beyond its end. */
const overshoot = 16;

/** Lines of a block: at 16,000 rows the engine's fixed cost of a block is a thirtieth of the rest (docs/decisions/0030). */
const sourceBytes = 4 * MiB;
const source = Math.ceil(keysEnd / KiB + 1) * KiB;
/** Rows times columns of a block. */
const cells = 512 * KiB;
const cellsAt = source + sourceBytes + KiB;
const outAt = cellsAt + 8 * cells;
/** A value and its length are no longer than it was with key and quotes; what a line lacks takes a length, and each value of Nullable a byte more. */
const outBytes = sourceBytes + 2 * cells + 2 * overshoot * keysMax;

/** Where things are in the program's memory. Keys have ids from 1 on, their columns numbers from 0. All numbers have four bytes. */
export const memoryMap = {
  /** Results beside the one that is returned: end of the text that `unescape` wrote; rows when `read` ended. */
  textEnd: 16,
  rowsRead: 20,
  /** By id: address of `"key":`, its length, the id that came after it last time. */
  keyAt: table(0),
  keyLength: table(1),
  next: table(2),
  /** By column: bytes of its values; where its next value goes; where its null map is, or 0. */
  totals: table(3),
  cursors: table(4),
  nulls: table(5),
  /** Hash table with open addresses: an id, or 0. */
  slots: 8 * KiB,
  slotCount: 4 * keysMax,
  keysMax,
  keys,
  keysEnd,
  source,
  sourceBytes,
  /** Row by row, for each column: address (0: none or null) and length of a value. */
  cellsAt,
  cells,
  outAt,
  overshoot,
  bytes: outAt + outBytes,
} as const;
