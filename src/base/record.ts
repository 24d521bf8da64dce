import type { TimeUnit } from './fields.ts';

/** A tenant name: 1 to 150 of `[A-Za-z0-9!_.*'()-]`, never a path (Grafana Loki's tenant id rules). */
export type Tenant = string;

/** The protocol a batch came through; stored with every record. */
export type Door = 'json' | 'text' | 'loki' | 'otlp';

/**
 * How the payload of a batch is to be read by the engine. Each payload is lines ended by `\n`, exactly `records` of them.
 * - `rows`: one {@link CanonicalRow} per line, written by a door that had to decode its protocol.
 * - `json`: the client's own JSON objects, one per line, validated but not parsed into rows; `keys` is the union of their top-level keys.
 * - `text`: the client's own lines, each a message.
 * - `quarantine`: one {@link QuarantineRow} per line.
 */
export type PayloadFormat = 'rows' | 'json' | 'text' | 'quarantine';

/** What the sender said about fields of its own objects (query parameters or headers of `/ingest/*`). Absent: good guesses. */
export type FieldHints = {
  timeField?: string;
  /** What numbers of the time count; absent: told by their magnitude. Times written out are read as ever. */
  timeUnit?: TimeUnit;
  messageField?: string;
  /** Top-level keys that become stream labels, beside the guessed service. */
  labelFields?: string[];
  /** Constant stream labels for every record of the batch (`text` door: `?service=x&label.env=prod`). */
  labels?: Record<string, string>;
};

/** Identity of a batch given by an agent; retries with the same three values and the same bytes are the same batch, so one id may cover batches of several formats. */
export type AgentBatchId = { agent: string; epoch: number; sequence: number };

/** What every frame of the log says about its payload. Serialised as JSON in the frame, so additions need defaults. */
export type BatchHeader = {
  tenant: Tenant;
  door: Door;
  format: PayloadFormat;
  /** Number of lines in the payload. */
  records: number;
  /** Receive time, ns since 1970, monotonic per node. Decimal text, since JSON numbers cannot hold it. */
  received: string;
  /** `json` only: union of the top-level keys of the objects, in order of first appearance. */
  keys?: string[];
  /** `json` only: those of `keys` that an object lacks or has as null or `""`. Absent: any of them may. */
  gaps?: string[];
  hints?: FieldHints;
  agentBatch?: AgentBatchId;
};

/** A batch on its way into the log. The pieces together are the payload; the buffer may write them with one writev. The caller must not change them before the promise of the append settles. */
export type Batch = { header: BatchHeader; payload: Uint8Array[] };

/**
 * A line of a `rows` payload. Short keys because the line is parsed by the engine at full ingest rate.
 * The engine's view is `t Nullable(Int64), m String, l Map(String,String), a Map(String,String), n UInt8, v String, i String, p String`.
 */
export type CanonicalRow = {
  /** Event time, ns since 1970, written as a bare integer; absent = unknown, receive time is used. */
  t?: bigint;
  /** Message. */
  m: string;
  /** Stream labels, `service_name` included (Loki's rules). */
  l: Record<string, string>;
  /** Attributes (structured metadata). */
  a?: Record<string, string>;
  /** OpenTelemetry severity number, 0 = unset: the level is then detected from the message. */
  n?: number;
  /** Level as given by the sender, any spelling; absent = detect. */
  v?: string;
  /** Trace id, lower-case hex, and span id. */
  i?: string;
  p?: string;
};

/** A line of a `quarantine` payload: what could not be stored as a record, byte-true. */
export type QuarantineRow = {
  /** The offending bytes, base64. */
  raw: string;
  /** Why, as told to the client. */
  reason: string;
  /** 1-based line in the request body, 0 when it has no lines. */
  line: number;
};

/** Seq of a row: segment number (upper 32 bits) and row number in that segment (lower 32 bits). Unique, ascending in order of acceptance. */
export const seqOf = (segment: number, row: number): bigint => (BigInt(segment) << 32n) | BigInt(row);
export const segmentOfSeq = (seq: bigint): number => Number(seq >> 32n);
export const rowOfSeq = (seq: bigint): number => Number(seq & 0xffff_ffffn);

/** Canonical levels, the values of Loki's `detected_level`; colours and order in the UI follow this list. */
export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'critical', 'fatal', 'unknown'] as const;
export type Level = (typeof levels)[number];

/** Columns of a stored record that are read from what was sent, in the order in which they are written; beside them stands the tenant. */
export const recordColumns = [
  'timestamp',
  'received',
  'seq',
  'service',
  'severity',
  'level',
  'labels',
  'message',
  'trace_id',
  'span_id',
  'attributes',
  'door',
] as const;
