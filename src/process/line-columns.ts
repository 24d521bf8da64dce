import { keyMap, keySlot } from '../base/json-keys-code.ts';
import type { FrameGroup } from './frame-groups.ts';
import { lineColumnsCode } from './line-columns-code.ts';
import { memoryMap } from './line-columns-memory.ts';

/** The lines are none that can be made into columns; the engine has to read them itself. */
export class NoColumns extends Error {}

type Program = {
  read(from: number, end: number, columns: number, row: number, rowsMax: number): number;
  write(rows: number, columns: number): number;
};

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
const text = (of: string): Buffer => Buffer.concat([varint(Buffer.byteLength(of)), Buffer.from(of)]);

/**
 * JSON lines that a door has found good -> blocks of the engine's Native format, a String column for each key, Nullable(String) for those with gaps: what the engine
 * makes of `JSONEachRow` with the settings of a tick, for a quarter of the CPU. The work is done by a WebAssembly program, 16 bytes at a time.
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

  /** Buffers of one block after the other, each list good until the next is asked for. Throws {@link NoColumns}, perhaps after some blocks. */
  *blocks({
    keys,
    gaps,
    pieces,
  }: Pick<FrameGroup, 'keys' | 'gaps'> & { pieces: readonly { payload: Uint8Array }[] }): Generator<Uint8Array[]> {
    if (this.#busy) throw new NoColumns('another group is being written');
    this.#busy = true;
    try {
      const { source, sourceBytes, rowsRead } = memoryMap;
      const heads = keys.map(key => Buffer.concat([text(key), text(gaps.has(key) ? 'Nullable(String)' : 'String')]));
      const nullable = keys.map(key => gaps.has(key));
      const rowsMax = Math.floor(memoryMap.cells / keys.length);
      this.#setKeys(keys);
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
            const read = this.#program.read(end, stop, keys.length, rows, rowsMax);
            if (read < 0) throw new NoColumns('a line is not as the door leaves them');
            rows = this.#words[rowsRead / 4] as number;
            this.#cellsUsed = rows * keys.length;
            at += read - end;
            end = read;
            if (read === stop) continue;
          }
          if (rows === 0) throw new NoColumns('a line is longer than a block');
          yield this.#block(rows, heads, nullable);
          this.#clear();
          rows = 0;
          end = source;
        }
      if (rows > 0) yield this.#block(rows, heads, nullable);
    } catch (error) {
      // What the program does with lines that no door lets through ends, if not by a fault of its own, at the end of its memory.
      throw error instanceof WebAssembly.RuntimeError ? new NoColumns('a line is not as the door leaves them') : error;
    } finally {
      this.#busy = false;
    }
  }

  #setKeys(keys: readonly string[]): void {
    const words = this.#words;
    const { from, to, next, slots, slotCount } = keyMap;
    this.#clear();
    words.fill(0, slots / 4, slots / 4 + slotCount);
    words.fill(0, next / 4, next / 4 + keys.length + 1);
    if (keys.length > keyMap.keysMax) throw new NoColumns('too many keys');
    let at: number = keyMap.keys;
    for (const [i, key] of keys.entries()) {
      const bytes = Buffer.from(`"${key}":`);
      if (bytes.length - 3 > keyMap.keyBytesMax) throw new NoColumns('a key is too long');
      this.#memory.set(bytes, at);
      words[from / 4 + i + 1] = at;
      at += bytes.length;
      words[to / 4 + i + 1] = at;
      let slot = keySlot(bytes.subarray(1, -2));
      while (words[slots / 4 + slot] !== 0) slot = (slot + 1) & (slotCount - 1);
      words[slots / 4 + slot] = i + 1;
    }
  }

  #clear(): void {
    const { cellsAt, totals } = memoryMap;
    this.#words.fill(0, cellsAt / 4, cellsAt / 4 + 2 * this.#cellsUsed);
    this.#words.fill(0, totals / 4, totals / 4 + keyMap.keysMax);
    this.#cellsUsed = 0;
  }

  /** The rows read so far. Native without a revision: number of columns and of rows, then for each column its name, type and values, those of Nullable behind a byte for each row that is 1 for NULL. */
  #block(rows: number, heads: readonly Buffer[], nullable: readonly boolean[]): Uint8Array[] {
    const words = this.#words;
    const { totals, cursors, nulls } = memoryMap;
    let at: number = memoryMap.outAt;
    const starts = heads.map((_, i) => {
      const start = at;
      words[nulls / 4 + i] = nullable[i] ? at : 0;
      if (nullable[i]) at += rows;
      words[cursors / 4 + i] = at;
      at += (words[totals / 4 + i] as number) + rows + memoryMap.overshoot;
      return start;
    });
    this.#program.write(rows, heads.length);
    return [
      Buffer.concat([varint(heads.length), varint(rows)]),
      ...heads.flatMap((head, i) => [head, this.#memory.subarray(starts[i], words[cursors / 4 + i])]),
    ];
  }
}

/** Undefined where WebAssembly has no SIMD. */
export const makeLineColumns = (): LineColumns | undefined =>
  WebAssembly.validate(lineColumnsCode) ? new LineColumns() : undefined;
