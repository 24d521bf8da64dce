import { setTimeout as sleep } from 'node:timers/promises';
import { type Chunk, generate, type SetName } from '../generate.ts';
import type { Result } from '../statistics.ts';
import type { UnderTest } from '../weir-under-test.ts';

/** Send every chunk over `connections` parallel connections; a 429 or 503 is waited for and repeated, as shippers do. */
export async function send(
  target: Pick<UnderTest, 'post'>,
  path: string,
  chunks: Iterable<Chunk>,
  connections = 4,
  type = 'application/x-ndjson',
): Promise<{ bytes: number; rows: number; seconds: number; refused: number }> {
  const iterator = chunks[Symbol.iterator]();
  const total = { bytes: 0, rows: 0, seconds: 0, refused: 0 };
  const start = performance.now();
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      const { bytes, rows } = next.value;
      for (;;) {
        const reply = await target.post(path, bytes, { 'content-type': type });
        if (reply.status < 300) break;
        if (reply.status !== 429 && reply.status !== 503)
          throw new Error(`${path} answered ${reply.status}: ${reply.body.slice(0, 300)}`);
        total.refused++;
        await sleep(200);
      }
      total.bytes += bytes.length;
      total.rows += rows;
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  total.seconds = (performance.now() - start) / 1000;
  return total;
}

/** A generated set held in memory, so that generating costs nothing while the program is measured. */
export function prepared(set: SetName, rows: number, chunkBytes = 2 ** 20): Chunk[] {
  return [...generate(set, { rows, baseMs: Date.now() - rows * 10, stepMs: 10 }, chunkBytes)];
}

/** Ingest over HTTP with durable acks until all merges have settled: MB of NDJSON per CPU second of the whole process tree. */
export async function ingestCase(
  target: UnderTest,
  name: string,
  chunks: Chunk[],
  bar?: { least: number },
): Promise<Result[]> {
  const before = target.usage();
  const sent = await send(target, '/ingest/json', chunks);
  await target.settle();
  const after = target.usage();
  const cpu = after.cpuSeconds - before.cpuSeconds;
  const megabytes = sent.bytes / 1e6;
  return [
    {
      case: name,
      what: 'MB per CPU-second, merges included',
      value: megabytes / cpu,
      unit: 'MB/CPU-s',
      ...(bar && { target: bar }),
      note: `${sent.rows} rows, ${megabytes.toFixed(0)} MB, ${cpu.toFixed(1)} CPU-s, refused ${sent.refused}`,
    },
    { case: name, what: 'rate while sending', value: megabytes / sent.seconds, unit: 'MB/s' },
    {
      case: name,
      what: 'store on disk after merges',
      value: target.diskBytes('store') / 1e6,
      unit: 'MB',
      note: `1:${(sent.bytes / target.diskBytes('store')).toFixed(1)}`,
    },
  ];
}
