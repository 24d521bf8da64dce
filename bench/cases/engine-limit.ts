import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Chunk } from '../generate.ts';
import type { Result } from '../statistics.ts';

/** MB per CPU-second of the engine alone on the same rows and schema, and of its parser alone: what ingest can reach at best in this run. */
export function engineLimit(
  chunks: Chunk[],
  pieceBytes: number,
): { results: Result[]; indexed: number; plain: number } {
  const folder = mkdtempSync(join(tmpdir(), 'weir-pieces-'));
  let piece: Buffer[] = [];
  let size = 0;
  let number = 0;
  const flush = (): void => {
    if (size > 0) writeFileSync(join(folder, `${String(number++).padStart(4, '0')}.ndjson`), Buffer.concat(piece));
    piece = [];
    size = 0;
  };
  for (const { bytes } of chunks) {
    piece.push(bytes);
    size += bytes.length;
    if (size >= pieceBytes) flush();
  }
  flush();
  const run = (...args: string[]): number => {
    const done = spawnSync(process.execPath, [resolve(import.meta.dirname, '../engine-alone.ts'), folder, ...args], {
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    if (done.status !== 0) throw new Error(`engine alone failed: ${done.stderr.slice(-2000)}`);
    const figures = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '{}') as {
      megabytes: number;
      cpuSeconds: number;
    };
    return figures.megabytes / figures.cpuSeconds;
  };
  const parse = run('plain', 'parse');
  const indexed = run('indexes');
  const plain = run('plain');
  rmSync(folder, { recursive: true, force: true });
  const of = (what: string, value: number): Result => ({ case: 'engine alone', what, value, unit: 'MB/CPU-s' });
  return {
    indexed,
    plain,
    results: [
      of('parse only', parse),
      of('insert, token and trace indexes, merges settled', indexed),
      of('insert, no indexes, merges settled', plain),
    ],
  };
}
