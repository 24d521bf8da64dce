import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { eventually, json, ndjson } from './ask.ts';

const start = Date.parse('2026-03-01T12:00:00.000Z');

/** `seconds category key detail`: one event a line. Its id is its number, from 1. */
const stories: Record<string, string> = {
  // Elastic's own example of the state machine: docs, "How sequence queries handle matches".
  machine: `1 process root attrib
    2 process root attrib
    3 process elkbee bash
    4 process root bash
    5 process root bash
    6 process elkbee attrib
    7 process root attrib
    8 process elkbee bash
    9 process root cat
    10 process elkbee cat
    11 process root cat`,
  // Three users log in, fail, and read; their events are interleaved.
  login: `0 login ann fail
    10 login bob fail
    20 login ann fail
    30 login ann ok
    40 file bob read
    50 login bob ok
    60 file ann read
    90 file bob read
    100 logout ann bye
    110 login cyd ok
    120 logout cyd bye
    130 file cyd read
    140 login - ok
    150 file - read`,
  // Equal times: in order of the tiebreaker, then of arrival.
  ties: `5 b k two
    5 a k one
    7 a k three
    7 b k four`,
}; // biome-ignore format: one event a line

const tie: Record<string, number> = { two: 2, one: 1, three: 1, four: 2 };

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir({});
  for (const [tenant, story] of Object.entries(stories)) {
    const lines = story.split('\n').map((line, i) => {
      const [seconds = '', category, key, detail = ''] = line.trim().split(' ');
      return JSON.stringify({
        '@timestamp': new Date(start + Number(seconds) * 1000).toISOString(),
        id: i + 1,
        'event.category': category,
        user: key === '-' ? {} : { name: key },
        ...(key !== '-' && { 'source.user': key }),
        'process.name': detail,
        ...(tenant === 'ties' && { order: tie[detail] }),
      });
    });
    await weir.post('/ingest/json', lines.join('\n'), { ...ndjson, 'x-scope-orgid': tenant });
    await eventually(
      async () => (await ask(tenant, 'any where true')).hits.events?.length,
      n => n === lines.length,
    );
  }
}, 60_000);
afterAll(() => weir?.stop());

type Event = { _source: { id?: number }; missing?: boolean };
type Answer = {
  hits: {
    total: { value: number; relation: string };
    events?: Event[];
    sequences?: { join_keys: unknown[]; events: Event[] }[];
  };
};

async function ask(tenant: string, query: string, more: Record<string, unknown> = {}): Promise<Answer> {
  const reply = await weir.post('/_eql/search', JSON.stringify({ query, size: 100, ...more }), {
    ...json,
    'x-scope-orgid': tenant,
  });
  if (reply.status !== 200) throw new Error(reply.body);
  return JSON.parse(reply.body) as Answer;
}

/** Each sequence as `keys:ids`, `-` for a missing event. */
async function found(tenant: string, query: string, more: Record<string, unknown> = {}): Promise<string[]> {
  const { hits } = await ask(tenant, query, more);
  return (hits.sequences ?? []).map(
    ({ join_keys: keys, events }) =>
      `${keys.map(key => (typeof key === 'string' ? key : 'null')).join('/')}:${events.map(e => (e.missing ? '-' : e._source.id)).join(',')}`,
  );
}

describe('the state machine of the documentation', () => {
  const steps =
    '[process where process.name == "attrib"] [process where process.name == "bash"] [process where process.name == "cat"]';
  it.each<[string, string[]]>([
    [`sequence by user.name ${steps}`, ['root:2,4,9', 'elkbee:6,8,10']],
    [`sequence by user.name ${steps} | head 1`, ['root:2,4,9']],
    [`sequence by user.name ${steps} | tail 1`, ['elkbee:6,8,10']],
    [`sequence ${steps}`, [':7,8,9']],
    ['sequence by user.name [process where process.name == "attrib"] with runs=2', ['root:1,2', 'root:2,7']],
    [
      'sequence by user.name [process where process.name == "attrib"] with runs=2 [process where process.name == "bash"]',
      ['root:1,2,4'],
    ],
    ['sequence [any where true] with runs=11', [':1,2,3,4,5,6,7,8,9,10,11']],
  ])('%s', async (query, wanted) => {
    expect(await found('machine', query)).toEqual(wanted);
  });
});

describe('sequences', () => {
  const fail = '[login where process.name == "fail"]';
  const ok = '[login where process.name == "ok"]';
  const read = '[file where true]';
  it.each<[string, string[]]>([
    // join keys
    [`sequence by user.name ${ok} ${read}`, ['ann:4,7', 'bob:6,8', 'cyd:10,12']],
    [`sequence ${ok} by user.name ${read} by source.user`, ['ann:4,7', 'bob:6,8', 'cyd:10,12']],
    [
      `sequence by user.name ${ok} by source.user ${read} by user.name`,
      ['ann/ann:4,7', 'bob/bob:6,8', 'cyd/cyd:10,12'],
    ],
    [`sequence by ?user.name ${ok} ${read}`, ['ann:4,7', 'bob:6,8', 'cyd:10,12', 'null:13,14']],
    [`sequence by ?nosuch ${ok} ${read}`, ['null:4,5', 'null:6,7', 'null:10,12', 'null:13,14']],
    [`sequence ${ok} ${read}`, [':4,5', ':6,7', ':10,12', ':13,14']],
    [`sequence by user.name ${fail} ${ok} ${read}`, ['ann:3,4,7', 'bob:2,6,8']],
    // maxspan, inclusive
    [`sequence by user.name with maxspan=30s ${ok} ${read}`, ['ann:4,7', 'cyd:10,12']],
    [`sequence by user.name with maxspan=29999ms ${ok} ${read}`, ['cyd:10,12']],
    [`sequence by user.name with maxspan=40s ${ok} ${read}`, ['ann:4,7', 'bob:6,8', 'cyd:10,12']],
    [`sequence by user.name with maxspan=1m ${fail} ${ok} ${read}`, ['ann:3,4,7']],
    [`sequence by user.name with maxspan=80s ${fail} ${ok} ${read}`, ['ann:3,4,7', 'bob:2,6,8']],
    [`sequence by user.name with maxspan=1h ${ok} ${read}`, ['ann:4,7', 'bob:6,8', 'cyd:10,12']],
    // until
    [`sequence by user.name ${ok} ${read} until [logout where true]`, ['ann:4,7', 'bob:6,8']],
    [`sequence by user.name ${ok} ${read} until [file where true]`, ['ann:4,7', 'bob:6,8', 'cyd:10,12']],
    [
      `sequence ${ok} by user.name ${read} by user.name until [logout where true] by source.user`,
      ['ann:4,7', 'bob:6,8'],
    ],
    [`sequence by user.name ${fail} ${read} until ${ok}`, ['bob:2,5']],
    // runs
    [`sequence by user.name ${fail} with runs=2 ${ok}`, ['ann:1,3,4']],
    [`sequence by user.name ${fail} with runs=2`, ['ann:1,3']],
    [`sequence ${fail} with runs=3`, [':1,2,3']],
    [`sequence by user.name ${fail} with runs=3 ${ok}`, []],
    [`sequence by user.name ${read} with runs=2`, ['bob:5,8']],
    // missing in the middle
    [`sequence by user.name with maxspan=1h ${ok} ![logout where true] ${read}`, ['ann:4,-,7', 'bob:6,-,8']],
    [`sequence by user.name with maxspan=1h ${fail} ![file where true] ${ok}`, ['ann:3,-,4']],
    [`sequence by user.name with maxspan=1h ${fail} ![file where true] ![logout where true] ${ok}`, ['ann:3,-,-,4']],
    // missing at the start
    [`sequence by user.name with maxspan=20s ![login where process.name == "fail"] ${ok}`, ['bob:-,6', 'cyd:-,10']],
    [`sequence by user.name with maxspan=40s ![login where process.name == "fail"] ${ok}`, ['cyd:-,10']],
    // within maxspan of the last event
    [
      `sequence by user.name with maxspan=40s ![login where process.name == "fail"] ${ok} ${read}`,
      ['bob:-,6,8', 'cyd:-,10,12'],
    ],
    // missing at the end
    [`sequence by user.name with maxspan=35s ${ok} ![file where true]`, ['bob:6,-']],
    [`sequence by user.name with maxspan=40s ${ok} ![file where true]`, []],
    [`sequence by user.name with maxspan=15s ${ok} ![file where true]`, ['ann:4,-', 'bob:6,-', 'cyd:10,-']],
    [`sequence by user.name with maxspan=1h ${ok} ${read} ![logout where true]`, ['bob:6,8,-', 'cyd:10,12,-']],
    // within maxspan of the first event
    [`sequence by user.name with maxspan=70s ${ok} ${read} ![logout where true]`, ['bob:6,8,-', 'cyd:10,12,-']],
    [
      `sequence by user.name with maxspan=69s ${ok} ${read} ![logout where true]`,
      ['ann:4,7,-', 'bob:6,8,-', 'cyd:10,12,-'],
    ],
    // missing at both ends: one at each end, together within maxspan
    [
      `sequence by user.name with maxspan=79s ![login where process.name == "fail"] ${ok} ${read} ![logout where true]`,
      ['ann:-,4,7,-', 'bob:-,6,8,-', 'cyd:-,10,12,-'],
    ],
    [
      `sequence by user.name with maxspan=80s ![login where process.name == "fail"] ${ok} ${read} ![logout where true]`,
      ['bob:-,6,8,-', 'cyd:-,10,12,-'],
    ],
    // any, several steps on one event
    [
      'sequence by user.name [any where true] [any where true]',
      ['ann:1,3', 'ann:3,4', 'bob:2,5', 'bob:5,6', 'ann:4,7', 'bob:6,8', 'ann:7,9', 'cyd:10,11', 'cyd:11,12'],
    ],
    ['sequence by user.name [login where true] [login where process.name == "ok"]', ['ann:3,4', 'bob:2,6']],
    // head and tail
    [`sequence by user.name ${ok} ${read} | head 2`, ['ann:4,7', 'bob:6,8']],
    [`sequence by user.name ${ok} ${read} | tail 2`, ['bob:6,8', 'cyd:10,12']],
    [`sequence by user.name ${ok} ${read} | tail 2 | head 1`, ['bob:6,8']],
    [`sequence by user.name ${ok} ${read} | head 2 | tail 1`, ['bob:6,8']],
    [`sequence by user.name with maxspan=15s ${ok} ![file where true] | head 1`, ['ann:4,-']],
  ])('%s', async (query, wanted) => {
    expect(await found('login', query)).toEqual(wanted);
  });

  it('takes the newest of size, or the oldest', async () => {
    const query = `sequence by user.name ${ok} ${read}`;
    expect(await found('login', query, { size: 1 })).toEqual(['cyd:10,12']);
    expect(await found('login', query, { size: 1, result_position: 'head' })).toEqual(['ann:4,7']);
    expect((await ask('login', query, { size: 1 })).hits.total).toEqual({ value: 3, relation: 'eq' });
    expect((await ask('login', query, { size: 1, result_position: 'head' })).hits.total).toEqual({
      value: 1,
      relation: 'gte',
    });
  });

  it('sees only what the filter lets through', async () => {
    const filter = { range: { '@timestamp': { gte: new Date(start + 45_000).toISOString() } } };
    expect(await found('login', `sequence by user.name ${ok} ${read}`, { filter })).toEqual(['bob:6,8', 'cyd:10,12']);
  });

  it('refuses more events than an answer holds', async () => {
    await expect(ask('login', `sequence ${ok} with runs=100`, { size: 501 })).rejects.toThrow('at most 500');
  });
});

describe('equal times', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['arrival', {}, ['k:3,4']],
    ['the tiebreaker', { tiebreaker_field: 'order' }, ['k:2,1', 'k:3,4']],
  ])('are in order of %s', async (_, more, wanted) => {
    expect(await found('ties', 'sequence by user.name [a where true] [b where true]', more)).toEqual(wanted);
  });
});

describe('join keys with several values', () => {
  beforeAll(async () => {
    const events = [
      { category: 'a', tags: ['foo', 'bar'], n: [1, 2], process: [{ pid: 7 }, { pid: 8 }] },
      { category: 'b', tags: ['bar', 'foo', 'zip'], n: [2, 3], process: { pid: 8 } },
      { category: 'c', tags: 'zip', n: 3, process: { pid: 9 } },
      { category: 'c', tags: [] },
    ];
    const lines = events.map(({ category, ...rest }, i) =>
      JSON.stringify({
        '@timestamp': new Date(start + i * 1000).toISOString(),
        id: i + 1,
        event: { category },
        name: 'k',
        ...rest,
      }),
    );
    await weir.post('/ingest/json', lines.join('\n'), { ...ndjson, 'x-scope-orgid': 'several' });
    await eventually(
      async () => (await ask('several', 'any where true')).hits.events?.length,
      n => n === lines.length,
    );
  }, 30_000);

  it.each<[string, unknown[]]>([
    ['sequence by tags [a where true] [b where true]', [['bar', '1,2'], ['foo', '1,2']]],
    ['sequence by name, tags [b where true] [c where true]', [['k', 'zip', '2,3']]],
    ['sequence by n [a where true] [b where true]', [[2, '1,2']]],
    ['sequence by n [any where true] [any where true]', [[2, '1,2'], [3, '2,3']]],
    ['sequence by process.pid [a where true] [b where true]', [[8, '1,2']]],
    ['sequence by tags [b where true] [c where true] until [a where true]', [['zip', '2,3']]],
    ['sequence by ?tags [b where true] [c where true]', [['zip', '2,3']]],
    ['sequence by tags with maxspan=5s [a where true] ![c where true] [b where true]', [['bar', '1,-,2'], ['foo', '1,-,2']]],
    ['sample by tags [c where true] [b where true]', [['zip', '3,2']]],
  ])('%s', async (query, wanted) => {
    const { hits } = await ask('several', query);
    const shown = hits.sequences?.map(({ join_keys: keys, events }) => [
      ...keys,
      events.map(e => (e.missing ? '-' : e._source.id)).join(','),
    ]);
    expect(shown).toEqual(wanted);
  }); // biome-ignore format: one query a line
});

describe('samples', () => {
  it.each<[string, string[]]>([
    ['sample by user.name [file where true] [login where process.name == "ok"]', ['ann:7,4', 'bob:5,6', 'cyd:12,10']],
    ['sample by user.name [logout where true] [file where true]', ['ann:9,7', 'cyd:11,12']],
    ['sample [logout where true] by user.name [file where true] by source.user', ['ann:9,7', 'cyd:11,12']],
    ['sample by user.name [login where true] [login where true] [login where true]', ['ann:1,3,4']],
    ['sample by user.name [logout where true] [login where process.name == "fail"]', ['ann:9,1']],
    ['sample by ?user.name [login where true] [file where true]', ['null:13,14', 'ann:1,7', 'bob:2,5', 'cyd:10,12']],
  ])('%s', async (query, wanted) => {
    expect(await found('login', query)).toEqual(wanted);
  });

  it('gives several for a key when asked', async () => {
    const query = 'sample by user.name [login where true] [file where true]';
    expect(await found('login', query, { max_samples_per_key: 2 })).toEqual([
      'ann:1,7',
      'bob:2,5',
      'bob:6,8',
      'cyd:10,12',
    ]);
    expect(await found('login', query, { size: 1 })).toEqual(['ann:1,7']);
  });
});
