import type { QueryFrame, QueryRequest, QueryRow } from '../../../query/contract.ts';
import type { ApiError } from '../../api.ts';
import { isAbort, toApiError } from '../../api.ts';
import type { Schedule } from './observable.ts';
import { Observable } from './observable.ts';
import { nanosOf } from './time-range.ts';

/** Rows kept on the page, and as many again waiting while the reader is elsewhere in the list. */
export const tailRows = 10_000;
const startRows = 200;
const rateWindowMs = 5_000;
const longestRetryMs = 10_000;
/** One list change per this many ms at most, whatever the rate of the logs. */
const flushMs = 100;

/** How far back the first records may come from. */
const startMs = 900_000;

/** The calls a tail needs; given by the page, so that tests can answer themselves. */
export type TailSource = {
  tail: (request: QueryRequest, signal: AbortSignal) => AsyncGenerator<QueryFrame>;
  now: () => number;
};

/**
 * Live records, oldest first. While `following` is off nothing in `rows` changes, so the list cannot move under a reader: new
 * rows wait. Both are bounded, and every row that is let go unseen is counted in `unseen`.
 */
export class TailFeed extends Observable {
  state: 'off' | 'connecting' | 'live' | 'reconnecting' = 'off';
  rows: QueryRow[] = [];
  base = 0;
  waiting: QueryRow[] = [];
  /** Rows that arrived and were let go before they could be shown. */
  unseen = 0;
  following = true;
  /** What the server said it skipped because this page was too slow. */
  warnings: string[] = [];
  error: ApiError | null = null;

  readonly #source: TailSource;
  #abort = new AbortController();
  #recent = new Set<string>();
  #arrivals: { at: number; rows: number }[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;

  constructor(source: TailSource, schedule: Schedule) {
    super(schedule);
    this.#source = source;
  }

  /** Starts from the last few records of the past minutes; reconnects by itself, filling the gap, until `stop`. */
  async start(query: string): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    Object.assign(this, {
      state: 'connecting',
      rows: [],
      base: 0,
      waiting: [],
      unseen: 0,
      following: true,
      warnings: [],
      error: null,
    });
    this.#recent = new Set();
    this.#arrivals = [];
    this.changed();
    let wait = 500;
    while (!abort.signal.aborted) {
      try {
        for await (const frame of this.#source.tail(this.#request(query), abort.signal)) {
          if (abort.signal.aborted) return;
          if (this.state !== 'live') Object.assign(this, { state: 'live', error: null });
          wait = 500;
          if (frame.type === 'rows') this.#arrive(frame.rows);
          if (frame.type === 'warning') this.warnings = [...this.warnings.slice(-2), frame.message];
          this.changed();
        }
      } catch (error) {
        if (isAbort(error)) return;
        this.error = toApiError(error);
        if (this.error.code === 'bad_query' || this.error.code === 'bad_request') {
          this.state = 'off';
          this.changed();
          return;
        }
      }
      if (abort.signal.aborted) return;
      this.state = 'reconnecting';
      this.changed();
      await pause(wait, abort.signal);
      wait = Math.min(wait * 2, longestRetryMs);
    }
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#flush);
    this.#flush = undefined;
    this.state = 'off';
    this.changed();
  }

  /** On: waiting rows join the list and later ones follow. Off: the list stands still. */
  follow(on: boolean): void {
    if (on === this.following) return;
    this.following = on;
    if (on) this.#join();
    this.changed();
  }

  /** Rows per second over the last 5 s. */
  rate(): number {
    const since = this.#source.now() - rateWindowMs;
    this.#arrivals = this.#arrivals.filter(arrival => arrival.at > since);
    return this.#arrivals.reduce((sum, arrival) => sum + arrival.rows, 0) / (rateWindowMs / 1000);
  }

  /** From a while ago at first, later from the last record seen, which closes the gap between two connections. */
  #request(query: string): QueryRequest {
    const last = this.waiting.at(-1) ?? this.rows.at(-1);
    if (last) return { query, start: last.ts, limit: tailRows };
    return { query, start: nanosOf(this.#source.now() - startMs), limit: startRows };
  }

  #arrive(rows: QueryRow[]): void {
    const fresh = rows.filter(row => !this.#recent.has(row.seq));
    for (const row of fresh) this.#recent.add(row.seq);
    if (this.#recent.size > 4 * tailRows) this.#recent = new Set([...this.#recent].slice(-2 * tailRows));
    const now = this.#source.now();
    // The first records are history: they say nothing about the rate.
    const since = BigInt(nanosOf(now - rateWindowMs));
    const live = fresh.filter(row => BigInt(row.received) >= since);
    this.#arrivals.push({ at: now, rows: live.length });
    if (!fresh.length) return;
    for (const row of fresh) this.waiting.push(row);
    const excess = this.waiting.length - tailRows;
    if (excess > 0) {
      this.waiting.splice(0, excess);
      this.unseen += excess;
    }
    if (!this.following) return;
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      if (!this.following) return;
      this.#join();
      this.changed();
    }, flushMs);
  }

  #join(): void {
    for (const row of this.waiting) this.rows.push(row);
    this.waiting = [];
    const excess = this.rows.length - tailRows;
    if (excess > 0) {
      this.rows.splice(0, excess);
      this.base += excess;
    }
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
