import { WeirError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { segmentOfSeq, seqOf } from '../base/record.ts';
import { segmentsRefilled } from '../base/telemetry.ts';
import type { FrameSource, TailStore } from '../flow.ts';
import { addTick, emptyTail, endOf } from './active-tail.ts';
import { insertFrames } from './insert-frames.ts';
import type { Inserter } from './tick.ts';

export type ReconcileOptions = {
  source: FrameSource;
  store: TailStore;
  inserter: Inserter;
  tickBytes: number;
  sealBytes: number;
  signal: AbortSignal;
};

/** End (exclusive) of what is durable in the log. */
export function logEnd(source: FrameSource): bigint {
  const last = source.segments().at(-1);
  return last ? seqOf(last.segment, 0) + BigInt(last.rows) : 0n;
}

/**
 * Compare the store with the log and put back what is missing. After a process kill nothing can be missing before what the ledger covers;
 * after a start of the machine or with damaged parts every retained segment is compared by its counts and refilled where they differ:
 * rows are read from the log again, and those the store has are left out by seq.
 * Resolves with the seq to go on from.
 */
export async function reconcile(options: ReconcileOptions): Promise<bigint> {
  const { source, store, signal } = options;
  const covered = await store.coveredUntil();
  const end = logEnd(source);
  if (end > 0n && covered > end)
    throw new WeirError('config_invalid', {
      reason:
        `the store has records up to segment ${segmentOfSeq(covered)}, but the log ends at segment ${segmentOfSeq(end)}: ` +
        'the log directory was replaced or restored from an older copy. New records would get numbers that are taken; restore the log that belongs to the store, or start with an empty data directory',
    });
  const retained = source.segments().map(s => s.segment);
  // An empty store has nothing before the first segment of the log, whatever its number.
  const first = seqOf(retained[0] ?? 0, 0);
  const from = covered > first ? covered : first;
  if (!(await store.suspect())) return from;
  const segments = retained.filter(s => seqOf(s, 0) < covered);
  const gaps = await store.gaps(segments);
  for (const segment of gaps) {
    signal.throwIfAborted();
    log.warn(
      { segment },
      'process: the store lacks rows of this segment of the log (power cut or damaged part); refilling',
    );
    await refill(options, segment, covered);
  }
  if (gaps.length > 0) segmentsRefilled(gaps.length);
  await store.settle(gaps);
  log.info({ compared: segments.length, refilled: gaps.length }, 'process: store compared with the log');
  return from;
}

async function refill(
  { source, store, inserter, tickBytes, sealBytes, signal }: ReconcileOptions,
  segment: number,
  covered: bigint,
): Promise<void> {
  const after = seqOf(segment + 1, 0);
  const until = covered < after ? covered : after;
  let cursor = seqOf(segment, 0);
  const fresh = async () => emptyTail(await store.openTail(), cursor);
  let active = await fresh();
  const move = async (): Promise<void> => {
    if (active.records > 0)
      await store.seal({
        tail: active.tail,
        from: active.from,
        to: active.to,
        dropped: active.dropped,
        note: 'nothing',
      });
    store.discard(active.tail);
  };
  while (cursor < until) {
    const frames = (await source.take(cursor, tickBytes)).filter(f => f.seq < until);
    if (frames.length === 0) break;
    const to = endOf(frames, cursor);
    addTick(active, frames, await insertFrames(inserter, frames, active.tail, { from: cursor, to }, signal));
    cursor = to;
    if (active.bytes >= sealBytes) {
      await move();
      active = await fresh();
    }
  }
  await move();
}
