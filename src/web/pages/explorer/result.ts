import type { QueryFrame, QueryRequest, QueryRow } from '../../../query/contract.ts';
import type { ApiError } from '../../api.ts';
import { isAbort, toApiError } from '../../api.ts';
import type { Schedule } from './observable.ts';
import { Observable } from './observable.ts';
import { hasPages } from './query-edit.ts';
import { cursorAt, cursorOf } from './row-text.ts';
import { type ListRow, sequenceRows } from './sequence-rows.ts';

export type QueryStream = (request: QueryRequest, signal: AbortSignal) => AsyncGenerator<QueryFrame>;
export type Series = { metric: Record<string, string>; values: [number, string][] };
/** The answer to `| stats`. Cells are text, '' where there was no value. */
export type Table = { columns: { name: string; type: 'text' | 'number' }[]; rows: string[][] };
export type Phase = 'idle' | 'running' | 'done' | 'cancelled' | 'failed';
/** Whether there are rows beyond an end of the loaded ones. */
export type Beyond = 'none' | 'more' | 'loading';

/** What to run. `limit` rows come at first; `at` is a record to start from instead of the end of the range. */
export type Run = {
  query: string;
  start: string;
  end: string;
  direction: 'backward' | 'forward';
  limit: number;
  at: string | null;
  /** An id alone may be looked for beyond the range; then `start` and `end` become those of the stretch that has it. */
  widen: boolean;
};

/** Where an id was looked for, see the frame `lookup`. */
export type Lookup = { start: string; end: string; rows: number; done: boolean };

/** Rows held around the viewport; beyond it the far end is let go and fetched again when scrolled to. */
export const keepRows = 20_000;
const pageRows = 1_000;

/**
 * The answer to one query as it arrives. Rows are in list order; row i has the number `base + i`, which stays the same while rows are
 * added before it or let go, so that scroll position and selection hold. `rows` is changed in place: watch `version`.
 */
export class ResultModel extends Observable {
  phase: Phase = 'idle';
  run: Run | null = null;
  kind: Extract<QueryFrame, { type: 'meta' }>['kind'] | null = null;
  table: Table | null = null;
  /** The rows are in an order of their own: there are no pages beyond them. */
  whole = false;
  rows: ListRow[] = [];
  /** What stands here is of the query before; the first of the new answer takes it away. */
  stale = false;
  /** Matches of an EQL sequence, whose records are the rows. */
  sequences = 0;
  base = 0;
  series: Series[] = [];
  progress: { readRows: number; readBytes: number; totalRows: number; elapsedMs: number } | null = null;
  warnings: string[] = [];
  /** The last stretch an id was looked for in, when it was looked for beyond the range. */
  lookup: Lookup | null = null;
  /** Why the answer is not complete; null when it is. */
  partial: string | null = null;
  error: ApiError | null = null;
  next: Beyond = 'none';
  previous: Beyond = 'none';
  /** A page that could not be fetched; the rows already here stay. */
  pageError: ApiError | null = null;

  readonly #stream: QueryStream;
  #abort = new AbortController();

  constructor(stream: QueryStream, schedule: Schedule) {
    super(schedule);
    this.#stream = stream;
  }

  /** Runs a query; the one before is cancelled and its rows go when the first of the new ones are here or it has ended. */
  async start(run: Run): Promise<void> {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    Object.assign(this, {
      phase: 'running',
      run,
      progress: null,
      warnings: [],
      lookup: null,
      partial: null,
      error: null,
      pageError: null,
      next: 'none',
      previous: 'none',
      stale: this.rows.length > 0 || this.series.length > 0 || this.table !== null,
    });
    this.changed();
    let fresh = false;
    const clear = () => {
      if (fresh) return;
      fresh = true;
      Object.assign(this, { rows: [], sequences: 0, base: 0, series: [], table: null, stale: false });
    };
    try {
      const paged = run.at !== null && hasPages(run.query);
      const after = run.at !== null && paged ? cursorAt(run.at, run.direction) : undefined;
      for await (const frame of this.#stream(request(run, run.direction, run.limit, after), abort.signal)) {
        if (abort.signal.aborted) return;
        if (['rows', 'sequence', 'series', 'table', 'end'].includes(frame.type)) clear();
        this.#take(frame, run.limit);
        this.changed();
      }
      if (paged) {
        this.previous = 'more';
        await this.loadPrevious();
      }
    } catch (error) {
      if (this.#abort !== abort) return;
      clear();
      if (isAbort(error)) {
        this.phase = 'cancelled';
        this.next = this.rows.length && !this.whole ? 'more' : 'none';
      } else {
        this.phase = 'failed';
        this.error = toApiError(error);
      }
      this.changed();
    }
  }

  /** Stops the running query; what has arrived stays. */
  cancel(): void {
    if (this.phase === 'running') this.#abort.abort();
  }

  /** Forgets the rows, for instance while live tail takes the list. */
  clear(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    Object.assign(this, {
      phase: 'idle',
      run: null,
      kind: null,
      table: null,
      whole: false,
      stale: false,
      progress: null,
      warnings: [],
      rows: [],
      sequences: 0,
      base: 0,
      series: [],
      lookup: null,
      next: 'none',
      previous: 'none',
      partial: null,
      error: null,
      pageError: null,
    });
    this.changed();
  }

  async loadNext(): Promise<void> {
    const last = this.rows.at(-1);
    if (this.next !== 'more' || !last || !this.run) return;
    this.next = 'loading';
    this.changed();
    const page = await this.#page(this.run.direction, cursorOf(last));
    if (page === 'stale') return;
    if (page) {
      this.rows.push(...page.rows);
      const excess = this.rows.length - this.#keep();
      if (excess > 0) {
        this.rows.splice(0, excess);
        this.base += excess;
        this.previous = 'more';
      }
    }
    this.next = page && !page.more ? 'none' : 'more';
    this.changed();
  }

  async loadPrevious(): Promise<void> {
    const first = this.rows[0];
    if (this.previous !== 'more' || !this.run) return;
    const cursor = first ? cursorOf(first) : this.run.at;
    if (cursor === null) return;
    this.previous = 'loading';
    this.changed();
    const page = await this.#page(this.run.direction === 'forward' ? 'backward' : 'forward', cursor);
    if (page === 'stale') return;
    if (page) {
      this.rows.unshift(...page.rows.reverse());
      this.base -= page.rows.length;
      if (this.rows.length > this.#keep()) {
        this.rows.length = this.#keep();
        this.next = 'more';
      }
    }
    this.previous = page && !page.more ? 'none' : 'more';
    this.changed();
  }

  /** Index in `rows` of a record, or -1. */
  indexOf(cursor: string): number {
    return this.rows.findIndex(row => cursorOf(row) === cursor);
  }

  #keep(): number {
    return Math.max(keepRows, this.run?.limit ?? 0);
  }

  #take(frame: QueryFrame, limit: number): void {
    switch (frame.type) {
      case 'meta':
        this.kind = frame.kind;
        this.whole = frame.whole === true;
        return;
      case 'progress':
        this.progress = frame;
        return;
      case 'rows':
        for (const row of frame.rows) this.rows.push(row);
        return;
      case 'sequence':
        this.sequences++;
        for (const row of sequenceRows(frame)) this.rows.push(row);
        return;
      case 'table':
        this.table ??= { columns: frame.columns, rows: [] };
        for (const row of frame.rows) this.table.rows.push(row);
        return;
      case 'lookup':
        if (this.run && frame.start !== this.run.start) this.lookup = frame;
        // Pages that follow are pages of the stretch that has the rows.
        if (this.run && frame.rows > 0) this.run = { ...this.run, start: frame.start, end: frame.end };
        return;
      case 'series':
        this.series.push({ metric: frame.metric, values: frame.values });
        return;
      case 'warning':
        this.warnings.push(frame.message);
        return;
      case 'end':
        this.phase = 'done';
        this.progress = {
          readRows: frame.readRows,
          readBytes: frame.readBytes,
          totalRows: frame.readRows,
          elapsedMs: frame.elapsedMs,
        };
        this.partial = frame.partial ? (frame.reason ?? 'the server gave no reason') : null;
        this.next =
          this.kind !== 'metric' &&
          this.kind !== 'table' &&
          !this.whole &&
          (this.rows.length >= limit || (frame.partial && this.rows.length > 0))
            ? 'more'
            : 'none';
        return;
      case 'error':
        return;
    }
  }

  /** One page, null when it failed (pageError says why), `stale` when another query has taken over meanwhile. */
  async #page(
    direction: Run['direction'],
    after: string,
  ): Promise<{ rows: QueryRow[]; more: boolean } | null | 'stale'> {
    const abort = this.#abort.signal.aborted ? new AbortController() : this.#abort;
    this.#abort = abort;
    if (!this.run) return 'stale';
    const rows: QueryRow[] = [];
    let partial = false;
    this.pageError = null;
    try {
      for await (const frame of this.#stream(request(this.run, direction, pageRows, after), abort.signal)) {
        if (frame.type === 'rows') rows.push(...frame.rows);
        if (frame.type === 'end') partial = frame.partial;
      }
      return abort === this.#abort ? { rows, more: partial || rows.length >= pageRows } : 'stale';
    } catch (error) {
      if (abort !== this.#abort) return 'stale';
      if (!isAbort(error)) this.pageError = toApiError(error);
      return null;
    }
  }
}

const request = (run: Run, direction: Run['direction'], limit: number, after: string | undefined): QueryRequest => ({
  query: run.query,
  start: run.start,
  end: run.end,
  direction,
  limit,
  ...(after === undefined ? { widen: run.widen } : { after }),
});
