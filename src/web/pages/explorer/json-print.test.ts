import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printJson, stringValue } from './json-print.ts';

const printed = (text: string) =>
  printJson(text)
    ?.map(token => token.text)
    .join('') ?? null;

test('lays out objects and arrays', () => {
  expect(printed('{"a":[1,{"b":null}],"c":{},"d":[]}')).toBe(
    '{\n  "a": [\n    1,\n    {\n      "b": null\n    }\n  ],\n  "c": {},\n  "d": []\n}',
  );
});

test('keeps digits, escapes and duplicate keys as written', () => {
  expect(printed('{"id":9007199254740993,"x":1.10,"e":1E+400,"s":"\\u0041\\n","id":-0}')).toBe(
    '{\n  "id": 9007199254740993,\n  "x": 1.10,\n  "e": 1E+400,\n  "s": "\\u0041\\n",\n  "id": -0\n}',
  );
});

test('scalars know their label, except in arrays', () => {
  const tokens = printJson('{"user":{"id":7,"e-mail":"x"},"list":[{"a":1}],"ok":true}') ?? [];
  expect(tokens.filter(token => token.path).map(token => [token.path, token.text])).toEqual([
    ['user_id', '7'],
    ['user_e_mail', '"x"'],
    ['ok', 'true'],
  ]);
});

test.each([
  '',
  'text',
  '"a"',
  '12',
  '{',
  '{"a":}',
  '{"a":1,}',
  '[1 2]',
  '{a:1}',
  '{"a":01}',
  '{"a":1} x',
  '["\u0000"]',
  '{"a":tru}',
  '['.repeat(200) + ']'.repeat(200),
])('%j is left alone', text => {
  expect(printJson(text)).toBeNull();
});

test('accepts what JSON.stringify writes, and means the same', () => {
  fc.assert(
    fc.property(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())), value => {
      const text = printed(JSON.stringify(value));
      expect(JSON.parse(text ?? '')).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 200 },
  );
});

test('string values', () => {
  expect(stringValue('"a\\u00e9\\n"')).toBe('aé\n');
});
