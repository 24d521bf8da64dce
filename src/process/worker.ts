import type { Config } from '../base/config.ts';
import { limits } from '../base/limits.ts';
import { log } from '../base/log.ts';
import { segmentOfSeq } from '../base/record.ts';
import { gaugeFrom, insertRetried, tickInserted } from '../base/telemetry.ts';
import type { Engine, FrameSource, OnVisible, Tail, TailStore } from '../flow.ts';
import { addTick, bytesOf, emptyTail, endOf } from './active-tail.ts';
import { engineText, troubleOf } from './engine-errors.ts';
import { insertFrames, pause } from './insert-frames.ts';
import { type CompileCondition, compilePipeline } from './pipeline/compile.ts';
import { logEnd, reconcile } from './reconcile.ts';
import { payloadBodies, payloadFiles } from './payload.ts';
import { Spool } from './spool.ts';
import { withTemplates } from './templates/mine.ts';
import { makeInserter } from './tick.ts';

export type WorkerOptions = {
  source: FrameSource;
  engine: Engine;
  store: TailStore;
  config: Config;
  compileCondition: CompileCondition;
  /** For the files of the ticks; the engine must be able to read them. Absent: the engine is a server elsewhere, and payloads are sent to it. */
  spoolDirectory?: string;
  /** Bounds other than those of base/limits.ts, for tests. */
  bounds?: Partial<WorkerBounds>;
};

export type WorkerBounds = {
  tickBytes: number;
  tickMillisMin: number;
  tickMillisBusy: number;
  sealBytes: number;
  sealMillis: number;
};

/** How far the store is behind the log. */
export type Lag = { records: number; seconds: number };

export type Worker = {
  /** Resolves when the engine has the tables and what was in the log at start is visible (or 2 s went by and the rest follows). */
  ready: Promise<void>;
  onVisible: OnVisible;
  lag(): Lag;
  /** Take no more from the log, seal what is in the tail (at most `patienceMillis`), stop. What is not sealed then is in the log. */
  stop(patienceMillis?: number): Promise<void>;
};

/** A start waits so long for the tail to be rebuilt before questions are let in. */
const catchUpMillis = 2_000;
const idleMillis = 1_000;
const lookMillis = 60_000;
const restartPauseMillis = { first: 500, max: 10_000 };

/** What a stretch of work between two starts of the engine shares. */
type Stretch = { abort: AbortController; done: Promise<void> };

/**
 * Moves the log into the store: ticks into the tail, seals of the tail into parts, all over again from what the ledger covers after every
 * start of the engine. At most one tick and one seal are in progress.
 */
export function startWorker(options: WorkerOptions): Worker {
  const { source, engine, config } = options;
  const store = withTemplates(options.store, engine);
  const bounds: WorkerBounds = { ...limits, ...options.bounds };
  const pipeline = compilePipeline(config.pipeline, options.compileCondition);
  const payloads =
    options.spoolDirectory === undefined
      ? payloadBodies(engine, store.lines)
      : payloadFiles(engine, new Spool(options.spoolDirectory));
  const inserter = makeInserter({ engine, store, payloads, pipeline, retention: config.retention });
  const listeners = new Set<(from: bigint, to: bigint) => void>();

  let cursor = 0n;
  /** Receive time of the newest visible record. */
  let visibleMillis = Date.now();
  let tailRecords = 0;
  let tailBytes = 0;
  let stopping = false;
  const stopped = new AbortController();
  let stretch: Stretch | undefined;

  const behind = (): number => {
    const end = logEnd(source);
    if (end <= cursor) return 0;
    return source.segments().reduce((sum, s) => {
      const first = BigInt(s.segment) << 32n;
      const taken = cursor > first ? Number(cursor - first) : 0;
      return sum + Math.max(0, s.rows - taken);
    }, 0);
  };
  const lag = (): Lag => {
    const records = behind();
    return { records, seconds: records === 0 ? 0 : Math.max(0, Date.now() - visibleMillis) / 1000 };
  };
  gaugeFrom('weir_tail_records', 'records in the tail, not sealed yet', () => tailRecords);
  gaugeFrom('weir_tail_bytes', 'payload bytes in the tail', () => tailBytes);
  gaugeFrom('weir_worker_lag_records', 'records in the log that are not visible yet', behind);
  gaugeFrom(
    'weir_worker_lag_segments',
    'segments of the log after the one that the worker reads',
    () => source.segments().filter(s => s.segment > segmentOfSeq(cursor)).length,
  );
  /** From a started engine to the end of the stretch; rejects when something happened that only a new beginning puts right. */
  async function work(signal: AbortSignal, begun: () => void): Promise<void> {
    await store.prepare();
    const from = await reconcile({ source, store, inserter, signal, ...bounds });
    source.stored(from);
    const present = await store.presentUntil(from);
    cursor = from;
    let active = emptyTail(await store.openTail(), from);
    let sealing: { promise: Promise<void>; failed?: unknown } | undefined;
    let shown = false;
    /** The active tail has or may have rows. Questions do not name an empty one: each source costs them more than a CPU-ms. */
    let begunTail = false;
    let sealingTail: Tail | undefined;
    const withRows = (): Tail[] => [...(sealingTail ? [sealingTail] : []), ...(begunTail ? [active.tail] : [])];
    const catchUpTo = logEnd(source);
    const beganAt = performance.now();
    let lookedAt = performance.now();

    const show = (): void => {
      store.show(withRows());
      shown = true;
      // Rows that a crash left in parts without a note are visible, too.
      const end = cursor > present ? cursor : present;
      for (const listener of listeners) listener(end, end);
      begun();
    };

    /** The tail becomes parts while the next one fills. */
    async function startSeal(): Promise<void> {
      await sealing?.promise;
      if (sealing?.failed !== undefined) throw sealing.failed;
      const { tail, from, to, dropped } = active;
      const order = { tail, from, to, dropped, note: present > from ? ('store' as const) : ('tail' as const) };
      active = emptyTail(await store.openTail(), to);
      begunTail = false;
      sealingTail = tail;
      const current = { promise: Promise.resolve(), failed: undefined as unknown };
      current.promise = sealPatiently(order, signal).then(
        () => {
          sealingTail = undefined;
          if (shown) store.show(withRows());
          else store.discard(tail);
          source.stored(to);
        },
        (error: unknown) => {
          current.failed = error;
        },
      );
      sealing = current;
    }

    /** Payload bytes that became visible; undefined when there were none to take. */
    async function tick(): Promise<number | undefined> {
      const frames = await source.take(cursor, bounds.tickBytes);
      if (frames.length === 0) return undefined;
      const began = performance.now();
      const to = endOf(frames, cursor);
      const except = cursor < present ? { from: cursor, to } : undefined;
      if (!begunTail) {
        begunTail = true;
        if (shown) store.show(withRows());
      }
      addTick(active, frames, await insertFrames(inserter, frames, active.tail, except, signal));
      const was = cursor;
      cursor = to;
      visibleMillis = Number(BigInt(frames.at(-1)?.header.received ?? 0) / 1_000_000n);
      const bytes = bytesOf(frames);
      tickInserted(
        (performance.now() - began) / 1000,
        frames.reduce((sum, f) => sum + f.header.records, 0),
        bytes,
      );
      if (shown) for (const listener of listeners) listener(was, to);
      return bytes;
    }

    const age = (): number => (active.since === undefined ? 0 : performance.now() - active.since);
    while (!signal.aborted && !stopping) {
      if (sealing?.failed !== undefined) throw sealing.failed;
      const began = performance.now();
      const found = await tick();
      tailRecords = active.records;
      tailBytes = active.bytes;
      if (found === undefined) visibleMillis = Date.now();
      if (!shown && (found === undefined || cursor >= catchUpTo || performance.now() - beganAt > catchUpMillis)) show();
      if (active.records > 0 && (active.bytes >= bounds.sealBytes || age() >= bounds.sealMillis)) await startSeal();
      if (performance.now() - lookedAt > lookMillis) {
        lookedAt = performance.now();
        if (await store.suspect()) throw new Error('damaged parts were found; comparing the store with the log');
      }
      if (found === undefined) {
        const untilSeal = active.records > 0 ? Math.max(1, bounds.sealMillis - age()) : idleMillis;
        await source.waitFor(cursor, Math.min(untilSeal, idleMillis), AbortSignal.any([signal, stopped.signal]));
      } else if (found < bounds.tickBytes) {
        // Everything there was is visible: let more come, since every tick costs its planning.
        const distance = found < bounds.tickBytes / 4 ? bounds.tickMillisMin : bounds.tickMillisBusy;
        await pause(distance - (performance.now() - began), signal);
      }
    }
    if (signal.aborted) return;
    if (active.records > 0) await startSeal();
    await sealing?.promise;
    if (sealing?.failed !== undefined) throw sealing.failed;
  }

  /** Tries again while the disk is full or the engine is busy; other errors are thrown after the third. */
  async function sealPatiently(order: Parameters<TailStore['seal']>[0], signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await store.seal(order);
        return;
      } catch (error) {
        const trouble = troubleOf(error);
        if (trouble === 'down' || signal.aborted) throw error;
        if ((trouble === 'input' || trouble === 'other') && tries >= 3) throw error;
        insertRetried(trouble);
        log.warn(
          { trouble, reason: engineText(error) },
          'process: seal failed, trying again; the log keeps the records',
        );
        await pause(Math.min(5_000, 250 * 2 ** tries), signal);
      }
    }
  }

  /** Work until the signal aborts or the worker stops, beginning anew after every failure. */
  async function workOn(signal: AbortSignal, begun: () => void): Promise<void> {
    let pauseMillis = restartPauseMillis.first;
    while (!signal.aborted && !stopping) {
      const began = performance.now();
      try {
        await work(signal, begun);
      } catch (error) {
        if (signal.aborted) return;
        log.error(
          { reason: engineText(error), trouble: troubleOf(error) },
          'process: starting over from what the store has',
        );
        // Questions may be answered from the parts meanwhile.
        if (troubleOf(error) !== 'down') begun();
        if (performance.now() - began > 60_000) pauseMillis = restartPauseMillis.first;
        await pause(pauseMillis, AbortSignal.any([signal, stopped.signal]));
        pauseMillis = Math.min(pauseMillis * 2, restartPauseMillis.max);
      }
    }
  }

  let allReady = (): void => {};
  const ready = new Promise<void>(resolve => {
    allReady = resolve;
  });

  /** The engine is (again) there and empty of tails. */
  async function begin(): Promise<void> {
    stretch?.abort.abort();
    await stretch?.done;
    if (stopping) return;
    const abort = new AbortController();
    await new Promise<void>(resolve => {
      stretch = { abort, done: workOn(abort.signal, resolve).finally(resolve) };
    });
    allReady();
  }

  engine.onStart(begin);
  if (engine.up()) void begin();

  return {
    ready,
    onVisible: listener => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    lag,
    async stop(patienceMillis = 8_000) {
      stopping = true;
      stopped.abort();
      const timer = setTimeout(() => stretch?.abort.abort(), patienceMillis);
      await stretch?.done;
      clearTimeout(timer);
      await payloads.close();
      allReady();
    },
  };
}
