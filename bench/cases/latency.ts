import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from '../generate.ts';
import { syncTimes, syncTimesBeside } from '../machine-limits.ts';
import { quantile, type Result } from '../statistics.ts';
import type { UnderTest } from '../weir-under-test.ts';

/**
 * Time from sending a 64 KB body to its 2xx at a fixed rate of `mbPerSecond`, against what an append and fdatasync of the same size into another file takes on
 * the same disk meanwhile.
 */
export async function ackCase(target: UnderTest, mbPerSecond: number, seconds: number): Promise<Result[]> {
  const chunkBytes = 65536;
  const bodies = [...generate('flat', { rows: 4000, baseMs: Date.now() - 40_000, stepMs: 10 }, chunkBytes)];
  const everyMs = (chunkBytes / 1e6 / mbPerSecond) * 1000;
  const times: number[] = [];
  const open = new Set<Promise<void>>();
  const over = new AbortController();
  const beside = syncTimesBeside(target.folder, chunkBytes, 25, over.signal);
  const start = performance.now();
  for (let k = 0; performance.now() - start < seconds * 1000; k++) {
    const due = start + k * everyMs;
    if (due > performance.now()) await sleep(due - performance.now());
    const body = bodies[k % bodies.length]?.bytes ?? Buffer.alloc(0);
    const sent = performance.now();
    const one = target.post('/ingest/json', body, { 'content-type': 'application/x-ndjson' }).then(reply => {
      if (reply.status < 300) times.push(performance.now() - sent);
    });
    open.add(one);
    void one.finally(() => open.delete(one));
  }
  await Promise.all(open);
  over.abort();
  const limit = quantile(await beside, 0.99);
  const idle = quantile(syncTimes(target.folder, chunkBytes, 300), 0.99);
  return [
    {
      case: 'ack',
      what: `p50 at ${mbPerSecond} MB/s`,
      value: quantile(times, 0.5),
      unit: 'ms',
      note: `${times.length} bodies of 64 KB`,
    },
    { case: 'ack', what: `p99 at ${mbPerSecond} MB/s`, value: quantile(times, 0.99), unit: 'ms' },
    { case: 'ack', what: 'fdatasync 64 KB p99, another file meanwhile', value: limit, unit: 'ms' },
    { case: 'ack', what: 'fdatasync 64 KB p99, right after', value: idle, unit: 'ms' },
    {
      case: 'ack',
      what: 'ack p99 / fdatasync p99',
      value: quantile(times, 0.99) / limit,
      unit: 'x',
      target: { most: 5 },
    },
  ];
}

/** Time from the ack of a record to the first query that finds it, under a load of `mbPerSecond`. */
export async function visibleCase(target: UnderTest, mbPerSecond: number, rounds: number): Promise<Result[]> {
  const bodies = [...generate('flat', { rows: 4000, baseMs: Date.now() - 40_000, stepMs: 10 }, 65536)];
  let loading = true;
  const load = (async () => {
    for (let k = 0; loading; k++) {
      const began = performance.now();
      await target.post('/ingest/json', bodies[k % bodies.length]?.bytes ?? '', {
        'content-type': 'application/x-ndjson',
      });
      await sleep(Math.max(0, (65536 / 1e6 / mbPerSecond) * 1000 - (performance.now() - began)));
    }
  })();
  const times: number[] = [];
  for (let k = 0; k < rounds; k++) {
    const marker = `visible${Date.now()}m${k}`;
    await target.post('/ingest/json', `{"service":"probe","message":"${marker}"}\n`, {
      'content-type': 'application/x-ndjson',
    });
    const acked = performance.now();
    for (;;) {
      const reply = await target.post(
        '/api/v1/query',
        JSON.stringify({
          query: `{service_name="probe"} |= "${marker}"`,
          start: `${BigInt(Date.now() - 60_000) * 1_000_000n}`,
          limit: 1,
        }),
        { 'content-type': 'application/json' },
      );
      if (reply.body.includes('"type":"rows"')) break;
      if (performance.now() - acked > 10_000)
        throw new Error(`${marker} was not visible 10 s after its ack: ${reply.body.slice(0, 300)}`);
      await sleep(5);
    }
    times.push(performance.now() - acked);
    await sleep(Math.random() * 150);
  }
  loading = false;
  await load;
  return [
    {
      case: 'visible',
      what: `ack to found, p50 at ${mbPerSecond} MB/s`,
      value: quantile(times, 0.5),
      unit: 'ms',
      note: `${rounds} probes`,
    },
    {
      case: 'visible',
      what: `ack to found, p99 at ${mbPerSecond} MB/s`,
      value: quantile(times, 0.99),
      unit: 'ms',
      target: { most: 250 },
    },
  ];
}
