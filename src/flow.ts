/**
 * The data path on one page: the function types that join the rooms. A room asks for what it needs by these types and a
 * role hands it over; rooms never import rooms.
 *
 *   receive --AcceptBatch--> buffer --TakeFrames--> process --Engine--> store <--RunQuery-- query
 */
import type { Readable } from 'node:stream';
import type { Batch, BatchHeader } from './base/record.ts';

/** Append one batch. Resolves only when the whole batch is in the log and fsynced; rejects with a WeirError (`disk_full`, `log_failed`, `overloaded`) when it is not. */
export type AcceptBatch = (batch: Batch) => Promise<{ seq: bigint }>;

/** A durable frame, read back from the log. `seq` is that of its first record; record k has `seq + k`. */
export type Frame = { seq: bigint; header: BatchHeader; payload: Uint8Array };

/** What the log knows of one of its segments. */
export type SegmentInfo = {
  segment: number;
  /** Rows appended and durable. */
  rows: number;
  bytes: number;
  /** True when no more frames will be appended. */
  sealed: boolean;
};

/** The buffer as its consumer sees it. */
export type FrameSource = {
  /**
   * Durable frames with `seq >= from`, in order, up to about `bytesMax` of payload (at least one frame if there is any).
   * Resolves with an empty list when there is none. Frames that fail their checksum are quarantined, counted and skipped.
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

/** Tables that together hold every visible record exactly once: the parts first, then tails (Memory tables) that are not sealed yet. All have the columns of store/schema.ts. */
export type Sources = { records: string[]; quarantine: string[]; streams: string[] };

/** Question to the store. `sql` is called with a consistent set of sources, possibly again after a hand-over if the engine refused the first. */
export type Question = {
  sql: (sources: Sources) => string;
  settings?: SqlSettings;
  signal?: AbortSignal;
  onProgress?: (progress: SqlProgress) => void;
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

/** Formats that the engine writes itself, so that no row becomes a JavaScript object. */
export type ByteFormat = 'JSONEachRow' | 'CSVWithNames' | 'Parquet';

/**
 * As RunQuery, but the answer is the engine's own bytes in `format`; for exports of any size. The stream honours backpressure
 * through to the engine; destroying it kills the query. It ends only after the whole answer; when the engine fails or a limit cuts the
 * answer off it is destroyed with a WeirError instead, so that half an export never looks complete.
 */
export type RunBytes = (question: Question & { format: ByteFormat }) => Promise<Readable>;

/** What a live tail subscribes to: called after each tick, when rows up to `seq` have become visible. */
export type OnVisible = (listener: (from: bigint, to: bigint) => void) => () => void;
