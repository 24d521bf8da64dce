import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type QueryServer, startQueryServer } from '../../../../test/query/query-server.ts';
import { openRuleFiles } from './rule-files.ts';

let server: QueryServer;
const api = '/loki/api/v1/rules';

beforeAll(async () => {
  server = await startQueryServer();
});
afterAll(() => server.close());

const send = (
  method: string,
  path: string,
  body?: string,
  tenant = 'default',
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method,
    headers: { 'X-Scope-OrgID': tenant, ...headers },
    ...(body !== undefined && { body }),
  });
const answer = async (response: Promise<Response>): Promise<[number, string]> => {
  const got = await response;
  return [got.status, await got.text()];
};
const group = (name: string, more = ''): string => `name: ${name}
interval: 1m
rules:
  - alert: HighErrors
    expr: sum by (app) (rate({app=~".+"} |= "error" [5m])) > 10
    for: 10m
    labels:
      severity: page
      team: 007
    annotations:
      summary: "errors of {{ $labels.app }}"
  - record: app:lines:rate1m
    expr: sum by (app) (rate({app=~".+"}[1m]))
${more}`;

describe('writing and reading rule groups', () => {
  it('gives back what it took, texts unchanged, by namespace', async () => {
    expect(await answer(send('GET', api))).toEqual([404, 'no rule groups found']);
    const types: Record<string, string>[] = [{ 'content-type': 'application/yaml' }, {}, { 'content-type': 'x/y' }];
    for (const headers of types) {
      const response = await send('POST', `${api}/team-a`, group('one'), 'default', headers);
      expect([response.status, await response.json()]).toEqual([
        202,
        { status: 'success', data: null, errorType: '', error: '' },
      ]);
    }
    await send('POST', `${api}/team-a`, group('two', 'limit: 5\n'));
    await send('POST', `${api}/${encodeURIComponent('b/c d')}`, group('x y'));
    const all = await send('GET', api);
    expect(all.headers.get('content-type')).toContain('application/yaml');
    const text = await all.text();
    const read = parse(text) as Record<string, { name: string; limit?: number; rules: { labels: object }[] }[]>;
    expect(Object.fromEntries(Object.entries(read).map(([name, groups]) => [name, groups.map(g => g.name)]))).toEqual({
      'team-a': ['one', 'two'],
      'b/c d': ['x y'],
    });
    expect(read['team-a']?.[1]?.limit).toBe(5);
    expect(read['team-a']?.[0]?.rules).toEqual([
      {
        alert: 'HighErrors',
        expr: 'sum by (app) (rate({app=~".+"} |= "error" [5m])) > 10',
        for: '10m',
        labels: { severity: 'page', team: '007' },
        annotations: { summary: 'errors of {{ $labels.app }}' },
      },
      { record: 'app:lines:rate1m', expr: 'sum by (app) (rate({app=~".+"}[1m]))' },
    ]);
    expect(Object.keys(parse(await (await send('GET', `${api}/team-a`)).text()) as object)).toEqual(['team-a']);
    const one = await (await send('GET', `${api}/${encodeURIComponent('b/c d')}/x%20y`)).text();
    expect(one).toMatch(/^name: x y\ninterval: 1m\nrules:\n {2}- alert: HighErrors\n/);
    expect(await answer(send('GET', `/api/prom/rules/${encodeURIComponent('b/c d')}/x%20y`))).toEqual([200, one]);
  });

  it('keeps tenants apart', async () => {
    await send('POST', `${api}/team-a`, group('of bert'), 'bert');
    expect(await (await send('GET', api, undefined, 'bert')).text()).not.toContain('name: one');
    expect(await (await send('GET', api)).text()).not.toContain('of bert');
    expect((await send('GET', api, undefined, 'bert|anna')).status).toBe(400);
  });

  it('deletes groups and namespaces', async () => {
    await send('POST', `${api}/gone`, group('a'), 'del');
    await send('POST', `${api}/gone`, group('b'), 'del');
    expect(await answer(send('DELETE', `${api}/gone/nope`, undefined, 'del'))).toEqual([404, 'group does not exist']);
    expect((await send('DELETE', `${api}/gone/a`, undefined, 'del')).status).toBe(202);
    expect((await send('GET', `${api}/gone/a`, undefined, 'del')).status).toBe(404);
    expect((await send('GET', `${api}/gone/b`, undefined, 'del')).status).toBe(200);
    expect((await send('DELETE', `${api}/gone`, undefined, 'del')).status).toBe(202);
    expect(await answer(send('GET', api, undefined, 'del'))).toEqual([404, 'no rule groups found']);
    expect((await send('DELETE', `${api}/gone`, undefined, 'del')).status).toBe(404);
  });

  it('answers for a test group as Grafana probes for it', async () => {
    expect(await answer(send('GET', '/api/prom/rules/test/test'))).toEqual([404, 'group does not exist']);
  });
});

describe('what is wrong is named', () => {
  const rule = (text: string): string => `name: g\nrules:\n  - ${text.replaceAll('\n', '\n    ')}\n`;
  it.each([
    ['not YAML', '{', /^unable to decode rule group: /],
    ['nothing', '', /name: .*rules: /],
    ['no rules', 'name: g\nrules: []', /rules: a group needs a rule/],
    ['an unknown field', `name: g\nrulez: []\nrules: []`, /[Uu]nrecognized key: "rulez"/],
    ['an interval', `interval: 5 minutes\n${rule('alert: A\nexpr: vector(1)')}`, /interval: is no duration/],
    ['no expr', rule('alert: A'), /rules\.0\.expr: field 'expr' must be set in rule/],
    [
      'a broken expr',
      rule('alert: A\nexpr: sum(rate({a="b"}[5m])'),
      /^group "g", rule 0, "A": could not parse expression: parse error at line 1, col \d+: /,
    ],
    ['a log query', rule('alert: A\nexpr: \'{a="b"}\''), /"\{a=\\"b\\"\}" is a log query; a rule needs a metric query/],
    ['both kinds', rule('alert: A\nrecord: b\nexpr: vector(1)'), /only one of 'record' and 'alert' must be set/],
    ['neither', rule('expr: vector(1)'), /one of 'record' or 'alert' must be set/],
    ['a record name', rule('record: a b\nexpr: vector(1)'), /invalid recording rule name: a b/],
    ['for in a record', rule('record: a\nfor: 1m\nexpr: vector(1)'), /invalid field 'for' in recording rule/],
    ['a label', rule('alert: A\nexpr: vector(1)\nlabels: {a-b: x}'), /invalid label name: a-b/],
  ])('%s', async (_, body, message) => {
    const response = await send('POST', `${api}/bad`, body, 'wrong');
    expect([response.status, await response.text()]).toEqual([400, expect.stringMatching(message)]);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect((await send('GET', api, undefined, 'wrong')).status).toBe(404);
  });

  it('a body that is too large', async () => {
    expect((await send('POST', `${api}/bad`, `name: ${'x'.repeat(1_100_000)}`)).status).toBe(413);
  });
});

describe("rules in Prometheus' shape", () => {
  const rules = async (search = ''): Promise<string> =>
    (await send('GET', `/prometheus/api/v1/rules${search}`, undefined, 'prom')).text();

  it('says honestly that nothing is evaluated', async () => {
    expect(await rules()).toBe('{"status":"success","data":{"groups":[]},"errorType":"","error":""}');
    await send('POST', `${api}/ns`, group('g'), 'prom');
    const labels = '{"severity":"page","team":"007"}';
    const alert = `{"state":"inactive","name":"HighErrors","query":"sum by (app) (rate({app=~\\".+\\"} |= \\"error\\" [5m])) > 10","duration":600,"labels":${labels},"annotations":{"summary":"errors of {{ $labels.app }}"},"alerts":[],"health":"unknown","lastError":"","type":"alerting","lastEvaluation":"0001-01-01T00:00:00Z","evaluationTime":0}`;
    const record =
      '{"name":"app:lines:rate1m","query":"sum by (app) (rate({app=~\\".+\\"}[1m]))","labels":{},"health":"unknown","lastError":"","type":"recording","lastEvaluation":"0001-01-01T00:00:00Z","evaluationTime":0}';
    expect(await rules()).toBe(
      `{"status":"success","data":{"groups":[{"name":"g","file":"ns","rules":[${alert},${record}],"interval":60,"limit":0,"lastEvaluation":"0001-01-01T00:00:00Z","evaluationTime":0}]},"errorType":"","error":""}`,
    );
    expect(await (await send('GET', '/prometheus/api/v1/alerts', undefined, 'prom')).text()).toBe(
      '{"status":"success","data":{"alerts":[]},"errorType":"","error":""}',
    );
  });

  it('chooses by type, name, group and file', async () => {
    const names = async (search: string): Promise<string[]> =>
      [...(await rules(search)).matchAll(/"name":"([^"]+)","query"/g)].map(m => m[1] ?? '');
    expect(await names('?type=alert')).toEqual(['HighErrors']);
    expect(await names('?type=record')).toEqual(['app:lines:rate1m']);
    expect(await names('?rule_name[]=HighErrors&file[]=ns')).toEqual(['HighErrors']);
    expect(await names('?rule_group=nope')).toEqual([]);
    const bad = await send('GET', '/prometheus/api/v1/rules?type=x', undefined, 'prom');
    expect([bad.status, await bad.json()]).toMatchObject([400, { status: 'error', errorType: 'bad_data' }]);
  });
});

describe('files', () => {
  it('loses no change of many at once, and a reader sees whole groups only', async () => {
    const writes = Array.from({ length: 40 }, (_, i) => send('POST', `${api}/many`, group(`g${i}`), 'Many'));
    const reads = Array.from({ length: 10 }, () => send('GET', api, undefined, 'Many'));
    for (const response of await Promise.all(writes)) expect(response.status).toBe(202);
    for (const response of await Promise.all(reads)) expect([200, 404]).toContain(response.status);
    const kept = parse(await (await send('GET', api, undefined, 'Many')).text()) as { many: unknown[] };
    expect(kept.many).toHaveLength(40);
    const again = await openRuleFiles(join(server.store.folder, 'rules')).read('Many');
    expect(
      again
        .get('many')
        ?.map(g => g.name)
        .toSorted(),
    ).toEqual(Array.from({ length: 40 }, (_, i) => `g${i}`).toSorted());
  });

  it('ignores a write that a crash broke off, and says which file it cannot read', async () => {
    const folder = join(server.store.folder, 'rules');
    mkdirSync(folder, { recursive: true });
    await send('POST', `${api}/ns`, group('kept'), 'crash');
    const file = join(folder, 'crash.yaml');
    writeFileSync(`${file}.new`, 'half a fi');
    expect(await (await send('GET', `${api}/ns/kept`, undefined, 'crash')).text()).toContain('name: kept');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, `${good}\n  - [`);
    const broken = await send('GET', api, undefined, 'crash');
    expect([broken.status, await broken.text()]).toEqual([503, expect.stringContaining('rules/crash.yaml')]);
    expect((await send('POST', `${api}/ns`, group('b'), 'crash')).status).toBe(503);
    expect(readFileSync(file, 'utf8')).toBe(`${good}\n  - [`);
    expect(existsSync(join(folder, 'CRASH.yaml'))).toBe(false);
  });
});
