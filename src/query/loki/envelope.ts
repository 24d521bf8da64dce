import { sampleText, type Series } from '../series.ts';

/** A row as Loki answers need it. */
export type Entry = {
  ts: string;
  message: string;
  labels: Record<string, string>;
  attributes: Record<string, string>;
  parsed?: Record<string, string>;
};

/** What an answer cost: rows and bytes that were read, as far as the engine said (a short query may end before it says anything), and what came out. */
export type Stats = { readRows: number; readBytes: number; elapsedMs: number; entries: number };

const sorted = (labels: Record<string, string>): Record<string, string> => {
  const names = Object.keys(labels);
  for (let i = 1; i < names.length; i++)
    if ((names[i - 1] ?? '') > (names[i] ?? '')) {
      const out: Record<string, string> = {};
      for (const name of names.sort()) out[name] = labels[name] ?? '';
      return out;
    }
  return labels;
};

const isEmpty = (value: object | undefined): boolean => {
  for (const _ in value) return false;
  return true;
};

/** The third element of a value in categorised answers: structured metadata and parsed labels, members only when not empty. */
const categories = (entry: Entry): object => ({
  ...(!isEmpty(entry.attributes) && { structuredMetadata: entry.attributes }),
  ...(!isEmpty(entry.parsed) && { parsed: entry.parsed }),
});

/** `[{"stream":{..},"values":[..]},..]`: entries regrouped by label set, in the order they come. */
export function streamsJson(entries: Entry[], categorize: boolean): string {
  const streams = new Map<string, string[]>();
  for (const entry of entries) {
    const key = JSON.stringify(
      sorted(categorize ? entry.labels : { ...entry.labels, ...entry.attributes, ...entry.parsed }),
    );
    const value = categorize ? [entry.ts, entry.message, categories(entry)] : [entry.ts, entry.message];
    const values = streams.get(key);
    if (values) values.push(JSON.stringify(value));
    else streams.set(key, [JSON.stringify(value)]);
  }
  const parts: string[] = [];
  for (const [stream, values] of streams) parts.push(`{"stream":${stream},"values":[${values.join(',')}]}`);
  return `[${parts.join(',')}]`;
}

/** Seconds with at most three decimals, as a JSON number. */
const seconds = (ms: number): string => String(ms / 1000);

export function matrixJson(series: Series[]): string {
  const one = (s: Series): string =>
    `{"metric":${JSON.stringify(s.metric)},"values":[${s.points.map(([ms, value]) => `[${seconds(ms)},"${sampleText(value)}"]`).join(',')}]}`;
  return `[${series.map(one).join(',')}]`;
}

/** Each sample is an element of its own: label_replace can give several the same labels. */
export function vectorJson(series: Series[]): string {
  const all = series.flatMap(({ metric, points }) => {
    const labels = JSON.stringify(metric);
    return points.map(([ms, value]) => `{"metric":${labels},"value":[${seconds(ms)},"${sampleText(value)}"]}`);
  });
  return `[${all.join(',')}]`;
}

export function scalarJson(ms: number, value: number): string {
  return `[${seconds(ms)},"${sampleText(value)}"]`;
}

/** Loki's figures about its chunks; there are none here. */
const noChunks = {
  totalChunksRef: 0,
  totalChunksDownloaded: 0,
  chunksDownloadTime: 0,
  queryReferencedStructuredMetadata: false,
  chunk: {
    headChunkBytes: 0,
    headChunkLines: 0,
    decompressedBytes: 0,
    decompressedLines: 0,
    compressedBytes: 0,
    totalDuplicates: 0,
    postFilterLines: 0,
  },
};
const noWorkers = JSON.stringify({
  querier: { store: noChunks },
  ingester: { totalReached: 0, totalChunksMatched: 0, totalBatches: 0, totalLinesSent: 0, store: noChunks },
}).slice(1);

function statsJson(stats: Stats): string {
  const execTime = stats.elapsedMs / 1000;
  const perSecond = (amount: number): number => (execTime > 0 ? Math.round(amount / execTime) : 0);
  const summary = JSON.stringify({
    bytesProcessedPerSecond: perSecond(stats.readBytes),
    linesProcessedPerSecond: perSecond(stats.readRows),
    totalBytesProcessed: stats.readBytes,
    totalLinesProcessed: stats.readRows,
    execTime,
    queueTime: 0,
    subqueries: 0,
    totalEntriesReturned: stats.entries,
    splits: 0,
    shards: 0,
    totalPostFilterLines: stats.entries,
    totalStructuredMetadataBytesProcessed: 0,
  });
  return `{"summary":${summary},${noWorkers}`;
}

/**
 * The answer of query and query_range. The order of the members matters: Grafana reads it as a stream and must meet
 * resultType and encodingFlags before result.
 */
export function envelope(answer: {
  resultType: 'streams' | 'matrix' | 'vector' | 'scalar';
  result: string;
  categorize?: boolean;
  warnings?: string[];
  stats: Stats;
}): string {
  const warnings = answer.warnings?.length ? `"warnings":${JSON.stringify(answer.warnings)},` : '';
  const flags = answer.categorize ? '"encodingFlags":["categorize-labels"],' : '';
  return `{"status":"success",${warnings}"data":{"resultType":"${answer.resultType}",${flags}"result":${answer.result},"stats":${statsJson(answer.stats)}}}`;
}
