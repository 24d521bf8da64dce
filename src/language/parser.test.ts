import { describe, expect, test } from 'vitest';
import { WeirError } from '../base/errors.ts';
import { compileMetric, rowsSql } from './compile.ts';
import { parseQuery } from './parser.ts';
import { prettyQuery, printQuery } from './print.ts';
import { isLogQuery } from './tree.ts';

function faultOf(text: string): WeirError {
  try {
    parseQuery(text);
  } catch (error) {
    if (error instanceof WeirError) return error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('faults say where, what was found and what was expected', () => {
  const cases: [string, number, number, string][] = [
    ['', 1, 1, 'unexpected end of query, expected a log selector'],
    ['{', 1, 2, 'unexpected end of query, expected a label name'],
    ['{app}', 1, 5, 'unexpected "}", expected one of = != =~ !~'],
    ['{app="a",}', 1, 10, 'unexpected "}", expected a label name'],
    ['{app="a"', 1, 9, 'unexpected end of query, expected "," or "}"'],
    ['{app=a}', 1, 6, 'unexpected "a", expected a string'],
    ['{app="a"} |', 1, 12, 'unexpected end of query, expected a stage'],
    ['{app="a"} | jsonn', 1, 13, 'did you mean json?'],
    ['{app="a"} |= foo', 1, 14, 'unexpected "foo", expected a string'],
    ['{app="a"}\n  | json\n  | status >= ', 3, 15, 'unexpected end of query, expected a number'],
    ['{app="a"} | x > "s"', 1, 17, 'unexpected string "s", expected a number'],
    ['{app="a"} | status=1mb', 1, 20, 'bad number or duration "1mb"'],
    ['{app="a"} | x=0x1A', 1, 15, 'bad number or duration "0x1A"'],
    ['{app="a"} |= "abc', 1, 14, 'literal not terminated'],
    ['{app="a"} |= "\\q"', 1, 14, 'bad escape'],
    ['{app="a"} extra', 1, 11, 'unexpected "extra", expected end of query'],
    ['rate({app="a"}[5m]', 1, 19, 'unexpected end of query, expected ")"'],
    ['rate({app="a"}[5])', 1, 16, 'unexpected "5", expected a range'],
    ['sum(rate({app="a"}[5m])) by app', 1, 29, 'unexpected "app", expected "("'],
    ['-sum(rate({app="a"}[5m]))', 1, 2, 'unexpected "sum", expected a number'],
    ['{app="a"} | label_format x', 1, 27, 'expected "="'],
    ['{app="a"} | by="x"', 1, 13, 'unexpected "by"'],
    ['sum', 1, 1, 'unexpected "sum"'],
  ];
  test.each(cases)('%s', (text, line, column, reason) => {
    const fault = faultOf(text);
    expect(fault.code).toBe('bad_query');
    expect(fault.message).toContain(`parse error at line ${line}, col ${column}: `);
    expect(fault.message).toContain(reason);
    expect([fault.line, fault.column]).toEqual([line, column]);
  });

  test('query texts are bounded', () => {
    expect(faultOf(`{app="${'x'.repeat(200_000)}"}`).message).toContain('131072');
  });

  test('nesting is bounded', () => {
    expect(faultOf(`${'('.repeat(5000)}1`).message).toContain('nested');
    expect(faultOf(`{a="b"} | ${'('.repeat(5000)}x=1`).message).toContain('nested');
    expect(faultOf(`{a=~"${'('.repeat(5000)}"}`).message).toContain('nested');
  });
});

const queries = [
  '{app="a"}',
  '{app="a", b!="c", d=~"e.*", f!~"g"} |= "x" or "y" != "z" |~ "a|b" !~ "c" |> "<_> x" !> "<_> y"',
  '{app="a"} |= ip("10.0.0.0/8") | addr!=ip("1.2.3.4-1.2.3.9")',
  '{app="a"} | json | json a="b.c[0]", d | logfmt --strict --keep-empty x, y="z" | unpack | decolorize',
  '{app="a"} | pattern "<a> <_>" | regexp "(?P<x>\\\\d+)" | line_format "{{.a}}\\n\\"q\\"" | label_format a=b, c="{{.d}}"',
  '{app="a"} | a="b" and (c>5 or d<=1h30m) and e==10KB or f!="g"',
  '{app="a"} | drop a, b="c", __error__ | keep d=~"e"',
  '{app="a"} |= "\\x00\\t\\\\ \'é"',
  'sum by (a, b) (rate({app="a"} | json [5m]))',
  'topk(3, sum without (x) (count_over_time({app="a"} |= "x" [1h30m] offset 1d)))',
  'quantile_over_time(0.99, {app="a"} | json | unwrap duration(d) | __error__="" [5m]) by (svc)',
  '(1 + 2) * 3 ^ 2 ^ 1 - (4 - 5)',
  'sum(rate({a="b"} [1m])) > bool 1 and on (x) vector(1) or ignoring (y) vector(2)',
  'sum(rate({a="b"} [1m])) / on (x) group_left (y, z) sum(rate({a="b"} [1m]))',
  'label_replace(rate({a="b"} [1m]), "x", "$1", "y", "(.*)")',
  'rate({rate="x", sum="y"} | bytes>1 [1m])',
];

test.each(queries)('prints the normal form: %s', text => {
  const tree = parseQuery(text);
  expect(printQuery(tree)).toBe(text);
  expect(parseQuery(prettyQuery(tree))).toEqual(tree);
});

test.each([
  ['{ app = "a" }|json|x=~`b`#comment', '{app="a"} | json | x=~"b"'],
  ['{app="a"} | x=1 y=2, z="3"', '{app="a"} | x==1 and y==2 and z="3"'],
  ['SUM(Rate({app="a"}[90s])) BY (x)', 'sum by (x) (rate({app="a"} [1m30s]))'],
  ['({app="a"} |= "x")', '{app="a"} |= "x"'],
  ['rate({app="a"}[5m] |= "x")', 'rate({app="a"} |= "x" [5m])'],
  ['1 + 2 * 3', '1 + 2 * 3'],
  ['{app="a"} |= "\\u00e9\\xe9"', '{app="a"} |= "\\xc3\\xa9\\xe9"'],
])('%s is %s', (text, normal) => expect(printQuery(parseQuery(text))).toBe(normal));

test('parse and compile take less than a millisecond', () => {
  const texts = queries.filter(q => !q.startsWith('(1'));
  const once = (): void => {
    for (const text of texts) {
      const tree = parseQuery(text);
      const [tenant, sources, start, end] = ['t', ['a', 'b'], 0n, 10n ** 18n] as const;
      if (isLogQuery(tree))
        rowsSql(tree, { tenant, range: { start, end } }, { direction: 'backward', limit: 100 })({ records: sources });
      else compileMetric(tree, { sources, tenants: [tenant], startNs: start, endNs: end, stepNs: 10n ** 16n });
    }
  };
  // The best of many rounds: others use the machine too.
  const rounds = Array.from({ length: 40 }, () => {
    const start = performance.now();
    once();
    return (performance.now() - start) / texts.length;
  });
  expect(Math.min(...rounds)).toBeLessThan(1);
});
