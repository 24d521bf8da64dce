import { expect, test } from 'vitest';
import { wordRegex } from './message-search.ts';
import { parseQuery } from './parser.ts';
import { asksForId } from './rarity.ts';
import { isLogQuery } from './tree.ts';

const asks = (stages: string): boolean => {
  const query = parseQuery(`{app="a"} ${stages}`);
  return isLogQuery(query) && asksForId(query);
};

test.each([
  '| trace_id="0af7651916cd43dd"',
  '| trace_id="0af7651916cd43dd" and level="error"',
  '|= "order 7f3a9c01 failed"',
  `|~ ${JSON.stringify(wordRegex('7f3a9c01'))}`,
  '|~ "(?i)order 7f3a9c01"',
  '|= "timeout" |= "7f3a9c01"',
  '| search "7f3a9c01"',
  '| search "error 7f3a9c01"',
])('an index is asked first for %s', stages => {
  expect(asks(stages)).toBe(true);
});

test.each([
  '',
  '|= "timeout"',
  '|= "7f3a9c01" or "timeout"',
  '!= "7f3a9c01"',
  '|~ "7f3a9c01|timeout"',
  '| trace_id="0af7651916cd43dd" or level="error"',
  '| trace_id!="0af7651916cd43dd"',
  '| search "error OR 7f3a9c01"',
  '| search "-7f3a9c01"',
])('not for %s', stages => {
  expect(asks(stages)).toBe(false);
});
