import { describe, expect, it } from 'vitest';
import { slotAt } from './slot-at.ts';

/** `|` is the cursor. */
function at(marked: string) {
  const cursor = marked.indexOf('¦');
  return slotAt(marked.replace('¦', ''), cursor);
}
const labels = (marked: string): string[] => at(marked).suggestions.map(({ label }) => label.trim());

describe('EQL while typing', () => {
  it.each([
    ['process where ¦', 'length'],
    ['process where not ¦', 'startsWith'],
    ['process where name ¦', '=='],
    ['process where name ¦', 'like'],
    ['process where name == "x" ¦', 'and'],
    ['process where name == "größe 😀" ¦', 'or'],
    ['process where name == "a where b [" ¦', 'and'],
    ['process where length(¦', 'concat'],
    ['process where true | ¦', 'count'],
    ['process where true | h¦', 'head'],
    ['sequence by user ¦', 'with maxspan='],
    ['sequence by user with ¦', 'maxspan='],
    ['sequence by user with maxspan=1m ¦', '['],
    ['sequence by user [¦', 'any where'],
    ['sequence by user [process ¦', 'where'],
    ['sequence by user [process where ¦', 'not'],
    ['sequence by user [process where x == 1 ¦', ']'],
    ['sequence by user [process where true] ¦', 'until ['],
    ['sequence by user [process where true] with ¦', 'runs='],
    ['sequence by user [a where true] [b where true] | ¦', 'tail'],
  ])('%s offers %s', (text, wanted) => {
    expect(labels(text)).toContain(wanted);
  });

  it.each([
    // text, what may stand there and nothing else
    ['sequence by user with maxspan=¦', '10s 1m 5m 1h 1d'],
    ['sequence by user with maxspan=1m ¦', '[ !['],
    ['sequence by user [a where true] with runs=¦', '2 3 5 10'],
    ['sequence by user [a where true] with runs=3 ¦[b where true]', '[ ![ until [ | head | tail'],
    ['sequence by user [a where true] ![b where true] ¦', '[ ![ by until [ | head | tail'],
    ['sequence by user [a where true] [b where true] until ¦', '['],
    ['sequence by user [a where true] [b where true] until [c where true] ¦', 'by | head | tail'],
    ['sample by user ¦', '['],
    ['sample by user [a where true] ¦', '[ by'],
    ['seq¦uence by user [a where true]', ''],
    ['pro¦cess where x == 1', 'any'],
    ['process ¦ x', 'service level message trace_id span_id timestamp severity anywhere door AND OR NOT'],
    ['process wh¦ere x == 1', 'where'],
    ['process where x =¦= 1', ''],
    ['process where x in (1, 2) ¦', 'and or |'],
    ['process where x : ("a", "b") ¦', 'and or |'],
    ['any where true | count x | ¦', 'head tail'],
    ['sample by x [a where true] [b where true] | ¦', ''],
    ['process where x : ¦', ''],
    ['process where x like~ ¦', ''],
    ['process where x regex "a¦"', ''],
  ])('%s offers only %s', (text, wanted) => {
    expect(labels(text).join(' ')).toBe(wanted);
  });

  it('ends an operator that is begun', () => {
    expect(at('process where x =¦')).toMatchObject({ from: 16, to: 17, typed: '=' });
    expect(at('process where x !¦')).toMatchObject({ from: 16, to: 17, typed: '!' });
    expect(at('process where x ==¦').typed).toBe('');
    expect(labels('process where x > ¦')).not.toContain('true');
    expect(labels('process where x > ¦')).toContain('length');
  });

  it('takes a constant or a function behind ==, and no not', () => {
    expect(labels('process where x == ¦')).toEqual(expect.arrayContaining(['true', 'null', 'length']));
    expect(labels('process where x == ¦')).not.toContain('not');
    expect(at('process where x in (¦').values?.field).toBe('x');
    expect(at('process where x regex ¦').values?.field).toBe('x');
  });

  it('writes a category as it must be written', () => {
    const write = at('fi¦le where true').values?.write;
    expect(['file', 'web login', 'where', 'any'].map(value => write?.(value))).toEqual([
      'file',
      '"web login"',
      '"where"',
      '"any"',
    ]);
    expect(at('sequence by x [¦').values?.write('file')).toBe('file where ');
  });

  it.each([
    ['process where ¦', true],
    ['process where x == 1 and na¦', true],
    ['sequence by ¦', true],
    ['sequence by user, ¦', true],
    ['sequence by user [a where true] by ¦', true],
    ['process where true | count ¦', true],
    ['process where name ¦', false],
    ['sequence by user ¦', false],
    ['process where true | head ¦', false],
  ])('%s takes the name of a field: %s', (text, wanted) => {
    expect(at(text).fields !== undefined).toBe(wanted);
  });

  it.each([
    ['process where process.name == "c¦', 'process_name', 'c'],
    ['process where name : ("a", "b¦', 'name', 'b'],
    ['process where name in ("b¦', 'name', 'b'],
    ['process where name == ¦', 'name', ''],
    ['sequence by user [process where ?name like "😀¦', 'name', '😀'],
    ['any where `odd name` != "x¦', 'odd_name', 'x'],
    ['sequence by x [¦', 'event_category', ''],
  ])('%s takes a value of %s', (text, field, typed) => {
    expect(at(text).values?.field).toBe(field);
    expect(at(text).typed).toBe(typed);
  });

  it('replaces the word or string that the cursor is in', () => {
    expect(at('process where proc¦ess.name == 1')).toMatchObject({ from: 14, to: 26 });
    expect(at('process where name == "c¦"')).toMatchObject({ from: 22, to: 25 });
    expect(at('"grüße" where na¦')).toMatchObject({ from: 14, to: 16 });
  });

  it('writes strings and names as EQL has them', () => {
    expect(at('process where name == "¦').values?.write('a "b" \\c')).toBe('"a \\"b\\" \\\\c"');
    expect(at('process where ¦').fields?.('odd-name')?.insert).toBe('`odd-name`');
  });

  it('leaves other texts to the search and to LogQL', () => {
    for (const text of ['process¦', 'nobody knows where it ¦', '{a="b"} | ¦', 'sequence of ev¦'])
      expect(at(text).alone, text).toBeUndefined();
  });

  it('never throws and takes no time', () => {
    const text =
      'sequence by a with maxspan=1m [process where x == "y" and length(z) > 2] by q until [any where true] | head 2';
    for (let cursor = 0; cursor <= text.length; cursor++) expect(() => slotAt(text, cursor)).not.toThrow();
    const began = performance.now();
    for (const part of ['(', '"', '[', ' where ', 'in (', '/*', 'a == ', '`', ','])
      slotAt(`process where ${part.repeat(20_000)}`, 14 + part.length * 20_000);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
