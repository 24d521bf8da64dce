import { describe, expect, it } from 'vitest';
import { logqlOf } from './typed-text.ts';

describe('what people type', () => {
  it.each([
    ['', '{}'],
    ['  ', '{}'],
    ['{app="x"} |= "y"', '{app="x"} |= "y"'],
    ['rate({app="x"}[5m])', 'rate({app="x"}[5m])'],
    ['sum by (level) (rate({app="x"}[5m]))', 'sum by (level) (rate({app="x"}[5m]))'],
    ['|= "x" | json', '{} |= "x" | json'],
    ['!= "x"', '{} != "x"'],
    ['timeout', '{} |~ "(?i)timeout"'],
    ['quick fox', '{} |~ "(?i)quick" |~ "(?i)fox"'],
    ['"quick fox" 404', '{} |~ "(?i)quick fox" |~ "(?i)404"'],
    ['connect(2) failed', '{} |~ "(?i)connect\\\\(2\\\\)" |~ "(?i)failed"'],
    ['say \\"hi', '{} |~ "(?i)say" |~ "(?i)\\\\\\\\\\"hi"'],
    ['"un-closed', '{} |~ "(?i)\\"un-closed"'],
  ])('%j is %s', (typed, logql) => expect(logqlOf(typed)).toBe(logql));
});
