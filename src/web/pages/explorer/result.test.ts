import { expect, test } from 'vitest';
import type { QueryFrame, QueryRequest, QueryRow } from '../../../query/contract.ts';
import { ApiError } from '../../api.ts';
import type { Run } from './result.ts';
import { keepRows, ResultModel } from './result.ts';
import { cursorOf } from './row-text.ts';

const rowAt = (i: number): QueryRow => ({
  ts: String(1_000 + Math.floor(i / 3)),
  seq: String(i + 1),
  received: '0',
  service: 's',
  level: 'info',
  severity: 9,
  message: `row ${i}`,
  labels: {},
  attributes: {},
  door: 'json',
});

const before = (a: string, b: string) => {
  const [at = '0', aseq = '0'] = a.split(',');
  const [bt = '0', bseq = '0'] = b.split(',');
  return BigInt(at) < BigInt(bt) || (at === bt && BigInt(aseq) < BigInt(bseq));
};

/** A store of n records that answers as the contract says. */
function store(n: number) {
  const rows = Array.from({ length: n }, (_, i) => rowAt(i));
  return async function* answer(request: QueryRequest, signal: AbortSignal): AsyncGenerator<QueryFrame> {
    yield { type: 'meta', id: 'q', kind: 'logs', logql: '', start: '0', end: '0' };
    const ordered = request.direction === 'forward' ? rows : rows.toReversed();
    const after = request.after;
    const found = ordered
      .filter(
        row =>
          !after || (request.direction === 'forward' ? before(after, cursorOf(row)) : before(cursorOf(row), after)),
      )
      .slice(0, request.limit);
    for (let i = 0; i < found.length; i += 500) {
      if (signal.aborted) throw new DOMException('stop', 'AbortError');
      yield { type: 'rows', rows: found.slice(i, i + 500) };
    }
    yield {
      type: 'end',
      rows: found.length,
      readRows: n,
      readBytes: n * 100,
      elapsedMs: 3,
      partial: false,
      reason: null,
    };
  };
}

const run = (over: Partial<Run> = {}): Run => ({
  query: '',
  start: '0',
  end: '9',
  direction: 'backward',
  limit: 1_000,
  at: null,
  widen: false,
  ...over,
});
const messages = (model: ResultModel) => model.rows.map(row => Number(row.message.slice(4)));

test('pages on to the last row and then knows that there is no more', async () => {
  const model = new ResultModel(store(2_500), queueMicrotask);
  await model.start(run());
  expect([model.phase, model.rows.length, model.next, model.previous]).toEqual(['done', 1_000, 'more', 'none']);
  await model.loadNext();
  await model.loadNext();
  expect(messages(model)).toEqual(Array.from({ length: 2_500 }, (_, i) => 2_499 - i));
  expect(model.next).toBe('none');
});

test('lets go of the far end and fetches it again, numbers of rows unchanged', async () => {
  const model = new ResultModel(store(25_000), queueMicrotask);
  await model.start(run({ direction: 'forward' }));
  while (model.rows.at(-1)?.message !== 'row 22999') await model.loadNext();
  expect([model.rows.length, model.base, model.previous]).toEqual([keepRows, 3_000, 'more']);
  expect(messages(model)[0]).toBe(model.base);
  await model.loadPrevious();
  expect([model.rows.length, model.base, messages(model)[0], model.next]).toEqual([keepRows, 2_000, 2_000, 'more']);
  await model.loadPrevious();
  await model.loadPrevious();
  await model.loadPrevious();
  expect([model.base, model.previous, messages(model)[0]]).toEqual([0, 'none', 0]);
});

test.each(['forward', 'backward'] as const)('opens at a record, %s, and pages both ways', async direction => {
  const model = new ResultModel(store(5_000), queueMicrotask);
  const at = cursorOf(rowAt(2_000));
  await model.start(run({ direction, at }));
  expect(model.rows[-model.base]?.message).toBe('row 2000');
  expect(model.rows).toHaveLength(2_000);
  expect(model.indexOf(at)).toBe(1_000);
  const sorted = messages(model).toSorted((a, b) => (direction === 'forward' ? a - b : b - a));
  expect(messages(model)).toEqual(sorted);
});

test('cancel keeps what arrived', async () => {
  const model = new ResultModel(async function* (_, signal) {
    yield { type: 'meta', id: 'q', kind: 'logs', logql: '', start: '0', end: '0' };
    yield { type: 'rows', rows: [rowAt(1), rowAt(2)] };
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('stop', 'AbortError')));
    });
  }, queueMicrotask);
  const running = model.start(run());
  await new Promise(resolve => setTimeout(resolve, 5));
  expect(model.phase).toBe('running');
  model.cancel();
  await running;
  expect([model.phase, model.rows.length, model.next, model.error]).toEqual(['cancelled', 2, 'more', null]);
});

test('rows of the query before stay until the next answers, and are told apart', async () => {
  const seen: [number, boolean][] = [];
  let go: () => void = () => undefined;
  const slow = new Promise<void>(resolve => (go = resolve));
  let calls = 0;
  const answer = store(3);
  const model = new ResultModel(async function* (request, signal) {
    if (calls++ > 0) await slow;
    yield* answer(request, signal);
  }, queueMicrotask);
  const look = () => seen.push([model.rows.length, model.stale]);
  await model.start(run());
  look();
  const second = model.start(run({ query: 'x', limit: 2 }));
  await new Promise(resolve => setTimeout(resolve, 5));
  look();
  go();
  await second;
  look();
  expect(seen).toEqual([
    [3, false],
    [3, true],
    [2, false],
  ]);
});

test('a failed query says why, a failed page keeps the rows', async () => {
  let calls = 0;
  const answer = store(3_000);
  const model = new ResultModel((request, signal) => {
    if (calls++ === 1) throw new ApiError({ code: 'engine_down', message: 'restarting' });
    return answer(request, signal);
  }, queueMicrotask);
  await model.start(run());
  await model.loadNext();
  expect([model.phase, model.rows.length, model.next, model.pageError?.message]).toEqual([
    'done',
    1_000,
    'more',
    'restarting',
  ]);
  await model.loadNext();
  expect([model.rows.length, model.pageError]).toEqual([2_000, null]);

  const failing = new ResultModel(() => {
    throw new ApiError({ code: 'bad_query', message: 'no', line: 1, column: 3 });
  }, queueMicrotask);
  await failing.start(run());
  expect([failing.phase, failing.error?.code, failing.error?.column, failing.rows.length]).toEqual([
    'failed',
    'bad_query',
    3,
    0,
  ]);
});

test('the later of two runs wins and listeners hear of it once per turn', async () => {
  const model = new ResultModel(store(10), queueMicrotask);
  let told = 0;
  model.subscribe(() => told++);
  const first = model.start(run());
  const second = model.start(run({ direction: 'forward' }));
  await Promise.all([first, second]);
  expect(messages(model)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThan(10);
});

test('a partial answer carries its reason', async () => {
  const model = new ResultModel(async function* () {
    yield { type: 'warning', message: 'slow' };
    yield { type: 'rows', rows: [rowAt(1)] };
    yield {
      type: 'end',
      rows: 1,
      readRows: 5,
      readBytes: 9,
      elapsedMs: 3,
      partial: true,
      reason: 'time limit of 30 s',
    };
  }, queueMicrotask);
  await model.start(run());
  expect([model.partial, model.warnings, model.next]).toEqual(['time limit of 30 s', ['slow'], 'more']);
});

test('sequences become rows with their heads, and a link to one of them is no page', async () => {
  const asked: QueryRequest[] = [];
  async function* answer(request: QueryRequest): AsyncGenerator<QueryFrame> {
    asked.push(request);
    yield { type: 'meta', id: 'q', kind: 'sequences', whole: true, logql: '', start: '0', end: '9' };
    for (const i of [0, 2])
      yield { type: 'sequence', keys: [{ name: 'k', value: String(i) }], events: [rowAt(i), null, rowAt(i + 1)] };
    yield { type: 'end', rows: 4, readRows: 4, readBytes: 4, elapsedMs: 1, partial: false, reason: null };
  }
  const model = new ResultModel(answer, frame => frame());
  const query = 'sequence by k [a where true] ![b where true] [c where true]';
  await model.start(run({ query, limit: 2, at: cursorOf(rowAt(3)) }));
  expect(asked).toHaveLength(1);
  expect(asked[0]).not.toHaveProperty('after');
  expect(model).toMatchObject({ phase: 'done', kind: 'sequences', sequences: 2, next: 'none', previous: 'none' });
  expect(model.rows.map(row => [row.message, row.group?.head?.keys, row.group?.missingBefore])).toEqual([
    ['row 0', 'k=0', 0],
    ['row 1', undefined, 1],
    ['row 2', 'k=2', 0],
    ['row 3', undefined, 1],
  ]);
  expect(model.indexOf(cursorOf(rowAt(3)))).toBe(3);
});

test('what was cleared says nothing of before', async () => {
  async function* answer(): AsyncGenerator<QueryFrame> {
    yield { type: 'meta', id: 'q', kind: 'table', whole: true, logql: '', start: '0', end: '9' };
    yield { type: 'table', columns: [{ name: 'n', type: 'number' }], rows: [['1']] };
    yield { type: 'warning', message: 'there is more' };
    yield { type: 'end', rows: 1, readRows: 1, readBytes: 1, elapsedMs: 1, partial: false, reason: null };
  }
  const model = new ResultModel(answer, frame => frame());
  await model.start(run());
  expect(model).toMatchObject({ whole: true, warnings: ['there is more'] });
  model.clear();
  expect(model).toMatchObject({ phase: 'idle', whole: false, warnings: [], table: null, progress: null });
});
