import { describe, expect, test } from 'vitest';
import type { Field, Operator } from './query-edit.ts';
import {
  addFilter,
  addLineFilter,
  addPattern,
  filterName,
  isolatedLevel,
  isolateLevel,
  isSearch,
  looksMetric,
  searchWords,
  hasPages,
} from './query-edit.ts';

const label = (name: string): Field => ({ name, kind: 'label' });
const attribute = (name: string): Field => ({ name, kind: 'attribute' });

describe('a clicked value becomes a condition', () => {
  test.each<[string, Field, string, Operator, string]>([
    ['', label('app'), 'web', '=', 'app:web'],
    ['', attribute('status'), '500', '!=', '-status:500'],
    ['error', { name: 'service', kind: 'column' }, 'web shop', '=', 'error service:"web shop"'],
    ['error level:warn x', { name: 'level', kind: 'column' }, 'error', '=', 'error x level:error'],
    ['status:500 x', attribute('status'), '500', '=', 'status:500 x'],
    ['-status:500 x', attribute('status'), '500', '=', 'x status:500'],
    ['a OR b', attribute('status'), '500', '=', '(a OR b) status:500'],
    ['(a OR b) c', attribute('status'), '500', '=', '(a OR b) c status:500'],
    ['"a OR b"', attribute('status'), '500', '=', '"a OR b" status:500'],
    ['error | json', attribute('status'), '500', '=', 'error status:500 | json'],
    ['error | json', { name: 'took', kind: 'parsed' }, '5', '=', 'error | json | took="5"'],
    ['error', { name: 'user.id', kind: 'json' }, 'a "b"', '=', 'error user_id:"a \\"b\\""'],
    ['{app="web"}', label('env'), 'prod', '=', '{app="web", env="prod"}'],
    ['{app="web"} |= "x"', label('env'), 'prod', '=', '{app="web", env="prod"} |= "x"'],
    ['{app="web"} |= "x"', attribute('status'), '500', '!=', '{app="web"} |= "x" | status!="500"'],
    ['| status="500"', label('app'), 'web', '=', '{app="web"} | status="500"'],
    ['{}', { name: 'service', kind: 'column' }, 'api', '=', '{service_name="api"}'],
    ['{}', { name: 'level', kind: 'column' }, 'error', '=', '{} | detected_level="error"'],
    ['{a="}"} |= "{"', label('b'), 'say "hi"\n', '=', '{a="}", b="say \\"hi\\"\\n"} |= "{"'],
    ['{a="b"} # note', attribute('s'), '1', '=', '{a="b"} # note\n| s="1"'],
    [
      'sum(count_over_time({a="b"} |= "x[" [5m]))',
      attribute('s'),
      '1',
      '=',
      'sum(count_over_time({a="b"} |= "x[" | s="1" [5m]))',
    ],
    ['{a="b"}', { name: 'user.id', kind: 'json' }, '7', '=', '{a="b"} | json | user_id="7"'],
    ['{a="b"} | json', { name: 'user.id', kind: 'json' }, '7', '!=', '{a="b"} | json | user_id!="7"'],
  ])('%s + %o %s', (query, field, value, operator, expected) => {
    expect(addFilter(query, field, value, operator)).toBe(expected);
  });

  test.each<[string, Field, string, Operator, string]>([
    ['{app="web"}', label('app'), 'web', '=', '{app="web"}'],
    ['{app="web", env="x"}', label('app'), 'api', '=', '{env="x", app="api"}'],
    ['{app="web"}', label('app'), 'web', '!=', '| app!="web"'],
    ['| app!="web"', label('app'), 'web', '=', '{app="web"}'],
    ['{a="b"} | status="500"', attribute('status'), '404', '=', '{a="b"} | status="404"'],
    ['{a="b"} | status!="500"', attribute('status'), '404', '!=', '{a="b"} | status!="500" | status!="404"'],
    ['{a="b"} | status!="500"', attribute('status'), '500', '=', '{a="b"} | status="500"'],
    [
      '{a="b"} |= "| status=\\"500\\""',
      attribute('status'),
      '404',
      '=',
      '{a="b"} |= "| status=\\"500\\"" | status="404"',
    ],
  ])('no contradictions: %s + %o %s', (query, field, value, operator, expected) => {
    expect(addFilter(query, field, value, operator)).toBe(expected);
  });

  test('a record address has no filter', () => {
    expect(filterName({ name: 'seq', kind: 'column' })).toBeNull();
    expect(filterName(attribute('http.status-code'))).toBe('http_status_code');
    expect(filterName(attribute('2xx'))).toBe('_2xx');
    expect(addFilter('x', { name: 'seq', kind: 'column' }, '1', '=')).toBe('x');
  });
});

test('line filters', () => {
  expect(addLineFilter('', 'x', '|=')).toBe('"x"');
  expect(addLineFilter('a', 'x "y"', '!=')).toBe('a -"x \\"y\\""');
  expect(addLineFilter('{a="b"}', 'x "y"', '!=')).toBe('{a="b"} != "x \\"y\\""');
});

test('patterns', () => {
  expect(addPattern('', 'took <_> ms', '|>')).toBe('|> "took <_> ms"');
  expect(addPattern('', 'took <_> ms', '!>')).toBe('!> "took <_> ms"');
  expect(isSearch('!> "took <_> ms"')).toBe(false);
  expect(addPattern('error', 'say "<_>"', '|>')).toBe('error |> "say \\"<_>\\""');
  expect(addPattern('error', 'a <_>', '!>')).toBe('error |= "" !> "a <_>"');
  expect(addPattern('error | json', 'a <_>', '!>')).toBe('error | json !> "a <_>"');
  expect(addPattern('{a="b"}', 'x <b>bold</b> <_><id>', '!>')).toBe('{a="b"} !> "x <_>bold</b> <_>"');
  expect(addPattern('{a="b"} !> "a <_>"', 'a <_>', '|>')).toBe('{a="b"} |> "a <_>"');
  expect(addPattern('{a="b"} |> "a <_>"', 'a <_>', '|>')).toBe('{a="b"} |> "a <_>"');
  expect(addPattern('process where true', 'a <_>', '|>')).toBe('|> "a <_>"');
});

test('level isolation is one stage that is replaced and removed', () => {
  const narrowed = isolateLevel('{a="b"} |= "x"', 'error');
  expect(narrowed).toBe('{a="b"} |= "x" | detected_level="error"');
  expect(isolatedLevel(narrowed)).toBe('error');
  expect(isolateLevel(narrowed, 'warn')).toBe('{a="b"} |= "x" | detected_level="warn"');
  expect(isolateLevel(narrowed, null)).toBe('{a="b"} |= "x"');
  expect(isolateLevel('timeout level:warn', 'error')).toBe('timeout level:error');
  expect(isolateLevel('timeout level:error', null)).toBe('timeout');
  expect(isolatedLevel('timeout level:error | json')).toBe('error');
  expect(isolatedLevel('|= "| detected_level=\\"x\\""')).toBeNull();
});

test('kinds of text', () => {
  expect(
    [
      '',
      '{a="b"}',
      '| json',
      '!= "x"',
      'timeout',
      'sum(rate({}[1m]))',
      'sum by (level) (x)',
      'rate limited',
      '(a OR b)',
    ].map(isSearch),
  ).toEqual([true, false, false, false, true, false, false, true, true]);
  expect(looksMetric('count_over_time({a="b"}[5m])')).toBe(true);
  expect(looksMetric('summary (of work)')).toBe(false);
});

test('words to highlight', () => {
  expect(searchWords('Timeout "connection reset"')).toEqual(['timeout', 'connection reset']);
  expect(searchWords('(Foo OR ba*) -no NOT never status:500 x=1 message:said /re/ http://a | json')).toEqual([
    'foo',
    'ba',
    'said',
    'http://a',
  ]);
  expect(searchWords('{} |~ "(?i)Took 5\\\\.2" |~ "a|b"')).toEqual(['took 5.2']);
  expect(searchWords('{a="b"} |= "Foo" |= `bar\\d` != "baz" |~ "q.*"')).toEqual(['foo', 'bar\\d']);
});

test('clicks in an answer to EQL begin a search', () => {
  const eql = 'sequence by a [x where b == "c"] [y where true]';
  expect(isSearch(eql)).toBe(false);
  expect(searchWords(eql)).toEqual([]);
  expect(addFilter(eql, { name: 'user', kind: 'attribute' }, 'ann', '=')).toBe('user:ann');
  expect(addFilter('any where x == 1', { name: 'level', kind: 'column' }, 'error', '!=')).toBe('-level:error');
  expect(addLineFilter(eql, 'two words', '|=')).toBe('"two words"');
});

test('which answers have pages', () => {
  expect(['', 'timeout', '{a="b"} | json', '{a="b"} |= "| stats"', 'sort limit', 'a || sort'].map(hasPages)).toEqual([
    true,
    true,
    true,
    true,
    true,
    true,
  ]);
  expect(['any where x == 1', 'timeout | context 2', '| stats count()', '{a="b"} |sort x'].map(hasPages)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
