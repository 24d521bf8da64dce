import { WeirError } from '../base/errors.ts';
import type { Tenant } from '../base/record.ts';
import type { Answer, Question } from '../flow.ts';
import type { Ask } from './admission.ts';
import type { TimeRange } from './time-range.ts';
import { askWatched } from './watched.ts';

type Summary = ReturnType<Answer['summary']>;

/** How fast a question gets on: a piece takes `fixedMs` (its planning above all) and one ms more for each `nsPerMs` of the log. */
export type Pace = { nsPerMs: number; fixedMs: number };

/** A run of elements (evaluation times, buckets of a histogram), both ends inclusive, that one statement computes: each of them is exact. */
export type Piece<T> = { from: number; to: number; value: T };

/** A question about elements of time that are computed each for itself. */
export type Work<T> = Omit<Question, 'sql' | 'settings'> & {
  tenant: Tenant;
  /** Of the elements, by number, ascending. */
  wanted: readonly number[];
  stepNs: bigint;
  /** How much more of the log than one step the first element of a piece reads. */
  reachNs: bigint;
  statement: (from: number, to: number) => { sql: Question['sql']; read: (answer: Answer) => Promise<T> };
  /** From an earlier try. */
  pace?: Pace | undefined;
  /** Called as soon as a piece is computed. */
  onPiece?(piece: Piece<T>): Promise<void>;
  /** Called when more pieces follow, with the first element that is done. */
  onCovered?(from: number): void;
};

export type Done<T> = {
  /** The newest first. */
  pieces: Piece<T>[];
  summary: Summary;
  /** The newest element that was wanted and could not be computed any more; absent when all were. */
  missed?: number;
  /** Known when the question was more than one statement could do. */
  pace?: Pace;
};

/** A piece is made to take this share of the time that is left, so that a wrong guess is not fatal and the last pieces are small ... */
const pieceShare = 1 / 3;
/** ... or so many times what the piece costs before its first element (planning, and reading back as far as a window goes) ... */
const worthwhile = 4;
/** ... but no more than this, or than `lastShare` when that would hardly do for one element. */
const pieceShareMost = 0.5;
/** What is expected to need less than this share of the time that is left is not cut any more. */
const wholeShare = 0.7;
/** No piece is begun that is expected to need more than this. */
const lastShare = 0.85;
/** With less than this share of the limit left no further piece is begun. */
const leastShare = 0.03;
/** What is projected from the beginning of a statement is taken for so many times more: a second statement that is given up costs more than smaller pieces. */
const caution = 1.25;
/** So long a statement over the whole is watched to be given up, as a share of the time that is left ... */
const giveUpWhole = 0.8;
/** ... and one over a piece: later there is more to win by letting it run than by a smaller one. */
const giveUpPiece = 0.35;
/** A piece that needed too much memory is tried again with so many times fewer elements. */
const memoryShrink = 4;

export const timeLimit = (timeoutMs: number): string =>
  `it ran longer than ${timeoutMs} ms (limits.query_timeout, or the timeout that was asked for)`;

const remedy = 'ask for less time, add filters, or raise the limit';

/** The end of a question of which nothing could be computed. `single`: it has one element only. */
export const refusedWhole = (reason: string, single: boolean): WeirError =>
  new WeirError('query_limit', {
    reason: `${reason}; ${single ? 'one evaluation is one number, which cannot be answered in part' : 'not even the newest part of it was done'}; ${remedy}`,
  });

/** `2026-05-01T00:00:00.000Z to 2026-05-02T00:00:00.000Z` */
export function isoRange({ start, end }: TimeRange): string {
  const iso = (ns: bigint): string => new Date(Number(ns / 1_000_000n)).toISOString();
  return `${iso(start)} to ${iso(end)}`;
}

/** Why an answer is partial, and which part of it is there. `what`: what lies between the two times. `kept`: what is there need not be computed again. */
export function coveredReason(reason: string, what: string, range: TimeRange, kept = false): string {
  const again = kept ? 'ask again to go on where this stopped, ' : '';
  return `${reason}; answered, and exact, ${what} from ${isoRange(range)}; ${again}${remedy}`;
}

export const paced = (spanNs: number, ms: number, fixedMs: number): Pace => ({
  fixedMs,
  // At least a tenth is for what is read, however much the planning took another time.
  nsPerMs: spanNs / Math.max(1, ms - fixedMs, ms / 10),
});

/**
 * Compute the elements of a question within its time limit. One statement does it where that is enough, which is watched while it
 * runs: when its progress says that it will not end in time, it is given up, and the elements are computed in pieces, newest first, until the time of the
 * whole question is used up. A piece is computed from all records that count for it, so nothing of it is only partly right. A question that needs
 * more memory than it may have is cut in the same way. Pieces see the store one after the other, so a record that comes meanwhile may count for later pieces only.
 * Rejects as `ask` and `read` do.
 */
export async function inPieces<T>(ask: Ask, work: Work<T>): Promise<Done<T>> {
  const limitMs = work.timeoutMs ?? 0;
  const [step, reach] = [Number(work.stepNs), Number(work.reachNs)];
  const todo = [...work.wanted];
  const summary: Summary = { readRows: 0, readBytes: 0, elapsedMs: 0, partial: false, reason: null };
  const pieces: Piece<T>[] = [];
  let { pace } = work;
  /** Elements that memory is enough for. */
  let most = Number.POSITIVE_INFINITY;
  let reason: string | undefined;
  while (todo.length > 0 && reason === undefined) {
    work.signal?.throwIfAborted();
    const restMs = limitMs > 0 ? limitMs - summary.elapsedMs : Number.POSITIVE_INFINITY;
    const [to, oldest] = [todo.at(-1) ?? 0, todo[0] ?? 0];
    const emptyMs = pace ? pace.fixedMs + reach / pace.nsPerMs : 0;
    const within = (ms: number): number => (pace ? Math.floor(((ms - emptyMs) * pace.nsPerMs) / step) + 1 : most);
    if (restMs < limitMs * leastShare || (pieces.length > 0 && within(restMs * lastShare) < 1)) {
      reason = timeLimit(limitMs);
      break;
    }
    let from = oldest;
    if (to - oldest + 1 > Math.min(most, within(restMs * wholeShare))) {
      const share = emptyMs > restMs * pieceShareMost * pieceShare ? lastShare : pieceShareMost;
      const wished = within(Math.min(Math.max(restMs * pieceShare, emptyMs * worthwhile), restMs * share));
      from = to - Math.max(1, Math.min(lastRun(todo), wished, most)) + 1;
    }
    const elements = to - from + 1;
    const { sql, read } = work.statement(from, to);
    const done = await askWatched(
      ask,
      work.tenant,
      { ...counting(work, summary, restMs), sql },
      { restMs, giveUpUntilMs: elements > 1 ? restMs * (pace ? giveUpPiece : giveUpWhole) : 0 },
      read,
    );
    summary.readRows += done.summary.readRows;
    summary.readBytes += done.summary.readBytes;
    summary.elapsedMs += done.summary.elapsedMs;
    const span = reach + (elements - 1) * step;
    switch (done.is) {
      case 'computed': {
        while ((todo.at(-1) ?? -1) >= from) todo.pop();
        const piece = { from, to, value: done.value };
        pieces.push(piece);
        if (pace) pace = paced(span, done.summary.elapsedMs, pace.fixedMs);
        await work.onPiece?.(piece);
        if (todo.length > 0) work.onCovered?.(from);
        break;
      }
      case 'given_up':
        pace = paced(span, done.projectedMs * caution, done.fixedMs);
        break;
      case 'cut':
        pace = paced(span, 2 * Math.max(limitMs, done.summary.elapsedMs), pace?.fixedMs ?? 0);
        reason = limitMs > 0 ? timeLimit(limitMs) : (done.summary.reason ?? 'it was cut off');
        break;
      case 'too_large':
        if (elements === 1 && pieces.length === 0) throw done.error;
        if (elements === 1) reason = done.error.message;
        most = Math.ceil(elements / memoryShrink);
    }
  }
  const missed = todo.at(-1);
  return {
    pieces,
    summary: missed === undefined ? summary : { ...summary, partial: true, reason: reason ?? null },
    ...(missed !== undefined && { missed }),
    ...(pace && { pace }),
  };
}

/** The limits of one piece: what is left of the time, and progress that counts what earlier pieces read. */
export function counting(
  { signal, timeoutMs, onProgress, small }: Omit<Question, 'sql'>,
  { readRows, readBytes, elapsedMs }: Readonly<Summary>,
  restMs: number,
): Omit<Question, 'sql'> {
  return {
    ...(signal && { signal }),
    ...(small && { small }),
    ...(timeoutMs !== undefined && { timeoutMs: timeoutMs > 0 ? Math.max(1, Math.round(restMs)) : 0 }),
    ...(onProgress && {
      onProgress: now =>
        onProgress({
          readRows: readRows + now.readRows,
          readBytes: readBytes + now.readBytes,
          totalRows: readRows + now.totalRows,
          elapsedMs: elapsedMs + now.elapsedMs,
        }),
    }),
  };
}

/** How many numbers at the end of an ascending list follow each other. */
function lastRun(list: readonly number[]): number {
  let n = 1;
  while (n < list.length && list[list.length - n - 1] === (list.at(-n) ?? 0) - 1) n++;
  return n;
}
