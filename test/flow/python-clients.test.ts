import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { freePort, startWeir } from '../../bench/weir-under-test.ts';
import { eventually, rows } from './ask.ts';

const skipped =
  'Python log clients are not installed: run npm test where python3 with venv and a package index can be reached, or set WEIR_PYTHON';

/** A client that logs `lines`, `pause` seconds apart; `begun` once it has started, `faults` is what it says failed. */
function client(ctx: TestContext, name: 'otlp' | 'loki', url: string, lines: string[], pause = 0) {
  const python = process.env.WEIR_PYTHON;
  if (!python) ctx.skip(skipped);
  const child = spawn(python, [resolve(import.meta.dirname, 'python_clients.py'), name, url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ lines, pause }));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (output += part));
  return {
    begun: once(child.stdout, 'data'),
    faults: once(child, 'close').then(() => JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as string[]),
  };
}

const awkward = [
  '',
  'ünï 日本語 🚀 \u2028',
  'two\nlines\r\nthree',
  'quotes " \' ` \\',
  'bell \x07 nul \x00 end',
  '{"a":1,"big":9007199254740993}',
  ' blanks ',
  'x'.repeat(100_000),
];

/** What a record has besides its line. */
const kept = {
  otlp: { attributes: { big: '9223372036854775807', list: '[1,null]' } },
  loki: { labels: { app: 'python-loki', n: '5', severity: 'warning' } },
};

it.for(['otlp', 'loki'] as const)('takes what Python logs, byte for byte: %s', async (name, ctx) => {
  if (!process.env.WEIR_PYTHON) ctx.skip(skipped);
  const weir = await startWeir();
  try {
    expect(await client(ctx, name, weir.url, awkward).faults).toEqual([]);
    const stored = await eventually(
      () => rows(weir, `{service_name="python-${name}"}`, { direction: 'forward' }),
      all => all.length === awkward.length,
    );
    expect(stored.map(row => row.message).sort()).toEqual([...awkward].sort());
    expect(new Set(stored.map(row => row.level))).toEqual(new Set(['warn']));
    expect(stored[0]).toMatchObject(kept[name]);
  } finally {
    await weir.stop();
  }
});

it('has each record of the Python exporter once when it is restarted meanwhile', async ctx => {
  if (!process.env.WEIR_PYTHON) ctx.skip(skipped);
  const folder = mkdtempSync(join(tmpdir(), 'weir-python-'));
  const port = await freePort();
  let weir = await startWeir({ folder, port });
  try {
    const lines = Array.from({ length: 2000 }, (_, k) => `line ${k}`);
    const sent = client(ctx, 'otlp', weir.url, lines, 0.001);
    await sent.begun;
    await eventually(
      () => rows(weir, ''),
      all => all.length > 0,
    );
    expect(await weir.stop()).toBe(0);
    weir = await startWeir({ folder, port });
    await sent.faults;
    const stored = await eventually(
      () => rows(weir, '', { direction: 'forward' }),
      all => all.length >= lines.length,
    );
    expect(stored.map(row => row.message)).toEqual(lines);
  } finally {
    await weir.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
