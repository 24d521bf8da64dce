import { expect, test } from 'vitest';
import { jsonField, readJsonLine } from './json-line.ts';

test('what a line says comes first, then what differs, then what is always the same', () => {
  expect(
    readJsonLine(
      '{"level":50,"time":1795677508501,"pid":1,"hostname":"checkout","version":"v1.8.3","err":{"type":"UpstreamError", "code":[1,"}"]},"note":"two words","responseTime":3020,"msg":"payment failed"}',
    ),
  ).toEqual({
    text: 'payment failed',
    fields:
      'version=v1.8.3 err={"type":"UpstreamError", "code":[1,"}"]} note="two words" responseTime=3020 pid=1 hostname=checkout',
  });
});

test('digits and escapes stay as they are written', () => {
  expect(
    readJsonLine('{ "message" : "a \\"b\\"\\n\\u00e9" , "id" : 9007199254740993, "rate": 1.50, "at": null }\n'),
  ).toEqual({
    text: 'a "b"\né',
    fields: 'id=9007199254740993 rate=1.50 at=null',
  });
  expect(readJsonLine('{"msg":"x","path":"C:\\\\temp"}')?.fields).toBe('path="C:\\\\temp"');
  expect(readJsonLine('{"msg":"first","msg":"last"}')).toEqual({ text: 'last', fields: '' });
});

test('a field of the first level', () => {
  const line = '{"a":"x \\"y\\"","b":{"a":1},"id":9007199254740993}';
  expect(['a', 'b', 'id', 'none'].map(name => jsonField(line, name))).toEqual([
    'x "y"',
    '{"a":1}',
    '9007199254740993',
    '',
  ]);
  expect(jsonField('a=1', 'a')).toBe('');
});

test('patterns of such lines are read too', () => {
  expect(readJsonLine('{"level":<_>,"time":<_>,"userId":"u_<_>","items":<_>,"msg":"cart updated"}')).toEqual({
    text: 'cart updated',
    fields: 'userId=u_<_> items=<_>',
  });
});

test.each([
  ['no object', '[{"msg":"x"}]'],
  ['no JSON', '{service_name="web"} |= "x"'],
  ['cut off', '{"msg":"x","more":{"a":1'],
  ['more behind it', '{"msg":"x"} trailing'],
  ['nothing said', '{"a":1,"msg":{"text":"nested"}}'],
  ['an empty text', '{"a":1,"msg":""}'],
  ['empty', '{}'],
  ['a wrong escape', '{"msg":"\\q"}'],
  ['too long', `{"msg":"x","more":"${'y'.repeat(20_000)}"}`],
])('a line that is better shown as it came: %s', (_, line) => {
  expect(readJsonLine(line)).toBeNull();
});

test('deep and unclosed lines end', () => {
  const quotes = `{"msg":"x","a":${'['.repeat(8_000)}`;
  expect(readJsonLine(quotes)).toBeNull();
  expect(readJsonLine(`{"msg${'\\"'.repeat(4_000)}`)).toBeNull();
});
