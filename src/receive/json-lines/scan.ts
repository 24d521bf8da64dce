import { isUtf8 } from 'node:buffer';
import { assert } from '../../base/errors.ts';
import { keyMap, keySlot } from '../../base/json-keys-code.ts';
import { scanCode, scanMap } from './scan-code.ts';
import { fault, faultReason, skipNested, skipScalar, skipSpace, skipString, viewOf } from './skip.ts';

/** What became of a line. `odd`: valid, but the engine would read it wrongly as one of a batch; see {@link LineScanner}. */
export const lineKind = { good: 0, blank: 1, odd: 2, bad: 3 } as const;
export type LineKind = (typeof lineKind)[keyof typeof lineKind];

const nothing = new Uint8Array(0);

type Program = { scan(from: number, end: number, line: number, bytesMax: number): number };

/** Tables of keys, and a window of the bytes for the program that shares them. */
const memory = new WebAssembly.Memory({ initial: Math.ceil(scanMap.bytes / 65_536) });
const memoryBytes = new Uint8Array(memory.buffer);
const tableAt = (address: number, length: number): Int32Array => new Int32Array(memory.buffer, address, length);

/** Undefined where WebAssembly has no SIMD: {@link LineScanner} does all lines by itself there. */
const program: Program | undefined = WebAssembly.validate(scanCode)
  ? (new WebAssembly.Instance(new WebAssembly.Module(scanCode), { weir: { memory } }).exports as unknown as Program)
  : undefined;

/**
 * Tells of each line whether it is one JSON object, and collects the union of their top-level keys. Each key is first compared with the one that followed its
 * predecessor last time, so that lines of one shape cost one comparison per key. `scanGood` is quick over lines that are good and have known keys; `scan` is for all.
 * One at a time: they share the memory of a WebAssembly program.
 *
 * A line is `odd` when it is valid but has: the same key twice, a key with an escape, an empty, very long or non-UTF-8 key, no key
 * at all, or a key that would make the union larger than `keysMax`. Keys of odd and bad lines do not enter the union.
 */
export class LineScanner {
  /** After `scan` and `scanGood`: index of the `\n` that ends the last line. */
  end = 0;
  /** After `bad`: what is wrong, and the 1-based byte of the line where. */
  reason = '';
  column = 0;
  /** After `bad`: the line is valid but for its length. */
  tooLarge = false;

  readonly #keysMax: number;
  #recordBytesMax = 0;
  /** Per key id (1-based; 0 is "no key"): where its bytes are in the memory (as `"key":`, so that words match quotes and colon too), which id came after it, the last line it was in. */
  readonly #from = tableAt(keyMap.from, keyMap.keysMax + 1);
  readonly #to = tableAt(keyMap.to, keyMap.keysMax + 1);
  readonly #next = tableAt(keyMap.next, keyMap.keysMax + 1);
  readonly #seenIn = tableAt(scanMap.seenIn, keyMap.keysMax + 1);
  readonly #slots = tableAt(keyMap.slots, keyMap.slotCount);
  /** Per key id: lines where it has a value that is neither null nor empty. */
  readonly #filledIn = tableAt(scanMap.filledIn, keyMap.keysMax + 1);
  readonly #lines = tableAt(scanMap.lines, 1);
  #goodLines = 0;
  /** A line that is not in the union has been counted. */
  #miscounted = false;
  readonly #arena = viewOf(memoryBytes);
  #count = 0;
  #line = 0;

  #bytes: Uint8Array = nothing;
  #words = viewOf(nothing);
  /** The part of `bytes` that the program sees. */
  #windowStart = 0;
  #windowEnd = 0;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
    assert(keysMax <= keyMap.keysMax, 'the tables have room for the keys');
  }

  /** Begin anew with `bytes`, which must end with `\n`. */
  begin(bytes: Uint8Array, recordBytesMax: number): this {
    this.#bytes = bytes;
    this.#words = viewOf(bytes);
    this.#recordBytesMax = recordBytesMax;
    this.#goodLines = 0;
    this.#miscounted = false;
    this.#count = 0;
    this.#line = 0;
    this.#slots.fill(0);
    this.#next[0] = 0;
    this.#to[0] = keyMap.keys;
    this.#filledIn[0] = 0;
    this.#windowEnd = 0;
    return this;
  }

  /** Let go of the bytes; the tables stay for the next ones. */
  letGo(): void {
    this.#bytes = nothing;
    this.#words = viewOf(nothing);
  }

  /** Union of the keys of all good lines so far, in order of first appearance. */
  keys(): string[] {
    return Array.from({ length: this.#count }, (_, k) => this.#keyBytes(k + 1).toString('utf8'));
  }

  /** Those of {@link keys} that may be absent, null or `""` in a good line: exactly those when all lines were good, else all. */
  gaps(): string[] {
    return this.keys().filter((_, k) => this.#miscounted || this.#filledIn[k + 1] !== this.#goodLines);
  }

  #keyBytes(id: number): Buffer {
    const start = (this.#from[id] as number) + 1;
    return Buffer.from(memory.buffer, start, (this.#to[id] as number) - 2 - start);
  }

  /** Scan lines from `start` on until one is not good, has a new key or is otherwise unusual, at most as many as the program sees at once. Gives their number. */
  scanGood(start: number): number {
    if (program === undefined || this.#count === 0) return 0;
    if (start < this.#windowStart || start >= this.#windowEnd) {
      const to = start + scanMap.windowBytes;
      this.#windowStart = start;
      this.#windowEnd = to < this.#bytes.length ? this.#bytes.lastIndexOf(0x0a, to - 1) + 1 : this.#bytes.length;
      if (this.#windowEnd <= start) return 0;
      memoryBytes.set(this.#bytes.subarray(start, this.#windowEnd), scanMap.window);
    }
    const before = scanMap.window - this.#windowStart;
    const stop = program.scan(before + start, before + this.#windowEnd, this.#line, this.#recordBytesMax);
    const lines = this.#lines[0] as number;
    // The next line has been looked at, under its own number.
    this.#line += lines + 1;
    this.#goodLines += lines;
    this.end = stop - before - 1;
    return lines;
  }

  /** Scan the line at `start`. */
  scan(start: number): LineKind {
    const known = this.#count;
    const kind = this.#scanObject(start);
    if (kind === lineKind.good) this.#goodLines++;
    else if (kind !== lineKind.blank) {
      this.#miscounted = true;
      if (this.#count > known) this.#forget(known);
    }
    return kind;
  }

  #scanObject(start: number): LineKind {
    const b = this.#bytes;
    const words = this.#words;
    const from = this.#from;
    const to = this.#to;
    const next = this.#next;
    const seenIn = this.#seenIn;
    const filledIn = this.#filledIn;
    const line = ++this.#line;
    const arena = this.#arena;
    let i = skipSpace(b, start);
    if (b[i] === 0x0a) {
      this.end = i;
      return lineKind.blank;
    }
    if (b[i] !== 0x7b) return this.#bad(start, fault('a JSON object is expected', i));
    i = skipSpace(b, i + 1);
    let kind: LineKind = lineKind.good;
    if (b[i] === 0x7d) kind = lineKind.odd;
    else {
      let before = 0;
      for (;;) {
        let id = next[before] as number;
        let j = i;
        let expected = false;
        if (id !== 0) {
          let k = from[id] as number;
          const tail = (to[id] as number) - 4;
          if (i + tail + 4 - k <= b.length) {
            while (k < tail && words.getInt32(j, true) === arena.getInt32(k, true)) {
              k += 4;
              j += 4;
            }
            j += tail - k;
            expected = k >= tail && words.getInt32(j, true) === arena.getInt32(tail, true);
          }
        }
        if (expected) j += 4;
        else {
          if (b[i] !== 0x22) return this.#bad(start, fault('a key in quotes is expected', i));
          j = skipString(b, words, i + 1);
          if (j < 0) return this.#bad(start, j);
          id = this.#lookUp(i + 1, j - 1);
          if (id !== 0) next[before] = id;
          j = skipSpace(b, j);
          if (b[j] !== 0x3a) return this.#bad(start, fault('a colon is expected after a key', j));
          j++;
        }
        if (id === 0 || seenIn[id] === line) kind = lineKind.odd;
        else {
          seenIn[id] = line;
          before = id;
        }
        let c = b[j] as number;
        if (c <= 0x20) {
          j = skipSpace(b, j);
          c = b[j] as number;
        }
        let filled = 1;
        if (c === 0x22) {
          i = skipString(b, words, j + 1);
          if (i === j + 2) filled = 0;
        } else if (c === 0x7b || c === 0x5b) i = skipNested(b, words, j);
        else {
          i = skipScalar(b, j);
          if (c === 0x6e) filled = 0;
        }
        if (i < 0) return this.#bad(start, i);
        filledIn[id] = (filledIn[id] as number) + filled;
        c = b[i] as number;
        if (c <= 0x20) {
          i = skipSpace(b, i);
          c = b[i] as number;
        }
        if (c === 0x7d) break;
        if (c !== 0x2c) return this.#bad(start, fault('a comma or } is expected after a value', i));
        if ((b[++i] as number) <= 0x20) i = skipSpace(b, i);
      }
    }
    i = skipSpace(b, i + 1);
    if (b[i] !== 0x0a) return this.#bad(start, fault('the line goes on after the object', i));
    if (i - start > this.#recordBytesMax) {
      const limit = `${this.#recordBytesMax} (limits.record_bytes)`;
      const kind = this.#bad(start, fault(`record of ${i - start} bytes is larger than ${limit}`, start));
      this.tooLarge = true;
      return kind;
    }
    this.end = i;
    return kind;
  }

  #bad(start: number, result: number): LineKind {
    const b = this.#bytes;
    const at = -1 - result;
    this.end = b.indexOf(0x0a, at);
    this.column = at - start + 1;
    this.tooLarge = false;
    this.reason =
      at === this.end && faultReason() !== 'string is not closed'
        ? `${faultReason()}, but the line ends`
        : faultReason();
    return lineKind.bad;
  }

  /** Id of the key whose bytes these are, taken into the union when new; 0 when it may not be. */
  #lookUp(start: number, end: number): number {
    const b = this.#bytes;
    const length = end - start;
    if (length === 0 || length > keyMap.keyBytesMax) return 0;
    for (let i = start; i < end; i++) if (b[i] === 0x5c) return 0;
    const key = b.subarray(start, end);
    const mask = this.#slots.length - 1;
    let slot = keySlot(key);
    for (let id = this.#slots[slot] as number; id !== 0; id = this.#slots[slot] as number) {
      if (this.#keyBytes(id).equals(key)) return id;
      slot = (slot + 1) & mask;
    }
    if (this.#count === this.#keysMax || !isUtf8(key)) return 0;
    const id = ++this.#count;
    const from = this.#to[id - 1] as number;
    const to = from + length + 3;
    memoryBytes[from] = 0x22;
    memoryBytes.set(key, from + 1);
    memoryBytes[to - 2] = 0x22;
    memoryBytes[to - 1] = 0x3a;
    this.#from[id] = from;
    this.#to[id] = to;
    this.#next[id] = 0;
    this.#seenIn[id] = 0;
    this.#filledIn[id] = 0;
    this.#slots[slot] = id;
    return id;
  }

  /** Back to the first `count` keys. Slots of an open-addressed table cannot be freed singly, so those that stay are put in anew. */
  #forget(count: number): void {
    this.#count = count;
    this.#slots.fill(0);
    const mask = this.#slots.length - 1;
    for (let id = 1; id <= count; id++) {
      let slot = keySlot(this.#keyBytes(id));
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = id;
    }
    for (let id = 0; id <= this.#keysMax; id++) if ((this.#next[id] as number) > count) this.#next[id] = 0;
  }
}
