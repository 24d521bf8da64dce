import { expect, it, vi } from 'vitest';
import { WeirError } from '../../base/errors.ts';
import { KeptSearches } from './kept-searches.ts';

const hour = 3_600_000;
const answerOf = (text: string) => () => Promise.resolve({ answer: text, partial: false });

it('keeps an answer for its tenant until it is deleted', async () => {
  const searches = new KeptSearches();
  const search = searches.start('t', hour, answerOf('x'));
  expect(searches.get('t', search.id).outcome).toBeUndefined();
  await search.settled;
  expect(searches.get('t', search.id).outcome).toEqual({ answer: 'x', partial: false });
  expect(() => searches.get('other', search.id)).toThrow('no such');
  searches.delete(search);
  expect(() => searches.get('t', search.id)).toThrow('no such');
});

it('ends a running search that is deleted, expired or left behind', async () => {
  const searches = new KeptSearches();
  const running = (signal: AbortSignal) =>
    new Promise<never>((_done, fail) => signal.addEventListener('abort', () => fail(signal.reason as Error)));
  const deleted = searches.start('t', hour, running);
  searches.delete(deleted);
  await deleted.settled;
  expect(deleted.outcome).toMatchObject({ error: { code: 'query_cancelled' } });
  vi.useFakeTimers();
  const expired = searches.start('t', 1000, running);
  vi.advanceTimersByTime(1001);
  expect(() => searches.get('t', expired.id)).toThrow('no such');
  vi.useRealTimers();
  await expired.settled;
  const last = searches.start('t', hour, running);
  searches.close();
  await last.settled;
  expect([expired, last].map(search => search.abort.signal.aborted)).toEqual([true, true]);
});

it('gives the error of a search that failed', async () => {
  const searches = new KeptSearches();
  const search = searches.start('t', hour, () => Promise.reject(new WeirError('query_limit', { reason: 'r' })));
  await search.settled;
  expect(searches.get('t', search.id).outcome).toMatchObject({ error: { code: 'query_limit' } });
});

it('is bounded in number, of all and of one tenant, and in bytes, and says so', async () => {
  const searches = new KeptSearches(4, 10);
  const first = searches.start('t', hour, answerOf('123456'));
  const second = searches.start('t', hour, answerOf('123456'));
  await Promise.all([first.settled, second.settled]);
  expect(first.outcome).toMatchObject({ answer: '123456' });
  expect((second.outcome as { error: WeirError }).error.message).toContain('the answer of 6 bytes is not kept');
  expect(() => searches.start('t', hour, answerOf(''))).toThrow('2 of your EQL searches are kept or running');
  const others = [searches.start('u', hour, answerOf('')), searches.start('u', hour, answerOf(''))];
  expect(() => searches.start('v', hour, answerOf(''))).toThrow('0 of your EQL searches are kept or running, 4 of all');
  for (const other of others) searches.delete(other);
  searches.delete(first);
  const third = searches.start('t', hour, answerOf('1234567890'));
  await third.settled;
  expect(third.outcome).toMatchObject({ answer: '1234567890' });
});
