import { expect, test, vi } from 'vitest';
import type { QueryFrame, QueryRow } from '../../../query/contract.ts';
import { ApiError } from '../../api.ts';
import { TailFeed, tailRows } from './tail-feed.ts';

const row = (i: number): QueryRow => ({
  ts: String(i),
  seq: String(i),
  received: String(Date.now() * 1_000_000),
  service: 's',
  level: 'info',
  severity: 9,
  message: `row ${i}`,
  labels: {},
  attributes: {},
  door: 'json',
});
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i));

/** A tail whose frames the test pushes; each connection ends when the test says so. */
function wire(history: QueryRow[] = []) {
  const connections: { push: (frame: QueryFrame) => void; close: () => void }[] = [];
  const asked: (string | undefined)[] = [];
  const feed = new TailFeed(
    {
      now: () => Date.now(),
      tail: async function* (request, signal) {
        asked.push(request.start);
        const queue: QueryFrame[] = history.length
          ? [{ type: 'rows', rows: history.slice(-(request.limit ?? 0)) }]
          : [];
        let wake = () => {};
        let open = true;
        connections.push({
          push: frame => {
            queue.push(frame);
            wake();
          },
          close: () => {
            open = false;
            wake();
          },
        });
        signal.addEventListener('abort', () => wake());
        while ((open || queue.length) && !signal.aborted) {
          const frame = queue.shift();
          if (frame) yield frame;
          else await new Promise<void>(resolve => (wake = resolve));
        }
        if (signal.aborted) throw new DOMException('stop', 'AbortError');
      },
    },
    queueMicrotask,
  );
  return { feed, connections, asked, history };
}

const settle = () => vi.waitFor(() => undefined);
const numbers = (feed: TailFeed) => feed.rows.map(r => Number(r.seq));

test('shows the last records first, then new ones, each once', async () => {
  const { feed, connections } = wire(rows(1, 4));
  const done = feed.start('');
  await settle();
  connections[0]?.push({ type: 'rows', rows: rows(3, 6) });
  await vi.waitFor(() => expect(numbers(feed)).toEqual([1, 2, 3, 4, 5]));
  expect(feed.state).toBe('live');
  expect(feed.rate()).toBeCloseTo(1);
  feed.stop();
  await done;
  expect(feed.state).toBe('off');
});

test('stands still while the reader is elsewhere, and says what it let go', async () => {
  const { feed, connections } = wire();
  const done = feed.start('');
  await settle();
  connections[0]?.push({ type: 'rows', rows: rows(1, 11) });
  await vi.waitFor(() => expect(feed.rows).toHaveLength(10));
  feed.follow(false);
  connections[0]?.push({ type: 'rows', rows: rows(11, 11 + tailRows + 25) });
  await vi.waitFor(() => expect(feed.waiting).toHaveLength(tailRows));
  expect([feed.rows.length, feed.base, feed.unseen]).toEqual([10, 0, 25]);
  feed.follow(true);
  expect([feed.rows.length, feed.base, feed.waiting.length]).toEqual([tailRows, 10, 0]);
  feed.stop();
  await done;
});

test('reconnects and fills the gap', async () => {
  const { feed, connections, asked, history } = wire();
  const done = feed.start('');
  await settle();
  connections[0]?.push({ type: 'rows', rows: rows(1, 3) });
  await vi.waitFor(() => expect(feed.rows).toHaveLength(2));
  history.push(...rows(1, 6));
  connections[0]?.close();
  await vi.waitFor(() => expect(feed.state).toBe('reconnecting'));
  await vi.waitFor(() => expect(connections).toHaveLength(2), 3_000);
  connections[1]?.push({ type: 'rows', rows: rows(5, 8) });
  connections[1]?.push({ type: 'warning', message: '12 records were skipped' });
  await vi.waitFor(() => expect(numbers(feed)).toEqual([1, 2, 3, 4, 5, 6, 7]));
  await vi.waitFor(() => expect(feed.warnings).toEqual(['12 records were skipped']));
  expect(asked[1]).toBe('2');
  feed.stop();
  await done;
});

test('a bad query ends it, with the reason', async () => {
  const feed = new TailFeed(
    {
      now: () => 0,
      tail: async function* () {
        throw new ApiError({ code: 'bad_query', message: 'no' });
      },
    },
    queueMicrotask,
  );
  await feed.start('{');
  expect([feed.state, feed.error?.message]).toEqual(['off', 'no']);
});
