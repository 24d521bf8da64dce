import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Tenant } from '../base/record.ts';
import { engineError } from './visible-error.ts';
import type { Answer, Question, RunBytes, RunQuery } from '../flow.ts';
import type { Readable } from 'node:stream';

type Waiter = { admit: () => void };

/** Places for questions that run at once. `enter` resolves with the function that gives the place back (safe to call twice). */
export type Lane = { enter(tenant: Tenant, signal?: AbortSignal): Promise<() => void> };

/**
 * At most `places` questions run; the others wait, tenants taking turns so that one cannot starve the rest.
 * Rejects with `overloaded` when too many wait or the wait takes longer than `waitMillis`, with `query_cancelled` when `signal` aborts.
 */
export function makeLane(
  what: string,
  places: number,
  queued: number = limits.queriesQueuedMax,
  waitMillis: number = limits.queryQueueMillis,
): Lane {
  let free = places;
  let waiting = 0;
  const queues = new Map<Tenant, Waiter[]>();

  const overloaded = (): WeirError =>
    new WeirError(
      'overloaded',
      { reason: `${places} ${what} run at once and ${waiting} more wait`, seconds: 2 },
      { retryAfter: 2 },
    );

  function admitNext(): void {
    for (const [tenant, queue] of queues) {
      queues.delete(tenant);
      const waiter = queue.shift();
      if (queue.length > 0) queues.set(tenant, queue);
      if (waiter) {
        waiter.admit();
        return;
      }
    }
    free++;
  }

  function place(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      admitNext();
    };
  }

  return {
    async enter(tenant, signal) {
      if (signal?.aborted) throw new WeirError('query_cancelled');
      if (free > 0) {
        free--;
        return place();
      }
      if (waiting >= queued) throw overloaded();
      const queue = queues.get(tenant) ?? [];
      queues.set(tenant, queue);
      waiting++;
      try {
        return await new Promise<() => void>((resolve, reject) => {
          const leave = (error: WeirError): void => {
            queue.splice(queue.indexOf(waiter), 1);
            if (queue.length === 0 && queues.get(tenant) === queue) queues.delete(tenant);
            settle();
            reject(error);
          };
          const timer = setTimeout(() => leave(overloaded()), waitMillis);
          const onAbort = (): void => leave(new WeirError('query_cancelled'));
          const settle = (): void => {
            clearTimeout(timer);
            signal?.removeEventListener('abort', onAbort);
          };
          const waiter: Waiter = {
            admit: () => {
              settle();
              resolve(place());
            },
          };
          signal?.addEventListener('abort', onAbort, { once: true });
          queue.push(waiter);
        });
      } finally {
        waiting--;
      }
    },
  };
}

/** RunQuery that holds a place of a lane until the rows of the answer were iterated to the end, broken off, or the signal aborts. */
export type Ask = (tenant: Tenant, question: Question) => Promise<Answer>;

export function askThrough(lane: Lane, run: RunQuery): Ask {
  return async (tenant, question) => {
    const leave = await lane.enter(tenant, question.signal);
    try {
      const answer = await run(question);
      question.signal?.addEventListener('abort', leave, { once: true });
      const rows = (async function* () {
        try {
          yield* answer.rows;
        } catch (error) {
          throw engineError(error);
        } finally {
          leave();
        }
      })();
      return { rows, summary: () => answer.summary() };
    } catch (error) {
      leave();
      throw engineError(error);
    }
  };
}

/** RunBytes that holds a place of a lane until its stream is closed. */
export function askBytesThrough(
  lane: Lane,
  run: RunBytes,
): (tenant: Tenant, question: Parameters<RunBytes>[0]) => Promise<Readable> {
  return async (tenant, question) => {
    const leave = await lane.enter(tenant, question.signal);
    try {
      const stream = await run(question);
      stream.once('close', leave);
      return stream;
    } catch (error) {
      leave();
      throw engineError(error);
    }
  };
}

/** All rows of a small answer. */
export async function collect(answer: Answer): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of answer.rows) for (const row of batch) rows.push(row);
  return rows;
}
