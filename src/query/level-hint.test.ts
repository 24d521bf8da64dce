import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import { parseQuery } from '../language/parser.ts';
import { levelHint } from './level-hint.ts';

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;
let server: QueryServer;

beforeAll(async () => {
  server = await startQueryServer();
  await server.store.tick([
    { ts: t0, message: 'one level=error', service: 'web', level: 'error', labels: { env: 'prod' } },
    { ts: t0 + second, message: 'two', service: 'web', level: 'info', labels: { severity: 'high' } },
  ]);
});
afterAll(() => server.close());

const warnings = async (query: string): Promise<unknown> => {
  const range = `start=${t0 - second}&end=${t0 + 60n * second}&step=60`;
  const response = await server.get(`/loki/api/v1/query_range?query=${encodeURIComponent(query)}&${range}`);
  expect(response.status).toBe(200);
  const text = await response.text();
  // Grafana must meet them before the data.
  if (text.includes('"warnings"')) expect(text).toMatch(/^\{"status":"success","warnings":\[".*"\],"data":\{/);
  return (JSON.parse(text) as { warnings?: unknown }).warnings;
};

describe('who takes level for the level that every record has', () => {
  it('is told, and the answer stays LogQL', async () => {
    const by = 'sum by (level) (count_over_time({service_name="web"}[2m]))';
    expect(await warnings(by)).toEqual([
      expect.stringMatching(/^no series has the label "level"; .* by \(detected_level\)$/),
    ]);
    const frames = await server.frames('/api/v1/query', {
      query: by,
      start: String(t0),
      end: String(t0 + 60n * second),
      step: 60,
    });
    expect(frames.filter(f => f.type === 'series').map(f => f.metric)).toEqual([{}]);
    expect(frames.filter(f => f.type === 'warning').map(f => f.message)).toEqual([
      expect.stringMatching(/by \(detected_level\)$/),
    ]);
  });

  it('is told when a filter finds nothing', async () => {
    const hint = [expect.stringMatching(/^nothing was found with the label "level", .* \| detected_level="error"$/)];
    expect(await warnings('{service_name="web"} | level="error"')).toEqual(hint);
    expect(await warnings('{service_name="web", level=~"err.*"}')).toEqual(hint);
    const metric = 'sum(count_over_time({service_name="web"} | level="error" [2m]))';
    // Grafana fails on warnings beside no series.
    expect(await warnings(metric)).toBeUndefined();
    for (const query of ['{service_name="web"} | level="error"', metric]) {
      const frames = await server.frames('/api/v1/query', {
        query,
        start: String(t0),
        end: String(t0 + 60n * second),
      });
      expect(frames.filter(f => f.type === 'warning')).toEqual([{ type: 'warning', message: hint[0] }]);
    }
  });

  it.each([
    'sum by (detected_level) (count_over_time({service_name="web"}[2m]))',
    'sum by (level, detected_level) (count_over_time({service_name="web"}[2m]))',
    'sum by (level) (count_over_time({service_name="web"} | logfmt [2m]))',
    'sum by (severity) (count_over_time({service_name="web"}[2m]))',
    'sum by (env) (count_over_time({service_name="web"}[2m]))',
    'sum by (nothing) (count_over_time({service_name="web"}[2m]))',
    'sum by (level) (count_over_time({service_name="nobody"}[2m]))',
    'sum without (level) (count_over_time({service_name="web"}[2m]))',
    '{service_name="web"} | detected_level="fatal"',
    '{service_name="web"} | logfmt | level="fatal"',
    '{service_name="web"} | level="" | severity="low" or severity=""  |= "nowhere"',
    '{service_name="web"}',
  ])('is not told where the label is there or nobody asks for it: %s', async query => {
    expect(await warnings(query)).toBeUndefined();
  });
});

it.each([
  ['sort_desc(sum by (lvl) (rate({a="b"}[1m])))', 'lvl'],
  ['label_replace(sum by (level) (rate({a="b"}[1m])), "x", "y", "", "")', 'level'],
  ['1 + max_over_time({a="b"} | unwrap n [1m]) by (Severity)', 'Severity'],
])('the nearest grouping counts: %s', (query, name) => {
  expect(levelHint(parseQuery(query), [{}, { x: 'y' }])).toContain(`"${name}"`);
  expect(levelHint(parseQuery(query), [{}, { [name]: 'error' }])).toBeUndefined();
});

it('a grouping that loses the label again is not the one', () => {
  expect(levelHint(parseQuery('sum by (env) (sum by (level) (rate({a="b"}[1m])))'), [{}])).toBeUndefined();
});
