import { afterAll, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;

type Answer = { hits: { events: { _source: { message: string } }[] } };

let server: QueryServer;
afterAll(() => server.close());

it('a record that becomes visible while its fields are not looked for yet is not there yet', async () => {
  let late: (() => Promise<void>) | undefined;
  server = await startQueryServer({
    run: async question => {
      const answer = await server.store.run(question);
      await late?.();
      late = undefined;
      return answer;
    },
  });
  const found = async (query: string): Promise<unknown[]> =>
    ((await (await server.post('/_eql/search', { query })).json()) as Answer).hits.events.map(
      event => event._source.message,
    );
  await server.store.tick([{ ts: t0, message: 'one', attributes: { event_category: 'a' } }]);
  late = () =>
    server.store.tick([{ ts: t0 + second, message: 'two', attributes: { event_category: 'a', user: 'ann' } }]);
  expect(await found('any where ?user == null')).toEqual(['one']);
  late = async () => {
    await server.store.tick([{ ts: t0 + second, message: 'three', attributes: { event_category: 'a', host: 'h' } }]);
    await server.store.seal();
  };
  expect(await found('any where ?host == null')).toEqual(['one', 'two']);
  expect(await found('any where ?host == null')).toEqual(['one', 'two']);
  expect(await found('any where host != null')).toEqual(['three']);
});
