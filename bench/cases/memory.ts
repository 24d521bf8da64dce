import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from '../generate.ts';
import { residentOf } from '../process-tree.ts';
import type { Result } from '../statistics.ts';
import type { UnderTest } from '../weir-under-test.ts';

/**
 * Resident memory of the whole tree, shared pages counted in every process: idle, then at `mbPerSecond` with two queries a second; flatness = growth of
 * the second half over the first.
 */
export async function memoryCase(target: UnderTest, mbPerSecond: number, seconds: number): Promise<Result[]> {
  const parts = (): string => {
    const { proportional, anonymous } = residentOf(target.pid);
    return `PSS ${(proportional / 1e6).toFixed(0)} MB, not of files ${(anonymous / 1e6).toFixed(0)} MB`;
  };
  const idle = target.usage().rssBytes / 1e6;
  const idleParts = parts();
  const bodies = [...generate('flat', { rows: 20_000, baseMs: Date.now() - 200_000, stepMs: 10 }, 2 ** 19)];
  const samples: number[] = [];
  const end = Date.now() + seconds * 1000;
  let sentBytes = 0;
  const start = performance.now();
  const load = (async () => {
    for (let k = 0; Date.now() < end; k++) {
      const body = bodies[k % bodies.length]?.bytes ?? Buffer.alloc(0);
      const reply = await target.post('/ingest/json', body, { 'content-type': 'application/x-ndjson' });
      if (reply.status < 300) sentBytes += body.length;
      const due = (sentBytes / 1e6 / mbPerSecond) * 1000;
      await sleep(Math.max(0, due - (performance.now() - start)));
    }
  })();
  let slowest = 0;
  const ask = (async () => {
    for (let k = 0; Date.now() < end; k++) {
      const began = performance.now();
      const last = { start: `${BigInt(Date.now() - 900_000) * 1_000_000n}` };
      await (k % 2 === 0
        ? target.post('/api/v1/query', JSON.stringify({ query: 'timeout', limit: 100, ...last }), {
            'content-type': 'application/json',
          })
        : target.post('/api/v1/histogram', JSON.stringify({ query: '', ...last }), {
            'content-type': 'application/json',
          }));
      slowest = Math.max(slowest, performance.now() - began);
      samples.push(target.usage().rssBytes / 1e6);
      await sleep(Math.max(0, 500 - (performance.now() - began)));
    }
  })();
  await Promise.all([load, ask]);
  const endParts = parts();
  const mean = (part: number[]): number => part.reduce((a, b) => a + b, 0) / Math.max(1, part.length);
  const half = Math.floor(samples.length / 2);
  const quarter = Math.floor(samples.length / 4);
  return [
    { case: 'memory', what: 'whole tree, idle', value: idle, unit: 'MB', target: { most: 450 }, note: idleParts },
    {
      case: 'memory',
      what: `whole tree, peak at ${mbPerSecond} MB/s and 2 queries/s`,
      value: Math.max(...samples),
      unit: 'MB',
      target: { most: 1000 },
      note: `${seconds} s, sent ${(sentBytes / 1e6 / seconds).toFixed(1)} MB/s, slowest query ${slowest.toFixed(0)} ms; at the end ${endParts}`,
    },
    {
      case: 'memory',
      what: 'last quarter over second quarter',
      value: mean(samples.slice(-quarter)) / mean(samples.slice(quarter, half)),
      unit: 'x',
      note: '1 = flat',
    },
  ];
}
