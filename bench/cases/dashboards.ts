import { generate } from '../generate.ts';
import type { Result } from '../statistics.ts';
import type { UnderTest } from '../weir-under-test.ts';
import { send } from './ingest.ts';

/** What dashboards ask, over lines that are JSON text. `{}` is replaced by the range. */
const panels: { id: string; query: string; mostCpuMs?: number }[] = [
  {
    id: 'json | unwrap, sum',
    query: 'sum(sum_over_time({service_name=~".+"} | json | unwrap duration_ms []))',
    mostCpuMs: 1500,
  },
  {
    id: 'json | unwrap, p99 by method',
    query: 'quantile_over_time(0.99, {service_name=~".+"} | json | unwrap duration_ms []) by (method)',
  },
  { id: 'json, filter by number', query: 'sum(count_over_time({service_name=~".+"} | json | status >= 500 []))' },
  { id: 'json, by status', query: 'sum by (status) (count_over_time({service_name=~".+"} | json []))' },
  { id: 'substring', query: 'sum(count_over_time({service_name=~".+"} |= "upstream host 12" []))' },
];

/** Each panel over all rows in 60 steps: the first time, and again. CPU of the whole tree. */
export async function dashboardCase(target: UnderTest, rows: number): Promise<Result[]> {
  const stepMs = 10;
  const baseMs = Date.now() - rows * stepMs - 60_000;
  await send(target, '/ingest/text?service=web', generate('lines', { rows, baseMs, stepMs }, 2 ** 20), 4, 'text/plain');
  await target.settle();
  // The time of a text line is when it came.
  const end = Math.ceil(Date.now() / 1000) * 1000;
  const span = Math.ceil((end - baseMs) / 60_000) * 60_000;
  const step = span / 60 / 1000;
  const results: Result[] = [];
  for (const { id, query, mostCpuMs } of panels) {
    const body = JSON.stringify({
      query: query.replace('[]', `[${step}s]`),
      start: `${BigInt(end - span) * 1_000_000n}`,
      end: `${BigInt(end) * 1_000_000n}`,
      step,
    });
    const cpu: number[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const repeats = turn === 0 ? 1 : 20;
      const before = target.usage().cpuSeconds;
      for (let i = 0; i < repeats; i++) {
        const reply = await target.post('/api/v1/query', body, { 'content-type': 'application/json' });
        if (reply.status !== 200 || !reply.body.includes('"type":"series"'))
          throw new Error(`${id}: status ${reply.status}: ${reply.body.slice(0, 500)}`);
      }
      cpu.push(((target.usage().cpuSeconds - before) * 1000) / repeats);
    }
    const [first = Number.NaN, again = Number.NaN] = cpu;
    results.push(
      {
        case: `dashboards, ${rows / 1e6} M rows`,
        what: `${id}, CPU of the whole tree`,
        value: first,
        unit: 'ms',
        ...(mostCpuMs && { target: { most: (mostCpuMs * rows) / 2e6 } }),
      },
      {
        case: `dashboards, ${rows / 1e6} M rows`,
        what: `${id}, the same again`,
        value: first / Math.max(again, 0.1),
        unit: 'x less',
        target: { least: 10 },
        note: `${again.toFixed(1)} CPU-ms`,
      },
    );
  }
  return results;
}
