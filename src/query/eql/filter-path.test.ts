import { expect, it } from 'vitest';
import { filterAnswer, readFilterPath } from './filter-path.ts';

const answer = {
  took: 3,
  timed_out: false,
  hits: {
    total: { value: 2, relation: 'eq' },
    events: [
      { _id: '1', _source: { '@timestamp': 't1', process: { pid: 1, name: 'a' }, tags: ['x', 'y'] } },
      { _id: '2', _source: { '@timestamp': 't2', 'process.pid': 2, 'process.name': 'b' } },
      { _id: '3', _source: { other: 3 } },
    ],
  },
};

const left = (text: string): unknown => {
  const paths = readFilterPath(text);
  if (paths === undefined) throw new Error('no paths');
  return filterAnswer(answer, paths);
};

it.each<[string, unknown]>([
  ['took', { took: 3 }],
  ['t*', { took: 3, timed_out: false }],
  ['took,hits.total.value', { took: 3, hits: { total: { value: 2 } } }],
  ['hits.events._id', { hits: { events: [{ _id: '1' }, { _id: '2' }, { _id: '3' }] } }],
  // Names with dots are paths too; what has none of it is left out.
  [
    'hits.events._source.process.pid',
    { hits: { events: [{ _source: { process: { pid: 1 } } }, { _source: { 'process.pid': 2 } }] } },
  ],
  [
    'hits.events._source.process',
    {
      hits: {
        events: [
          { _source: { process: { pid: 1, name: 'a' } } },
          { _source: { 'process.pid': 2, 'process.name': 'b' } },
        ],
      },
    },
  ],
  ['hits.events._source.tags', { hits: { events: [{ _source: { tags: ['x', 'y'] } }] } }],
  ['**.pid', { hits: { events: [{ _source: { process: { pid: 1 } } }, { _source: { 'process.pid': 2 } }] } }],
  ['hits.**.value', { hits: { total: { value: 2 } } }],
  ['nothing.here', {}],
  ['-hits', { took: 3, timed_out: false }],
  ['hits.events,-hits.events._source', { hits: { events: [{ _id: '1' }, { _id: '2' }, { _id: '3' }] } }],
  ['-**._source,-t*,-hits.total', { hits: { events: [{ _id: '1' }, { _id: '2' }, { _id: '3' }] } }],
])('%s', (text, wanted) => {
  expect(left(text)).toEqual(wanted);
});

it('takes no time for many double wildcards', () => {
  const paths = readFilterPath(`${'**.a.'.repeat(40)}x`);
  let deep: object = {};
  for (let i = 0; i < 200; i++) deep = { a: deep };
  const began = performance.now();
  expect(paths && filterAnswer(deep, paths)).toEqual({});
  expect(performance.now() - began).toBeLessThan(500);
});

it('refuses more paths than an answer needs, and asks nothing of an empty text', () => {
  expect(() => readFilterPath(Array.from({ length: 101 }, (_, i) => `a${i}`).join(','))).toThrow('101 paths');
  expect(readFilterPath('')).toBeUndefined();
  expect(readFilterPath(undefined)).toBeUndefined();
});

it('takes `**` behind `**` for one, however many', () => {
  const answer = {
    hits: { events: Array.from({ length: 200 }, (_, i) => ({ _id: String(i), _source: { 'a.b.c': i } })) },
  };
  const [one, many] = ['**.c', `${'**.'.repeat(400)}c`].map(readFilterPath);
  if (!one || !many) throw new Error('no paths');
  const began = performance.now();
  expect(filterAnswer(answer, many)).toEqual(filterAnswer(answer, one));
  expect(performance.now() - began).toBeLessThan(500);
});
