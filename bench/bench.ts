import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ackCase, visibleCase } from './cases/latency.ts';
import { engineLimit } from './cases/engine-limit.ts';
import { compileCase } from './cases/compile.ts';
import { dashboardCase } from './cases/dashboards.ts';
import { explorerCase } from './cases/explorer.ts';
import { growthCase } from './cases/growth.ts';
import { ingestCase, prepared } from './cases/ingest.ts';
import { memoryCase } from './cases/memory.ts';
import { comparePeer, type PeerKind } from './cases/peer.ts';
import { measureQueries, queryCases, queryResults } from './cases/queries.ts';
import { machineLimits } from './machine-limits.ts';
import { met, type Result, table } from './statistics.ts';
import { startWeir } from './weir-under-test.ts';

export type BenchOptions = {
  /** Everything in about 60 s on small sets; ratios against the limits of the same run only. */
  small: boolean;
  /** Run only these: limits, ingest, latency, queries, memory, growth, wide, replay, dashboards, language, explorer. */
  only?: string[];
  /** A VictoriaLogs or Loki to send the same data and questions to. */
  peer?: { kind: PeerKind; url: string; pid: number };
  /** Write all figures here as JSON. */
  out?: string;
};

/** The number that dashboards of this set unwrap has a column of its own (docs/decisions/0010): 2 % of the insert cost. */
const indexedConfig = 'store: {numbers: [duration_ms]}\n';
const plainConfig = 'store: {token_index: false, trace_index: false, id_index: false}\n';

/** Run the cases one after the other on this machine, print each as it is known, then everything as one table. Resolves with false when a target was missed. */
export async function runBench(options: BenchOptions, print: (text: string) => void): Promise<boolean> {
  const { small } = options;
  const rows = small ? 200_000 : 2_000_000;
  const wants = (name: string): boolean =>
    options.only === undefined
      ? !small || !['growth', 'wide', 'memory', 'replay', 'dashboards', 'explorer'].includes(name)
      : options.only.includes(name);
  const results: Result[] = [];
  const add = (more: Result[]): void => {
    results.push(...more);
    for (const r of more)
      print(
        `${r.case}: ${r.what}: ${r.value.toFixed(2)} ${r.unit}${met(r) === false ? ' (target missed)' : ''}${r.note ? ` [${r.note}]` : ''}`,
      );
  };

  if (wants('limits')) add(machineLimits(small));
  const chunks = wants('ingest') || wants('queries') || options.peer ? prepared('flat', rows) : [];
  const limit = wants('ingest') ? engineLimit(chunks, 64 * 2 ** 20) : undefined;
  if (limit) add(limit.results);
  let rate = 20;
  if (wants('ingest') || wants('queries') || wants('latency')) {
    const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'));
    const weir = await startWeir({ config: indexedConfig, folder });
    try {
      add([{ case: 'start', what: 'empty directory to ready', value: weir.readyMs, unit: 'ms' }]);
      if (wants('ingest') || wants('queries')) {
        const ingested = await ingestCase(weir, 'ingest, token and trace indexes', chunks, { least: 70 });
        add(ingested);
        rate = ingested[1]?.value ?? rate;
        if (limit)
          add([
            {
              case: 'ingest, token and trace indexes',
              what: 'share of engine alone',
              value: (ingested[0]?.value ?? Number.NaN) / limit.indexed,
              unit: 'x',
              target: { least: 0.6 },
            },
          ]);
      }
      if (wants('queries')) {
        const end = Date.now() + 60_000;
        const seconds = Math.ceil((rows * 10) / 1000) + 300;
        const cases = queryCases(rows, seconds);
        const range = { start: `${BigInt(end - seconds * 1000) * 1_000_000n}`, end: `${BigInt(end) * 1_000_000n}` };
        add(
          queryResults(cases, await measureQueries(weir, cases, range, small ? 10 : 40), `query, ${rows / 1e6} M rows`),
        );
      }
      if (wants('latency')) {
        const half = Math.max(2, Math.min(20, Math.round(rate / 2)));
        add(await ackCase(weir, half, small ? 6 : 30));
        add(await visibleCase(weir, half, small ? 25 : 150));
      }
      await weir.stop();
      const again = await startWeir({ config: indexedConfig, folder });
      add([{ case: 'start', what: 'second start to ready', value: again.readyMs, unit: 'ms', target: { most: 3000 } }]);
      await again.stop();
    } finally {
      await weir.kill();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
  if (limit) {
    const weir = await startWeir({ config: plainConfig });
    try {
      const ingested = await ingestCase(weir, 'ingest, no indexes', chunks, { least: 130 });
      add([
        ...ingested,
        {
          case: 'ingest, no indexes',
          what: 'share of engine alone',
          value: (ingested[0]?.value ?? Number.NaN) / limit.plain,
          unit: 'x',
          target: { least: 0.6 },
        },
      ]);
    } finally {
      await weir.stop();
    }
  }
  for (const set of ['wide20', 'wide200', 'replay'] as const) {
    if (!wants(set.startsWith('wide') ? 'wide' : set)) continue;
    const weir = await startWeir();
    try {
      add(
        await ingestCase(
          weir,
          `ingest, ${set}`,
          prepared(set, Math.round(rows / (set === 'wide200' ? 20 : set === 'wide20' ? 3 : 2))),
        ),
      );
    } finally {
      await weir.stop();
    }
  }
  for (const [name, run] of [
    ['memory', () => memoryOf(small)],
    ['growth', () => growthOf(small)],
    ['dashboards', () => dashboardsOf(small)],
    ['language', () => Promise.resolve(compileCase())],
    ['explorer', () => explorerCase()],
  ] as const)
    if (wants(name)) add(await run());
  if (options.peer) add(await comparePeer(options.peer, chunks, rows));

  print(`\n${table(results)}`);
  if (options.out) writeFileSync(options.out, `${JSON.stringify(results, null, 2)}\n`);
  const missed = results.filter(r => met(r) === false);
  print(
    missed.length === 0
      ? '\nall targets met'
      : `\n${missed.length} targets missed: ${missed.map(r => `${r.case}: ${r.what}`).join('; ')}`,
  );
  return missed.length === 0;
}

async function memoryOf(small: boolean): Promise<Result[]> {
  // The first start of an installation compiles, later ones load what it compiled (docs/decisions/0018).
  await (await startWeir()).stop();
  const weir = await startWeir();
  try {
    await weir.settle();
    return await memoryCase(weir, 20, small ? 15 : 180);
  } finally {
    await weir.stop();
  }
}

async function dashboardsOf(small: boolean): Promise<Result[]> {
  const weir = await startWeir();
  try {
    return await dashboardCase(weir, small ? 200_000 : 2_000_000);
  } finally {
    await weir.stop();
  }
}

async function growthOf(small: boolean): Promise<Result[]> {
  const weir = await startWeir({ config: indexedConfig });
  try {
    return await growthCase(weir, small ? [50_000, 500_000] : [1_000_000, 20_000_000], small ? 5 : 20);
  } finally {
    await weir.stop();
  }
}
