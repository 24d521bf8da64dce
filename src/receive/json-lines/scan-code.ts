import { keyFunctions, keyLocals, keyMap, numberAt, readKey } from '../../base/json-keys-code.ts';
import {
  add,
  again,
  and,
  bits16,
  block,
  call,
  type Code,
  eq,
  eq16,
  ge,
  give,
  gt,
  isZero,
  leave,
  load16,
  load32,
  load8,
  loop,
  lowestBit,
  lt,
  lt16,
  ne,
  or,
  or16,
  set,
  splat,
  store32,
  sub,
  type Value,
  wasmModule,
  when,
} from '../../base/wasm-code.ts';

const KiB = 1024;
const windowBytes = 256 * KiB;
/** Deeper values are left to the scanner in TypeScript, which has a bound of its own. */
const depthMax = 64;
const [seenIn, filledIn, found] = keyMap.own;

/** Where things are in the program's memory, beside keys (base/json-keys-code.ts). */
export const scanMap = {
  /** Good lines that `scan` found. */
  lines: 16,
  /** By key id: the last line it was in; lines where it has a value that is neither null nor empty. */
  seenIn,
  filledIn,
  window: keyMap.end,
  windowBytes,
  bytes: keyMap.end + windowBytes + KiB,
} as const;

const quote = 0x22;
const backslash = 0x5c;
const newline = 0x0a;
const [none, nullWord, trueWord, falsWord] = [-1, 0x6c6c756e, 0x65757274, 0x736c6166];
const fail = give(none);
const skipSpace = (p: string): Code =>
  loop(
    'space',
    when(lt(load8(p), 0x21), [
      when(or(eq(load8(p), 0x20), or(eq(load8(p), 0x09), eq(load8(p), 0x0d))), [set(p, add(p, 1)), again('space')]),
    ]),
  );
/** `p` to the next quote, backslash or control character. */
const toStop = (p: string): Code =>
  loop(
    'run',
    set(
      'm',
      bits16(
        or16(or16(eq16(load16(p), splat(quote)), eq16(load16(p), splat(backslash))), lt16(load16(p), splat(0x20))),
      ),
    ),
    when('m', [set(p, add(p, lowestBit('m')))], [set(p, add(p, 16)), again('run')]),
  );
const isDigit = (p: Value): Code => lt(sub(load8(p), 0x30), 10);
const isHex = (p: Value): Code => or(isDigit(p), lt(sub(or(load8(p), 0x20), 0x61), 6));
/** Over one or more digits. */
const skipDigits = (p: string, otherwise: Code): readonly Code[] => [
  when(isZero(isDigit(p)), [otherwise]),
  loop('digits', set(p, add(p, 1)), again('digits', isDigit(p))),
];
const isOneOf = (p: Value, characters: string): Code =>
  Array.from(characters, c => eq(load8(p), c.charCodeAt(0))).reduce((a, b) => or(a, b));

export const scanCode = wasmModule([
  ...keyFunctions,
  {
    /** Position after the string whose first byte is at `p`, or -1. */
    name: 'string',
    parameters: ['p'],
    locals: ['m'],
    body: [
      loop(
        'next',
        toStop('p'),
        when(eq(load8('p'), quote), [give(add('p', 1))]),
        when(ne(load8('p'), backslash), [fail]),
        set('p', add('p', 1)),
        when(isOneOf('p', '"\\/bfnrt'), [set('p', add('p', 1)), again('next')]),
        when(ne(load8('p'), 0x75), [fail]),
        // A half of a surrogate pair is left to others.
        when(and(eq(or(load8(add('p', 1)), 0x20), 0x64), gt(load8(add('p', 2)), 0x37)), [fail]),
        set('m', and(and(isHex(add('p', 1)), isHex(add('p', 2))), and(isHex(add('p', 3)), isHex(add('p', 4))))),
        when(isZero('m'), [fail]),
        set('p', add('p', 5)),
        again('next'),
      ),
    ],
  },
  {
    /** Position after the value at `p`, or -1. */
    name: 'value',
    parameters: ['p', 'depth'],
    locals: ['c', 'd'],
    body: [
      set('c', load8('p')),
      when(eq('c', quote), [give(call('string', add('p', 1)))]),
      when(eq(load32('p'), nullWord), [give(add('p', 4))]),
      when(eq(load32('p'), trueWord), [give(add('p', 4))]),
      when(and(eq(load32('p'), falsWord), eq(load8(add('p', 4)), 0x65)), [give(add('p', 5))]),
      when(or(eq('c', 0x7b), eq('c', 0x5b)), [
        when(gt('depth', depthMax), [fail]),
        set('p', add('p', 1)),
        skipSpace('p'),
        when(eq(load8('p'), add('c', 2)), [give(add('p', 1))]),
        loop(
          'member',
          when(eq('c', 0x7b), [
            when(ne(load8('p'), quote), [fail]),
            set('p', call('string', add('p', 1))),
            when(eq('p', none), [fail]),
            skipSpace('p'),
            when(ne(load8('p'), 0x3a), [fail]),
            set('p', add('p', 1)),
            skipSpace('p'),
          ]),
          set('p', call('value', 'p', add('depth', 1))),
          when(eq('p', none), [fail]),
          skipSpace('p'),
          set('d', load8('p')),
          set('p', add('p', 1)),
          when(eq('d', 0x2c), [skipSpace('p'), again('member')]),
          when(eq('d', add('c', 2)), [give('p')]),
          fail,
        ),
      ]),
      when(eq('c', 0x2d), [set('p', add('p', 1))]),
      when(eq(load8('p'), 0x30), [set('p', add('p', 1))], skipDigits('p', fail)),
      when(eq(load8('p'), 0x2e), [set('p', add('p', 1)), ...skipDigits('p', fail)]),
      when(eq(or(load8('p'), 0x20), 0x65), [
        set('p', add('p', 1)),
        when(isOneOf('p', '+-'), [set('p', add('p', 1))]),
        ...skipDigits('p', fail),
      ]),
      give('p'),
    ],
  },
  {
    /**
     * From `p` over lines that are one JSON object each, with known keys, none of them twice. Gives the position where the first other line begins, or `end`.
     * The lines are numbered from `line` + 1 on; their number goes to `lines`.
     */
    name: 'scan',
    parameters: ['p', 'end', 'line', 'bytesMax'],
    locals: [...keyLocals, 'c', 'start', 'lines', 'filled', 'i'],
    body: [
      block(
        'stop',
        loop(
          'line',
          set('start', 'p'),
          when(ge('p', 'end'), [leave('stop')]),
          set('line', add('line', 1)),
          set('filled', found),
          set('before', 0),
          skipSpace('p'),
          when(ne(load8('p'), 0x7b), [leave('stop')]),
          set('p', add('p', 1)),
          skipSpace('p'),
          loop(
            'field',
            readKey(toStop('p'), skipSpace('p'), leave('stop')),
            set('i', numberAt(seenIn, 'id')),
            when(eq(load32('i'), 'line'), [leave('stop')]),
            store32('i', 'line'),
            set('before', 'id'),
            skipSpace('p'),
            set('c', load8('p')),
            set('i', 'p'),
            block(
              'value',
              when(eq('c', quote), [
                set('p', add('p', 1)),
                toStop('p'),
                when(eq(load8('p'), quote), [set('p', add('p', 1)), leave('value')]),
                set('p', call('string', 'p')),
                when(eq('p', none), [leave('stop')]),
                leave('value'),
              ]),
              set('p', call('value', 'p', 1)),
              when(eq('p', none), [leave('stop')]),
            ),
            when(and(ne('c', 0x6e), or(ne('c', quote), gt(sub('p', 'i'), 2))), [
              store32('filled', 'id'),
              set('filled', add('filled', 4)),
            ]),
            skipSpace('p'),
            set('c', load8('p')),
            set('p', add('p', 1)),
            when(eq('c', 0x2c), [skipSpace('p'), again('field')]),
            when(ne('c', 0x7d), [leave('stop')]),
          ),
          skipSpace('p'),
          when(or(ne(load8('p'), newline), gt(sub('p', 'start'), 'bytesMax')), [leave('stop')]),
          set('p', add('p', 1)),
          set('lines', add('lines', 1)),
          loop(
            'count',
            when(gt('filled', found), [
              set('filled', sub('filled', 4)),
              set('i', numberAt(filledIn, load32('filled'))),
              store32('i', add(load32('i'), 1)),
              again('count'),
            ]),
          ),
          again('line'),
        ),
      ),
      store32(scanMap.lines, 'lines'),
      give('start'),
    ],
  },
]);
