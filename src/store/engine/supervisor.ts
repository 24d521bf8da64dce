import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { log } from '../../base/log.ts';
import { engineStarted, gaugeFrom } from '../../base/telemetry.ts';
import type { Engine, SqlSettings } from '../../flow.ts';
import { openClient, type StoreClient } from '../client.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { DirectoryLocked, hasEnded, killEngine, processUsage, ready, spawnEngine, stopEngine } from './process.ts';

/** The engine as a role starts and stops it; rooms see {@link Engine} and the client. */
export type StoreEngine = Engine & {
  readonly client: StoreClient;
  /** Call the listeners and turn up. Embedded: rejects when the first start fails; later ones are tried again for ever. */
  start(): Promise<void>;
  /** Embedded: statements are cancelled, sessions closed, the child ended or, after 8 s, killed. */
  stop(): Promise<void>;
};

export type EmbeddedEngine = StoreEngine & {
  /** Process id of the child, for measurements; undefined before the start. */
  pid(): number | undefined;
};

export type EmbeddedOptions = {
  /** Data directory of the engine; made when absent. */
  data: string;
  budget: MemoryBudget;
  /** The database with the tables. Default `weir`. */
  database?: string;
  /**
   * Whether a statement with another `log_comment` than ours sees the rows of one tenant only, as a fence behind the gate of people's own SQL. It makes every
   * statement dearer, so a store where there is no such SQL goes without. Default true.
   */
  rowFilters?: boolean;
  /** Limits of users' queries, e.g. `max_execution_time`. */
  userSettings?: SqlSettings;
  /** Sessions in all, at least 3. Default `limits.engineSessions`. */
  sessions?: number;
  /** Default `limits.engineHangMillis`. */
  hangMillis?: number;
  /** How long the first start waits for another process to let go of the directory: the child of a program just killed needs a moment. */
  lockedMillisMax?: number;
};

const lockedMillis = 5_000;
const backoffMillisMin = 50;
const backoffMillisMax = 10_000;
/** An engine that lived this long starts its back-off anew. */
const healthyMillis = 60_000;

/** None of the waits here keeps the process alive. */
const wait = (millis: number): Promise<void> => delay(millis, undefined, { ref: false });

/** Engines started and not stopped; one, outside of tests. */
const engines = new Set<{ pid: () => number | undefined; up: () => boolean }>();
const total = (read: (usage: ReturnType<typeof processUsage>) => number): number =>
  [...engines].reduce((sum, engine) => sum + read(processUsage(engine.pid())), 0);
gaugeFrom('weir_engine_resident_bytes', 'resident memory of the engine process', () => total(u => u.rssBytes));
gaugeFrom('weir_engine_cpu_seconds', 'CPU time of the engine process since its start', () => total(u => u.cpuSeconds));
gaugeFrom('weir_engine_up', '1 while the engine answers', () => [...engines].filter(engine => engine.up()).length);

/** The engine child: starts it, watches it, starts it again. Nothing is touched before `start`. */
export function embeddedEngine(options: EmbeddedOptions): EmbeddedEngine {
  const data = resolve(options.data);
  const sessions = options.sessions ?? limits.engineSessions;
  const hangMillis = options.hangMillis ?? limits.engineHangMillis;
  // one session is for control; of the rest users get the larger half
  const service = Math.max(1, Math.floor((sessions - 1) / 2));
  const lanes = { service, user: Math.max(1, sessions - 1 - service) };
  // under /tmp, since a socket's path must be shorter than 108 bytes and a data directory's may be longer
  const runDirectory = join(tmpdir(), `weir-${process.pid}-${randomBytes(8).toString('hex')}`);
  const client = openClient({ socketPath: join(runDirectory, 'engine.sock') }, { userSettings: options.userSettings });
  const listeners: (() => Promise<void>)[] = [];
  let child: ChildProcess | undefined;
  let launchedAt = Number.NEGATIVE_INFINITY;
  let backoffMillis = backoffMillisMin;
  let up = false;
  let epoch = 0;
  let stopping = false;

  /** One start, listeners included. Rejects with nothing left running. `reason` is counted. */
  async function launch(reason: string): Promise<void> {
    launchedAt = performance.now();
    const filtered = options.rowFilters === false ? undefined : (options.database ?? 'weir');
    const started = spawnEngine({ data, runDirectory, lanes }, options.budget, filtered);
    child = started;
    try {
      await ready(started, data);
      epoch += 1;
      engineStarted(reason);
      const exited = once(started, 'exit').then(() => Promise.reject(new WeirError('engine_down')));
      exited.catch(() => {});
      for (const listener of listeners) await Promise.race([listener(), exited]);
      if (hasEnded(started)) throw new WeirError('engine_down');
    } catch (error) {
      await killEngine(started);
      throw error;
    }
    up = true;
    log.info({ pid: started.pid, epoch, reason, millis: Math.round(performance.now() - launchedAt) }, 'engine is up');
    void watch(started);
  }

  /** From when it is up until it ended; then again, unless we are stopping. */
  async function watch(watched: ChildProcess): Promise<void> {
    const over = new AbortController();
    const exited = once(watched, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const hung = killWhenHung(watched, over.signal);
    const [code, signal] = await exited;
    up = false;
    over.abort();
    if (stopping) return;
    const reason = (await hung) ? 'hung' : 'crashed';
    const guess = signal === 'SIGKILL' && reason === 'crashed' ? ', perhaps by the system for lack of memory' : '';
    log.error({ code, signal, reason }, `engine ended${guess}; ingest goes on, starting it again`);
    if (performance.now() - launchedAt > healthyMillis) backoffMillis = backoffMillisMin;
    await relaunch(reason);
  }

  /** Probe it until it ends. True when it had to be killed because it did not answer. */
  async function killWhenHung(watched: ChildProcess, over: AbortSignal): Promise<boolean> {
    let answered = performance.now();
    for (;;) {
      await delay(hangMillis / 6, undefined, { ref: false, signal: over }).catch(() => {});
      if (over.aborted) return false;
      if (await client.alive(hangMillis)) answered = performance.now();
      if (over.aborted || performance.now() - answered <= hangMillis) continue;
      log.error({ pid: watched.pid, hangMillis }, 'engine does not answer; killing it');
      watched.kill('SIGKILL');
      return true;
    }
  }

  async function relaunch(reason: string): Promise<void> {
    while (!stopping) {
      await wait(backoffMillis);
      backoffMillis = Math.min(backoffMillis * 2, backoffMillisMax);
      if (stopping) return;
      try {
        await launch(reason);
        return;
      } catch (error) {
        log.error({ err: error, retryMillis: backoffMillis }, 'engine did not start');
      }
    }
  }

  async function firstLaunch(): Promise<void> {
    const deadline = performance.now() + (options.lockedMillisMax ?? lockedMillis);
    for (;;) {
      try {
        await launch('first');
        return;
      } catch (error) {
        if (!(error instanceof DirectoryLocked) || performance.now() > deadline) throw error;
        await wait(200);
      }
    }
  }

  const measured = { pid: () => child?.pid, up: () => up };
  const leaveNothing = async (): Promise<void> => {
    engines.delete(measured);
    await client.close();
    rmSync(runDirectory, { recursive: true, force: true });
  };

  return {
    client,
    run: statement => client.run(statement),
    up: () => up,
    onStart: listener => void listeners.push(listener),
    epoch: () => epoch,
    pid: () => child?.pid,
    async start() {
      engines.add(measured);
      try {
        await firstLaunch();
      } catch (error) {
        await leaveNothing();
        throw error;
      }
    },
    async stop() {
      stopping = true;
      up = false;
      if (child) await stopEngine(child);
      await leaveNothing();
    },
  };
}
