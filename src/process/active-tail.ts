import type { Frame, Tail } from '../flow.ts';

/** The tail that ticks go into, and what is in it. */
export type ActiveTail = {
  tail: Tail;
  /** Range of the log in the tail; `to` is exclusive and moves with every tick. */
  from: bigint;
  to: bigint;
  records: number;
  /** Payload bytes. */
  bytes: number;
  /** Of the first tick, for the age. */
  since: number | undefined;
  /** Rows dropped by the pipeline, by segment. */
  dropped: Map<number, number>;
};

export const emptyTail = (tail: Tail, from: bigint): ActiveTail => ({
  tail,
  from,
  to: from,
  records: 0,
  bytes: 0,
  since: undefined,
  dropped: new Map(),
});

/** End (exclusive) of the frames in seq. */
export function endOf(frames: readonly Frame[], otherwise: bigint): bigint {
  const last = frames.at(-1);
  return last ? last.seq + BigInt(last.header.records) : otherwise;
}

export const bytesOf = (frames: readonly Frame[]): number => frames.reduce((sum, f) => sum + f.payload.byteLength, 0);

/** Note that these frames are in the tail now. */
export function addTick(active: ActiveTail, frames: readonly Frame[], dropped: ReadonlyMap<number, number>): void {
  active.to = endOf(frames, active.to);
  active.records += frames.reduce((sum, f) => sum + f.header.records, 0);
  active.bytes += bytesOf(frames);
  active.since ??= performance.now();
  for (const [segment, n] of dropped) active.dropped.set(segment, (active.dropped.get(segment) ?? 0) + n);
}
