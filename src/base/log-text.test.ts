import { expect, test } from 'vitest';
import { logText } from './log-text.ts';

const line = (entry: object): string =>
  `${JSON.stringify({ level: 30, time: new Date(2026, 10, 26, 7, 5, 9, 81).getTime(), pid: 7, name: 'weir', ...entry })}\n`;

test('a line for people: time, level, text, fields', () => {
  expect(
    logText(line({ epoch: 1, reason: 'it was first', url: 'http://127.0.0.1:7575', msg: 'engine is up' }), false),
  ).toBe('07:05:09.081 info  engine is up  epoch=1 reason="it was first" url=http://127.0.0.1:7575\n');
});

test('warnings and errors are coloured, stacks stand below', () => {
  const text = logText(
    line({ level: 50, err: { type: 'Error', message: 'no', stack: 'Error: no\n    at a' }, msg: 'lost' }),
    true,
  );
  expect(text).toBe('\u001b[2m07:05:09.081\u001b[0m \u001b[31merror\u001b[0m lost\n    Error: no\n        at a\n');
});

test('a list of texts stands below too', () => {
  expect(logText(line({ reasons: ['one, two', 'three'], ports: [1, 2], msg: 'budget' }), false)).toBe(
    '07:05:09.081 info  budget  ports=[1,2]\n    one, two\n    three\n',
  );
});

test('what is no JSON stays as it is', () => expect(logText('node: warning\n', true)).toBe('node: warning\n'));
