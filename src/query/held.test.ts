import { afterEach, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;
const end = String(t0 + 60n * second);
let server: QueryServer;
afterEach(() => server.close());

it('sees its own records only, whether or not the parts are known to be of one tenant', async () => {
  server = await startQueryServer();
  const seen = async (tenant: string): Promise<string[]> => {
    const answer = await server.post(
      '/api/v1/query',
      { query: '', start: String(t0), end },
      { 'x-scope-orgid': tenant },
    );
    return Array.from((await answer.text()).matchAll(/"message":"(\w+)"/g), found => found[1] ?? '').sort();
  };
  const counted = async (tenant: string): Promise<string> => {
    const query = encodeURIComponent('sum(count_over_time({service_name=~".+"}[1m]))');
    const answer = await server.get(`/loki/api/v1/query?query=${query}&time=${end}`, { 'x-scope-orgid': tenant });
    return /"value":\[[\d.]+,"(\d+)"\]/.exec(await answer.text())?.[1] ?? '0';
  };
  const compared = (): number => (server.store.asked.at(-1)?.split('tenant =').length ?? 0) - 1;
  const record = (tenant: string, message: string) => ({ tenant, ts: t0 + second, message, service: 's' });
  await server.store.tick([record('anna', 'a1')]);
  await server.store.seal();
  expect(await seen('anna')).toEqual(['a1']);
  // The tail is compared, the parts need not be.
  expect(compared()).toBe(1);
  expect(await seen('bert')).toEqual([]);
  expect(compared()).toBe(2);
  expect([await counted('anna'), await counted('bert'), await counted('anna|bert')]).toEqual(['1', '0', '1']);
  expect([await seen('bert'), await seen('anna|bert')]).toEqual([[], ['a1']]);
  await server.store.tick([record('bert', 'b1'), record('anna', 'a2')]);
  expect([await seen('anna'), await seen('bert')]).toEqual([['a1', 'a2'], ['b1']]);
  expect([await counted('anna'), await counted('bert')]).toEqual(['2', '1']);
  await server.store.seal();
  expect([await seen('anna'), await seen('bert'), await seen('anna|bert')]).toEqual([
    ['a1', 'a2'],
    ['b1'],
    ['a1', 'a2', 'b1'],
  ]);
  expect([await counted('anna'), await counted('bert')]).toEqual(['2', '1']);
});
