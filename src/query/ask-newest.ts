import type { Tenant } from '../base/record.ts';
import type { Answer, Question } from '../flow.ts';
import type { Ask } from './admission.ts';
import { counting, coveredReason, isoRange, paced, refusedWhole, timeLimit } from './pieces.ts';
import type { TimeRange } from './time-range.ts';
import { askWatched } from './watched.ts';

type Summary = ReturnType<Answer['summary']>;

/** Share of the time that is left which the smaller range is made to take. */
const smallerShare = 0.5;
/** With less than this share of the limit left nothing is tried any more. */
const leastShare = 0.1;

export type NewestQuestion = Omit<Question, 'sql' | 'settings'> & {
  tenant: Tenant;
  range: TimeRange;
  /** Which end of the range is answered when the whole is too much. */
  keep: 'newest' | 'oldest';
  over: (range: TimeRange) => Pick<Question, 'sql' | 'settings'>;
};

/**
 * An answer about the records of a range as a whole (groups, orders), which cannot be put together from pieces. When the range is too much for the time
 * limit, it is about the part of the range that can be done: exact for that part, which `covered` names. `send` gets the answer's rows as they come; it is
 * not called again once it got any. Rejects when nothing could be done in time.
 */
export async function askNewest(
  ask: Ask,
  question: NewestQuestion,
  send: (rows: Record<string, unknown>[]) => Promise<void>,
): Promise<{ summary: Summary; covered?: TimeRange }> {
  const { tenant, keep, over } = question;
  const limitMs = question.timeoutMs ?? 0;
  const summary: Summary = { readRows: 0, readBytes: 0, elapsedMs: 0, partial: false, reason: null };
  let range = question.range;
  for (;;) {
    const restMs = limitMs > 0 ? limitMs - summary.elapsedMs : Number.POSITIVE_INFINITY;
    let sent = false;
    const done = await askWatched(
      ask,
      tenant,
      { ...counting(question, summary, restMs), ...over(range) },
      { restMs, giveUpUntilMs: restMs * (range === question.range ? 0.8 : 0.35) },
      async (answer, settled) => {
        for await (const rows of answer.rows) {
          settled();
          sent = true;
          await send(rows);
        }
      },
    );
    summary.readRows += done.summary.readRows;
    summary.readBytes += done.summary.readBytes;
    summary.elapsedMs += done.summary.elapsedMs;
    if (done.is === 'computed') {
      if (range === question.range) return { summary };
      const reason = coveredReason(timeLimit(limitMs), 'are the records', range);
      return { summary: { ...summary, partial: true, reason }, covered: range };
    }
    if (done.is === 'too_large') throw done.error;
    const reason = limitMs > 0 ? timeLimit(limitMs) : (done.summary.reason ?? 'it was cut off');
    // Rows that were found as they come (distinct) are right as far as they go.
    if (sent) {
      const some = range === question.range ? '' : `; these are some of the rows of ${isoRange(range)} only`;
      return { summary: { ...summary, partial: true, reason: `${done.summary.reason ?? reason}${some}` } };
    }
    if (done.is === 'cut' || limitMs - summary.elapsedMs < limitMs * leastShare) throw refusedWhole(reason, false);
    const span = Number(range.end - range.start);
    const pace = paced(span, done.projectedMs, done.fixedMs);
    const smallerMs = (limitMs - summary.elapsedMs) * smallerShare - pace.fixedMs;
    const length = BigInt(Math.round(Math.min(span / 2, smallerMs * pace.nsPerMs)));
    if (length <= 0n) throw refusedWhole(reason, false);
    range =
      keep === 'newest'
        ? { start: range.end - length, end: range.end }
        : { start: range.start, end: range.start + length };
  }
}
