import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { count, eventually } from './ask.ts';

// What the README says one can ask, asked of the sample data as it stands there.

const root = resolve(import.meta.dirname, '../..');
const [, block = ''] = /## Ask\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
const commands = block.split('\n').filter(line => line.startsWith('npx weir ') && line !== 'npx weir tail');
let weir: UnderTest;
let folder: string;
beforeAll(async () => {
  weir = await startWeir({ demo: true });
  folder = mkdtempSync(join(tmpdir(), 'weir-readme-'));
  await eventually(
    () => count(weir),
    n => n > 300_000,
    60_000,
  );
}, 120_000);
afterAll(async () => {
  await weir.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('has commands', () => expect(commands.length).toBeGreaterThan(5));

it.each(commands)('%s', async command => {
  const line = command.replace('npx weir', `${process.execPath} ${join(root, 'src/main.ts')}`);
  const child = spawn('bash', ['-c', line], { cwd: folder, env: { ...process.env, WEIR_URL: weir.url } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, output).toBe(0);
  expect(output).not.toBe('');
});
