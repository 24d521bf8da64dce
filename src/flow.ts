/**
 * The data path on one page: the function types that join the rooms. A room asks for what it needs by these types and a
 * role hands it over; rooms never import rooms.
 *
 *   receive --AcceptBatch--> buffer --TakeFrames--> process --Engine--> store <--RunQuery-- query
 */
import type { Readable } from 'node:stream';
import type { Batch, BatchHeader, Tenant } from './base/record.ts';

/** Append one batch. Resolves only when the whole batch is in the log and fsynced; rejects with a WeirError (`disk_full`, `log_failed`, `overloaded`) when it is not. */
export type AcceptBatch = (batch: Batch) => Promise<{ seq: bigint }>;

/** A durable frame of the log. `seq` is that of its first record; record k has `seq + k`. */
export type Frame = { seq: bigint; header: BatchHeader; payload: Uint8Array };

/** What the log knows of one of its segments. */
export type SegmentInfo = {
  segment: number;
  /** Rows appended and durable. */
  rows: number;
  bytes: number;
  /** True when no more frames will be appended. */
  sealed: boolean;
  /** Of `rows`, how many are known to be damaged so that `take` never gives them. Only known for what was read already. */
  lost?: number;
};

/** The buffer as its consumer sees it. */
export type FrameSource = {
  /**
   * Durable frames with `seq >= from`, in order, up to about `bytesMax` of payload (at least one frame if there is any).
   * Resolves with an empty list when there is none. Frames that fail their checksum are quarantined, counted and skipped.
   * For one consumer: the payloads are good until the next call, which uses their memory again.
   */
  take(from: bigint, bytesMax: number): Promise<Frame[]>;
  /** Resolves when a frame with `seq >= from` is durable, or after `timeoutMs`, or when `signal` aborts. */
  waitFor(from: bigint, timeoutMs: number, signal?: AbortSignal): Promise<void>;
  /** All retained segments, oldest first. */
  segments(): SegmentInfo[];
  /** Everything before `seq` is stored. Retention of the log (time and size) may then remove whole segments before it. Never removes anything else. */
  stored(seq: bigint): void;
};

export type SqlSettings = Record<string, string | number>;

/** A statement for the engine. Values are inlined by language/sql-writer (parameters are serialised process-wide in the embedded engine). */
export type Statement = {
  sql: string;
  /** Unique; used to kill it. Generated when absent. */
  queryId?: string;
  settings?: SqlSettings;
  signal?: AbortSignal;
  /** See Question. */
  small?: boolean;
  /** What the table function `input()` of the statement reads, sent behind it. Only a server takes one; `sql` ends in the FORMAT of these bytes. */
  body?: readonly Uint8Array[];
};

export type SqlProgress = { readRows: number; readBytes: number; totalRows: number; elapsedMs: number };

/** A running SELECT: rows in batches as the engine produces them. Iteration ends with the query; breaking off the loop kills it in the engine. */
export type SqlRows = AsyncIterable<Record<string, unknown>[]>;

/** The engine as the rooms process and store see it: embedded child or remote cluster, same client. */
export type Engine = {
  /** Run a statement to its end and give its rows (JSONEachRow, 64-bit integers as strings). For small answers and for DDL or INSERT ... SELECT. */
  run(statement: Statement): Promise<Record<string, unknown>[]>;
  /** True while the engine answers. */
  up(): boolean;
  /** Called after every (re)start of the engine, before `up()` turns true; the tail is gone then and has to be rebuilt from the log. */
  onStart(listener: () => Promise<void>): void;
  /** Number of starts so far; changes when the engine was restarted. */
  epoch(): number;
};

/** The columns that stand for a field whose numbers records hold as columns of their own: name, type and SQL over the other columns of a record. The first is called `number_<field>`. */
export type NumberColumnsOf = (field: string) => readonly { name: string; type: string; expression: string }[];

/** What is known of the parts without asking the engine. */
export type PartsView = {
  /** Grows with every change of the parts. */
  generation: number;
  /** No tail has rows: the parts are all that is visible. */
  whole: boolean;
  /** Event times (ns, inclusive) between which all records of the parts lie. Absent: not known yet. */
  times?: { from: bigint; to: bigint };
  /** The tenant of all these records, when there is only one. */
  tenant?: Tenant;
  /** All these records have a service. */
  named?: boolean;
  /** Event times (ns, inclusive) of the records that came to the parts after `generation`; undefined when more may have changed, or when it is too long ago. */
  since(generation: number): readonly { from: bigint; to: bigint }[] | undefined;
};

/**
 * What together holds every visible record exactly once: the parts first, then tails (Memory tables) that are not sealed yet. All have the
 * columns of store/schema.ts. Each text is ready to stand after FROM as it is: a quoted name, or a SELECT in parentheses.
 */
export type Sources = {
  records: string[];
  quarantine: string[];
  streams: string[];
  /** Fields whose numbers records have as columns of their own (language/number-column.ts). Absent: none. */
  numbers?: readonly string[];
  /** The parts as the statement will see them. Absent: unknown. */
  parts?: PartsView;
  /** Patterns of the ids that `template` of records in parts holds (tenant, id, pattern); one row per id. Rows of a tail hold ids of shapes, see language/message-shape.ts. */
  templates: string;
};

/** Question to the store. `sql` is called with a consistent set of sources, possibly again after a hand-over if the engine refused the first. */
export type Question = {
  sql: (sources: Sources) => string;
  settings?: SqlSettings;
  signal?: AbortSignal;
  onProgress?: (progress: SqlProgress) => void;
  /** The answer has at most some hundred rows: the engine gives it in one piece, which costs less than a stream. */
  small?: boolean;
  /** Milliseconds until the answer is cut off (partial), default from config; 0 = never (exports). */
  timeoutMs?: number;
};

export type Answer = {
  rows: SqlRows;
  /** Known when `rows` has ended. */
  summary(): { readRows: number; readBytes: number; elapsedMs: number; partial: boolean; reason: string | null };
};

/** Run a question against parts and tail; each record is seen exactly once. Rejects with a WeirError (`engine_down`, `query_limit`, `query_failed`), never with an engine's text that shows SQL. */
export type RunQuery = (question: Question) => Promise<Answer>;

/** A request to remove records of a tenant for good: those that match, of these event times, that were received before it was made. */
export type DeleteRequest = {
  id: string;
  tenant: Tenant;
  /** LogQL: a selector, filters, parsers. */
  query: string;
  /** Event times in ns since 1970, both inclusive. */
  start: bigint;
  end: bigint;
  /** When it was made, ns since 1970. */
  created: bigint;
  /** `received`: hidden, and can be cancelled; `processing`: being removed; `processed`: nothing is left of it in the store. */
  state: 'received' | 'processing' | 'processed';
};

/** Delete requests. All reject with what the engine threw; nothing is half done then. */
export type Deletes = {
  /** Resolves when the request is durable; its records are hidden from then on. Throws `bad_query` when the query is none. */
  add(request: Omit<DeleteRequest, 'id' | 'state'>): Promise<DeleteRequest>;
  /** Requests of a tenant that were not cancelled, oldest first. */
  list(tenant: Tenant): DeleteRequest[];
  cancel(tenant: Tenant, id: string): Promise<'cancelled' | 'processing' | 'unknown'>;
  /** SQL conditions over the columns of a record: rows for which one holds are not to be shown to this tenant. Mostly none. */
  hidden(tenant: Tenant): string[];
};

/** Formats that the engine writes itself, so that no row becomes a JavaScript object. */
export type ByteFormat = 'JSONEachRow' | 'CSVWithNames' | 'Parquet';

/**
 * As RunQuery, but the answer is the engine's own bytes in `format`; for exports of any size. The stream honours backpressure
 * through to the engine; destroying it kills the query. It ends only after the whole answer; when the engine fails or a limit cuts the
 * answer off it is destroyed with a WeirError instead, so that half an export never looks complete.
 */
export type RunBytes = (question: Question & { format: ByteFormat }) => Promise<Readable>;

/** What a live tail subscribes to: called after each tick, when the rows with `from <= seq < to` have become visible; with an empty range after each start, when all before is. */
export type OnVisible = (listener: (from: bigint, to: bigint) => void) => () => void;

/** Memory tables that hold records not sealed yet. Names are quoted, ready for SQL. */
export type Tail = { id: number; records: string; quarantine: string };

/** A group of messages that differ only in the gaps of `pattern`. `id` is that of the shape that founded it; `number` counts the tenant's templates from 1. */
export type Template = { id: string; pattern: string; number: number };

export type LearntTemplates = {
  /** Templates that are new or have more gaps than before, by tenant. */
  changed: ReadonlyMap<string, readonly Template[]>;
  /** Shape ids that rows have in `template`, and the template they belong to where it is another, by tenant. */
  renamed: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** When there were too many shapes to look at: the template of all that `renamed` does not name; it then names all that were looked at. */
  otherwise: string | undefined;
};

/** The range of the log whose rows are in `tail`: all of them, or after a start those that the store had not. */
export type SealOrder = {
  tail: Tail;
  /** What was learnt about the shapes of the tail's messages. */
  templates?: LearntTemplates;
  from: bigint;
  /** Exclusive. */
  to: bigint;
  /** Rows dropped by the pipeline, by segment. */
  dropped: ReadonlyMap<number, number>;
  /**
   * What the ledger notes for the range: what the tail holds; what the store then holds (rows may have been there before); or nothing,
   * because `settle` follows.
   */
  note: 'tail' | 'store' | 'nothing';
};

/** What process needs of the store. All reject with what the engine threw; nothing is half done then that a `prepare` does not put right. */
export type TailStore = {
  /** Schema, and the leftovers of an earlier run: to be called after every start of the engine, before anything else. */
  prepare(): Promise<void>;
  /** New empty tables; not named by questions until `show`. */
  openTail(): Promise<Tail>;
  /** From now on questions see the parts and these tails. Tails no longer named are dropped when no question uses them. */
  show(tails: readonly Tail[]): void;
  /** Drop a tail that was never shown. */
  discard(tail: Tail): void;
  /** Move the rows into parts, each question seeing every row once, and note the range in the ledger. Resolves when it is durable. */
  seal(order: SealOrder): Promise<{ rows: number; parts: number }>;
  /** The templates of a tenant by number. */
  templates(tenant: string): Promise<Template[]>;
  /** Table for rows with a verdict (see store/schema.ts), emptied. */
  emptyIncoming(): Promise<string>;
  /** Table of `row UInt64, line String` for the lines of a tick that a server has to read twice, and what empties it. */
  lines: { table: string; empty(): Promise<void> };
  /** End (exclusive) of what the ledger covers; 0 for an empty store. */
  coveredUntil(): Promise<bigint>;
  /** End (exclusive) of the rows at or after `from` that the store has although the ledger does not cover them; `from` when there are none. */
  presentUntil(from: bigint): Promise<bigint>;
  /** SQL of a set of the seqs in [from, to) that the store has: `seq IN (<this>)`. */
  presentSeqs(from: bigint, to: bigint): string;
  /** True when the machine was started anew since the last seal (parts may have been lost to a power cut), or parts were found damaged. */
  suspect(): Promise<boolean>;
  /** Of these segments, those whose rows in the store are not what the ledger says. */
  gaps(segments: readonly number[]): Promise<number[]>;
  /** Write into the ledger what the store now holds of these segments, so that they are no gaps any more. Ends the suspicion. */
  settle(segments: readonly number[]): Promise<void>;
};
