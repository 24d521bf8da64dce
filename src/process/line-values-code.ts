import {
  add,
  add64,
  again,
  and,
  block,
  bits16,
  type Code,
  divide,
  eq,
  give,
  gt,
  isZero,
  le,
  leave,
  load16,
  load8,
  loop,
  lt,
  lt16,
  mul,
  mul64,
  ne,
  or,
  set,
  shl,
  shr,
  splat,
  store64,
  sub,
  sub16,
  type Value,
  when,
  wide,
  xor,
  type WasmFunction,
} from '../base/wasm-code.ts';

/** Value of two digits. */
const two = (p: string, from: number): Code =>
  sub(add(mul(load8(add(p, from)), 10), load8(add(p, from + 1))), 11 * 0x30);
const isDigit = (p: Value): Code => lt(sub(load8(p), 0x30), 10);
/** Of the 16 bytes of `2026-11-20T10:00`, which are digits. */
const digitsOfMinute = 0b1101_1011_0110_1111;
/** Of the Gregorian calendar. */
const isLeap = (year: string): Code =>
  and(
    isZero(and(year, 3)),
    or(ne(sub(year, mul(divide(year, 100), 100)), 0), isZero(sub(year, mul(divide(year, 400), 400)))),
  );
const outside = (value: Value, least: number, most: Value): Code => gt(sub(value, least), sub(most, least));

/** What `write` of line-columns-code.ts makes of values other than texts. */
export const valueFunctions: readonly WasmFunction[] = [
  {
    /**
     * Writes the time of `length` bytes at `p` to `to`, as ns since 1970 in eight bytes, and gives 1. Gives 0 unless it is like `2026-11-20T10:00:00`: years 1971 to 2105, a blank in place of the
     * `T` or not, up to nine decimals, then `Z`, an offset like `+01:00`, or nothing, which is UTC.
     */
    name: 'writeTime',
    parameters: ['p', 'length', 'to'],
    locals: ['end', 'year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'digits', 'sign'],
    body: [
      when(lt('length', 19), [give(0)]),
      set('end', add('p', 'length')),
      when(ne(bits16(lt16(sub16(load16('p'), splat(0x30)), splat(10))), digitsOfMinute), [give(0)]),
      when(or(ne(load8(add('p', 4)), 0x2d), ne(load8(add('p', 7)), 0x2d)), [give(0)]),
      when(and(ne(load8(add('p', 10)), 0x54), ne(load8(add('p', 10)), 0x20)), [give(0)]),
      when(or(ne(load8(add('p', 13)), 0x3a), ne(load8(add('p', 16)), 0x3a)), [give(0)]),
      when(isZero(and(isDigit(add('p', 17)), isDigit(add('p', 18)))), [give(0)]),
      set('year', add(mul(two('p', 0), 100), two('p', 2))),
      set('month', two('p', 5)),
      set('day', two('p', 8)),
      set('hour', two('p', 11)),
      set('minute', two('p', 14)),
      set('second', two('p', 17)),
      when(or(outside('year', 1971, 2105), outside('month', 1, 12)), [give(0)]),
      when(or(or(gt('hour', 23), gt('minute', 59)), gt('second', 59)), [give(0)]),
      // Months of 31 days: odd ones to July, even ones after it.
      set('digits', sub(31, isZero(and(xor('month', shr('month', 3)), 1)))),
      when(eq('month', 2), [set('digits', add(28, isLeap('year')))]),
      when(outside('day', 1, 'digits'), [give(0)]),
      // Days since 1970-01-01, in years that begin in March.
      when(lt('month', 3), [set('year', sub('year', 1)), set('month', add('month', 12))]),
      set(
        'day',
        add(
          add(sub(add(mul('year', 365), shr('year', 2)), divide('year', 100)), divide('year', 400)),
          sub(add(divide(sub(mul(153, 'month'), 457), 5), 'day'), 719_469),
        ),
      ),
      set('second', add(mul(add(mul(add(mul('day', 24), 'hour'), 60), 'minute'), 60), 'second')),
      set('p', add('p', 19)),
      when(and(lt('p', 'end'), eq(load8('p'), 0x2e)), [
        set('digits', 1_000_000_000),
        set('p', add('p', 1)),
        when(isZero(and(lt('p', 'end'), isDigit('p'))), [give(0)]),
        loop(
          'decimals',
          when(and(lt('p', 'end'), isDigit('p')), [
            set('digits', divide('digits', 10)),
            when(isZero('digits'), [give(0)]),
            set('fraction', add('fraction', mul(sub(load8('p'), 0x30), 'digits'))),
            set('p', add('p', 1)),
            again('decimals'),
          ]),
        ),
      ]),
      block(
        'zone',
        when(eq('p', 'end'), [leave('zone')]),
        when(and(eq(add('p', 1), 'end'), eq(load8('p'), 0x5a)), [leave('zone')]),
        set('sign', load8('p')),
        when(or(ne(add('p', 6), 'end'), and(ne('sign', 0x2b), ne('sign', 0x2d))), [give(0)]),
        when(ne(load8(add('p', 3)), 0x3a), [give(0)]),
        when(
          isZero(and(and(isDigit(add('p', 1)), isDigit(add('p', 2))), and(isDigit(add('p', 4)), isDigit(add('p', 5))))),
          [give(0)],
        ),
        set('hour', two('p', 1)),
        set('minute', two('p', 4)),
        when(or(gt('hour', 14), gt('minute', 59)), [give(0)]),
        set('minute', mul(add(mul('hour', 60), 'minute'), 60)),
        when(eq('sign', 0x2b), [set('second', sub('second', 'minute'))], [set('second', add('second', 'minute'))]),
      ),
      store64('to', add64(mul64(wide('second'), wide(1_000_000_000)), wide('fraction'))),
      give(1),
    ],
  },
  {
    /** Whether there is a capital letter in `length` bytes at `p`. */
    name: 'hasCapital',
    parameters: ['p', 'length'],
    locals: ['m'],
    body: [
      loop(
        'run',
        when(isZero('length'), [give(0)]),
        set('m', bits16(lt16(sub16(load16('p'), splat(0x41)), splat(26)))),
        when(le('length', 16), [give(shl('m', sub(32, 'length')))]),
        when('m', [give(1)]),
        set('p', add('p', 16)),
        set('length', sub('length', 16)),
        again('run'),
      ),
    ],
  },
];
