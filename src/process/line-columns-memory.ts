import { keyMap } from '../base/json-keys-code.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** What is loaded or stored 16 bytes at a time goes as far beyond its end. */
const overshoot = 16;

/** Lines of a block: at 16,000 rows the engine's fixed cost of a block is a thirtieth of the rest (docs/decisions/0030). */
const sourceBytes = 4 * MiB;
/** Rows times columns of a block. */
const cells = 512 * KiB;
const cellsAt = keyMap.end + sourceBytes + KiB;
const outAt = cellsAt + 8 * cells;
/** A value and its length are no longer than it was with key and quotes; what a line lacks takes a length, and each value of Nullable a byte more. */
const outBytes = sourceBytes + 2 * cells + 2 * overshoot * keyMap.keysMax;

const [totals, cursors, nulls] = keyMap.own;

/** Where things are in the program's memory, beside keys (base/json-keys-code.ts). Columns have numbers from 0. All numbers have four bytes. */
export const memoryMap = {
  /** Results beside the one that is returned: end of the text that `unescape` wrote; rows when `read` ended. */
  textEnd: 16,
  rowsRead: 20,
  /** By column: bytes of its values; where its next value goes; where its null map is, or 0. */
  totals,
  cursors,
  nulls,
  source: keyMap.end,
  sourceBytes,
  /** Row by row, for each column: address (0: none or null) and length of a value. */
  cellsAt,
  cells,
  outAt,
  overshoot,
  bytes: outAt + outBytes,
} as const;
