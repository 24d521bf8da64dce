import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { log } from '../../base/log.ts';
import { engineStarted, gaugeFrom } from '../../base/telemetry.ts';
import type { Engine, SqlSettings } from '../../flow.ts';
import { openClient, type StoreClient } from '../client.ts';
import type { ChildMessage, ChildOptions, ParentMessage } from './child-contract.ts';
import { writeConfigFile } from './config-file.ts';
import { DiskSync } from './disk-sync.ts';
import type { MemoryBudget } from './memory-budget.ts';

export type EmbeddedOptions = {
  /** Data directory of the engine; made when absent. */
  data: string;
  budget: MemoryBudget;
  /** Limits of users' queries, e.g. `max_execution_time`. */
  userSettings?: SqlSettings;
  /** Sessions in all; at least 3. Default `limits.engineSessions`. */
  sessions?: number;
  /** Default `limits.engineHangMillis`. */
  hangMillis?: number;
  /** How long the first start waits for another process to let go of the directory. */
  lockedMillisMax?: number;
};

/** The engine as a role starts and stops it; rooms see {@link Engine} and the client. */
export type EmbeddedEngine = Engine & {
  readonly client: StoreClient;
  /** Start the child, call the listeners, turn up. Rejects when the first start fails; later ones are tried again for ever. */
  start(): Promise<void>;
  /** Stop cleanly: statements are cancelled, sessions closed; killed when that takes more than 8 s. */
  stop(): Promise<void>;
  /** Make everything written so far durable, e.g. after DDL. */
  syncNow(): Promise<void>;
  /** Process id of the child, for measurements; undefined while there is none. */
  pid(): number | undefined;
};

/** Loading the parts of a big store takes a while. */
const startMillisMax = 600_000;
const stopMillisMax = 8_000;
/** A child of a parent that was just killed needs a moment to notice and let go of the directory. */
const lockedMillis = 5_000;
const backoffMillisMax = 10_000;
/** An engine that lived this long starts its back-off anew. */
const healthyMillis = 60_000;

/** None of the waits here keeps the process alive. */
const wait = (millis: number): Promise<void> => delay(millis, undefined, { ref: false });

class Locked extends WeirError {}

/** Resident bytes and CPU seconds of a process; zeros where there is no /proc. */
export function processUsage(pid: number | undefined): { rssBytes: number; cpuSeconds: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // utime, stime in ticks of 10 ms; rss in pages of 4 KiB
    return { rssBytes: (fields[21] ?? 0) * 4096, cpuSeconds: ((fields[11] ?? 0) + (fields[12] ?? 0)) / 100 };
  } catch {
    return { rssBytes: 0, cpuSeconds: 0 };
  }
}

/** Engines started and not stopped; one, outside of tests. */
const engines = new Set<{ pid: () => number | undefined; up: () => boolean }>();
const total = (read: (usage: ReturnType<typeof processUsage>) => number): number =>
  [...engines].reduce((sum, engine) => sum + read(processUsage(engine.pid())), 0);
gaugeFrom('weir_engine_resident_bytes', 'resident memory of the engine process', () => total(u => u.rssBytes));
gaugeFrom('weir_engine_cpu_seconds', 'CPU time of the engine process since its start', () => total(u => u.cpuSeconds));
gaugeFrom('weir_engine_up', '1 while the engine answers', () => [...engines].filter(engine => engine.up()).length);

/** What the engine prints goes to our log; lines that are our own log's already pass unchanged. */
function logOutput(stream: Readable | null): void {
  if (!stream) return;
  createInterface({ input: stream }).on('line', line => {
    if (line.startsWith('{')) process.stderr.write(`${line}\n`);
    else if (line.trim() !== '') log.warn({ line }, 'engine output');
  });
}

/** The engine child: starts it, watches it, starts it again. Only `start` starts anything. */
export function embeddedEngine(options: EmbeddedOptions): EmbeddedEngine {
  const data = resolve(options.data);
  const sessions = options.sessions ?? limits.engineSessions;
  const hangMillis = options.hangMillis ?? limits.engineHangMillis;
  // one session is for control; of the rest users get the larger half
  const service = Math.max(1, Math.floor((sessions - 1) / 2));
  const lanes = { service, user: Math.max(1, sessions - 1 - service) };
  // its own directory under /tmp: a socket's path must be shorter than 108 bytes, a data directory's may be longer
  const runDirectory = mkdtempSync(join(tmpdir(), 'weir-'));
  const client = openClient({ socketPath: join(runDirectory, 'engine.sock') }, { userSettings: options.userSettings });
  const listeners: (() => Promise<void>)[] = [];
  let child: ChildProcess | undefined;
  let diskSync: DiskSync | undefined;
  let up = false;
  let epoch = 0;
  let stopping = false;
  let watch: AbortController | undefined;

  function spawnChild(): ChildProcess {
    mkdirSync(data, { recursive: true });
    rmSync(join(runDirectory, 'engine.sock'), { force: true });
    const configFile = writeConfigFile(runDirectory, { budget: options.budget, cores: availableParallelism() });
    const childOptions: ChildOptions = { data, configFile, runDirectory, lanes };
    const started = fork(fileURLToPath(new URL('./child.ts', import.meta.url)), [JSON.stringify(childOptions)], {
      execArgv: ['--max-old-space-size=256', '--max-semi-space-size=4'],
      // each session blocks one thread of the pool while it runs; file and pipe reads need some too
      env: { ...process.env, UV_THREADPOOL_SIZE: String(sessions + 8) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    logOutput(started.stdout);
    logOutput(started.stderr);
    return started;
  }

  /** Resolves when the child's socket answers. */
  async function ready(started: ChildProcess): Promise<void> {
    const abort = new AbortController();
    try {
      await Promise.race([
        once(started, 'message', { signal: abort.signal }).then(([message]: ChildMessage[]) => {
          if (message?.is === 'locked')
            throw new Locked('config_invalid', {
              reason: `the data directory ${data} is in use by process ${message.holder}; stop it or choose another directory (data)`,
            });
          if (message?.is !== 'ready')
            throw new Error(`the engine cannot open ${data}: ${message?.message ?? 'no reason given'}`);
        }),
        once(started, 'exit', { signal: abort.signal }).then(([code, signal]: unknown[]) => {
          throw new Error(`the engine ended while it started (${signal ?? `exit code ${code}`})`);
        }),
        wait(startMillisMax).then(() => {
          throw new Error(`the engine did not start within ${startMillisMax / 1000} s`);
        }),
      ]);
    } finally {
      abort.abort();
    }
  }

  async function launch(reason: string): Promise<void> {
    const started = spawnChild();
    child = started;
    try {
      await ready(started);
      epoch += 1;
      engineStarted(reason);
      const exited = once(started, 'exit').then(() => {
        throw new WeirError('engine_down');
      });
      for (const listener of listeners) await Promise.race([listener(), exited]);
      exited.catch(() => {});
    } catch (error) {
      if (started.exitCode === null && started.signalCode === null) {
        started.kill('SIGKILL');
        await once(started, 'exit');
      }
      throw error;
    }
    up = true;
    watch = new AbortController();
    started.once('exit', (code, signal) => void onExit(code, signal));
    void watchdog(started, watch.signal);
    log.info({ pid: started.pid, epoch, reason }, 'engine is up');
  }

  /** Set by the watchdog before it kills, so that the restart is counted under its reason. */
  let hung = false;

  async function watchdog(watched: ChildProcess, signal: AbortSignal): Promise<void> {
    let answered = performance.now();
    while (!signal.aborted) {
      await wait(hangMillis / 6);
      if (signal.aborted) return;
      if (await client.alive(hangMillis)) answered = performance.now();
      else if (performance.now() - answered > hangMillis && !signal.aborted) {
        log.error({ pid: watched.pid, hangMillis }, 'engine does not answer; killing it');
        hung = true;
        watched.kill('SIGKILL');
        return;
      }
    }
  }

  async function onExit(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    up = false;
    watch?.abort();
    if (stopping) return;
    let reason = hung ? 'hung' : 'crashed';
    hung = false;
    log.error(
      {
        code,
        signal,
        reason,
        hint:
          signal === 'SIGKILL' && reason === 'crashed'
            ? 'killed from outside, perhaps by the system for lack of memory'
            : undefined,
      },
      'engine ended; ingest goes on, starting it again',
    );
    for (
      let backoff = performance.now() - startedAt > healthyMillis ? 50 : lastBackoff;
      !stopping;
      backoff = Math.min(backoff * 2, backoffMillisMax)
    ) {
      lastBackoff = Math.min(backoff * 2, backoffMillisMax);
      await wait(backoff);
      if (stopping) return;
      try {
        startedAt = performance.now();
        await launch(reason);
        return;
      } catch (error) {
        reason = 'refused';
        log.error({ err: error, retryMillis: lastBackoff }, 'engine did not start');
      }
    }
  }

  let startedAt = Number.NEGATIVE_INFINITY;
  let lastBackoff = 50;

  async function firstLaunch(): Promise<void> {
    const deadline = performance.now() + (options.lockedMillisMax ?? lockedMillis);
    for (;;) {
      try {
        startedAt = performance.now();
        await launch('first');
        return;
      } catch (error) {
        if (!(error instanceof Locked) || performance.now() > deadline) throw error;
        await wait(200);
      }
    }
  }

  const measured = { pid: () => child?.pid, up: () => up };

  return {
    client,
    async start() {
      try {
        await firstLaunch();
      } catch (error) {
        rmSync(runDirectory, { recursive: true, force: true });
        throw error;
      }
      diskSync = new DiskSync(data);
      engines.add(measured);
    },
    async stop() {
      engines.delete(measured);
      stopping = true;
      up = false;
      watch?.abort();
      const last = child;
      if (last && last.exitCode === null && last.signalCode === null) {
        const exited = once(last, 'exit');
        last.send({ do: 'stop' } satisfies ParentMessage);
        const timer = setTimeout(() => last.kill('SIGKILL'), stopMillisMax);
        await exited;
        clearTimeout(timer);
      }
      diskSync?.close();
      await client.close();
      rmSync(runDirectory, { recursive: true, force: true });
    },
    async run(statement) {
      if (!/^[\s(]*(SELECT|WITH)\b/i.test(statement.sql)) diskSync?.dirty();
      return client.run(statement);
    },
    up: () => up,
    onStart: listener => void listeners.push(listener),
    epoch: () => epoch,
    syncNow: async () => diskSync?.now(),
    pid: () => child?.pid,
  };
}
