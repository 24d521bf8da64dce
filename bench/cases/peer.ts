import { setTimeout as sleep } from 'node:timers/promises';
import { type Chunk, needleAt, traceOf } from '../generate.ts';
import { usageOf } from '../process-tree.ts';
import { median, type Result } from '../statistics.ts';
import { makeClient, startWeir } from '../weir-under-test.ts';
import { ingestCase, send } from './ingest.ts';
import { measureQueries, queryCases, type QueryFigure, timed, warm } from './queries.ts';

export type PeerKind = 'victorialogs' | 'loki';
export type Peer = { kind: PeerKind; url: string; pid: number };

/** The same lines as a Loki push: one stream per service and level, the whole line as the entry. */
function asLokiPush(chunk: Chunk): Chunk {
  const streams = new Map<string, { stream: Record<string, string>; values: [string, string][] }>();
  for (const line of chunk.bytes.toString('utf8').split('\n')) {
    if (line === '') continue;
    const { ts, service, level } = JSON.parse(line) as { ts: string; service: string; level: string };
    const key = `${service}/${level}`;
    let stream = streams.get(key);
    if (!stream) streams.set(key, (stream = { stream: { service, level }, values: [] }));
    stream.values.push([`${BigInt(Date.parse(ts)) * 1_000_000n}`, line]);
  }
  return { bytes: Buffer.from(JSON.stringify({ streams: [...streams.values()] })), rows: chunk.rows };
}

type Ask = { id: string; path: string };

/** The questions of `queryCases` in the peer's language. */
function questions(kind: PeerKind, rows: number, start: string, end: string, seconds: number): Ask[] {
  const needle = needleAt(Math.floor(rows / 2 / 100_000) * 100_000 + 4242);
  const trace = traceOf(Math.floor(rows / 2));
  const e = encodeURIComponent;
  const list: [string, string, string][] = [
    ['last 100', '* | sort by (_time desc) limit 100', '{service=~".+"}'],
    [
      'service and level, last 100',
      '{service="payments"} level:error | sort by (_time desc) limit 100',
      '{service="payments",level="error"}',
    ],
    ['needle token', `${needle} | limit 100`, `{service=~".+"} |= "${needle}"`],
    ['token count', 'timeout | count()', `sum(count_over_time({service=~".+"} |= "timeout" [${seconds}s]))`],
    ['trace lookup', `trace_id:="${trace}" | limit 100`, `{service=~".+"} |= "${trace}"`],
    [
      'level histogram',
      '* | stats by (_time:10m, level) count()',
      `sum by (level) (count_over_time({service=~".+"} [10m]))`,
    ],
    [
      'substring count',
      '"upstream host 12"* | count()',
      `sum(count_over_time({service=~".+"} |= "upstream host 12" [${seconds}s]))`,
    ],
    [
      'regex count',
      '~"host 1[0-9]+ after" | count()',
      `sum(count_over_time({service=~".+"} |~ "host 1[0-9]+ after" [${seconds}s]))`,
    ],
    [
      'p99 by service',
      '* | stats by (service) quantile(0.99, duration_ms)',
      `quantile_over_time(0.99, {service=~".+"} | json | unwrap duration_ms [${seconds}s]) by (service)`,
    ],
  ];
  return list.map(([id, logsql, logql]) => {
    if (kind === 'victorialogs')
      return { id, path: `/select/logsql/query?query=${e(logsql)}&start=${start}&end=${end}` };
    const metric = /^(sum|quantile)/.test(logql);
    return {
      id,
      path: `/loki/api/v1/query_range?query=${e(logql)}&start=${start}&end=${end}&limit=100${metric ? `&step=${id === 'level histogram' ? 600 : seconds}` : ''}`,
    };
  });
}

/** Questions of one kind to each side: forty, or for three seconds, at least ten. */
const enough = { repeats: 40, leastRepeats: 10, millis: 3000 };

/**
 * The same data and the same questions to Weir and to a running peer, one after the other on this machine; ratio = peer's CPU over ours. Weir comes first and is gone when the peer
 * is asked, which until then has nothing to do: neither works beside the other's data.
 */
export async function comparePeer(peer: Peer, chunks: Chunk[], rows: number): Promise<Result[]> {
  const name = `against ${peer.kind}`;
  const seconds = Math.ceil((rows * 10) / 1000) + 300;
  const endMs = Date.now() + 60_000;
  const start = `${BigInt(endMs - seconds * 1000) * 1_000_000n}`;
  const end = `${BigInt(endMs) * 1_000_000n}`;
  const asks = questions(peer.kind, rows, start, end, seconds);
  const weir = await startWeir();
  let ours: { ingest: number; figures: QueryFigure[] };
  try {
    const [ingested] = await ingestCase(weir, name, chunks);
    const cases = queryCases(rows, seconds).filter(c => asks.some(({ id }) => id === c.id));
    ours = {
      ingest: ingested?.value ?? Number.NaN,
      figures: await measureQueries(weir, cases, { start, end }, enough),
    };
  } finally {
    await weir.stop();
  }

  const client = makeClient(peer.url);
  const megabytes = chunks.reduce((sum, c) => sum + c.bytes.length, 0) / 1e6;
  const before = usageOf(peer.pid).cpuSeconds;
  if (peer.kind === 'victorialogs')
    await send(client, '/insert/jsonline?_stream_fields=service&_time_field=ts&_msg_field=message', chunks);
  else await send(client, '/loki/api/v1/push', chunks.map(asLokiPush), 4, 'application/json');
  for (let quiet = 0, last = usageOf(peer.pid).cpuSeconds; quiet < 5; ) {
    await sleep(1000);
    const now = usageOf(peer.pid).cpuSeconds;
    quiet = now - last < 0.05 ? quiet + 1 : 0;
    last = now;
  }
  const theirIngest = megabytes / (usageOf(peer.pid).cpuSeconds - before);
  const theirs = new Map<string, { cpuMs: number; wallMs: number }>();
  for (const { id, path } of asks) {
    const first = await client.get(path);
    if (first.status !== 200)
      throw new Error(`${peer.kind} answered ${first.status} to ${id}: ${first.body.slice(0, 300)}`);
    const ask = () => client.get(path);
    await warm(ask);
    const cpu = usageOf(peer.pid).cpuSeconds;
    const walls = await timed(ask, enough);
    theirs.set(id, {
      cpuMs: ((usageOf(peer.pid).cpuSeconds - cpu) * 1000) / walls.length,
      wallMs: median(walls),
    });
  }
  client.close();
  return [
    {
      case: name,
      what: 'ingest, our MB per CPU-second over theirs',
      value: ours.ingest / theirIngest,
      unit: 'x',
      target: { least: 1.5 },
      note: `ours ${ours.ingest.toFixed(1)}, theirs ${theirIngest.toFixed(1)}`,
    },
    ...ours.figures.map((f): Result => {
      const their = theirs.get(f.id);
      return {
        case: name,
        what: `${f.id}, their CPU over ours`,
        value: (their?.cpuMs ?? Number.NaN) / f.cpuMs,
        unit: 'x',
        note: `ours ${f.cpuMs.toFixed(1)} ms CPU, ${f.wallMs.toFixed(1)} ms wall; theirs ${their?.cpuMs.toFixed(1)} and ${their?.wallMs.toFixed(1)}`,
      };
    }),
  ];
}
