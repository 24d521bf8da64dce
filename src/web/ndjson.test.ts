import { expect, test } from 'vitest';
import { readLines } from './ndjson.ts';

const streamOf = (...chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

async function lines(...chunks: Uint8Array[]): Promise<string[]> {
  const out: string[] = [];
  for await (const line of readLines(streamOf(...chunks))) out.push(line);
  return out;
}

const bytes = (text: string) => new TextEncoder().encode(text);

test('splits at newlines whatever the chunks', async () => {
  const whole = bytes('{"a":1}\n{"b":"é漢"}\r\n\n{"c":3}');
  for (let cut = 0; cut <= whole.length; cut++) {
    expect(await lines(whole.subarray(0, cut), whole.subarray(cut))).toEqual(['{"a":1}', '{"b":"é漢"}', '{"c":3}']);
  }
});

test('gives nothing for an empty stream and joins a long line', async () => {
  expect(await lines()).toEqual([]);
  const parts = Array.from({ length: 100 }, () => bytes('x'.repeat(1000)));
  expect((await lines(...parts, bytes('\nend\n'))).map(line => line.length)).toEqual([100_000, 3]);
});

test('cancels the stream when the reader stops early', async () => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull: controller => controller.enqueue(bytes('line\n')),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const line of readLines(stream)) {
    expect(line).toBe('line');
    break;
  }
  expect(cancelled).toBe(true);
});
