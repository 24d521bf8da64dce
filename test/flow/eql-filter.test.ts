import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { eventually, json, ndjson } from './ask.ts';

const at = (n: number): string => new Date(Date.parse('2026-03-01T12:00:00.000Z') + n * 1000).toISOString();

const events = [
  { event: { category: 'process' }, process: { name: 'cmd.exe', args: 'cmd /c whoami --all' }, user: 'ann', status: 200 },
  { event: { category: 'process' }, process: { name: 'Power-Shell', args: 'who am i' }, user: 'bob', status: 404 },
  { event: { category: 'file' }, path: 'C:\\Users\\ann\\error.log', user: 'ann', status: 500 },
  { event: { category: 'file' }, path: '/var/log/errors.log', note: 'disk failure, retry failed', status: 503 },
  { event: { category: 'alert' }, note: 'retry the disk', tags: ['red', 'blue'], user: 'Cyd' },
]; // biome-ignore format: one event, one line

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir({});
  const lines = events.map((event, i) => JSON.stringify({ '@timestamp': at(i + 1), id: i + 1, ...event }));
  await weir.post('/ingest/json', lines.join('\n'), ndjson);
  await eventually(
    () => found({ match_all: {} }),
    ids => ids.length === events.length,
  );
}, 60_000);
afterAll(() => weir?.stop());

async function ask(
  filter: object,
  query = 'any where true',
  parameters = '',
): Promise<{ hits?: unknown; error?: object }> {
  const reply = await weir.post(`/logs/_eql/search${parameters}`, JSON.stringify({ query, filter, size: 100 }), json);
  return JSON.parse(reply.body) as { hits?: unknown; error?: object };
}

async function found(filter: object, query?: string): Promise<number[]> {
  const { hits, error } = await ask(filter, query);
  if (error) throw new Error(JSON.stringify(error));
  return (hits as { events: { _source: { id: number } }[] }).events.map(({ _source }) => _source.id);
}

const red = { term: { user: 'ann' } };
const ok = { range: { status: { lt: 500 } } };
const process = { term: { 'event.category': 'process' } };

describe('Query DSL', () => {
  it.each<[object, number[]]>([
    // bool
    [{ bool: { should: [red, ok, process], minimum_should_match: 2 } }, [1, 2]],
    [{ bool: { should: [red, ok, process], minimum_should_match: '100%' } }, [1]],
    [{ bool: { should: [red, ok, process], minimum_should_match: -2 } }, [1, 2, 3]],
    [{ bool: { must: [red], should: [process] } }, [1, 3]],
    [{ bool: { must: [red], should: [process], minimum_should_match: 1 } }, [1]],
    [{ bool: { must_not: { bool: { should: [red, process], minimum_should_match: 2 } } } }, [2, 3, 4, 5]],
    [{ bool: { must: [], filter: [{ match_phrase: { user: 'ann' } }], should: [], must_not: [], minimum_should_match: 1 } }, [1, 3]],
    [{ constant_score: { filter: red, boost: 2 } }, [1, 3]],
    [{ dis_max: { queries: [red, { term: { status: 503 } }] } }, [1, 3, 4]],
    [{ boosting: { positive: red, negative: process, negative_boost: 0.5 } }, [1, 3]],
    [{ nested: { path: 'process', query: { term: { 'process.name': 'cmd.exe' } } } }, [1]],
    // terms
    [{ term: { 'user.keyword': 'ann' } }, [1, 3]],
    [{ term: { user: { value: 'ANN', case_insensitive: true } } }, [1, 3]],
    [{ terms_set: { tags: { terms: ['red', 'blue', 'green'], minimum_should_match: 2 } } }, [5]],
    [{ terms: { status: [200, 503] } }, [1, 4]],
    [{ ids: { values: [] } }, []],
    // words
    [{ match: { note: 'FAILURE retry' } }, [4, 5]],
    [{ match: { note: { query: 'failure retry', operator: 'and' } } }, [4]],
    [{ match: { note: { query: 'failure retry disk', minimum_should_match: '70%' } } }, [4, 5]],
    [{ match: { note: 'fail' } }, []],
    [{ match: { 'process.args': 'whoami' } }, [1]],
    [{ match: { status: 404 } }, [2]],
    [{ match_phrase: { note: 'retry failed' } }, [4]],
    [{ match_phrase: { note: 'disk, failure' } }, [4]],
    [{ match_phrase: { note: 'failure disk' } }, []],
    [{ match_phrase_prefix: { note: 'disk fail' } }, [4]],
    [{ match_bool_prefix: { note: 'nothing fail' } }, [4]],
    [{ multi_match: { query: 'ann', fields: ['user^2', 'note'] } }, [1, 3]],
    [{ multi_match: { query: 'failure bob', fields: ['user', 'note'], type: 'cross_fields' } }, [2, 4]],
    [{ multi_match: { query: 'retry the', fields: ['note'], type: 'phrase' } }, [5]],
    [{ multi_match: { query: 'whoami' } }, [1]],
    // query_string
    [{ query_string: { query: 'ann' } }, [1, 3]],
    [{ query_string: { query: 'ann bob' } }, [1, 2, 3]],
    [{ query_string: { query: 'user:(ann OR bob) AND status:[200 TO 499]' } }, [1, 2]],
    [{ query_string: { query: 'user:ann -status:500' } }, [1]],
    [{ query_string: { query: 'user:ann NOT status:500' } }, [1]],
    [{ query_string: { query: '+user:ann status:404' } }, [1, 3]],
    [{ query_string: { query: 'user:ann status:404', default_operator: 'AND' } }, []],
    [{ query_string: { query: 'user:ann OR status:404', default_operator: 'and' } }, [1, 2, 3]],
    // AND binds what stands beside it; the rest is optional then.
    [{ query_string: { query: 'user:bob OR user:ann AND status:500' } }, [3]],
    [{ query_string: { query: '-user:ann' } }, [2, 4, 5]],
    [{ query_string: { query: 'status:>=500' } }, [3, 4]],
    [{ query_string: { query: 'status:{200 TO 503}' } }, [2, 3]],
    [{ query_string: { query: '_exists_:tags' } }, [5]],
    [{ query_string: { query: 'tags:*' } }, [5]],
    [{ query_string: { query: '*' } }, [1, 2, 3, 4, 5]],
    [{ query_string: { query: 'err*', default_field: 'path' } }, [3, 4]],
    [{ query_string: { query: 'path:error?.log' } }, [4]],
    [{ query_string: { query: 'note:"retry failed"^2' } }, [4]],
    [{ query_string: { query: 'process.name:/[a-z]+\\.exe/' } }, [1]],
    [{ query_string: { query: String.raw`path:C\:\\Users\\ann\\error.log` } }, [3]],
    [{ query_string: { query: 'failure red', fields: ['note', 'tags'] } }, [4, 5]],
    [{ query_string: { query: 'failure retry disk', fields: ['note'], minimum_should_match: 3 } }, [4]],
    [{ query_string: { query: '@timestamp:["2026-03-01T12:00:04Z" TO *]' } }, [4, 5]],
    // simple_query_string
    [{ simple_query_string: { query: 'ann + error | bob', fields: ['user', 'path'] } }, [2, 3]],
    [{ simple_query_string: { query: '"retry failed" | who*', fields: ['note', 'process.args'] } }, [1, 2, 4]],
    [{ simple_query_string: { query: 'retry -disk', fields: ['note'], default_operator: 'and' } }, []],
    [{ simple_query_string: { query: 'retry + -failure', fields: ['note'] } }, [5]],
    [{ simple_query_string: { query: '(ann | bob) +status', fields: ['user'] } }, []],
    [{ simple_query_string: { query: ')) retry ((', fields: ['note'] } }, [4, 5]],
    [{ simple_query_string: { query: '!!!', fields: ['note'] } }, []],
    [{ simple_query_string: { query: ' * ', fields: ['note'] } }, [1, 2, 3, 4, 5]],
    // range
    [{ range: { '@timestamp': { gte: '2026-03-01T14:00:04', lte: '2026-03-01T14:00:04', time_zone: '+02:00' } } }, [4]],
    [{ range: { status: { gt: 200, lte: '500' } } }, [2, 3]],
  ])('%j finds %j', async (filter, ids) => {
    expect(await found(filter)).toEqual(ids);
  }); // biome-ignore format: one filter, one line

  it('narrows sequences too', async () => {
    const query = 'sequence [process where true] [process where true]';
    const { hits } = await ask({ query_string: { query: 'status:[200 TO 404]' } }, query);
    expect(hits).toMatchObject({ total: { value: 1 }, sequences: [{ events: [{}, {}] }] });
    expect((await ask({ query_string: { query: 'user:ann' } }, query)).hits).toMatchObject({ total: { value: 0 } });
  });
});

describe('filter_path', () => {
  it('leaves of the answer what is asked for', async () => {
    const one = { term: { id: 1 } };
    expect(await ask(one, undefined, '?filter_path=hits.events._source.process.name,hits.total')).toEqual({
      hits: { total: { value: 1, relation: 'eq' }, events: [{ _source: { process: { name: 'cmd.exe' } } }] },
    });
    const { hits } = await ask(one, undefined, '?filter_path=-hits.events._source');
    expect(hits).toEqual({
      total: { value: 1, relation: 'eq' },
      events: [{ _index: 'logs', _id: expect.any(String) }],
    });
  });

  it('leaves errors whole', async () => {
    expect(await ask({ nope: {} }, undefined, '?filter_path=took')).toMatchObject({ status: 400 });
    const many = Array.from({ length: 101 }, (_, i) => `a${i}`).join(',');
    expect(await ask({ match_all: {} }, undefined, `?filter_path=${many}`)).toMatchObject({
      error: { type: 'illegal_argument_exception', reason: expect.stringContaining('101 paths') },
    });
  });
});
