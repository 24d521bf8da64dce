import { randomBytes } from 'node:crypto';
import { limits } from './limits.ts';
import {
  add,
  and,
  again,
  bits16,
  block,
  call,
  type Code,
  eq,
  eq16,
  give,
  isZero,
  le,
  leave,
  load16,
  load32,
  load8,
  loop,
  lt,
  mul,
  ne,
  set,
  shl,
  shr,
  store32,
  sub,
  type Value,
  type WasmFunction,
  when,
  xor,
} from './wasm-code.ts';

const KiB = 1024;
const keysMax = limits.jsonKeysMax;
/** Longer ones stay out of the union of a batch. */
const keyBytesMax = 1024;
const table = (index: number): number => 64 + index * 4 * (keysMax + 1);
const keys = 16 * KiB;
/** With quotes and colon. */
const keysEnd = keys + keysMax * (keyBytesMax + 3);

/**
 * Where a program that reads JSON lines has their keys in its memory. Keys have ids from 1 on, 0 is "no key". All numbers have four bytes.
 * The first 64 bytes and what begins at `end` are the program's.
 */
export const keyMap = {
  /** By id: address of `"key":`, its end, the id that came after it last time. */
  from: table(0),
  to: table(1),
  next: table(2),
  /** Seven more tables by id, for the program. */
  own: [table(3), table(4), table(5), table(6), table(7), table(8), table(9)] as const,
  /** Hash table with open addresses: an id, or 0. */
  slots: 12 * KiB,
  slotCount: 4 * keysMax,
  keysMax,
  keyBytesMax,
  keys,
  end: Math.ceil(keysEnd / KiB + 1) * KiB,
} as const;

/** Of each start of Weir: who sends keys does not know which fall into the same slot, and so cannot make all look-ups long. */
const hashSeed = randomBytes(4).readInt32LE();

/** FNV-1a with a beginning of its own, folded: where `lookUp` begins to look for a key. */
export function keySlot(key: Uint8Array): number {
  let hash = hashSeed;
  for (const c of key) hash = Math.imul(hash ^ c, 0x01000193);
  return (hash ^ (hash >>> 15)) & (keyMap.slotCount - 1);
}

/** Address of the number of an id. */
export const numberAt = (table: number, id: Value): Code => add(shl(id, 2), table);

const same: WasmFunction = {
  /** Whether the `length` bytes at `a` and `b` are the same. */
  name: 'same',
  parameters: ['a', 'b', 'length'],
  locals: ['m'],
  body: [
    loop(
      'run',
      set('m', xor(bits16(eq16(load16('a'), load16('b'))), 0xffff)),
      when(le('length', 16), [give(isZero(shl('m', sub(32, 'length'))))]),
      when('m', [give(0)]),
      set('a', add('a', 16)),
      set('b', add('b', 16)),
      set('length', sub('length', 16)),
      again('run'),
    ),
  ],
};

const lookUp: WasmFunction = {
  /** Id of the key between `from` and `to`, or 0. */
  name: 'lookUp',
  parameters: ['from', 'to'],
  locals: ['hash', 'p', 'id', 'length'],
  body: [
    set('hash', hashSeed),
    set('p', 'from'),
    loop(
      'bytes',
      when(lt('p', 'to'), [
        set('hash', mul(xor('hash', load8('p')), 0x01000193)),
        set('p', add('p', 1)),
        again('bytes'),
      ]),
    ),
    set('hash', and(xor('hash', shr('hash', 15)), keyMap.slotCount - 1)),
    set('length', sub('to', 'from')),
    loop(
      'slots',
      set('id', load32(numberAt(keyMap.slots, 'hash'))),
      when(isZero('id'), [give(0)]),
      set('p', load32(numberAt(keyMap.from, 'id'))),
      when(eq(sub(load32(numberAt(keyMap.to, 'id')), 'p'), add('length', 3)), [
        when(call('same', add('p', 1), 'from', 'length'), [give('id')]),
      ]),
      set('hash', and(add('hash', 1), keyMap.slotCount - 1)),
      again('slots'),
    ),
  ],
};

export const keyFunctions: readonly WasmFunction[] = [same, lookUp];

/** Locals that {@link readKey} uses. */
export const keyLocals = ['before', 'id', 'from', 'length', 'm'] as const;

/**
 * From `p`, where a key begins, to behind its colon; `id` is the key. It is first compared with the one that followed `before` last time, so that lines of one shape cost one
 * comparison per key. `toEnd` takes `p` from the first byte of another key to where its bytes end, `skipSpace` over white space; `fail` leaves the line: no known key.
 */
export const readKey = (toEnd: Code, skipSpace: Code, fail: Code): Code =>
  block(
    'key',
    set('id', load32(numberAt(keyMap.next, 'before'))),
    when('id', [
      set('from', load32(numberAt(keyMap.from, 'id'))),
      set('length', sub(load32(numberAt(keyMap.to, 'id')), 'from')),
      when(
        le('length', 16),
        [
          set('m', xor(bits16(eq16(load16('p'), load16('from'))), 0xffff)),
          when(isZero(shl('m', sub(32, 'length'))), [set('p', add('p', 'length')), leave('key')]),
        ],
        [when(call('same', 'p', 'from', 'length'), [set('p', add('p', 'length')), leave('key')])],
      ),
    ]),
    when(ne(load8('p'), 0x22), [fail]),
    set('p', add('p', 1)),
    set('from', 'p'),
    toEnd,
    when(ne(load8('p'), 0x22), [fail]),
    set('id', call('lookUp', 'from', 'p')),
    when(isZero('id'), [fail]),
    store32(numberAt(keyMap.next, 'before'), 'id'),
    set('p', add('p', 1)),
    skipSpace,
    when(ne(load8('p'), 0x3a), [fail]),
    set('p', add('p', 1)),
  );
