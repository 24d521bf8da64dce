import { wordRegex } from '../../src/language/message-search.ts';
import { needleAt, traceOf } from '../generate.ts';
import { cpuOfMatching } from '../process-tree.ts';
import { median, type Result } from '../statistics.ts';
import type { UnderTest } from '../weir-under-test.ts';

type Case = {
  id: string;
  /** Body of a POST to `path`, to which the range is added. */
  body?: Record<string, unknown>;
  /** A query of Loki's API instead, evaluated once, at the end of the range. */
  instant?: string;
  path?: string;
  mostCpuMs?: number;
  indexed: boolean;
  expect: (body: string) => string | undefined;
};

const has = (part: string) => (body: string) => (body.includes(part) ? undefined : `the answer lacks ${part}`);
const rowsAre = (n: number) => (body: string) => {
  const found = body.split('"seq":').length - 1;
  return found === n ? undefined : `expected ${n} rows, found ${found}`;
};
/** The one value of an instant answer, as a share of `rows`. */
const shareIs =
  (rows: number, least: number, most: number) =>
  (body: string): string | undefined => {
    const share = Number(/"value":\[[\d.]+,"(\d+)"\]/.exec(body)?.[1]) / rows;
    return share >= least && share <= most ? undefined : `expected ${least} to ${most} of the rows, found ${share}`;
  };

/** The query mix over `rows` rows of the flat set; most of CPU ms through the HTTP API = 1.5 times the engine's own figure of the plan. */
export function queryCases(rows: number, rangeSeconds: number): Case[] {
  const middle = Math.floor(rows / 2);
  const needle = needleAt(Math.floor(middle / 100_000) * 100_000 + 4242);
  // One window over the whole range: a step as long as the range.
  const range = `[${rangeSeconds}s]`;
  const step = rangeSeconds;
  return [
    { id: 'last 100', body: { query: '', limit: 100 }, mostCpuMs: 5, indexed: true, expect: rowsAre(100) },
    {
      id: 'service and level, last 100',
      body: { query: '{service_name="payments"} | detected_level="error"', limit: 100 },
      mostCpuMs: 20,
      indexed: true,
      expect: rowsAre(100),
    },
    {
      id: 'needle token',
      body: { query: `{} |~ ${JSON.stringify(wordRegex(needle))}`, limit: 100 },
      mostCpuMs: 8,
      indexed: true,
      expect: rowsAre(1),
    },
    { id: 'an id anywhere', body: { query: needle, limit: 100 }, indexed: false, expect: rowsAre(1) },
    {
      id: 'needle by line filter',
      body: { query: `{service_name=~".+"} |= "${needle}"`, limit: 100 },
      indexed: true,
      expect: rowsAre(1),
    },
    {
      // An eighth of the rows. Instant queries are computed each time.
      id: 'token count',
      instant: `sum(count_over_time({service_name=~".+"} |~ ${JSON.stringify(wordRegex('timeout'))} ${range}))`,
      mostCpuMs: 6,
      indexed: true,
      expect: shareIs(rows, 0.12, 0.13),
    },
    {
      id: 'token histogram',
      path: '/api/v1/histogram',
      body: { query: 'timeout', buckets: 1 },
      indexed: true,
      expect: has('"total":'),
    },
    {
      id: 'trace lookup',
      body: { query: `{service_name=~".+"} | trace_id="${traceOf(middle)}"`, limit: 100 },
      mostCpuMs: 8,
      indexed: true,
      expect: rowsAre(8),
    },
    {
      id: 'level histogram',
      path: '/api/v1/histogram',
      body: { query: '', buckets: 120 },
      mostCpuMs: 100,
      indexed: false,
      expect: has(`"total":${rows}`),
    },
    {
      id: 'p99 by service',
      instant: `quantile_over_time(0.99, {service_name=~".+"} | unwrap duration_ms ${range}) by (service_name)`,
      mostCpuMs: 60,
      indexed: false,
      expect: has('"service_name":"payments"'),
    },
    {
      // Grouped by the time as well, which one number for each service needs not.
      id: 'p99 by service, two steps',
      body: {
        query: `quantile_over_time(0.99, {service_name=~".+"} | unwrap duration_ms ${range}) by (service_name)`,
        step,
      },
      indexed: false,
      expect: has('"service_name":"payments"'),
    },
    {
      id: 'substring count',
      body: { query: `sum(count_over_time({service_name=~".+"} |= "upstream host 12" ${range}))`, step },
      indexed: false,
      expect: has('"type":"series"'),
    },
    {
      id: 'regex count',
      body: { query: `sum(count_over_time({service_name=~".+"} |~ "host 1[0-9]+ after" ${range}))`, step },
      indexed: false,
      expect: has('"type":"series"'),
    },
  ];
}

export type QueryFigure = { id: string; cpuMs: number; engineCpuMs: number; wallMs: number };

/**
 * Ask a hundred times, for two seconds at most: a server that people use has been asked more than that, and a program in JavaScript compiles its own code the
 * first times that it runs (docs/decisions/0025). For every server alike.
 */
export async function warm(ask: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + 2000;
  for (let k = 0; k < 100 && performance.now() < until; k++) await ask();
}

/** How often a question is asked: until `repeats`, or after `leastRepeats` until `millis` have passed. */
export type Repeats = { repeats: number; leastRepeats: number; millis: number };

/** ms of each answer. */
export async function timed(
  ask: () => Promise<unknown>,
  { repeats, leastRepeats, millis }: Repeats,
): Promise<number[]> {
  const walls: number[] = [];
  const until = performance.now() + millis;
  while (walls.length < repeats && (walls.length < leastRepeats || performance.now() < until)) {
    const start = performance.now();
    await ask();
    walls.push(performance.now() - start);
  }
  return walls;
}

/** Median wall and mean CPU (whole tree, and the engine's own process) of each query, once it is warm; checks the answers. */
export async function measureQueries(
  target: UnderTest,
  cases: Case[],
  range: { start: string; end: string },
  repeats: number | Repeats,
): Promise<QueryFigure[]> {
  const figures: QueryFigure[] = [];
  for (const each of cases) {
    // Each time one ms earlier, so that no answer is kept from the time before.
    let asked = 0n;
    const body = (): string =>
      JSON.stringify({ ...each.body, ...range, start: `${BigInt(range.start) - asked++ * 1_000_000n}` });
    const instant = each.instant && `/loki/api/v1/query?query=${encodeURIComponent(each.instant)}&time=${range.end}`;
    const ask = () =>
      instant
        ? target.get(instant)
        : target.post(each.path ?? '/api/v1/query', body(), { 'content-type': 'application/json' });
    const first = await ask();
    const fault = first.status === 200 ? each.expect(first.body) : `status ${first.status}`;
    if (fault) throw new Error(`${each.id}: ${fault}: ${first.body.slice(0, 500)}`);
    await warm(ask);
    const cpu = target.usage().cpuSeconds;
    const engine = cpuOfMatching(target.pid, 'engine/child');
    const walls = await timed(
      ask,
      typeof repeats === 'number' ? { repeats, leastRepeats: repeats, millis: Infinity } : repeats,
    );
    figures.push({
      id: each.id,
      cpuMs: ((target.usage().cpuSeconds - cpu) * 1000) / walls.length,
      engineCpuMs: ((cpuOfMatching(target.pid, 'engine/child') - engine) * 1000) / walls.length,
      wallMs: median(walls),
    });
  }
  return figures;
}

export function queryResults(cases: Case[], figures: QueryFigure[], name: string): Result[] {
  return figures.map(f => {
    const most = cases.find(c => c.id === f.id)?.mostCpuMs;
    return {
      case: name,
      what: `${f.id}, CPU of the whole tree`,
      value: f.cpuMs,
      unit: 'ms',
      ...(most && { target: { most: most * 1.5 } }),
      note: `engine alone ${f.engineCpuMs.toFixed(1)} ms${most ? ` (bar ${most})` : ''}, wall p50 ${f.wallMs.toFixed(1)} ms`,
    };
  });
}
