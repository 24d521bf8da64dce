import { WeirError } from '../base/errors.ts';
import type { Answer, Question, SqlProgress } from '../flow.ts';
import type { Ask } from './admission.ts';
import type { Tenant } from '../base/record.ts';

type Summary = ReturnType<Answer['summary']>;

/** How a statement ended that may be given up. `projectedMs`: what it would have taken, `fixedMs` of it before the first row was read. */
export type Outcome<T> = { summary: Summary } & (
  | { is: 'computed'; value: T }
  | { is: 'given_up'; projectedMs: number; fixedMs: number }
  /** Its time was over. */
  | { is: 'cut' }
  | { is: 'too_large'; error: WeirError }
);

/** A statement is watched for this share of the time it has before it is held to be too much. */
const watchedShare = 0.04;

const passed =
  (limit: string) =>
  (error: unknown): error is WeirError =>
    error instanceof WeirError && error.code === 'query_limit' && error.message.includes(limit);
const outOfMemory = passed('limits.query_memory');
const outOfTime = passed('limits.query_timeout');

/**
 * Ask a question and read its answer, and give it up early when its progress says that `restMs` will not do, in its first `giveUpUntilMs` (0: it has to be tried). An
 * aggregation whose time is over has no answer: what it has counted by then counts for nothing. `read` calls `settled` when
 * the answer has begun and must not be given up any more. Rejects as `ask` and `read` do.
 */
export async function askWatched<T>(
  ask: Ask,
  tenant: Tenant,
  question: Question,
  limits: { restMs: number; giveUpUntilMs: number },
  read: (answer: Answer, settled: () => void) => Promise<T>,
): Promise<Outcome<T>> {
  const { signal, onProgress, sql } = question;
  const { restMs } = limits;
  let { giveUpUntilMs } = limits;
  const own = new AbortController();
  let sent = performance.now();
  let seen: SqlProgress = { readRows: 0, readBytes: 0, totalRows: 0, elapsedMs: 0 };
  let early: SqlProgress | undefined;
  let [projectedMs, fixedMs] = [0, 0];
  const spent = (): Summary => ({
    readRows: seen.readRows,
    readBytes: seen.readBytes,
    elapsedMs: Math.max(seen.elapsedMs, performance.now() - sent),
    partial: true,
    reason: null,
  });
  try {
    const answer = await ask(tenant, {
      ...question,
      signal: signal ? AbortSignal.any([signal, own.signal]) : own.signal,
      settings: { ...question.settings, timeout_overflow_mode: 'throw' },
      onProgress: now => {
        seen = now;
        onProgress?.(now);
        // Some engines hand over what was read long ago together with the rows.
        if (now.elapsedMs >= giveUpUntilMs || now.readRows === 0 || now.elapsedMs < (performance.now() - sent) / 2)
          return;
        early ??= now;
        const rowsPerMs = (now.readRows - early.readRows) / (now.elapsedMs - early.elapsedMs);
        if (!(rowsPerMs > 0) || now.elapsedMs < restMs * watchedShare) return;
        projectedMs = now.elapsedMs + (now.totalRows - now.readRows) / rowsPerMs;
        fixedMs = Math.max(0, now.elapsedMs - now.readRows / rowsPerMs);
        if (projectedMs > restMs) own.abort(new WeirError('query_cancelled'));
      },
      sql: sources => {
        sent = performance.now();
        return sql(sources);
      },
    });
    const value = await read(answer, () => {
      giveUpUntilMs = 0;
    });
    const summary = answer.summary();
    return summary.partial ? { is: 'cut', summary } : { is: 'computed', summary, value };
  } catch (error) {
    if (own.signal.aborted && !signal?.aborted) return { is: 'given_up', projectedMs, fixedMs, summary: spent() };
    if (outOfTime(error)) return { is: 'cut', summary: spent() };
    if (outOfMemory(error)) return { is: 'too_large', error, summary: spent() };
    throw error;
  }
}
