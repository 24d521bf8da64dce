import { expect, it } from 'vitest';
import type { Tail } from '../flow.ts';
import { HandOver } from './hand-over.ts';

const tail = (id: number): Tail => ({ id, records: `t${id}`, quarantine: `q${id}` });

function make() {
  const retired: Tail[] = [];
  const taken = new Set<string>();
  const text = (t: Tail, moved: readonly string[]): string => `${t.records}${moved.map(m => `-${m}`).join('')}`;
  const handOver = new HandOver(
    {
      fixed: { records: ['records'], quarantine: ['quarantine'], streams: ['streams'], templates: 'templates' },
      ofTail: { records: text, quarantine: t => t.quarantine, streams: text },
    },
    async ids => ids.filter(id => taken.has(id)),
    t => retired.push(t),
  );
  return { handOver, retired, taken };
}

it('moves only when every question has its snapshots, and holds new ones back meanwhile', async () => {
  const { handOver, taken } = make();
  const a = tail(1);
  handOver.show([a]);
  const one = await handOver.enter('one');
  const two = await handOver.enter('two');
  expect(one.sources.records).toEqual(['records', 't1']);
  const order: string[] = [];
  const moving = handOver.exclusive(a, 5_000, async moved => {
    order.push('moved');
    moved.records.push('d30/2026-11-20');
  });
  const three = handOver.enter('three').then(ticket => {
    order.push('three');
    return ticket;
  });
  one.started();
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(order).toEqual([]);
  taken.add('two');
  expect(await moving).toBe(true);
  expect((await three).sources.records).toEqual(['records', 't1-d30/2026-11-20']);
  expect(order).toEqual(['moved', 'three']);
  two.ended();
});

it('puts a move off when a question gets no snapshot; questions go on', async () => {
  const { handOver } = make();
  const a = tail(1);
  handOver.show([a]);
  await handOver.enter('stuck');
  let moved = false;
  const gaveUp = await handOver.exclusive(a, 30, async () => {
    moved = true;
  });
  expect([gaveUp, moved]).toEqual([false, false]);
  expect((await handOver.enter('next')).sources.records).toEqual(['records', 't1']);
});

it('opens again after a move that failed', async () => {
  const { handOver } = make();
  const a = tail(1);
  handOver.show([a]);
  await expect(
    handOver.exclusive(a, 30, async () => {
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect((await handOver.enter('next')).sources.records).toEqual(['records', 't1']);
});

it('retires a tail once, when it is named no more and no question uses it', async () => {
  const { handOver, retired } = make();
  const [a, b] = [tail(1), tail(2)];
  handOver.show([a]);
  const one = await handOver.enter('one');
  const two = await handOver.enter('two');
  handOver.show([b]);
  one.ended();
  one.ended();
  expect(retired).toEqual([]);
  two.ended();
  expect(retired).toEqual([a]);
  handOver.show([]);
  expect(retired).toEqual([a, b]);
});
