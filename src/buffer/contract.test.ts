import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AcceptBatch, Frame, FrameSource } from '../flow.ts';
import { openBuffer } from './buffer.ts';
import type { Batch, BatchHeader } from '../base/record.ts';

// What every backend of the buffer promises. A new backend adds a line to `backends`.

type Opened = { accept: AcceptBatch; source: FrameSource; close(): Promise<void> };
type Backend = { name: string; open: (place: string) => Promise<Opened> };

const backends: Backend[] = [
  {
    name: 'write-ahead log',
    open: place => openBuffer({ directory: place, keepMs: 0, keepBytes: 0, segmentBytes: 4096 }),
  },
];

function batch(text: string, header: Partial<BatchHeader> = {}): Batch {
  const lines = text.split('\n').length;
  const full = { tenant: 't', door: 'text', format: 'text', records: lines, received: '1', ...header } as const;
  return { header: full, payload: [Buffer.from(text), Buffer.from('\n')] };
}

async function takeAll(source: FrameSource, from = 0n, bytesMax = 1000): Promise<Frame[]> {
  const all: Frame[] = [];
  for (let at = from; ; ) {
    const frames = await source.take(at, bytesMax);
    const last = frames.at(-1);
    if (!last) return all;
    all.push(...frames.map(frame => ({ ...frame, payload: Buffer.from(frame.payload) })));
    at = last.seq + BigInt(last.header.records);
  }
}

const texts = (frames: Frame[]): string[] => frames.map(frame => Buffer.from(frame.payload).toString().trimEnd());

describe.each(backends)('$name', ({ open }) => {
  let place = mkdtempSync(join(tmpdir(), 'weir-buffer-'));
  const opened: Opened[] = [];
  const start = async (): Promise<Opened> => {
    const buffer = await open(place);
    opened.push(buffer);
    return buffer;
  };
  afterEach(async () => {
    for (const buffer of opened.splice(0)) await buffer.close();
    rmSync(place, { recursive: true, force: true });
    place = mkdtempSync(join(tmpdir(), 'weir-buffer-'));
  });

  it('gives back what it accepted: header, bytes, order, one seq for each record', async () => {
    const { accept, source } = await start();
    const header = {
      tenant: 'acme',
      door: 'json',
      format: 'json',
      keys: ['a'],
      received: '17',
    } satisfies Partial<BatchHeader>;
    const first = await accept(batch('{"a":1}\n{"a":"\u{1f600}"}', header));
    const second = await accept(batch('plain'));
    expect(second.seq).toBeGreaterThanOrEqual(first.seq + 2n);
    const frames = await takeAll(source);
    expect(frames.map(frame => frame.seq)).toEqual([first.seq, second.seq]);
    expect(frames[0]?.header).toEqual({ ...header, records: 2 });
    expect(texts(frames)).toEqual(['{"a":1}\n{"a":"\u{1f600}"}', 'plain']);
  });

  it('keeps the order of concurrent appends and gives each its own seqs', async () => {
    const { accept, source } = await start();
    const sent = Array.from({ length: 200 }, (_, i) => `line ${i}`);
    const seqs = (await Promise.all(sent.map(text => accept(batch(text))))).map(({ seq }) => seq);
    expect(new Set(seqs).size).toBe(200);
    expect([...seqs].sort((a, b) => (a < b ? -1 : 1))).toEqual(seqs);
    const frames = await takeAll(source);
    expect(texts(frames)).toEqual(sent);
    expect(frames.map(frame => frame.seq)).toEqual(seqs);
  });

  it('takes from any frame on, about as much as asked for and at least one', async () => {
    const { accept, source } = await start();
    const seqs: bigint[] = [];
    for (let i = 0; i < 20; i++) seqs.push((await accept(batch(`${i} ${'x'.repeat(500)}`))).seq);
    for (const [index, seq] of seqs.entries()) {
      const frames = await source.take(seq, 1100);
      expect(frames[0]?.seq).toBe(seq);
      expect(frames.length).toBe(Math.min(3, 20 - index));
      expect((await source.take(seq, 1)).length).toBe(1);
    }
    expect(await source.take((seqs.at(-1) ?? 0n) + 1n, 1000)).toEqual([]);
  });

  it('wakes a waiting consumer when a frame is durable, on time-out and on abort', async () => {
    const { accept, source } = await start();
    const waiting = source.waitFor(0n, 30_000);
    const { seq } = await accept(batch('a'));
    await waiting;
    await source.waitFor(seq, 30_000);
    const began = performance.now();
    await source.waitFor(seq + 1n, 50);
    expect(performance.now() - began).toBeGreaterThan(40);
    const abort = new AbortController();
    const aborted = source.waitFor(seq + 1n, 30_000, abort.signal);
    abort.abort();
    await aborted;
  });

  it('has everything after a restart, and goes on with larger seqs', async () => {
    const before = await start();
    const { seq } = await before.accept(batch('before'));
    await before.close();
    const { accept, source } = await start();
    const later = await accept(batch('after'));
    expect(later.seq).toBeGreaterThan(seq);
    expect(texts(await takeAll(source))).toEqual(['before', 'after']);
  });

  it('answers a retry of an agent batch with the first seq, also after a restart', async () => {
    const agentBatch = { agent: 'a1', epoch: 1, sequence: 7 };
    const before = await start();
    const [one, two] = await Promise.all([
      before.accept(batch('x', { agentBatch })),
      before.accept(batch('x', { agentBatch })),
    ]);
    expect(two).toEqual(one);
    expect(await before.accept(batch('x', { agentBatch }))).toEqual(one);
    await before.close();
    const { accept, source } = await start();
    expect(await accept(batch('x', { agentBatch }))).toEqual(one);
    await accept(batch('x', { agentBatch: { ...agentBatch, sequence: 8 } }));
    await accept(batch('x', { agentBatch: { ...agentBatch, epoch: 2 } }));
    await accept(batch('x', { agentBatch, tenant: 'other' }));
    await accept(batch('another payload', { agentBatch }));
    expect((await takeAll(source)).length).toBe(5);
  });

  it('removes only what is stored', async () => {
    const { accept, source } = await start();
    const seqs: bigint[] = [];
    for (let i = 0; i < 40; i++) seqs.push((await accept(batch(`${i} ${'x'.repeat(500)}`))).seq);
    const middle = seqs[20] ?? 0n;
    source.stored(middle);
    await expect.poll(async () => (await takeAll(source))[0]?.seq).toBeGreaterThan(seqs[0] ?? 0n);
    expect((await takeAll(source, middle)).map(frame => frame.seq)).toEqual(seqs.slice(20));
    expect(source.segments().every(segment => segment.rows > 0)).toBe(true);
  });

  it('refuses after close, and takes what came before', async () => {
    const first = await start();
    const accepted = first.accept(batch('last'));
    await first.close();
    await accepted;
    await expect(first.accept(batch('late'))).rejects.toMatchObject({ code: 'shutting_down', retry: true });
    expect(texts(await takeAll((await start()).source))).toEqual(['last']);
  });
});
