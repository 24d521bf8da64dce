import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';

// Every block of the guides that is marked `test` is run as it stands, but for the address and the way to start weir from a checkout.

const root = resolve(import.meta.dirname, '../..');
const guide = ['docs/guide-first-logs.md', 'docs/search.md']
  .map(file => readFileSync(join(root, file), 'utf8'))
  .join('\n');
const blocks = [...guide.matchAll(/^```(sh|js|json|yaml|ts)? ?test[^\n]*\n([\s\S]*?)^```$/gm)].map(match => ({
  language: match[1] ?? 'sh',
  text: match[2] ?? '',
}));
let weir: UnderTest;
let folder: string;
beforeAll(async () => {
  weir = await startWeir();
  folder = mkdtempSync(join(tmpdir(), 'weir-guide-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(async () => {
  await weir.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Records are visible a fraction of a second after their ack: a search that finds nothing yet (exit code 1) is asked again. */
const searchAgain = `weir_search() {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    code=0
    ${process.execPath} ${join(root, 'src/main.ts')} search "$@" || code=$?
    [ $code -eq 1 ] || return $code
    sleep 0.5
  done
  return 1
}
`;

async function runBlock(language: string, text: string): Promise<{ code: number | null; output: string }> {
  const ready = text
    .replaceAll('http://127.0.0.1:7575', weir.url)
    .replaceAll('127.0.0.1:7575', weir.url.replace('http://', ''))
    .replaceAll('npx weir search', 'weir_search')
    .replaceAll('npx weir', `${process.execPath} ${join(root, 'src/main.ts')}`);
  const file = join(folder, `block-${Math.abs(ready.length)}.${language === 'sh' ? 'sh' : 'mjs'}`);
  writeFileSync(file, language === 'sh' ? searchAgain + ready : ready);
  const child = spawn(language === 'sh' ? 'bash' : process.execPath, language === 'sh' ? ['-e', file] : [file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WEIR_URL: weir.url },
  });
  let output = '';
  child.stdout.on('data', (part: Buffer) => (output += part.toString('utf8')));
  child.stderr.on('data', (part: Buffer) => (output += part.toString('utf8')));
  const timer = setTimeout(() => child.kill('SIGKILL'), 40_000);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  return { code, output };
}

describe('the guide to the first logs', () => {
  it('has blocks to test', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(8);
  });

  it.each(blocks.map((block, i) => [i + 1, block.text.trim().split('\n')[0], block] as const))(
    'block %i: %s',
    async (_, _first, block) => {
      const { code, output } = await runBlock(block.language, block.text);
      expect(code, output).toBe(0);
    },
  );
});
