import { expect, it } from 'vitest';
import { leastCount, wildcardTest, wordsOf } from './filter-words.ts';

it.each<[unknown, number, number | undefined]>([
  [3, 5, 3],
  ['3', 5, 3],
  [-2, 5, 3],
  ['75%', 5, 3],
  ['75%', 4, 3],
  ['-25%', 5, 4],
  ['-25%', 4, 3],
  ['3<90%', 3, 3],
  ['3<90%', 10, 9],
  ['2<-25% 9<-3', 2, 2],
  ['2<-25% 9<-3', 8, 6],
  ['2<-25% 9<-3', 10, 7],
  [-9, 5, 0],
  ['most', 5, undefined],
  ['3<', 5, undefined],
  [1.5, 5, undefined],
])('minimum_should_match %j of %i is %j', (text, total, wanted) => {
  expect(leastCount(text, total)).toBe(wanted);
});

it.each([
  ['cmd /c "whoami"', ['cmd', 'c', 'whoami']],
  ['powershell.exe -enc AAA=', ['powershell.exe', 'enc', 'AAA']],
  ["it's größe_2, 10.0.0.1", ["it's", 'größe_2', '10.0.0.1']],
  ['--- !', []],
])('the words of %s', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

it('takes stars behind a star for one, which the engine would each try at every place', () => {
  expect(wildcardTest('a', `x${'*'.repeat(3000)}?y**`)).toEqual(wildcardTest('a', 'x*?y*'));
});
