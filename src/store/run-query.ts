import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Config } from '../base/config.ts';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Answer, Question, RunBytes, RunQuery, SqlProgress, SqlRows, SqlSettings, Statement } from '../flow.ts';
import type { HandOver, Ticket } from './hand-over.ts';

/** The streaming half of store/client.ts. Both resolve when the statement has its snapshot of all its tables (or later). */
export type EngineStreams = {
  stream(statement: Statement, onProgress?: (progress: SqlProgress) => void): Promise<SqlRows>;
  raw(statement: Statement, format: string): Promise<AsyncIterable<Uint8Array>>;
};

export type RunQueryOptions = { streams: EngineStreams; handOver: HandOver; config: Config };

/** A table named by the question is gone: the engine was restarted between the hand-over of the sources and the statement. */
const unknownTable = 60;
const timedOut = 159;
/** An answer is larger than a setting allows. */
const tooMuch = 396;
/** An answer in one piece is one string in the child, in which a byte may take six signs. What is larger is asked for again as a stream. */
const smallSettings: SqlSettings = { max_result_bytes: limits.smallAnswerBytesMax, result_overflow_mode: 'throw' };

const engineCode = (error: unknown): number | undefined => (error as { engineCode?: number }).engineCode;

function settingsOf(question: Question, timeoutMs: number): SqlSettings {
  return {
    ...(timeoutMs > 0 && { max_execution_time: timeoutMs / 1000, timeout_overflow_mode: 'break' }),
    ...question.settings,
  };
}

/**
 * Open a statement on a consistent set of sources; asked again once when the engine was restarted in between.
 * All tables must be named in the statement itself or its subqueries, not in scalar subqueries: those are run while the statement is still
 * being analysed, before the other tables have given their snapshots.
 */
async function open<T>(
  handOver: HandOver,
  question: Question,
  settings: SqlSettings,
  send: (statement: Statement) => Promise<T>,
): Promise<{ ticket: Ticket; opened: T }> {
  let { small } = question;
  for (let again = false; ; ) {
    const ticket = await handOver.enter(`weir-${randomUUID()}`);
    try {
      question.signal?.throwIfAborted();
      const opened = await send({
        sql: question.sql(ticket.sources),
        queryId: ticket.queryId,
        settings: small ? { ...settings, ...smallSettings } : settings,
        ...(small && { small: true }),
        ...(question.signal && { signal: question.signal }),
      });
      ticket.started();
      return { ticket, opened };
    } catch (error) {
      ticket.ended();
      if (question.signal?.aborted) throw new WeirError('query_cancelled', {}, { cause: error });
      // Few rows, but large ones.
      if (small && engineCode(error) === tooMuch) small = false;
      else if (again || engineCode(error) !== unknownTable) throw error;
      else again = true;
    }
  }
}

/** Questions whose rows become objects. An answer cut off by its time limit ends without error and is `partial`. */
export function makeRunQuery({ streams, handOver, config }: RunQueryOptions): RunQuery {
  return async (question): Promise<Answer> => {
    const timeoutMs = question.timeoutMs ?? config.limits.query_timeout;
    const throws = question.settings?.timeout_overflow_mode === 'throw';
    const begun = performance.now();
    const total = { readRows: 0, readBytes: 0, elapsedMs: 0, partial: false, reason: null as string | null };
    const onProgress = (progress: SqlProgress): void => {
      // The engine reports absolute or growing numbers depending on its transport; the largest is the total in both.
      total.readRows = Math.max(total.readRows, progress.readRows);
      total.readBytes = Math.max(total.readBytes, progress.readBytes);
      question.onProgress?.(progress);
    };
    const { ticket, opened } = await open(handOver, question, settingsOf(question, timeoutMs), statement =>
      streams.stream(statement, onProgress),
    );
    const cutOff = (): void => {
      total.partial = true;
      total.reason = `it ran longer than ${timeoutMs} ms (limits.query_timeout); narrow the time range or the selector, or raise the limit`;
    };
    const rows = (async function* () {
      try {
        yield* opened;
        // Of an answer that it breaks off the engine says nothing, unless it was told to throw.
        if (!throws && timeoutMs > 0 && performance.now() - begun >= timeoutMs) cutOff();
      } catch (error) {
        if (engineCode(error) !== timedOut) throw error;
        cutOff();
      } finally {
        total.elapsedMs = performance.now() - begun;
        ticket.ended();
      }
    })();
    // A question whose rows are never looked at still ends when it is cancelled.
    question.signal?.addEventListener('abort', () => ticket.ended(), { once: true });
    return { rows, summary: () => total };
  };
}

/** Exports: bytes of the engine as they are. Half an export must not look complete, so limits throw instead of cutting off. */
export function makeRunBytes({ streams, handOver, config }: RunQueryOptions): RunBytes {
  return async question => {
    const timeoutMs = question.timeoutMs ?? config.limits.query_timeout;
    const { ticket, opened } = await open(
      handOver,
      question,
      { ...settingsOf(question, timeoutMs), ...(timeoutMs > 0 && { timeout_overflow_mode: 'throw' }) },
      statement => streams.raw(statement, question.format),
    );
    return Readable.from(opened, { objectMode: false }).once('close', () => ticket.ended());
  };
}
