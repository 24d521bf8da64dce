import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, type Started, type StandIn, startStandIn, until } from './stand-in.test.server.ts';

let server: StandIn;
const weir = commandLine();
beforeAll(async () => {
  server = await startStandIn();
});
afterAll(async () => {
  await server.close();
  weir.remove();
});

const start = (...args: string[]): Started => weir.start([...args, '--url', server.url]);
const objects = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>);

describe('weir search', () => {
  it('prints NDJSON off a terminal, and nothing else on stdout', async () => {
    const { code, stdout, stderr } = await start('search', 'three', '--stats').done;
    expect(code).toBe(0);
    expect(objects(stdout).map(row => row.message)).toEqual(['refused', '\x1b[31mred\x1b[0m', 'line 3']);
    expect(stderr).toContain('3 rows; scanned 1,000 rows, 2.0 MB, 12 ms');
    expect(stdout + stderr).not.toMatch(/\u001b\[\d+m--/);
  });

  it('is silent on stderr when it is not asked to speak', async () => {
    expect((await start('search', 'three').done).stderr).toBe('');
  });

  it('prints for people or raw when asked to', async () => {
    const people = (await start('search', 'three', '-o', 'default').done).stdout;
    expect(people).toContain(' E  web refused\n');
    expect(people).toContain(' web red\n');
    expect((await start('search', 'three', '-o', 'raw').done).stdout).toBe('refused\n\x1b[31mred\x1b[0m\nline 3\n');
    const coloured = (await start('search', 'three', '-o', 'default', '--color', 'always').done).stdout;
    expect(coloured).toContain('\x1b[48;5;203;38;5;16m E \x1b[0m');
    expect(coloured).not.toContain('\x1b[31m');
  });

  it.each([
    ['three', 0, ''],
    ['none', 1, ''],
    ['bad', 2, 'unexpected b\n\n  bad\n   ^'],
    ['limited', 2, 'the query passed its limit: memory'],
    ['busy', 3, 'the query engine is restarting'],
    ['secret', 3, 'WEIR_TOKEN'],
    ['partial', 4, 'partial answer: the time limit of 60 s'],
    ['broken', 4, 'the connection broke off'],
  ])('ends %s with exit code %i', async (query, code, text) => {
    const done = await start('search', query).done;
    expect(done.code).toBe(code);
    expect(done.stderr).toContain(text);
  });

  it('ends with 3 when nobody listens, and with 2 on bad usage', async () => {
    const gone = await weir.start(['search', 'x', '--url', 'http://127.0.0.1:1']).done;
    expect([gone.code, gone.stdout]).toEqual([3, '']);
    expect(gone.stderr).toContain('nobody listens there');
    expect((await start('search', 'x', '--since', 'soonish').done).code).toBe(2);
    expect((await start('search', '--nonsense').done).code).toBe(2);
    expect((await start('serach').done).stderr).toContain('search');
  });

  it('sends the range, the limit, the tenant and the token', async () => {
    const done = await weir.start(
      [
        'search',
        'a',
        'b',
        '--limit',
        '7',
        '--direction',
        'forward',
        '--from',
        '2026-09-03T12:00:00Z',
        '--to',
        '2026-09-03T13:00:00Z',
      ],
      { WEIR_URL: server.url, WEIR_TOKEN: 'key', WEIR_TENANT: 'team' },
    ).done;
    expect(done.code).toBe(0);
    expect(server.asked.at(-1)).toMatchObject({
      query: 'a b',
      limit: 7,
      direction: 'forward',
      start: '1788436800000000000',
      end: '1788440400000000000',
      tenant: 'team',
      authorization: 'Bearer key',
    });
  });

  it('says that there may be more at its limit', async () => {
    expect((await start('search', 'three', '--limit', '3').done).stderr).toContain('there may be more');
  });

  it('explains a query and prints series', async () => {
    expect((await start('search', 'explained', '--explain').done).stderr).toContain('SELECT 1');
    const series = objects((await start('search', 'sum(x)').done).stdout);
    expect(series[1]).toEqual({ metric: { user: 'bob' }, values: [[1_788_436_800, '7']] });
  });

  it('cancels on the server and ends with 130 on Ctrl+C', async () => {
    const running = start('search', 'slow');
    await until(() => running.stdout().length > 1000);
    running.child.kill('SIGINT');
    const { code, stderr, stdout } = await running.done;
    expect(code).toBe(130);
    expect(stderr).toContain('the query was cancelled');
    const id = server.asked.at(-1)?.id as string;
    expect(server.cancelled).toContain(id);
    await until(() => server.closed.includes(id));
    expect(() => objects(stdout)).not.toThrow();
  });

  it('cancels and ends cleanly when its reader goes away', async () => {
    const running = start('search', 'slow');
    await until(() => running.stdout().length > 1000);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.done;
    expect([code, stderr]).toEqual([0, '']);
    const id = server.asked.at(-1)?.id as string;
    expect(server.cancelled).toContain(id);
  });
});

describe('weir tail', () => {
  it('prints rows as they come until Ctrl+C', async () => {
    const running = start('tail', '{service_name="web"}');
    await until(() => running.stdout().split('\n').length > 5);
    running.child.kill('SIGINT');
    const { code, stdout } = await running.done;
    expect(code).toBe(130);
    expect(objects(stdout).length).toBeGreaterThan(4);
  });

  it('goes on after a lost connection and prints no row twice', async () => {
    const running = start('tail', 'drops');
    await until(() => running.stderr().includes('reconnected'));
    running.child.kill('SIGINT');
    const { stdout, stderr } = await running.done;
    expect(stderr).toMatch(/-- connection lost .*trying again --\n-- reconnected, \d+ records? caught up --/);
    const seqs = objects(stdout).map(row => row.seq);
    expect(new Set(seqs).size).toBe(seqs.length);
  });

  it('ends with 2 for a bad query', async () => {
    expect((await start('tail', 'bad').done).code).toBe(2);
  });
});

describe('weir hist', () => {
  it('prints buckets as objects, and bars for people', async () => {
    const { code, stdout } = await start('hist', 'x', '--since', '10m').done;
    expect(code).toBe(0);
    expect(objects(stdout)).toEqual([
      { start: expect.stringMatching(/^\d{19}$/), total: 30, counts: { info: 20, error: 9, warn: 1 } },
    ]);
    const bars = (await start('hist', 'x', '--since', '10m', '-o', 'default').done).stdout.split('\n');
    expect(bars.length).toBeGreaterThan(9);
    expect(bars.find(line => line.includes('█'))).toMatch(/^\d\d:\d\d:\d\d +30 █+ 9 errors$/);
  });

  it('counts by a field, the most frequent first', async () => {
    const { code, stdout } = await start('hist', 'x', '--by', 'user', '--since', '1h').done;
    expect(code).toBe(0);
    expect(objects(stdout)).toEqual([
      { user: 'bob', count: 7 },
      { user: 'ann', count: 3 },
    ]);
    expect(server.asked.at(-1)?.query).toBe('sum by (user) (count_over_time({service_name=~".+"} |= "x" [3600000ms]))');
  });

  it('ends with 1 when nothing matched', async () => {
    expect((await start('hist', 'none').done).code).toBe(1);
  });
});

describe('weir patterns', () => {
  it('prints patterns as objects, as lines for people, and says what is not listed', async () => {
    const { code, stdout, stderr } = await start('patterns', 'x', '--since', '10m', '--limit', '1').done;
    expect(code).toBe(0);
    expect(objects(stdout)).toEqual([expect.objectContaining({ pattern: 'took <_> ms', total: 20 })]);
    expect(stderr).toContain('10 more records are of rarer patterns; --limit lists more');
    const lines = (await start('patterns', 'x', '-o', 'default').done).stdout.split('\n');
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d +20 took <_> ms$/);
    expect((await start('patterns', 'x', '-o', 'raw').done).stdout).toBe('20\ttook <_> ms\n9\trefused by <_>\n');
  });

  it('ends with 1 when nothing matched, and with 2 for a limit that is none', async () => {
    expect((await start('patterns', 'none').done).code).toBe(1);
    expect((await start('patterns', 'x', '--limit', '0').done).code).toBe(2);
  });
});

describe('weir export', () => {
  it('writes everything to a file, which appears only when it is whole', async () => {
    server.exportRows = 20_000;
    const file = join(weir.folder, 'all.ndjson');
    const { code, stdout, stderr } = await start('export', 'x', '--out', file).done;
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('exported 20,000 records');
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(20_000);
    const second = join(weir.folder, 'broken.ndjson');
    const broken = await start('export', 'broken', '--out', second).done;
    expect(broken.code).toBe(4);
    expect([existsSync(second), existsSync(`${second}.partial`)]).toEqual([false, true]);
  });

  it('streams to stdout, and stops when the reader does', async () => {
    server.exportRows = 100;
    expect(objects((await start('export').done).stdout)).toHaveLength(100);
    server.exportRows = 5_000_000;
    const running = start('export', 'x');
    await until(() => running.stdout().length > 1000);
    running.child.stdout?.destroy();
    expect((await running.done).code).toBe(0);
    await until(() => server.closed.includes('export'));
    server.exportRows = 0;
    expect((await start('export', 'x').done).code).toBe(1);
  });

  it('ends with 130 on Ctrl+C', async () => {
    server.exportRows = 5_000_000;
    const running = start('export', 'x');
    await until(() => running.stdout().length > 1000);
    running.child.kill('SIGINT');
    expect((await running.done).code).toBe(130);
  });
});

describe('weir doctor', () => {
  it('finds a server well, and says what to do when it is not there', async () => {
    const well = await start('doctor', '--data', weir.folder).done;
    const findings = objects(well.stdout);
    expect(
      findings
        .filter(finding => ['node', 'server', 'clock', 'engine', 'store'].includes(finding.check as string))
        .every(finding => finding.ok),
    ).toBe(true);
    const gone = await weir.start(['doctor', '--url', 'http://127.0.0.1:1', '--data', weir.folder]).done;
    expect(gone.code).toBe(1);
    expect(objects(gone.stdout).find(finding => finding.check === 'server')).toMatchObject({
      ok: false,
      advice: expect.stringContaining('weir up'),
    });
  });
});
