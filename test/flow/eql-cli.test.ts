import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { count, eventually, ndjson } from './ask.ts';

const bin = join(resolve(import.meta.dirname, '../..'), 'bin/weir.mjs');
const start = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir({});
  const event = (seconds: number, rest: object): string =>
    JSON.stringify({ '@timestamp': new Date(start + seconds * 1000).toISOString(), ...rest });
  const lines = [
    event(0, { event: { category: 'login' }, user: { name: 'ann' }, outcome: 'failure' }),
    event(1, { event: { category: 'login' }, user: { name: 'ann' }, outcome: 'success', note: 'two words' }),
    event(5, { event: { category: 'file' }, user: { name: 'ann' } }),
    event(-90_000, { event: { category: 'login' }, user: { name: 'old' }, outcome: 'success' }),
  ];
  await weir.post('/ingest/json', lines.join('\n'), ndjson);
  await eventually(
    () => count(weir),
    n => n === lines.length,
  );
}, 60_000);
afterAll(() => weir?.stop());

type Done = { code: number | null; out: string; err: string };
const command = (name: string, ...args: string[]): Done => {
  const done = spawnSync(process.execPath, [bin, name, ...args, '--url', weir.url], { encoding: 'utf8' });
  return { code: done.status, out: done.stdout, err: done.stderr };
};
const run = (...args: string[]): Done => command('eql', ...args);

const sequence = 'sequence by user.name with maxspan=1m [login where outcome == "success"] [file where true]';

it('gives events as NDJSON, of the last 24 hours', () => {
  const { code, out } = run('login where true');
  expect(code).toBe(0);
  const events = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { _source: { outcome: string } });
  expect(events.map(e => e._source.outcome)).toEqual(['failure', 'success']);
});

it('goes back as far as it is told, and takes the oldest', () => {
  expect(run('login where true', '--since', '3d').out.trim().split('\n')).toHaveLength(3);
  const { out, err } = run('login where true', '--since', '3d', '--oldest', '--limit', '1');
  expect(JSON.parse(out)).toMatchObject({ _source: { user: { name: 'old' } } });
  expect(err).toContain('stopped at --limit 1; there may be more');
});

it('gives a sequence a line, and groups for people', () => {
  expect(JSON.parse(run(sequence).out)).toMatchObject({ join_keys: ['ann'], events: [{}, {}] });
  const text = run(sequence, '-o', 'default', '--color', 'never').out;
  expect(text).toMatch(/^-- .+, ann, 2 events, 4\.0 s --\n/);
  expect(text).toContain('outcome=success note="two words"');
  expect(text).toContain('event.category=file user.name=ann');
  const missing = 'sequence by user.name with maxspan=2s [login where outcome == "success"] ![file where true]';
  expect(run(missing, '-o', 'default', '--color', 'never').out).toContain('(no such event)');
});

it('says what is wrong, and where, and ends with grep-like codes', () => {
  const wrong = run('login where outcome = "x"');
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain(`login where outcome = "x"\n${' '.repeat(22)}^`);
  expect(run('login where outcome == "nothing"').code).toBe(1);
});

it('weir search takes EQL too, and shows records', () => {
  const events = command('search', 'login where outcome == "failure"', '--since', '2h');
  expect(JSON.parse(events.out)).toMatchObject({
    message: expect.stringContaining('ann') as string,
    attributes: { outcome: 'failure' },
  });
  const groups = command('search', sequence, '--since', '2h', '-o', 'default', '--color', 'never');
  expect(groups.out).toMatch(/^-- user\.name=ann, 2 events, 4\.0 s --\n/);
  expect(groups.out.trim().split('\n').length).toBeGreaterThanOrEqual(3);
  expect(JSON.parse(command('search', sequence, '--since', '2h').out)).toMatchObject({
    keys: [{ name: 'user.name', value: 'ann' }],
    events: [{}, {}],
  });
  const wrong = command('search', 'login where outcome = "x"');
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain(`login where outcome = "x"\n${' '.repeat(22)}^`);
  expect(command('export', 'login where outcome == "x"').err).toContain('this is EQL');
});
