import { expect, test } from 'vitest';
import { faultSpan, faultText, offsetAt, queryTokens } from './query-tokens.ts';

const kinds = (query: string) =>
  queryTokens(query)
    .filter(token => token.text.trim())
    .map(token => `${token.kind}:${token.text}`);

test('tokens tell names, stages, strings and functions apart', () => {
  expect(kinds('{app="web"} |= "x" | json | took > 5ms # slow')).toEqual([
    'operator:{',
    'name:app',
    'operator:=',
    'string:"web"',
    'operator:}',
    'operator:|=',
    'string:"x"',
    'operator:|',
    'stage:json',
    'operator:|',
    'name:took',
    'operator:>',
    'number:5ms',
    'comment:# slow',
  ]);
  expect(kinds('sum by (a) (rate({}[5m]))').slice(0, 2)).toEqual(['plain:sum ', 'stage:by']);
});

test('shapes are stages behind a pipe only', () => {
  expect(kinds('sort | stats count() by app')).toEqual([
    'plain:sort ',
    'operator:|',
    'stage:stats',
    'function:count',
    'operator:(',
    'operator:)',
    'stage:by',
    'plain: app',
  ]);
});

test('a word with hyphens holds no operators', () => {
  expect(kinds('service:on-call-and-on OR x')).toEqual([
    'name:service',
    'operator::',
    'plain:on',
    'operator:-',
    'plain:call',
    'operator:-',
    'plain:and',
    'operator:-',
    'plain:on ',
    'stage:OR',
    'plain: x',
  ]);
});

test('an id is no number', () => {
  expect(kinds('2ffd69bf26362d17')).toEqual(['plain:2ffd69bf26362d17']);
  expect(kinds('1.5 200 5m30s 2KiB')).toEqual(['number:1.5', 'number:200', 'number:5m30s', 'number:2KiB']);
});

test('joined tokens are the text', () => {
  for (const text of ['', 'free "text', '{a=`x`} \n| line_format "{{.a}}"', 'é漢👩 \\ ~ ?']) {
    expect(
      queryTokens(text)
        .map(token => token.text)
        .join(''),
    ).toBe(text);
  }
});

test('line and column become an offset', () => {
  const text = '{a="b"}\n| jsn\n| x';
  expect(text.slice(offsetAt(text, 2, 3))).toMatch(/^jsn/);
  expect(offsetAt(text, 9, 1)).toBe(text.length);
  expect(offsetAt(text, 1, 99)).toBe(7);
});

test('underlines the word at fault, or the last sign', () => {
  expect(faultSpan('| jsn foo', 2)).toEqual({ from: 2, to: 5 });
  expect(faultSpan('{a=}', 3)).toEqual({ from: 3, to: 4 });
  expect(faultSpan('{a="b"  ', 8)).toEqual({ from: 5, to: 6 });
  expect(faultSpan('', 0)).toEqual({ from: 0, to: 1 });
});

test('EQL has words and comments of its own', () => {
  expect(kinds('process where name == "cmd" and not true // no')).toEqual([
    'plain:process ',
    'stage:where',
    'name:name',
    'operator:==',
    'string:"cmd"',
    'stage:and',
    'stage:not',
    'stage:true',
    'comment:// no',
  ]);
  expect(kinds('words where they are')).toEqual(['plain:words where they are']);
});

test('the place that a fault begins with is shown beside it only', () => {
  expect(faultText('Found 1 problem\nline 2:3: Unknown column [x]')).toBe('Unknown column [x]');
  expect(faultText('line 1:33: "=" is not an operator')).toBe('"=" is not an operator');
  expect(faultText('parse error at line 1, col 4: odd')).toBe('odd');
  expect(faultText('the engine is away')).toBe('the engine is away');
});
