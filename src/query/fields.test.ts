import { afterAll, beforeAll, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { FieldsAnswer } from './contract.ts';

const second = 1_000_000_000n;
const later = 1_700_000_000n * second;
let server: QueryServer;
beforeAll(async () => {
  server = await startQueryServer();
});
afterAll(() => server.close());

it('looks into messages that are JSON objects', async () => {
  const json = (message: string, attributes = {}) => ({ ts: later, message, service: 'web', attributes });
  await server.store.tick([
    json(
      '{"level":50,"time":1,"msg":"payment \\"failed\\"","id":9007199254740993,"ok":false,"err":{"code":1},"user":"ann"}',
      {
        user: 'ann',
      },
    ),
    json('{"msg":"no end'),
    json(`{"msg":"${'long '.repeat(5_000)}"}`),
  ]);
  const during = { start: String(later), end: String(later + second) };
  const answer = (await (await server.post('/api/v1/fields', during)).json()) as FieldsAnswer;
  const value = (text: string) => ({ distinct: 1, values: [{ value: text, count: 1 }] });
  expect(answer.fields.filter(f => f.kind === 'json').toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { name: 'id', kind: 'json', ...value('9007199254740993') },
    { name: 'msg', kind: 'json', ...value('payment "failed"') },
    { name: 'ok', kind: 'json', ...value('false') },
  ]);
  expect(answer.fields.find(f => f.name === 'user')).toMatchObject({ kind: 'attribute' });
});
