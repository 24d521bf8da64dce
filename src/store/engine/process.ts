import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WeirError } from '../../base/errors.ts';
import { log } from '../../base/log.ts';
import type { ChildMessage, ChildOptions, ParentMessage } from './child-contract.ts';
import { writeConfigFile } from './config-file.ts';
import type { MemoryBudget } from './memory-budget.ts';

/** Loading the parts of a big store takes a while. */
const startMillisMax = 600_000;
/** A program has 10 s to stop; parts are safe when the engine is killed, so it gets most of them and no more. */
const stopMillisMax = 8_000;

/** The data directory belongs to another process. */
export class DirectoryLocked extends WeirError {}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** What the engine prints goes to our log; lines that are our own log's already pass unchanged. */
function logOutput(stream: Readable | null): void {
  if (!stream) return;
  createInterface({ input: stream }).on('line', line => {
    if (line.startsWith('{')) process.stderr.write(`${line}\n`);
    else if (line.trim() !== '') log.warn({ line }, 'engine output');
  });
}

/**
 * How the engine's allocator keeps memory. Pages that a seal or a merge has freed go back after half a second, not five (docs/decisions/0018). One arena for four
 * cores instead of one for each: what a thread has freed can then be used by the next one wherever it runs, rather than being given back here and asked for
 * anew there, and each new page costs more than what is done with its bytes (docs/decisions/0026).
 */
export const engineMemory = (cores: number): string =>
  `percpu_arena:disabled,narenas:${Math.max(1, Math.ceil(cores / 4))},dirty_decay_ms:500`;

/** Start the engine child. It is of use when {@link ready} resolves. `filtered`: see config-file.ts. */
export function spawnEngine(
  options: Omit<ChildOptions, 'configFile'>,
  budget: MemoryBudget,
  filtered: string | undefined,
): ChildProcess {
  const { data, runDirectory, lanes } = options;
  mkdirSync(data, { recursive: true });
  mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
  rmSync(join(runDirectory, 'engine.sock'), { force: true });
  const configFile = writeConfigFile(runDirectory, {
    budget,
    cores: availableParallelism(),
    filtered,
    serviceId: randomBytes(16).toString('hex'),
  });
  const child = fork(
    fileURLToPath(new URL('./child.ts', import.meta.url)),
    [JSON.stringify({ ...options, configFile } satisfies ChildOptions)],
    {
      execArgv: ['--max-old-space-size=256', '--max-semi-space-size=4'],
      env: {
        JE_MALLOC_CONF: engineMemory(availableParallelism()),
        ...process.env,
        // each session blocks one thread of the pool while it runs, users' small statements have sessions of their own; control, files and pipes need some too
        UV_THREADPOOL_SIZE: String(lanes.service + 2 * lanes.user + 9),
        // glibc's own memory (Node's, not the engine's) in few arenas: 8 MB less at rest
        MALLOC_ARENA_MAX: '2',
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  logOutput(child.stdout);
  logOutput(child.stderr);
  child.on('error', error => log.error({ err: error }, 'engine process'));
  return child;
}

/** Resolves when the child's socket answers. Rejects with {@link DirectoryLocked} when another process has the directory. */
export async function ready(child: ChildProcess, data: string): Promise<void> {
  const abort = new AbortController();
  const { signal } = abort;
  const answer = once(child, 'message', { signal }).then(([message]: ChildMessage[]) => {
    if (message?.is === 'ready') return;
    if (message?.is === 'failed') throw new Error(`the engine cannot open ${data}: ${message.message}`);
    throw new DirectoryLocked('config_invalid', {
      reason: `the data directory ${data} is in use by process ${message?.holder}; stop it or choose another directory (data)`,
    });
  });
  const exit = once(child, 'exit', { signal }).then(([code, killedBy]: (number | NodeJS.Signals | null)[]) => {
    throw new Error(`the engine ended while it started (${killedBy ?? `exit code ${code}`})`);
  });
  const late = delay(startMillisMax, undefined, { signal, ref: false }).then(() => {
    throw new Error(`the engine did not start within ${startMillisMax / 1000} s`);
  });
  try {
    await Promise.race([answer, exit, late]);
  } finally {
    abort.abort();
    await Promise.allSettled([answer, exit, late]);
  }
}

/** Kill it and wait until the system has let go of its locks. */
export async function killEngine(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Ask it to cancel its statements, close its sessions and end; kill it when that takes too long. */
export async function stopEngine(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  if (child.connected) child.send({ do: 'stop' } satisfies ParentMessage);
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMillisMax);
  await exited;
  clearTimeout(timer);
}

/** Resident bytes and CPU seconds of a process; zeros where there is no /proc. */
export function processUsage(pid: number | undefined): { rssBytes: number; cpuSeconds: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // rss in pages of 4 KiB; utime and stime in ticks of 10 ms
    return { rssBytes: (fields[21] ?? 0) * 4096, cpuSeconds: ((fields[11] ?? 0) + (fields[12] ?? 0)) / 100 };
  } catch {
    return { rssBytes: 0, cpuSeconds: 0 };
  }
}
