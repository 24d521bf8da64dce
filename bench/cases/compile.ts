import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serverFlags } from '../../bin/launch.mjs';
import { planOf } from '../../src/query/plan.ts';
import { median, quantile, type Result } from '../statistics.ts';

const texts = [
  '',
  'timeout checkout',
  '{app="a"}',
  '{app="a", env=~"prod|dev"} |= "timeout" != "debug"',
  '{app="a"} | json | status >= 500 | line_format "{{.method}} {{.path}}"',
  '{app="a"} | logfmt | took > 1s and size < 10KB',
  '{app="a"} | pattern "<ip> - <_> <method>" | method="GET" | keep method, ip',
  'sum by (app, level) (rate({app=~".+"} |= "error" [5m]))',
  'topk(5, sum by (path) (count_over_time({app="a"} | json [5m])))',
  'quantile_over_time(0.99, {app="a"} | json | unwrap duration(took) | __error__="" [5m]) by (path)',
  'sum(rate({app="a"} | json | status >= 500 [5m])) / sum(rate({app="a"} | json [5m])) > 0.01',
];

const warmRuns = 300;
const repeats = 3000;

type Runs = { /** ms, of each run. */ walls: number[] /** CPU-ms of one run, mean. */; cpu: number };

function compile(text: string): void {
  const range = { start: 1_790_000_000_000_000_000n, end: 1_790_003_600_000_000_000n };
  const sources = { records: ['`weir`.`records`', '`weir`.`tail_1`'] };
  const plan = planOf(text);
  if (plan.kind === 'metric') plan.sql('default', range, 60_000_000_000n)(sources);
  else plan.page({ tenant: 'default', range }, { direction: 'backward', limit: 100 }).sql(sources);
}

function runs(): Runs[] {
  for (let i = 0; i < warmRuns; i++) for (const text of texts) compile(text);
  return texts.map(text => {
    const walls: number[] = [];
    const began = process.threadCpuUsage();
    for (let i = 0; i < repeats; i++) {
      const start = performance.now();
      compile(text);
      walls.push(performance.now() - start);
    }
    const spent = process.threadCpuUsage(began);
    return { walls, cpu: (spent.user + spent.system) / 1000 / repeats };
  });
}

/** From the text of a query to its SQL: the longest but one in a hundred of many runs by the clock, in a Node with the flags of the server. */
export function compileCase(): Result[] {
  const child = spawnSync(process.execPath, [...serverFlags, fileURLToPath(import.meta.url)], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (child.status !== 0) throw new Error(`the runs of the compiler failed: ${child.stderr}`);
  const figures = JSON.parse(child.stdout) as Runs[];
  const p99 = figures.map(f => quantile(f.walls, 0.99));
  const cpu = figures.map(f => f.cpu);
  const note = `${repeats} runs of each of ${texts.length} queries`;
  return [
    {
      case: 'language',
      what: 'parse and compile, p99',
      value: quantile(
        figures.flatMap(f => f.walls),
        0.99,
      ),
      unit: 'ms',
      target: { most: 1 },
      note,
    },
    {
      case: 'language',
      what: 'parse and compile, p99 of the dearest query',
      value: Math.max(...p99),
      unit: 'ms',
      target: { most: 1 },
      note: `median of their p99 ${median(p99).toFixed(2)} ms; mean CPU ${Math.max(...cpu).toFixed(2)} ms of the dearest, ${median(cpu).toFixed(2)} ms of the median`,
    },
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(JSON.stringify(runs()));
