import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { eventually, json, ndjson } from './ask.ts';

const start = Date.parse('2026-03-01T12:00:00.000Z');
/** 100 ns since 1601, as Windows counts, of a second after 1970. */
const ticks = (second: number): number => 116_444_736_000_000_000 + second * 10_000_000;

/** Event documents as they are sent to Elasticsearch, by tenant. */
const documents: Record<string, string[]> = {
  nested: [
    { '@timestamp': start, event: { category: 'process', sequence: 1 }, process: { name: 'a', pid: 1, args: ['x', 'y'] }, id: 1 },
    { '@timestamp': start + 1000, event: [{ category: 'process' }, { category: 'session' }], process: [{ name: 'b', pid: 2 }, { name: 'c', pid: 3 }], id: 2 },
    { '@timestamp': new Date(start + 2000).toISOString(), 'event.category': 'file', file: { owner: [{ name: 'ann' }, { name: null }, { name: ['bob', 'cyd'] }], path: null }, id: 3 },
    { '@timestamp': start + 3000, event: { category: ['process', 'network'] }, process: { name: 'd', parent: { pids: [7, 8], list: [{ pid: 9 }] } }, id: 4, large: 'LARGE' },
    { '@timestamp': start + 4000, event: { category: 'file' }, message: 'written', file: { path: '/x', size: 12 }, tags: [], id: 5 },
  ].map(document => JSON.stringify(document).replace('"LARGE"', '9007199254740993')),
  empty: [[], [null], [''], null, ['a', null], '', [[]], '[null] is'].map((tags, i) =>
    JSON.stringify({ '@timestamp': start + i, tags, id: i + 1 }),
  ),
  deep: [
    { '@timestamp': start, a: [{ b: [{ c: 1 }, { c: [2, 3] }] }, { b: { c: 4 } }], id: 1 },
    { '@timestamp': start + 1000, a: { b: [{ c: 5 }] }, id: 2 },
    { '@timestamp': start + 2000, a: [{ b: { c: 6, d: [{ e: [{ f: 'x' }] }, { e: { f: 'y' } }] } }], id: 3 },
    { '@timestamp': start + 3000, a: { b: { c: 7 } }, id: 4 },
    { '@timestamp': start + 4000, a: [{ b: [] }, { b: null }, 'text'], id: 5 },
  ].map(document => JSON.stringify(document)),
  // The ticks become the column, the other time stays beside it.
  both: [1, 2, 3].map(n =>
    JSON.stringify({ '@timestamp': new Date(start + n * 1000).toISOString(), timestamp: ticks(start / 1000 + n), id: n }),
  ),
  ticks: ['process', 'file', 'process', 'network', 'file'].map((type, i) =>
    JSON.stringify({ event_type: type, serial_event_id: i + 1, timestamp: ticks(i * 10), pid: i % 2, user_name: 'SYSTEM', opcode: 1 }),
  ),
}; // biome-ignore format: one event a line

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir({});
  for (const [tenant, lines] of Object.entries(documents)) {
    await weir.post('/ingest/json', lines.join('\n'), { ...ndjson, 'x-scope-orgid': tenant });
    await eventually(
      () =>
        found(tenant, { query: 'any where true', timestamp_field: tenant === 'ticks' ? 'timestamp' : '@timestamp' }),
      hits => hits.length === lines.length,
    );
  }
}, 60_000);
afterAll(() => weir?.stop());

type Event = { _id: string; _source: Record<string, unknown>; fields?: Record<string, unknown[]> };
type Answer = {
  hits: { events?: Event[]; sequences?: { join_keys: unknown[]; events: Event[] }[] };
  error?: { type: string; reason: string };
};

async function ask(tenant: string, body: Record<string, unknown>): Promise<{ status: number; text: string }> {
  const reply = await weir.post('/_eql/search', JSON.stringify({ size: 100, ...body }), {
    ...json,
    'x-scope-orgid': tenant,
  });
  return { status: reply.status, text: reply.body };
}

async function hits(tenant: string, body: Record<string, unknown>): Promise<Answer['hits']> {
  const { status, text } = await ask(tenant, body);
  if (status !== 200) throw new Error(text);
  return (JSON.parse(text) as Answer).hits;
}

const found = async (tenant: string, body: Record<string, unknown>): Promise<unknown[]> =>
  ((await hits(tenant, body)).events ?? []).map(event => event._source.id ?? event._source.serial_event_id);

describe('nested objects, arrays of objects, names with dots', () => {
  it.each<[string, number[]]>([
    ['process where true', [1, 2, 4]],
    ['session where true', [2]],
    ['file where true', [3, 5]],
    ['any where process.name == "a"', [1]],
    ['any where process.name == "c"', [2]],
    ['any where process.name : ("B", "d")', [2, 4]],
    ['any where process.pid > 2', [2]],
    ['any where process.pid == 1', [1]],
    ['any where process.args == "y"', [1]],
    ['any where file.owner.name == "ann"', [3]],
    ['any where file.owner.name == "cyd"', [3]],
    ['any where file.owner.name == "bob" and file.owner.name == "ann"', [3]],
    ['any where file.owner.name == "null"', []],
    ['any where file.owner.name == null', [1, 2, 4, 5]],
    ['any where process.parent.pids == 8', [4]],
    ['any where process.parent.list.pid == 9', [4]],
    ['any where process.name != null and not process.name == "c"', [1, 4]],
    ['any where startsWith(process.name, "b")', [2]],
    ['any where file.size == 12', [5]],
    ['any where file.path == "/x"', [5]],
    ['any where file.path == null', [1, 2, 3, 4]],
    ['any where large == 9007199254740993', [4]],
    ['any where tags == null and id > 4', [5]],
    ['any where ?tags != null', []],
  ])('%s', async (query, wanted) => {
    expect(await found('nested', { query })).toEqual(wanted);
  });

  it.each<[string, number[]]>([
    ['any where tags == null', [1, 2, 4, 7]],
    ['any where not tags != null', [1, 2, 4, 7]],
    ['any where tags != null', [3, 5, 6, 8]],
    ['any where tags == ""', [3, 6]],
    ['any where tags != "a"', [1, 2, 3, 4, 6, 7, 8]],
  ])('are missing when they are arrays without a value: %s', async (query, wanted) => {
    expect(await found('empty', { query })).toEqual(wanted);
  });

  it('come back as they were sent, to the last digit', async () => {
    const { text } = await ask('nested', { query: 'any where true' });
    const whole = (documents.nested ?? []).filter(line => !line.includes('message'));
    expect(whole.filter(line => !text.includes(`"_source":${line}`))).toEqual([]);
  });

  it('are listed by name among the fields', async () => {
    const fields = ['process.*', '@timestamp', { field: 'file.owner.name' }];
    const { events = [] } = await hits('nested', { query: 'any where id < 4', fields });
    expect(events.map(event => event.fields)).toEqual([
      { '@timestamp': ['2026-03-01T12:00:00.000Z'], 'process.name': ['a'], 'process.pid': [1], 'process.args': ['x', 'y'] },
      { '@timestamp': ['2026-03-01T12:00:01.000Z'], 'process.name': ['b', 'c'], 'process.pid': [2, 3] },
      { '@timestamp': ['2026-03-01T12:00:02.000Z'], 'file.owner.name': ['ann', 'bob', 'cyd'] },
    ]); // biome-ignore format: an event a line
  });

  it.each<[string, number[]]>([
    ['a.b.c == 1', [1]],
    ['a.b.c == 3', [1]],
    ['a.b.c == 4', [1]],
    ['a.b.c == 5', [2]],
    ['a.b.c == 6', [3]],
    ['a.b.c == 7', [4]],
    ['a.b.c > 3', [1, 2, 3, 4]],
    ['a.b.c == null', [5]],
    ['a.b.d.e.f == "x" and a.b.d.e.f == "y"', [3]],
    ['a.b.c in (2, 7)', [1, 4]],
  ])('are looked at through arrays in arrays: %s', async (condition, wanted) => {
    expect(await found('deep', { query: `any where ${condition}` })).toEqual(wanted);
  });

  it('can be asked for by _id, and by filters', async () => {
    const { events = [] } = await hits('nested', { query: 'any where id in (2, 4)' });
    const values = events.map(event => event._id);
    expect(await found('nested', { query: 'any where true', filter: { ids: { values } } })).toEqual([2, 4]);
    expect(await found('nested', { query: `any where _id == "${values[1]}"` })).toEqual([4]);
    const regexp = { constant_score: { filter: { regexp: { 'process.name': '[a-b]' } } } };
    expect(await found('nested', { query: 'any where true', filter: regexp })).toEqual([1, 2]);
    const owner = {
      bool: { must_not: { exists: { field: 'file.owner.name' } }, filter: [{ term: { 'event.category': 'file' } }] },
    };
    expect(await found('nested', { query: 'any where true', filter: owner })).toEqual([5]);
  });
});

describe('fields that the request declares', () => {
  it('are missing where no record has them, without an error', async () => {
    const runtime = { runtime_mappings: { 'no.such': { type: 'keyword' }, seen: { type: 'date' } } };
    expect(await found('nested', { query: 'any where no.such == null and id == 1', ...runtime })).toEqual([1]);
    expect(await found('nested', { query: 'any where no.such == "x" or seen > "now-1h"', ...runtime })).toEqual([]);
    const { status } = await ask('nested', { query: 'any where no.such == null' });
    expect(status).toBe(400);
  });

  it.each([
    [{ a: { type: 'long', script: 'emit(1)' } }, '[runtime_mappings] [a]: scripts are not run'],
    [{ a: { type: 'geo_point' } }, '[runtime_mappings] [a]: type "geo_point" is not supported'],
    [{ a: { type: 'long', formt: 1 } }, '[runtime_mappings] [a] has no member [formt]'],
    [[], '[runtime_mappings] must be an object'],
  ])('are refused when %j', async (runtime, reason) => {
    const { status, text } = await ask('nested', { query: 'any where true', runtime_mappings: runtime });
    expect(status).toBe(400);
    expect((JSON.parse(text) as Answer).error?.reason).toContain(reason);
  });
});

describe('two times of an event', () => {
  it('are each bounded by a range of its name', async () => {
    const at = (n: number): string => new Date(start + n * 1000).toISOString();
    const after = (range: object) =>
      found('both', { query: 'any where true', filter: { range: { '@timestamp': range } } });
    expect(await after({ gte: at(2) })).toEqual([2, 3]);
    expect(await after({ gte: at(2), lt: at(3) })).toEqual([2]);
    expect(await after({ lt: at(0) })).toEqual([]);
  });
});

describe('ticks of Windows as the time', () => {
  const names = {
    event_category_field: 'event_type',
    timestamp_field: 'timestamp',
    tiebreaker_field: 'serial_event_id',
  };
  const sequences = async (query: string): Promise<unknown[][]> =>
    ((await hits('ticks', { query, ...names })).sequences ?? []).map(({ events }) =>
      events.map(event => event._source.serial_event_id),
    );

  it('are ordered, and spans are measured in seconds', async () => {
    expect(await found('ticks', { query: 'process where user_name == "SYSTEM" and opcode == 1', ...names })).toEqual([
      1, 3,
    ]);
    const query = (maxspan: string) => `sequence with maxspan=${maxspan} [process where true] [file where true]`;
    expect(await sequences(query('10s'))).toEqual([[1, 2]]);
    expect(await sequences(query('9s'))).toEqual([]);
    expect(await sequences(query('20s'))).toEqual([
      [1, 2],
      [3, 5],
    ]);
  });

  it('come back as numbers, join keys too', async () => {
    const query = 'sequence by pid [process where true] [process where true]';
    const { sequences: [sequence] = [] } = await hits('ticks', { query, ...names });
    expect(sequence?.join_keys).toEqual([0]);
    expect(sequence?.events[1]?._source).toEqual(JSON.parse(documents.ticks?.[2] ?? ''));
  });
});
