import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, type Started, type StandIn, startStandIn, until } from './stand-in.test.server.ts';

let server: StandIn;
const weir = commandLine();
beforeAll(async () => {
  server = await startStandIn();
});
afterEach(() => {
  server.taken.length = 0;
  server.refusals.length = 0;
  server.bodyMax = 1 << 30;
});
afterAll(async () => {
  await server.close();
  weir.remove();
});

const send = (...args: string[]): Started => weir.start(['send', '--url', server.url, ...args]);
const allTaken = (part: string): string =>
  server.taken
    .filter(taken => taken.url.startsWith(part))
    .map(taken => taken.body)
    .join('');

describe('weir send', () => {
  it('sends lines as text and objects as JSON, with labels, and sums up on stderr', async () => {
    const running = send('--service', 'app', '--label', 'env=prod');
    running.child.stdin?.end('one\n{"msg":"two"}\nthree');
    const { code, stdout, stderr } = await running.done;
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/^sent 3 records \(\d+ B\) in /);
    expect(allTaken('/ingest/text?service=app&label.env=prod')).toBe('one\nthree\n');
    expect(allTaken('/ingest/json?service=app&label.env=prod')).toBe('{"msg":"two"}\n');
  });

  it('sends lines while the pipe stays open', async () => {
    const running = send();
    running.child.stdin?.write('live\n');
    await until(() => allTaken('/ingest/text') === 'live\n');
    running.child.stdin?.write('again\n');
    await until(() => allTaken('/ingest/text') === 'live\nagain\n');
    running.child.stdin?.end();
    expect((await running.done).code).toBe(0);
  });

  it('puts many lines into few requests and keeps their order', async () => {
    const lines = Array.from({ length: 200_000 }, (_, i) => `line number ${i}\n`).join('');
    const file = join(weir.folder, 'many.log');
    writeFileSync(file, lines);
    const running = send(file);
    const { code, stderr } = await running.done;
    expect(code).toBe(0);
    expect(stderr).toContain('sent 200,000 records');
    expect(allTaken('/ingest/text') === lines).toBe(true);
    expect(server.taken.length).toBeLessThan(20);
  });

  it('tries again on 429 and 503 with the same batch id', async () => {
    server.refusals.push({ status: 429, headers: { 'retry-after': '0' } }, { status: 503 });
    const running = send();
    running.child.stdin?.end('precious\n');
    const { code, stderr } = await running.done;
    expect(code).toBe(0);
    expect(stderr).toContain('2 retries');
    expect(server.taken.map(taken => taken.body)).toEqual(['precious\n', 'precious\n', 'precious\n']);
    const ids = server.taken.map(taken =>
      ['x-weir-agent', 'x-weir-epoch', 'x-weir-sequence'].map(name => taken.headers[name]).join(' '),
    );
    expect(new Set(ids).size).toBe(1);
  });

  it('gives up after --retry-for, says what is lost, and ends with 3', async () => {
    const running = weir.start(['send', '--url', 'http://127.0.0.1:1', '--retry-for', '1s']);
    running.child.stdin?.end('one\ntwo\n');
    const { code, stderr } = await running.done;
    expect(code).toBe(3);
    expect(stderr).toContain('2 lines not delivered');
    expect(stderr).toContain('gave up after');
  });

  it('halves a batch that is too large, and counts a line that can never go', async () => {
    server.bodyMax = 100;
    const running = send('--text');
    running.child.stdin?.end(
      `${Array.from({ length: 20 }, (_, i) => `line number ${i}`).join('\n')}\n${'x'.repeat(200)}\nlast\n`,
    );
    const { code, stderr } = await running.done;
    expect(code).toBe(4);
    expect(stderr).toContain('sent 21 records');
    expect(stderr).toContain('1 refused');
  });

  it('reports quarantine and ends with 4', async () => {
    const running = send('--json');
    running.child.stdin?.end('{"a":1}\npoison\n');
    const { code, stderr } = await running.done;
    expect(code).toBe(4);
    expect(stderr).toContain('1 in quarantine');
    expect(stderr).toContain('not stored as a record: not JSON');
  });

  it('takes a batch that went to quarantine as a whole for delivered', async () => {
    const running = send('--json');
    running.child.stdin?.end('poison\n');
    const { code, stderr } = await running.done;
    expect(code).toBe(4);
    expect(stderr).toContain('sent 0 records');
    expect(stderr).not.toContain('not delivered');
  });

  it('ends at once when the server refuses for good', async () => {
    server.refusals.push({ status: 401, body: { error: { message: 'missing or unknown token' } } });
    const running = send();
    running.child.stdin?.end('x\n');
    const { code, stderr } = await running.done;
    expect(code).toBe(3);
    expect(stderr).toContain('missing or unknown token');
    expect((await send('--label', 'nonsense').done).code).toBe(2);
  });

  it('delivers what it has read when Ctrl+C comes', async () => {
    const running = send();
    running.child.stdin?.write('before\n');
    await until(() => server.taken.length === 1);
    running.child.stdin?.write('last words\n');
    running.child.kill('SIGINT');
    expect((await running.done).code).toBe(130);
    expect(allTaken('/ingest/text')).toBe('before\nlast words\n');
  });
});

describe('weir run', () => {
  const run = (...args: string[]): Started => weir.start(['run', '--url', server.url, ...args]);

  it('passes output and exit code through and sends both streams with labels', async () => {
    const { code, stdout, stderr } = await run(
      '--',
      process.execPath,
      '-e',
      'console.log("to out"); console.error("to err"); console.log("{\\"msg\\":\\"json\\"}"); process.exitCode = 7',
    ).done;
    expect(code).toBe(7);
    expect(stdout).toBe('to out\n{"msg":"json"}\n');
    expect(stderr).toBe('to err\n');
    expect(allTaken('/ingest/text?service=node&label.stream=stdout')).toBe('to out\n');
    expect(allTaken('/ingest/text?service=node&label.stream=stderr')).toBe('to err\n');
    expect(allTaken('/ingest/json?service=node&label.stream=stdout')).toBe('{"msg":"json"}\n');
  });

  it('names the service after the script, or as it is told', async () => {
    const script = join(weir.folder, 'billing.mjs');
    writeFileSync(script, 'console.log("hello")');
    await run('--', process.execPath, script).done;
    await run('--service', 'other', '--', process.execPath, script).done;
    expect(server.taken.map(taken => taken.url)).toEqual([
      '/ingest/text?service=billing&label.stream=stdout',
      '/ingest/text?service=other&label.stream=stdout',
    ]);
  });

  it('runs the program although there is no server, and says what was not delivered', async () => {
    const done = await weir.start([
      'run',
      '--url',
      'http://127.0.0.1:1',
      '--flush-for',
      '300ms',
      '--',
      'sh',
      '-c',
      'echo alone; exit 3',
    ]).done;
    expect([done.code, done.stdout]).toEqual([3, 'alone\n']);
    expect(done.stderr).toContain('1 line could not be delivered');
  });

  it('forwards signals and gives the code of a shell', async () => {
    const running = run('--', 'sh', '-c', 'echo up; exec sleep 60');
    await until(() => running.stdout() === 'up\n');
    running.child.kill('SIGTERM');
    expect((await running.done).code).toBe(143);
    expect((await run('--', '/nonexistent/program').done).code).toBe(127);
  });
});

describe('the other commands', () => {
  it('load neither server nor engine, and only what they need', async () => {
    const loads = async (...args: string[]): Promise<string> =>
      (await weir.start(args, { SHOW_LOADS: '1' }).done).stderr;
    const help = await loads('--help');
    expect(help).toMatch(/loads \S+commander/);
    expect(help).not.toMatch(/loads \S*(zod|yaml|pino|cli\/search)/);
    for (const command of ['search', 'hist', 'export'])
      expect(await loads(command, 'x', '--url', server.url)).not.toMatch(
        /loads \S*(fastify|chdb|clickhouse|prom-client|zod|pino|src\/(receive|store|buffer|process|roles)\/)/,
      );
  });

  it('hand over to other rooms', async () => {
    const up = await weir.start(['up', '--data', 'd', '--listen', '127.0.0.1:0', '--no-demo', '--otlp-listen', 'off'])
      .done;
    expect(up.stderr).toContain('http://127.0.0.1:7575');
    expect(JSON.parse(up.stdout)).toEqual(['up', { data: 'd', listen: '127.0.0.1:0', demo: false, otlpListen: 'off' }]);
    expect(JSON.parse((await weir.start(['up']).done).stdout)).toEqual(['up', {}]);
    expect(JSON.parse((await weir.start(['demo']).done).stdout)).toEqual([
      'up',
      { demo: true, data: expect.stringContaining('weir-demo-') },
    ]);
    expect(JSON.parse((await weir.start(['wal', 'check', 'dir']).done).stdout)).toEqual(['walCheck', 'dir']);
    expect(JSON.parse((await weir.start(['wal', 'export']).done).stdout)).toEqual(['walExport', './weir-data']);
    expect(JSON.parse((await weir.start(['bench', '--small', '--help', 'x']).done).stdout)).toEqual([
      'bench',
      ['--small', '--help', 'x'],
    ]);
  });

  it('check, print and describe the configuration', async () => {
    const file = join(weir.folder, 'weir.yaml');
    writeFileSync(file, 'lisen: x\nretention:\n  days: 0\n');
    const bad = await weir.start(['config', 'check', '--config', file]).done;
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain(`${file}:1:1: unknown key "lisen"; did you mean "listen"?\n`);
    expect(bad.stderr).toMatch(/weir\.yaml:3:\d+: retention\.days/);
    writeFileSync(file, 'store:\n  url: http://user:pass@host:8123/logs\n');
    const path = await weir.start(['config', 'check', '--config', file]).done;
    expect(path.code).toBe(2);
    expect(path.stderr).toMatch(/weir\.yaml:2:\d+: store\.url: "http:\/\/host:8123\/logs" is not .* without a path/);
    writeFileSync(
      file,
      'tokens:\n  - token: 0123456789abcdef0123\nstore: {url: "http://user:pass@host:8123", password: geheim}\n',
    );
    expect((await weir.start(['config', 'check', '--config', file]).done).code).toBe(0);
    const { stdout } = await weir.start(['config', 'print', '--config', file]).done;
    expect(stdout).toContain('listen: 127.0.0.1:7575');
    expect(stdout).not.toMatch(/0123456789abcdef|pass@|geheim/);
  });
});
