import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../../test/query/query-server.ts';

/** Requests as Grafana's data source, Logs Drilldown and logcli make them, and what these programs do with the answers. */

const second = 1_000_000_000n;
/** Midnight of 2023-11-15. */
const t0 = 1_700_006_400n * second;
const end = t0 + 600n * second;
const api = '/loki/api/v1';
let server: QueryServer;

beforeAll(async () => {
  server = await startQueryServer();
  // Twenty records share each time, over three streams; the ns differ where JavaScript's numbers cannot.
  const records = Array.from({ length: 300 }, (_, i) => ({
    ts: t0 + 123_456_789n + BigInt(Math.floor(i / 20)),
    message: `{"n":${i},"took":"${i}ms"}`,
    service: ['web', 'api', 'db'][i % 3] ?? '',
    labels: { env: 'prod' },
    level: (['info', 'error'] as const)[i % 2] ?? 'info',
    attributes: { host: `h${i % 4}` },
  }));
  await server.store.tick(records.slice(0, 150));
  await server.store.seal();
  await server.store.tick(records.slice(150));
});
afterAll(() => server.close());

type Value = [string, string, { structuredMetadata?: object; parsed?: object }?];
type Stream = { stream: Record<string, string>; values: Value[] };
type Series = { metric: Record<string, string>; values: [number, string][]; value: [number, string] };
type Answer<T> = { status: string; data: { resultType: string; encodingFlags?: string[]; result: T[] } };

async function get<T>(
  path: string,
  parameters: Record<string, string>,
  headers: Record<string, string>,
): Promise<[T, string]> {
  const response = await server.get(`${path}?${new URLSearchParams(parameters)}`, headers);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return [JSON.parse(text) as T, text];
}

describe('Grafana', () => {
  const headers = {
    'X-Loki-Response-Encoding-Flags': 'categorize-labels',
    'X-Query-Tags': 'Source=grafana',
    'X-Loki-Query-Limits-Context': 'ignored',
    'Cache-Control': 'no-cache',
    'User-Agent': 'Grafana/12.1.0',
  };
  const range = { start: `${t0}`, end: `${end}` };

  /** Grafana reads as a stream: what it must know about the result has to stand before it. */
  function inOrder(text: string): void {
    const at = ['"status"', '"data"', '"resultType"', '"encodingFlags"', '"result":', '"stats"'].map(member =>
      text.indexOf(member),
    );
    const there = at.filter(position => position >= 0);
    expect(there).toEqual(there.toSorted((a, b) => a - b));
    expect(text).not.toContain('null');
  }

  it('finds the data source healthy', async () => {
    const [answer] = await get<Answer<Series>>(
      `${api}/query`,
      { direction: 'backward', query: 'vector(1)+vector(1)', time: '4000000000' },
      headers,
    );
    expect(answer.data).toMatchObject({
      resultType: 'vector',
      result: [{ metric: {}, value: [expect.anything(), '2'] }],
    });
    expect(answer.data.result).toHaveLength(1);
  });

  it('explores logs', async () => {
    const query = { query: '{env="prod"} | json | took>100ms', direction: 'backward', limit: '1000', step: '15000ms' };
    const [answer, text] = await get<Answer<Stream>>(`${api}/query_range`, { ...query, ...range }, headers);
    inOrder(text);
    expect(answer.data.encodingFlags).toEqual(['categorize-labels']);
    const values = answer.data.result.flatMap(one => one.values);
    expect(values).toHaveLength(199);
    for (const { stream } of answer.data.result) expect(Object.keys(stream)).toEqual(['env', 'service_name']);
    for (const [ts, line, categories] of values) {
      expect(ts).toMatch(/^\d{19}$/);
      const { n, took } = JSON.parse(line) as { n: number; took: string };
      expect(categories).toEqual({
        structuredMetadata: { detected_level: n % 2 === 0 ? 'info' : 'error', host: `h${n % 4}` },
        parsed: { n: String(n), took },
      });
      expect(BigInt(ts)).toBe(t0 + 123_456_789n + BigInt(Math.floor(n / 20)));
    }
    for (const { values: own } of answer.data.result) {
      const times = own.map(([ts]) => ts);
      expect(times).toEqual(times.toSorted().toReversed());
    }
  });

  it('draws the log volume panel', async () => {
    const query = 'sum by (level, detected_level) (count_over_time({env="prod"} | drop __error__[1m]))';
    const [answer, text] = await get<Answer<Series>>(
      `${api}/query_range`,
      { query, ...range, step: '60000ms' },
      headers,
    );
    inOrder(text);
    expect(answer.data).toMatchObject({
      resultType: 'matrix',
      result: [
        { metric: { detected_level: 'error' }, values: [[1_700_006_460, '150']] },
        { metric: { detected_level: 'info' }, values: [[1_700_006_460, '150']] },
      ],
    });
  });

  it('shows the context of a row: the row itself is found again in both directions', async () => {
    const [all] = await get<Answer<Stream>>(
      `${api}/query_range`,
      { query: '{env="prod"} |= "\\"n\\":145,"', limit: '1', ...range },
      headers,
    );
    const row = all.data.result[0]?.values[0];
    expect(row?.[1]).toContain('"n":145');
    const around = async (parameters: Record<string, string>): Promise<Value[]> =>
      (
        await get<Answer<Stream>>(`${api}/query_range`, { query: '{env="prod"}', limit: '101', ...parameters }, headers)
      )[0].data.result.flatMap(one => one.values);
    const ts = BigInt(row?.[0] ?? 0);
    const before = await around({ start: `${ts - 3600n * second}`, end: `${ts + 1n}`, direction: 'backward' });
    const after = await around({ start: `${ts}`, end: `${ts + 3600n * second}`, direction: 'forward' });
    for (const values of [before, after])
      expect(values.filter(([at, line]) => at === row?.[0] && line === row?.[1])).toHaveLength(1);
    expect(before.every(([at]) => BigInt(at) <= ts)).toBe(true);
    expect(after.every(([at]) => BigInt(at) >= ts)).toBe(true);
    expect([before.length, after.length]).toEqual([101, 101]);
  });

  it('browses labels, series and stats while a query is typed', async () => {
    const [labels] = await get<object>(`${api}/labels`, range, headers);
    expect(labels).toEqual({ status: 'success', data: ['env', 'service_name'] });
    const [values] = await get<object>(
      `${api}/label/service_name/values`,
      { ...range, query: '{env="prod"}' },
      headers,
    );
    expect(values).toEqual({ status: 'success', data: ['api', 'db', 'web'] });
    const [series] = await get<{ data: object[] }>(
      `${api}/series`,
      { ...range, 'match[]': '{service_name="db"}' },
      headers,
    );
    expect(series.data).toEqual([{ env: 'prod', service_name: 'db' }]);
    const [, stats] = await get<object>(`${api}/index/stats`, { ...range, query: '{env="prod"}' }, headers);
    expect(stats).toMatch(/^\{"streams":3,"chunks":\d+,"entries":300,"bytes":\d+\}$/);
  });

  it('opens Logs Drilldown', async () => {
    const rfc = { start: '2023-11-15T00:00:00.000Z', end: '2023-11-15T00:10:00.000Z' };
    const [limits] = await get<{ limits: { volume_enabled: boolean } }>(`${api}/drilldown-limits`, {}, headers);
    expect(limits.limits.volume_enabled).toBe(true);
    const [volume] = await get<Answer<Series>>(
      `${api}/index/volume`,
      { query: '{service_name=~`.+`}', limit: '5000', targetLabels: 'service_name', aggregateBy: 'series', ...rfc },
      headers,
    );
    expect(volume.data.resultType).toBe('vector');
    const sizes = volume.data.result.map(one => Number(one.value[1]));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(new Set(volume.data.result.map(one => one.metric.service_name))).toEqual(new Set(['api', 'db', 'web']));
    const [fields] = await get<{ fields: { label: string; parsers: string[] | null }[] }>(
      `${api}/detected_fields`,
      { query: '{service_name=`web`}', line_limit: '1000', limit: '1000', ...rfc },
      headers,
    );
    expect(Object.fromEntries(fields.fields.map(({ label, parsers }) => [label, parsers]))).toEqual({
      detected_level: null,
      host: null,
      n: ['json'],
      took: ['json'],
    });
    const [labels] = await get<object>(`${api}/detected_labels`, { query: '{service_name=`web`}', ...rfc }, headers);
    expect(labels).toEqual({
      detectedLabels: [
        { label: 'env', cardinality: 1 },
        { label: 'service_name', cardinality: 1 },
      ],
    });
  });

  it('gets [] and not null when there is nothing', async () => {
    for (const [path, parameters] of [
      ['query_range', { query: '{env="nope"}' }],
      ['query_range', { query: 'rate({env="nope"}[1m])' }],
      ['query', { query: 'rate({env="nope"}[1m])' }],
      ['index/volume', { query: '{env="nope"}' }],
      ['index/volume_range', { query: '{env="nope"}' }],
    ] as const) {
      const [answer, text] = await get<Answer<object>>(`${api}/${path}`, { ...parameters, ...range }, headers);
      expect(answer.data.result, path).toEqual([]);
      inOrder(text);
    }
    for (const path of ['labels', 'label/x/values', 'series', 'patterns'])
      expect(
        (
          await get<{ data: object }>(
            `${api}/${path}`,
            { query: '{env="nope"}', match: '{env="nope"}', ...range },
            headers,
          )
        )[0].data,
      ).toEqual([]);
  });
});

describe('logcli', () => {
  /** Its paging: the next page begins at the last time again, and what was seen at that time is left out by comparison. */
  async function pages(
    direction: 'BACKWARD' | 'FORWARD',
    batch: number,
    limit: number,
    onPage?: () => Promise<void>,
  ): Promise<string[]> {
    const seen: string[] = [];
    let [from, to] = [t0, end];
    let boundary = new Set<string>();
    for (;;) {
      const wanted = Math.min(batch, limit - seen.length + boundary.size);
      const [answer] = await get<Answer<Stream>>(
        `${api}/query_range`,
        { direction, end: `${to}`, limit: `${wanted}`, query: '{env="prod"}', start: `${from}` },
        { 'User-Agent': 'loki-logcli/3.7.8', 'X-Scope-OrgID': 'default' },
      );
      const entries = answer.data.result
        .flatMap(({ stream, values }) =>
          values.map(([ts, line]) => ({ ts, line, key: `${ts} ${JSON.stringify(stream)} ${line}` })),
        )
        .toSorted((a, b) => (direction === 'FORWARD' ? 1 : -1) * Number(BigInt(a.ts) - BigInt(b.ts)));
      const fresh = entries.filter(({ key }) => !boundary.has(key));
      seen.push(...fresh.map(({ line }) => line));
      const last = entries.at(-1);
      if (!last || entries.length < wanted || fresh.length === 0 || seen.length >= limit) return seen;
      boundary = new Set(entries.filter(({ ts }) => ts === last.ts).map(({ key }) => key));
      if (direction === 'BACKWARD') to = BigInt(last.ts) + 1n;
      else from = BigInt(last.ts);
      await onPage?.();
    }
  }

  it.each([
    ['BACKWARD', 21],
    ['BACKWARD', 50],
    ['BACKWARD', 299],
    ['FORWARD', 21],
    ['FORWARD', 50],
  ] as const)('pages %s by %d over equal times without loss or repeat', async (direction, batch) => {
    const lines = await pages(direction, batch, 5000);
    expect(lines).toHaveLength(300);
    expect(new Set(lines).size).toBe(300);
  });

  it('gets the same page when asked again, also after the tail has become parts', async () => {
    const first = await pages('BACKWARD', 50, 130);
    let sealed = false;
    const again = await pages('BACKWARD', 50, 130, async () => {
      if (!sealed) await server.store.seal();
      sealed = true;
    });
    expect(sealed).toBe(true);
    expect(again).toEqual(first);
    expect(await pages('BACKWARD', 21, 5000)).toHaveLength(300);
  });

  it('sees all labels in one set', async () => {
    const [answer, text] = await get<Answer<Stream>>(
      `${api}/query_range`,
      { direction: 'BACKWARD', limit: '30', query: '{service_name="web"} | json', start: `${t0}`, end: `${end}` },
      {},
    );
    expect(text).not.toContain('encodingFlags');
    for (const { stream, values } of answer.data.result) {
      expect(Object.keys(stream)).toEqual(['detected_level', 'env', 'host', 'n', 'service_name', 'took']);
      expect(values[0]).toHaveLength(2);
    }
  });
});
