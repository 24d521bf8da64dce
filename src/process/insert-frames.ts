import { log } from '../base/log.ts';
import { insertRetried } from '../base/telemetry.ts';
import type { Frame, Tail } from '../flow.ts';
import { engineText, troubleOf } from './engine-errors.ts';
import { type FrameGroup, groupFrames, splitPiece } from './frame-groups.ts';
import { setPoisonAside } from './poison.ts';
import type { Except, Inserter } from './tick.ts';

const pauseMillisFirst = 200;
const pauseMillisMax = 5_000;

/** Resolves after `millis`, or at once when the signal aborts. */
export function pause(millis: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || millis <= 0) return Promise.resolve();
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, millis);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** A group in two, for an engine that has not the memory for all of it. */
function halves(group: FrameGroup): FrameGroup[] | undefined {
  const { pieces } = group;
  const [only] = pieces;
  const middle = Math.floor(pieces.length / 2);
  if (pieces.length > 1) return [pieces.slice(0, middle), pieces.slice(middle)].map(p => ({ ...group, pieces: p }));
  if (!only || only.rows < 2) return undefined;
  return splitPiece(only, Math.floor(only.rows / 2)).map(p => ({ ...group, pieces: [p] }));
}

/**
 * Insert frames into the tail. A full or failing disk and a busy engine are waited out, in smaller pieces if need be; lines the engine
 * cannot read go to quarantine, their neighbours are stored. Rejects only when the engine went away (the tail is gone then) or the signal aborts.
 */
export async function insertFrames(
  inserter: Inserter,
  frames: readonly Frame[],
  tail: Tail,
  except: Except | undefined,
  signal: AbortSignal,
): Promise<Map<number, number>> {
  const dropped = new Map<number, number>();
  const waiting = groupFrames(frames);
  let pauseMillis = pauseMillisFirst;
  let others = 0;
  for (let next = waiting.shift(); next !== undefined; ) {
    const group: FrameGroup = next;
    signal.throwIfAborted();
    try {
      for (const [segment, n] of await inserter.insert(group, tail, except))
        dropped.set(segment, (dropped.get(segment) ?? 0) + n);
      next = waiting.shift();
      pauseMillis = pauseMillisFirst;
      others = 0;
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble === 'down') throw error;
      insertRetried(trouble);
      // An error of no known kind may pass; the third time it is taken for the input's fault and looked for there.
      if (trouble === 'input' || (trouble === 'other' && ++others >= 3)) {
        waiting.unshift(...(await setPoisonAside(group, part => inserter.tryOut(part), error)));
        next = waiting.shift();
        others = 0;
        continue;
      }
      log.warn(
        { trouble, reason: engineText(error), pauseMillis },
        'process: insert failed, trying again; the log keeps the records',
      );
      const smaller = trouble === 'busy' ? halves(group) : undefined;
      if (smaller) {
        waiting.unshift(...smaller);
        next = waiting.shift();
      }
      await pause(pauseMillis, signal);
      pauseMillis = Math.min(pauseMillis * 2, pauseMillisMax);
    }
  }
  return dropped;
}
