import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from './stand-in.test.server.ts';

const weir = commandLine();
afterAll(() => weir.remove());

const script = async (shell: string): Promise<string> => (await weir.start(['completion', shell]).done).stdout;

describe('weir completion bash', () => {
  let file: string;
  beforeAll(async () => {
    file = join(weir.folder, 'weir.bash');
    writeFileSync(file, await script('bash'));
  });
  const complete = (...words: string[]): string[] =>
    execFileSync(
      'bash',
      [
        '-c',
        'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; printf "%s\\n" "${COMPREPLY[@]}"',
        file,
        ...words,
      ],
      { encoding: 'utf8', cwd: weir.folder },
    )
      .split('\n')
      .filter(line => line !== '');

  it.each([
    [['weir', 'sea'], ['search']],
    [
      ['weir', 'config', ''],
      ['check', 'print', 'schema', '--help'],
    ],
    [['weir', 'search', '--dir'], ['--direction']],
    [['weir', 'search', '--direction', 'b'], ['backward']],
    [['weir', 'export', 'error', '-o', 'p'], ['parquet']],
    [['weir', 'search', '--since', ''], []],
    [
      ['weir', 'completion', ''],
      ['bash', 'zsh', 'fish', '--help'],
    ],
    [['weir', 'wal', 'check', 'weir.b'], ['weir.bash']],
    [['weir', 'up', '--config', 'weir.b'], ['weir.bash']],
    [['weir', 'config', 'print', '--con'], ['--config']],
  ])('%j', (words, expected) => expect(complete(...words)).toEqual(expected));

  it('knows every command', () => {
    const commands = complete('weir', '');
    expect(commands).toEqual(
      expect.arrayContaining(['up', 'demo', 'send', 'run', 'search', 'explain', 'tail', 'bench']),
    );
  });
});

it.each(['zsh', 'fish'])(
  '%s: every command and option is there, and the shell can read it where it is installed',
  async shell => {
    const text = await script(shell);
    for (const word of ['search', 'direction', 'backward', 'parquet', 'no-demo', 'schema'])
      expect(text).toContain(word);
    const file = join(weir.folder, `weir.${shell}`);
    writeFileSync(file, text);
    const read = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    if (read.error) return;
    expect(read.stderr).toBe('');
  },
);

it('refuses a shell that it does not know', async () => {
  const { code, stderr } = await weir.start(['completion', 'tcsh']).done;
  expect(code).toBe(2);
  expect(stderr).toContain('no completion for "tcsh"; write one of bash, zsh, fish');
});
