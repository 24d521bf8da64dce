import {
  add,
  again,
  and,
  block,
  bits16,
  call,
  type Code,
  divide,
  eq,
  eq16,
  ge,
  give,
  gt,
  isZero,
  le,
  leave,
  load16,
  load32,
  load8,
  loop,
  lowestBit,
  lt,
  lt16,
  mul,
  ne,
  or,
  or16,
  set,
  shl,
  shr,
  splat,
  store16,
  store32,
  store8,
  sub,
  type Value,
  wasmModule,
  when,
} from '../base/wasm-code.ts';
import { keyFunctions, keyLocals, keyMap, numberAt, readKey } from '../base/json-keys-code.ts';
import { columnKind, memoryMap } from './line-columns-memory.ts';
import { valueFunctions } from './line-values-code.ts';

const quote = 0x22;
const backslash = 0x5c;
const newline = 0x0a;
const fail = give(-1);
const noteLongText = store32(memoryMap.longText, 1);
const skipSpace = (p: string): Code =>
  loop('space', when(and(le(load8(p), 0x20), ne(load8(p), newline)), [set(p, add(p, 1)), again('space')]));
/** `p` to the next quote or backslash. */
const toQuote = (p: string, end: string): Code =>
  block(
    'found',
    loop(
      'run',
      set('m', bits16(or16(eq16(load16(p), splat(quote)), eq16(load16(p), splat(backslash))))),
      when('m', [set(p, add(p, lowestBit('m'))), leave('found')]),
      set(p, add(p, 16)),
      again('run', lt(p, end)),
    ),
    fail,
  );

const hex = (p: Value): Code =>
  // Digits are 0x30 to 0x39; letters lie 0x41 to 0x46 or 0x61 to 0x66, and their low bits are value - 9.
  add(and(load8(p), 0x0f), mul(shr(load8(p), 6), 9));
const hex4 = (p: string, from: number): Code =>
  or(
    or(shl(hex(add(p, from)), 12), shl(hex(add(p, from + 1)), 8)),
    or(shl(hex(add(p, from + 2)), 4), hex(add(p, from + 3))),
  );
const put = (to: string, byte: Value): readonly Code[] => [store8(to, byte), set(to, add(to, 1))];

/** Bytes that the length of a text takes beyond one. */
const longer = (length: string): Code => add(ge(length, 0x80), add(ge(length, 0x4000), ge(length, 0x20_0000)));
/** At `to` the text of `length` bytes at `start`, behind its length; `end` is its end. */
const putText: readonly Code[] = [
  set('end', 'length'),
  loop('varint', when(ge('end', 0x80), [...put('to', or('end', 0x80)), set('end', shr('end', 7)), again('varint')])),
  ...put('to', 'end'),
  set('end', add('to', 'length')),
  loop(
    'copy',
    when(lt('to', 'end'), [
      store16('to', load16('start')),
      set('to', add('to', 16)),
      set('start', add('start', 16)),
      again('copy'),
    ]),
  ),
];
/** A line has at most as many entries as there are keys. */
const entriesLast = memoryMap.entriesAt + 12 * (memoryMap.entries - keyMap.keysMax);

export const lineColumnsCode = wasmModule([
  ...keyFunctions,
  ...valueFunctions,
  {
    /** Writes the text of the string whose first escape is at `p` over itself; its end goes to `textEnd`. Gives the position after the closing quote. */
    name: 'unescape',
    parameters: ['p', 'end'],
    locals: ['to', 'c', 'low', 'byte'],
    body: [
      set('to', 'p'),
      loop(
        'next',
        when(ge('p', 'end'), [fail]),
        set('c', load8('p')),
        when(eq('c', quote), [store32(memoryMap.textEnd, 'to'), give(add('p', 1))]),
        when(ne('c', backslash), [...put('to', 'c'), set('p', add('p', 1)), again('next')]),
        set('c', load8(add('p', 1))),
        when(eq('c', 0x75), [
          set('c', hex4('p', 2)),
          set('p', add('p', 6)),
          when(eq('c', newline), [noteLongText]),
          when(lt('c', 0x80), [...put('to', 'c'), again('next')]),
          when(lt('c', 0x800), [
            ...put('to', or(0xc0, shr('c', 6))),
            ...put('to', or(0x80, and('c', 0x3f))),
            again('next'),
          ]),
          when(eq(and('c', 0xf800), 0xd800), [
            set('low', hex4('p', 2)),
            when(ne(and('c', 0x0400), 0), [fail]),
            when(or(ne(load8('p'), backslash), ne(load8(add('p', 1)), 0x75)), [fail]),
            when(ne(and('low', 0xfc00), 0xdc00), [fail]),
            set('c', add(0x10000, or(shl(and('c', 0x3ff), 10), and('low', 0x3ff)))),
            set('p', add('p', 6)),
            ...put('to', or(0xf0, shr('c', 18))),
            ...put('to', or(0x80, and(shr('c', 12), 0x3f))),
            ...put('to', or(0x80, and(shr('c', 6), 0x3f))),
            ...put('to', or(0x80, and('c', 0x3f))),
            again('next'),
          ]),
          ...put('to', or(0xe0, shr('c', 12))),
          ...put('to', or(0x80, and(shr('c', 6), 0x3f))),
          ...put('to', or(0x80, and('c', 0x3f))),
          again('next'),
        ]),
        set('byte', 'c'),
        when(eq('c', 0x6e), [set('byte', newline), noteLongText]),
        when(eq('c', 0x74), [set('byte', 0x09)]),
        when(eq('c', 0x72), [set('byte', 0x0d)]),
        when(eq('c', 0x62), [set('byte', 0x08)]),
        when(eq('c', 0x66), [set('byte', 0x0c)]),
        ...put('to', 'byte'),
        set('p', add('p', 2)),
        again('next'),
      ),
    ],
  },
  {
    /** Position after the object or array at `p`. */
    name: 'skipNested',
    parameters: ['p', 'end'],
    locals: ['c', 'm', 'depth'],
    body: [
      loop(
        'next',
        when(ge('p', 'end'), [fail]),
        set('c', load8('p')),
        set('p', add('p', 1)),
        when(eq('c', quote), [
          loop(
            'string',
            toQuote('p', 'end'),
            when(eq(load8('p'), backslash), [set('p', add('p', 2)), again('string')]),
          ),
          set('p', add('p', 1)),
          again('next'),
        ]),
        // `{` and `[` differ in one bit, as do `}` and `]`.
        set('c', or('c', 0x20)),
        when(eq('c', 0x7b), [set('depth', add('depth', 1)), again('next')]),
        when(eq('c', 0x7d), [set('depth', sub('depth', 1)), when(isZero('depth'), [give('p')])]),
        again('next'),
      ),
    ],
  },
  {
    /**
     * Notes for the lines from `p` to `end` where the text of each value is, until there are `rowsMax` rows or the entries may not suffice for another. Gives the position of the first line
     * that was not read, or -1.
     */
    name: 'read',
    parameters: ['p', 'end', 'columns', 'row', 'rowsMax'],
    locals: [...keyLocals, 'c', 'start', 'cell', 'cellRow', 'entry'],
    body: [
      set('entry', load32(memoryMap.entriesEnd)),
      loop(
        'lines',
        when(and(and(lt('p', 'end'), lt('row', 'rowsMax')), lt('entry', entriesLast)), [
          skipSpace('p'),
          when(ne(load8('p'), 0x7b), [fail]),
          set('p', add('p', 1)),
          set('cellRow', add(memoryMap.cellsAt - 8, shl(mul('row', 'columns'), 3))),
          set('row', add('row', 1)),
          set('before', 0),
          skipSpace('p'),
          block(
            'fields',
            when(eq(load8('p'), 0x7d), [leave('fields')]),
            loop(
              'field',
              readKey(toQuote('p', 'end'), skipSpace('p'), fail),
              set('before', 'id'),
              set('cell', numberAt(memoryMap.seenIn, 'id')),
              when(eq(load32('cell'), 'row'), [fail]),
              store32('cell', 'row'),
              skipSpace('p'),
              set('c', load8('p')),
              set('start', 'p'),
              block(
                'value',
                when(eq('c', quote), [
                  set('start', add('p', 1)),
                  set('p', 'start'),
                  toQuote('p', 'end'),
                  set('length', sub('p', 'start')),
                  set('p', add('p', 1)),
                  when(eq(load8(sub('p', 1)), backslash), [
                    set('p', call('unescape', sub('p', 1), 'end')),
                    when(eq('p', -1), [fail]),
                    set('length', sub(load32(memoryMap.textEnd), 'start')),
                  ]),
                  leave('value'),
                ]),
                when(eq(or('c', 0x20), 0x7b), [
                  set('p', call('skipNested', 'p', 'end')),
                  when(eq('p', -1), [fail]),
                  set('length', sub('p', 'start')),
                  leave('value'),
                ]),
                // A number or one of null, true, false.
                when(eq('c', 0x6e), [set('p', add('p', 4)), set('start', 0), leave('value')]),
                when(and(and(ne('c', 0x2d), ge(sub('c', 0x30), 10)), and(ne('c', 0x74), ne('c', 0x66))), [fail]),
                loop(
                  'scalar',
                  set(
                    'm',
                    bits16(
                      or16(
                        or16(eq16(load16('p'), splat(0x2c)), eq16(load16('p'), splat(0x7d))),
                        lt16(load16('p'), splat(0x21)),
                      ),
                    ),
                  ),
                  when('m', [], [set('p', add('p', 16)), again('scalar')]),
                ),
                set('p', add('p', lowestBit('m'))),
                set('length', sub('p', 'start')),
              ),
              when('start', [
                set('cell', load32(numberAt(memoryMap.cellOf, 'id'))),
                when('cell', [
                  when(gt('length', memoryMap.shortBytes), [noteLongText]),
                  set('m', add(memoryMap.totals, shr('cell', 1))),
                  store32('m', add(load32('m'), add('length', longer('length')))),
                  set('cell', add('cell', 'cellRow')),
                  store32('cell', 'start'),
                  store32(add('cell', 4), 'length'),
                ]),
                set('cell', load32(numberAt(memoryMap.entryOf, 'id'))),
                when('cell', [
                  store32('entry', 'cell'),
                  store32(add('entry', 4), 'start'),
                  store32(add('entry', 8), 'length'),
                  set('entry', add('entry', 12)),
                ]),
              ]),
              skipSpace('p'),
              when(eq(load8('p'), 0x2c), [set('p', add('p', 1)), skipSpace('p'), again('field')]),
              when(ne(load8('p'), 0x7d), [fail]),
            ),
          ),
          set('p', add('p', 1)),
          skipSpace('p'),
          when(ne(load8('p'), newline), [fail]),
          set('p', add('p', 1)),
          store32(add(memoryMap.offsetsAt - 8, shl('row', 3)), divide(sub('entry', memoryMap.entriesAt), 12)),
          again('lines'),
        ]),
      ),
      store32(memoryMap.rowsRead, 'row'),
      store32(memoryMap.entriesEnd, 'entry'),
      give('p'),
    ],
  },
  {
    /** Writes the values of `rows` lines to where the cursors of their columns are. Gives 0 when a time is not like those of `writeTime`, else 1. */
    name: 'write',
    parameters: ['rows', 'columns'],
    locals: ['row', 'column', 'cell', 'start', 'length', 'to', 'end', 'nulls', 'kind'],
    body: [
      set('cell', memoryMap.cellsAt),
      loop(
        'rows',
        when(lt('row', 'rows'), [
          set('column', 1),
          loop(
            'columns',
            set('start', load32('cell')),
            set('length', load32(add('cell', 4))),
            set('to', load32(numberAt(memoryMap.cursors, 'column'))),
            set('nulls', load32(numberAt(memoryMap.nulls, 'column'))),
            when('nulls', [store8(add('nulls', 'row'), isZero('start'))]),
            set('kind', load32(numberAt(memoryMap.kinds, 'column'))),
            when(
              eq('kind', columnKind.time),
              [when(isZero(call('writeTime', 'start', 'length', 'to')), [give(0)]), set('end', add('to', 8))],
              [
                when(eq('kind', columnKind.id), [
                  when(call('hasCapital', 'start', 'length'), [store32(memoryMap.capitals, 1)]),
                ]),
                ...putText,
              ],
            ),
            store32(numberAt(memoryMap.cursors, 'column'), 'end'),
            set('cell', add('cell', 8)),
            set('column', add('column', 1)),
            again('columns', le('column', 'columns')),
          ),
          set('row', add('row', 1)),
          again('rows'),
        ]),
      ),
      give(1),
    ],
  },
  {
    /** Writes the entries of the map: a byte with the number of the key each from `index` on, the values from `to` on. Gives the end of the values. */
    name: 'writeMap',
    parameters: ['index', 'to'],
    locals: ['entry', 'start', 'length', 'end'],
    body: [
      set('entry', memoryMap.entriesAt),
      loop(
        'entries',
        when(lt('entry', load32(memoryMap.entriesEnd)), [
          ...put('index', load32('entry')),
          set('start', load32(add('entry', 4))),
          set('length', load32(add('entry', 8))),
          ...putText,
          set('to', 'end'),
          set('entry', add('entry', 12)),
          again('entries'),
        ]),
      ),
      give('to'),
    ],
  },
]);
