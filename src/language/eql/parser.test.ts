import { describe, expect, it } from 'vitest';
import { WeirError } from '../../base/errors.ts';
import { parseEql } from './parser.ts';
import type { Expression } from './tree.ts';

/** A condition with parentheses around every part, to show how it was understood. */
function show(e: Expression): string {
  switch (e.kind) {
    case 'field':
      return `${e.optional ? '?' : ''}${e.path.join('.')}`;
    case 'literal':
      return typeof e.value === 'string' ? JSON.stringify(e.value) : String(e.value);
    case 'call':
      return `${e.name}${e.insensitive ? '~' : ''}(${e.args.map(show).join(', ')})`;
    case 'arithmetic':
    case 'compare':
      return `(${show(e.left)} ${e.operator} ${show(e.right)})`;
    case 'negate':
      return `-(${show(e.of)})`;
    case 'match':
      return `(${show(e.left)} ${e.operator} ${e.patterns.map(p => JSON.stringify(p)).join('|')})`;
    case 'in':
      return `(${show(e.left)} ${e.negated ? 'not ' : ''}in${e.insensitive ? '~' : ''} ${e.list.map(show).join('|')})`;
    case 'and':
    case 'or':
      return `(${e.items.map(show).join(` ${e.kind} `)})`;
    case 'least':
      return `${e.count} of ${e.items.map(show).join(', ')}`;
    case 'not':
      return `not ${show(e.of)}`;
    case 'certain':
      return `certain ${show(e.of)}`;
  }
}

const where = (condition: string): string => {
  const query = parseEql(`any where ${condition}`);
  if (query.kind !== 'event') throw new Error('not an event query');
  return show(query.event.where);
};

describe('conditions', () => {
  it.each([
    ['true', 'true'],
    ['process.name == "svchost.exe"', '(process.name == "svchost.exe")'],
    ['a < 1', '(a < 1)'],
    ['a <= 1', '(a <= 1)'],
    ['a > -1', '(a > -1)'],
    ['a >= +1.5', '(a >= 1.5)'],
    ['a != .5', '(a != 0.5)'],
    ['a == 1e3', '(a == 1000)'],
    ['a == null', '(a == null)'],
    ['null != a', '(null != a)'],
    ['a == b', '(a == b)'],
    ['"x" == a', '("x" == a)'],
    ['a : "v*"', '(a : "v*")'],
    ['a:"v"', '(a : "v")'],
    ['a : ("x", "y?")', '(a : "x"|"y?")'],
    ['a like "V*"', '(a like "V*")'],
    ['a like~ ("v*", "w")', '(a like~ "v*"|"w")'],
    ['a regex "[^Z].?"', '(a regex "[^Z].?")'],
    ['a regex~ ("x+", "y")', '(a regex~ "x+"|"y")'],
    ['a in ("x", "y")', '(a in "x"|"y")'],
    ['a in~ ("x")', '(a in~ "x")'],
    ['a in (1, 2.5, -3)', '(a in 1|2.5|-3)'],
    ['a not in ("x")', '(a not in "x")'],
    ['a not in~ ("x", null)', '(a not in~ "x"|null)'],
    ['a in ("x") == true', '((a in "x") == true)'],
    ['a : "x" != false and b', '(((a : "x") != false) and b)'],
    ['not a == 1', 'not (a == 1)'],
    ['not not a == 1', 'not not (a == 1)'],
    ['a == 1 and b == 2 or c == 3', '(((a == 1) and (b == 2)) or (c == 3))'],
    ['a == 1 or b == 2 and c == 3', '((a == 1) or ((b == 2) and (c == 3)))'],
    ['(a == 1 or b == 2) and c == 3', '(((a == 1) or (b == 2)) and (c == 3))'],
    ['not a == 1 and b == 2', '(not (a == 1) and (b == 2))'],
    ['a + 1 * 2 == 3', '((a + (1 * 2)) == 3)'],
    ['a - 1 - 2 == 3', '(((a - 1) - 2) == 3)'],
    ['(a - 1) * 2 > 3', '(((a - 1) * 2) > 3)'],
    ['a / 2 % 3 == 1', '(((a / 2) % 3) == 1)'],
    ['-a == 3', '(-(a) == 3)'],
    ['- (1 + a) == 3', '(-((1 + a)) == 3)'],
    ['a -1 == 3', '((a - 1) == 3)'],
    ['?a.b != null', '(?a.b != null)'],
    ['`my-field` == 1', '(my-field == 1)'],
    ['`my field`.`6x` == 1', '(my field.6x == 1)'],
    ['`my``field` == 1', '(my`field == 1)'],
    ['@timestamp > "2020-01-01"', '(@timestamp > "2020-01-01")'],
    ['event.any == 1', '(event.any == 1)'],
    ['_x1.y == 1', '(_x1.y == 1)'],
    ['length(a) == 3', '(length(a) == 3)'],
    ['startsWith~(a, "x")', 'startsWith~(a, "x")'],
    ['not cidrMatch(a, "10.0.0.0/8", "fe80::/10")', 'not cidrMatch(a, "10.0.0.0/8", "fe80::/10")'],
    ['concat(a, " ", 42, true) : "x"', '(concat(a, " ", 42, true) : "x")'],
    ['between(a, "x", "y", true) == ""', '(between(a, "x", "y", true) == "")'],
    ['number(a, 16) == 255', '(number(a, 16) == 255)'],
    ['substring(a, -4, -1) == ".ex"', '(substring(a, -4, -1) == ".ex")'],
    ['add(a, multiply(2, b)) >= 0.5', '(add(a, multiply(2, b)) >= 0.5)'],
    ['(a == 1) == true', '((a == 1) == true)'],
    ['flag', 'flag'],
    ['not flag', 'not flag'],
    ['a == "x" // comment', '(a == "x")'],
    ['a == /* in between */ "x"', '(a == "x")'],
    ['a\n==\t"x"', '(a == "x")'],
    [String.raw`a == "\n\r\t\\\""`, String.raw`(a == "\n\r\t\\\"")`],
    [String.raw`a == "\u{41}\u{0001F600}"`, '(a == "A😀")'],
    [String.raw`a == """raw \n " text"""`, String.raw`(a == "raw \\n \" text")`],
    [`a == """ends with """"`, `(a == ${JSON.stringify('ends with "')})`],
    ['a == """"""', '(a == "")'],
    ['a == ""', '(a == "")'],
    ['a == "it\'s"', '(a == "it\'s")'],
    ['maxspan == 1 and runs == 2 and head == 3', '((maxspan == 1) and (runs == 2) and (head == 3))'],
  ])('%s', (text, shown) => {
    expect(where(text)).toBe(shown);
  });

  it('keeps all digits of a large number', () => {
    const query = parseEql('any where a == 9007199254740993');
    expect(JSON.stringify(query)).toContain('"text":"9007199254740993"');
  });
});

describe('queries', () => {
  it.each([
    'process where process.name == "svchost.exe"',
    '"my-event-category" where true',
    '"""6eventcategory""" where true',
    'any where network.protocol == "http"',
    'file where true | head 5',
    'authentication where agent.id == 4624 | tail 10',
    'any where true | tail 50 | head 3',
    'any where true | count',
    'any where true | count user.name, process.name | tail 5',
    'any where true | unique user.name',
    'any where true | sort a, b | head 1',
    'sequence [file where file.extension == "exe"] [process where true]',
    'sequence by user.name [file where true] [process where true]',
    'sequence by user.name, host.id with maxspan=15m [file where true] by file.path [process where true] by process.path',
    'sequence with maxspan=30s [a where true] by x [b where true] by y',
    'sequence with maxspan = 500ms [a where true] [b where true]',
    'sequence with maxspan=1.5h [a where true] [b where true]',
    'sequence with maxspan=7d [a where true] [b where true]',
    'sequence with maxspan=10 s [a where true] [b where true]',
    'sequence with maxspan=5micros [a where true] [b where true]',
    'sequence with maxspan=5nanos [a where true] [b where true]',
    'any where true | head 0',
    'sequence by ?k [a where true] [b where true]',
    'sequence by k [a where true] [b where true] until [c where true]',
    'sequence [a where true] by x [b where true] by y until [c where true] by z',
    'sequence by k [a where true] with runs=3 [b where true]',
    'sequence [a where true] by x with runs=2 [b where true] by y',
    'sequence [a where true] with runs=2',
    'sequence [a where true] with runs=100',
    'sequence with maxspan=1h [a where true] ![b where true] [c where true]',
    'sequence with maxspan=1h ![b where true] [c where true]',
    'sequence by k with maxspan=1h [c where true] ![b where true]',
    'sequence with maxspan=1h ![a where true] [b where true] ![c where true] ![d where true] [e where true] | head 2',
    'sequence by k [a where true] [b where true] | tail 2',
    'sample by host [a where true] [b where true]',
    'sample by host, ?user [a where true] by x [b where true] by y',
    'sample [a where true] by x [b where true] by y',
    '"sequence" where a.sequence == 1',
  ])('accepts %s', text => {
    expect(() => parseEql(text)).not.toThrow();
  });

  it('reads a sequence', () => {
    expect(
      parseEql(
        'sequence by a.b, ?c with maxspan=2m [x where true] with runs=3 ![any where q == 1] [y where true] until [z where true] | head 2',
      ),
    ).toMatchObject({
      kind: 'sequence',
      maxspan: 120_000_000_000n,
      by: [
        { path: ['a', 'b'], optional: false },
        { path: ['c'], optional: true },
      ],
      steps: [
        { event: { category: 'x' }, missing: false, runs: 3 },
        { event: { where: { kind: 'compare' } }, missing: true, runs: 1 },
        { event: { category: 'y' }, missing: false, runs: 1 },
      ],
      until: { event: { category: 'z' }, by: [] },
      pipes: [{ kind: 'head', count: 2 }],
    });
  });
});

describe('refuses', () => {
  it.each([
    ['', '1:1', 'end of query'],
    ['process', '1:8', '"where"'],
    ['where true', '1:1', 'event category'],
    ['process where', '1:14', 'end of query'],
    ['my-event where true', '1:3', 'needs quotes'],
    ['a.b where true', '1:2', 'needs quotes'],
    ['any where a = 1', '1:13', '=='],
    ["any where a == 'x'", '1:16', 'double quotes'],
    ['any where a == ?"x"', '1:16', 'double quotes'],
    ['any where a == "x', '1:16', 'not closed'],
    ['any where a == """x', '1:16', 'not closed'],
    ['any where a == "x\ny"', '1:16', 'not closed'],
    [String.raw`any where a == "\q"`, '1:17', 'escape'],
    [String.raw`any where a == "\'"`, '1:17', 'escape'],
    [String.raw`any where a == "\u{d800}"`, '1:17', 'Unicode'],
    [String.raw`any where a == "\u{1}"`, '1:17', 'escape'],
    ['any where a == `', '1:16', 'backticks'],
    ['any where a == 1 /* x', '1:18', 'comment'],
    ['any where a # 1', '1:13', '"#"'],
    ['any where a < 1 < 2', '1:13', 'chained'],
    ['any where a == "x" : "y"', '1:13', 'chained'],
    ['any where a and', '1:16', 'end of query'],
    ['any where (a == 1', '1:18', '")"'],
    ['any where a == 1)', '1:17', '")"'],
    ['any where a[0] == 1', '1:12', 'index'],
    ['any where a. == 1', '1:14', 'name after the dot'],
    ['any where a : 1', '1:15', 'string'],
    ['any where a : (b)', '1:16', 'string'],
    ['any where a like b', '1:18', 'string'],
    ['any where a in "x"', '1:16', '"("'],
    ['any where a in ()', '1:17', 'value'],
    ['any where a not "x"', '1:13', '"not"'],
    ['any where a regex "("', '1:19', 'regular expression'],
    ['any where child of [process where true]', '1:11', 'not supported'],
    ['any where 5', '1:11', 'boolean'],
    ['any where "x"', '1:11', 'boolean'],
    ['any where null', '1:11', 'boolean'],
    ['any where length(a)', '1:11', 'boolean'],
    ['any where a == 1 and 5', '1:22', 'boolean'],
    ['any where 1 == "x"', '1:13', 'cannot compare'],
    ['any where length(a) == "x"', '1:21', 'cannot compare'],
    ['any where length(5) == 1', '1:18', 'must be [string]'],
    ['any where "x" + 1 == 1', '1:11', 'must be [number]'],
    ['any where -"x" == 1', '1:12', 'must be [number]'],
    ['any where 5 : "x"', '1:11', 'must be [string]'],
    ['any where length(a) in ("x")', '1:25', 'cannot compare'],
    ['any where lenght(a) == 1', '1:11', 'did you mean [length]'],
    ['any where zzzzzzzzz(a) == 1', '1:11', 'known are add, between'],
    ['any where length~(a) == 1', '1:11', 'no case-insensitive form'],
    ['any where cidrMatch~(a, "10.0.0.0/8")', '1:11', 'no case-insensitive form'],
    ['any where length() == 1', '1:11', 'takes 1 arguments'],
    ['any where length(a, b) == 1', '1:11', 'takes 1 arguments'],
    ['any where between(a, "x") == ""', '1:11', 'takes 3 to 5'],
    ['any where between(a, "x", "y", true, b) == ""', '1:38', 'argument 5 of [between] must be true, false or null'],
    ['any where concat() == ""', '1:11', '1 or more'],
    ['any where startsWith(a)', '1:11', 'takes 2'],
    ['any where cidrMatch(a, "10.0.0.0/33")', '1:24', 'CIDR'],
    ['any where cidrMatch(a, b)', '1:24', 'string constant'],
    ['any where number(a, b) == 1', '1:21', '2 to 36'],
    ['any where number(a, 37) == 1', '1:21', '2 to 36'],
    ['any where substring(a, "x") == ""', '1:24', 'must be [number]'],
    ['any where true | head', '1:22', 'number'],
    ['any where true | head -1', '1:23', 'number'],
    ['any where true | tail 1.5', '1:23', 'number'],
    ['any where true | filter true', '1:18', 'not supported'],
    ['any where true | limit 5', '1:18', 'Unknown pipe'],
    ['any where true | unique', '1:24', 'field'],
    ['any where true | sort', '1:22', 'field'],
    ['any where true | count | sort a', '1:26', 'head and tail'],
    ['any where true |', '1:17', 'pipe'],
    ['any where true extra', '1:16', '"extra"'],
    ['sequence', '1:9', 'step'],
    ['sequence [a where true]', '1:1', 'at least 2'],
    ['sequence by k', '1:14', 'step'],
    ['sequence with maxspan=1h by k [a where true] [b where true]', '1:26', 'before with'],
    ['sequence with maxspan=10 [a where true] [b where true]', '1:23', 'time unit'],
    ['sequence with maxspan=10x [a where true] [b where true]', '1:23', 'unknown time unit'],
    ['sequence with maxspan=0s [a where true] [b where true]', '1:23', 'above 0'],
    ['sequence with maxspan [a where true] [b where true]', '1:23', '"="'],
    ['sequence with span=1h [a where true] [b where true]', '1:15', 'maxspan'],
    ['sequence [a where true] by x [b where true]', '1:30', 'join keys'],
    ['sequence [a where true] [b where true] by x', '1:25', 'join keys'],
    ['sequence by k [a where true] [b where true] until [c where true] by z', '1:51', 'join keys'],
    ['sequence [a where true] [b where true] until ![c where true]', '1:46', 'until'],
    ['sequence [a where true] with runs=0 [b where true]', '1:35', '1 to 100'],
    ['sequence [a where true] with runs=101 [b where true]', '1:35', '1 to 100'],
    ['sequence [a where true] with run=2 [b where true]', '1:30', 'runs'],
    ['sequence [a where true] ![b where true]', '1:1', 'time limit'],
    ['sequence with maxspan=1h ![a where true] ![b where true]', '1:1', 'at least one event'],
    ['sequence with maxspan=1h [a where true] ![b where true] with runs=2', '1:57', 'missing event'],
    ['sequence [a where true [b where true]', '1:24', '"["'],
    ['sequence [a where true] [b where true] | count', '1:42', 'works on events'],
    ['sequence [true] [b where true]', '1:15', '"where"'],
    ['join by k [a where true] [b where true]', '1:1', 'not supported'],
    ['sample [a where true] [b where true]', '1:1', 'join key'],
    ['sample by k [a where true]', '1:1', 'at least 2'],
    ['sample by k with maxspan=1h [a where true] [b where true]', '1:13', 'no maxspan'],
    ['sample by k [a where true] [b where true] until [c where true]', '1:43', 'no until'],
    ['sample by k [a where true] ![b where true]', '1:28', 'missing'],
    ['sample by k [a where true] with runs=2 [b where true]', '1:28', 'not allowed'],
    ['sample by k [a where true] [b where true] | head 1', '1:45', 'no pipes'],
    [`any where ${'('.repeat(300)}a`, '1:', 'nested deeper'],
    [`any where ${'not '.repeat(300)}a`, '1:', 'nested deeper'],
    [`any where ${'length('.repeat(60)}a${')'.repeat(60)} == 1`, '1:', 'nested deeper'],
    [`any where a${' + 1'.repeat(300)} == 1`, '1:', 'sum of more than'],
    [`any where a${' * 1'.repeat(300)} == 1`, '1:', 'product of more than'],
    [`any where ${'-'.repeat(300)}1 == a`, '1:', 'nested deeper'],
    [`sequence ${'[a where true]'.repeat(61)}`, '1:1', 'more than 60'],
    ['any\nwhere\n  a = 1', '3:5', '=='],
  ])('%s', (text, place, reason) => {
    let error: unknown;
    try {
      parseEql(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(WeirError);
    const { message, code, line, column } = error as WeirError;
    expect(code).toBe('bad_query');
    expect(message).toContain(`line ${place}`);
    expect(`${line}:${column}`).toContain(place);
    expect(message).toContain(reason);
  });
});
