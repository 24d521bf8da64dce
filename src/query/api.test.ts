import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryServer, startQueryServer } from '../../test/query/query-server.ts';
import type { CheckAnswer, FieldsAnswer, HistogramAnswer, QuarantineAnswer, QueryFrame, QueryRow } from './contract.ts';

const second = 1_000_000_000n;
const t0 = 1_700_000_000n * second;
const range = { start: String(t0), end: String(t0 + 60n * second) };
let server: QueryServer;

const rowsOf = (frames: QueryFrame[]): QueryRow[] => frames.flatMap(f => (f.type === 'rows' ? f.rows : []));
const messages = (frames: QueryFrame[]): string[] => rowsOf(frames).map(r => r.message);
const ask = (body: object): Promise<QueryFrame[]> => server.frames('/api/v1/query', { ...range, ...body });
const last = (frames: QueryFrame[]): QueryFrame | undefined => frames.at(-1);

beforeAll(async () => {
  server = await startQueryServer();
  await server.store.tick([
    { ts: t0, message: 'one quick fox', service: 'web', labels: { env: 'prod' }, attributes: { user: 'ann' } },
    { ts: t0 + second, message: 'two status=500', service: 'web', level: 'error', severity: 17, traceId: 'ab12' },
  ]);
  await server.store.seal();
  await server.store.tick([
    { ts: t0 + 2n * second, message: '=SUM(A1)', service: 'api', attributes: { user: 'bob' } },
    { ts: t0 + 2n * second, message: 'same time as the one before', service: 'api', attributes: { user: 'bob' } },
  ]);
});
afterAll(() => server.close());

describe('POST /api/v1/query', () => {
  it('answers meta, rows, end', async () => {
    const frames = await ask({ query: '{service_name="web"} |= "two"', id: 'q-1' });
    expect(frames[0]).toEqual({
      type: 'meta',
      id: 'q-1',
      kind: 'logs',
      logql: '{service_name="web"} |= "two"',
      ...range,
    });
    expect(rowsOf(frames)).toEqual([
      {
        ts: String(t0 + second),
        seq: '4294967298',
        received: expect.stringMatching(/^\d{19}$/),
        service: 'web',
        level: 'error',
        severity: 17,
        message: 'two status=500',
        labels: { service_name: 'web' },
        attributes: { detected_level: 'error', trace_id: 'ab12' },
        door: 'json',
      },
    ]);
    expect(last(frames)).toMatchObject({ type: 'end', rows: 1, partial: false, reason: null });
  });

  it('reads parts and tail in order of time and seq, both ways', async () => {
    const down = messages(await ask({}));
    expect(down).toEqual(['same time as the one before', '=SUM(A1)', 'two status=500', 'one quick fox']);
    expect(messages(await ask({ direction: 'forward' }))).toEqual(down.toReversed());
  });

  it('pages by the last row without gap or repeat, among equal times too', async () => {
    for (const direction of ['backward', 'forward']) {
      const seen: string[] = [];
      let after: string | undefined;
      for (let page = 0; page < 5; page++) {
        const rows = rowsOf(await ask({ limit: 1, direction, after }));
        seen.push(...rows.map(r => r.message));
        const end = rows.at(-1);
        if (end) after = `${end.ts},${end.seq}`;
      }
      expect(seen).toEqual(messages(await ask({ direction })));
    }
  });

  it('takes words, phrases and bare pipelines', async () => {
    expect(messages(await ask({ query: 'quick fox' }))).toEqual(['one quick fox']);
    expect(messages(await ask({ query: '"quick fox"' }))).toEqual(['one quick fox']);
    expect(messages(await ask({ query: '| logfmt | status="500"' }))).toEqual(['two status=500']);
  });

  it('shows labels made by stages as parsed, and the line after line_format', async () => {
    const [row] = rowsOf(
      await ask({ query: '{service_name="web"} | logfmt | status="500" | line_format "code {{.status}}"' }),
    );
    expect(row).toMatchObject({ message: 'code 500', parsed: { status: '500' } });
  });

  it('answers series for metrics', async () => {
    const frames = await ask({
      query: 'sum by (detected_level) (count_over_time({service_name="web"}[1m]))',
      step: 60,
    });
    expect(frames[0]).toMatchObject({ kind: 'metric', step: 60 });
    const series = frames.filter(f => f.type === 'series');
    expect(series).toContainEqual({
      type: 'series',
      metric: { detected_level: 'error' },
      values: [[1_700_000_060, '1']],
    });
  });

  it('explains with the SQL', async () => {
    expect((await ask({ explain: true }))[0]).toMatchObject({ sql: expect.stringContaining('SELECT') });
    expect((await ask({}))[0]).not.toHaveProperty('sql');
  });

  it('says when the answer is partial and why', async () => {
    server.store.cutOff = 'time limit of 60 s';
    try {
      expect(last(await ask({}))).toMatchObject({ type: 'end', partial: true, reason: 'time limit of 60 s' });
    } finally {
      server.store.cutOff = null;
    }
  });

  it.each([
    [{ query: '{service_name="web"' }, { code: 'bad_query', line: 1, column: 20 }],
    [{ limit: -1 }, { code: 'bad_request', message: expect.stringContaining('limit: ') }],
    [{ start: 'yesterday' }, { code: 'bad_request', message: expect.stringContaining('"yesterday"') }],
    [{ after: 'x' }, { code: 'bad_request', message: expect.stringContaining('after: "x"') }],
    [
      { query: 'count_over_time({service_name="web"}[1m])', step: 0.001 },
      { code: 'bad_request', message: expect.stringContaining('11,000') },
    ],
  ])('refuses %j with 400', async (body, error) => {
    const response = await server.post('/api/v1/query', { ...range, ...body });
    expect([response.status, await response.json()]).toEqual([400, { error: expect.objectContaining(error) }]);
  });
});

describe('POST /api/v1/histogram', () => {
  it('counts by time and level', async () => {
    const answer = (await (
      await server.post('/api/v1/histogram', { ...range, buckets: 60 })
    ).json()) as HistogramAnswer;
    expect(answer).toMatchObject({ step: 1, total: 4, ...range, partial: false });
    expect(answer.buckets).toEqual([
      { t: 1_700_000_000, counts: { info: 1 } },
      { t: 1_700_000_001, counts: { error: 1 } },
      { t: 1_700_000_002, counts: { info: 2 } },
    ]);
    expect(server.store.asked.at(-1)).not.toMatch(/labels|attributes|message/);
  });

  it('counts what the query matches, in nice steps', async () => {
    const answer = (await (
      await server.post('/api/v1/histogram', { ...range, query: '|= "status"', buckets: 7 })
    ).json()) as HistogramAnswer;
    expect(answer).toMatchObject({ step: 10, total: 1 });
  });
});

describe('POST /api/v1/fields', () => {
  it('gives names, kinds, distinct counts and top values', async () => {
    const answer = (await (await server.post('/api/v1/fields', range)).json()) as FieldsAnswer;
    expect(answer.sampled).toBe(4);
    expect(answer.fields).toContainEqual({
      name: 'env',
      kind: 'label',
      distinct: 1,
      values: [{ value: 'prod', count: 1 }],
    });
    const user = answer.fields.find(f => f.name === 'user');
    expect(user).toEqual({
      name: 'user',
      kind: 'attribute',
      distinct: 2,
      values: [
        { value: 'bob', count: 2 },
        { value: 'ann', count: 1 },
      ],
    });
    expect(answer.fields.find(f => f.name === 'level')).toMatchObject({ kind: 'column', distinct: 2 });
  });
});

describe('POST /api/v1/check', () => {
  const check = async (query: string): Promise<CheckAnswer> =>
    (await (await server.post('/api/v1/check', { query })).json()) as CheckAnswer;
  it('gives kind and normal form, or the place of the fault', async () => {
    expect(await check('{a="b"}|="x"')).toMatchObject({ ok: true, kind: 'logs', logql: '{a="b"} |= "x"' });
    expect(await check('rate({a="b"}[5m])')).toMatchObject({ ok: true, kind: 'metric' });
    expect(await check('{a=')).toMatchObject({ ok: false, error: { code: 'bad_query', line: 1, column: 4 } });
  });
});

describe('POST /api/v1/export', () => {
  const exported = (body: object): Promise<Response> => server.post('/api/v1/export', { ...range, ...body });

  it('gives NDJSON rows as the query does', async () => {
    const response = await exported({ direction: 'forward' });
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as QueryRow);
    expect(lines.map(l => l.message)).toEqual(messages(await ask({ direction: 'forward' })));
    expect(lines[0]).toMatchObject({ ts: String(t0), seq: '4294967297', labels: { env: 'prod', service_name: 'web' } });
    expect(response.headers.get('content-disposition')).toContain('weir.ndjson');
  });

  it('gives CSV that no spreadsheet runs', async () => {
    const text = await (await exported({ format: 'csv', direction: 'forward' })).text();
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).toBe('"time","ts","seq","service","level","message","labels","attributes","door"');
    expect(lines).toHaveLength(5);
    expect(lines[1]).toContain(`"2023-11-14 22:13:20.000000000",${t0},4294967297,"web","info","one quick fox"`);
    expect(text).toContain(`"'=SUM(A1)"`);
  });

  it('gives Parquet', async () => {
    const bytes = Buffer.from(await (await exported({ format: 'parquet' })).arrayBuffer());
    expect([bytes.subarray(0, 4).toString(), bytes.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1']);
  });
});

describe('GET /api/v1/quarantine', () => {
  it('pages newest first with the raw bytes', async () => {
    await server.store.session.insert({
      table: 'weir.quarantine',
      values: Array.from({ length: 3 }, (_, i) => ({
        tenant: 'default',
        received: `${1_700_000_000 + i}.000000000`,
        seq: String(i),
        door: 'json',
        line: i + 1,
        reason: 'not JSON',
        raw: `{"broken ${i}`,
      })),
    });
    const pages: QuarantineAnswer[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page = (await (
        await server.get(`/api/v1/quarantine?limit=2${next && `&before=${next}`}`)
      ).json()) as QuarantineAnswer;
      pages.push(page);
      next = page.next;
    }
    const rows = pages.flatMap(p => p.rows);
    expect(rows.map(r => Buffer.from(r.raw, 'base64').toString())).toEqual(['{"broken 2', '{"broken 1', '{"broken 0']);
    expect(rows[2]).toMatchObject({ received: String(t0), seq: '0', door: 'json', line: 1, reason: 'not JSON' });
    expect((await server.get('/api/v1/quarantine?limit=0')).status).toBe(400);
  });
});

describe('GET /api/v1/status', () => {
  it('counts the records of the tenant', async () => {
    expect(await (await server.get('/api/v1/status')).json()).toMatchObject({
      engine: { up: true },
      records: 4,
      oldest: String(t0),
      newest: String(t0 + 2n * second),
    });
    expect(await (await server.get('/api/v1/status', { 'X-Scope-OrgID': 'nobody' })).json()).toMatchObject({
      records: 0,
      oldest: null,
    });
  });
});
