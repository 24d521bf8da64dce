import { z } from 'zod';
import { limits } from '../base/limits.ts';

/** Half a surrogate pair, which a text cut within an emoji ends with, is U+FFFD as in UTF-8; positions stay. */
const wellFormed = (text: string): string => text.toWellFormed();
export const queryText = z.string().transform(wellFormed);

/**
 * Weir's own query API, shared by server, web and CLI. Every endpoint takes the tenant from `X-Scope-OrgID` (default `default`).
 *
 * `query` text is LogQL. For people: an empty text means every record; a text that starts with `|` has an implied all-matching
 * selector; a text that is EQL by its form (looksEql of eql/contract.ts) is EQL, answered by `query`, `check` and `explain` alone; any other text that does not start with `{`
 * and is no metric expression is words and "quoted phrases", all of which must occur in the message.
 * Times are decimal text: ns since 1970, or RFC 3339.
 */
export const queryRequest = z.object({
  query: queryText.default(''),
  start: z.string().optional(),
  end: z.string().optional(),
  /** Log rows; ignored for metrics. Uncapped when 0 (exports). */
  limit: z.number().int().min(0).default(500),
  direction: z.enum(['backward', 'forward']).default('backward'),
  /** Metric step in seconds; default by range. */
  step: z.number().positive().optional(),
  /** Log rows only after (exclusive) this row in the given direction: `<ts ns>,<seq>` of the last row of the previous page. */
  after: z.string().optional(),
  /** Milliseconds until the answer is cut off and marked partial. */
  timeout: z.number().int().positive().optional(),
  /** Names the query so that `DELETE /api/v1/query/<id>` can cancel it; generated when absent. Closing the connection cancels too. */
  id: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional(),
  /** Show the SQL in the `meta` frame. */
  explain: z.boolean().optional(),
  /**
   * When the query is an id and nothing else and the range has no record of it: look in the last day, the last week, and in everything (`lookup` frames
   * tell). Default: when no `start` is given.
   */
  widen: z.boolean().optional(),
});
export type QueryRequest = z.input<typeof queryRequest>;

/** One record as answered. Numbers that do not fit JSON are decimal text. */
export type QueryRow = {
  /** Event time, ns since 1970. */
  ts: string;
  seq: string;
  received: string;
  service: string;
  level: string;
  severity: number;
  /** The line after the pipeline (line_format applies). */
  message: string;
  /** Stream labels. */
  labels: Record<string, string>;
  /** Structured metadata as stored, trace_id and span_id included. */
  attributes: Record<string, string>;
  /** Labels extracted or changed by the query's stages, when there are any. */
  parsed?: Record<string, string>;
  door: string;
  /** A neighbour of a match, shown by `| context`. */
  context?: boolean;
};

/** Decimal ns since 1970. Of metrics the first and the last evaluation time, of records start inclusive and end exclusive. */
export type Covered = { start: string; end: string };

/** `POST /api/v1/query` answers `application/x-ndjson`, one frame per line; the last is always `end` or `error`. */
export type QueryFrame =
  | {
      type: 'meta';
      id: string;
      /** `table`: the query ends in a table (`| stats`, EQL's `| count`). `sequences`: EQL's sequences and samples. */
      kind: 'logs' | 'metric' | 'table' | 'sequences';
      /** The rows are in an order of their own, or picked: there is no next page. */
      whole?: true;
      /** The query in normal form; what was typed as words or as a bare pipeline is LogQL here. Of EQL the text itself. */
      logql: string;
      /** Bounds as used: decimal ns, start inclusive, end exclusive. */
      start: string;
      end: string;
      step?: number;
      /** Of a search text, see CheckAnswer. */
      reading?: string;
      notes?: string[];
      /** With `explain`. */
      sql?: string;
    }
  | {
      type: 'progress';
      readRows: number;
      readBytes: number;
      totalRows: number;
      elapsedMs: number;
      /** While a question is computed in pieces of time, the newest first: what is done so far. */
      covered?: Covered;
    }
  | { type: 'rows'; rows: QueryRow[] }
  /** An id was looked for in [start, end) and has `rows` records there; the last one is the range the rows are from. `done`: nothing more is looked at. */
  | { type: 'lookup'; start: string; end: string; rows: number; done: boolean }
  /** Cells are text; a `number` is the text of one, '' where there was none. */
  | { type: 'table'; columns: { name: string; type: 'text' | 'number' }[]; rows: string[][] }
  /** One match of an EQL sequence or sample: its join keys, and an event for each step (`with runs=n` is n steps), null where the step wants none. */
  | { type: 'sequence'; keys: { name: string; value: string | null }[]; events: (QueryRow | null)[] }
  | { type: 'series'; metric: Record<string, string>; values: [number, string][] }
  | { type: 'warning'; message: string }
  | {
      type: 'end';
      rows: number;
      readRows: number;
      readBytes: number;
      elapsedMs: number;
      partial: boolean;
      reason: string | null;
      /** Of a partial answer about a range as a whole: the part of it that is answered, and exact. */
      covered?: Covered;
    }
  | { type: 'error'; error: { code: string; message: string; line?: number; column?: number } };

/**
 * `POST /api/v1/sql`: a SELECT of ClickHouse's dialect over the tables records, quarantine, streams and templates, which hold the rows of the tenant only.
 * Answers NDJSON: `{"type":"rows","rows":[{column: value}]}` (64-bit integers as text), `progress`, and at last `end` or `error` as above. Off unless `sql.enabled`.
 */
export const sqlRequest = z.object({
  query: z.string().min(1).transform(wellFormed),
  /** Milliseconds, at most limits.query_timeout. */
  timeout: z.number().int().positive().optional(),
  id: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional(),
});
export type SqlFrame =
  | { type: 'meta'; id: string; kind: 'sql'; sql: string }
  | { type: 'rows'; rows: Record<string, unknown>[] }
  | Extract<QueryFrame, { type: 'progress' | 'end' | 'error' }>;

/**
 * Lookup tables for `| lookup <name> on <label>`: `PUT /api/v1/lookups/<name>?key=<column>` (text/csv with a header line, or application/json: an array of
 * flat objects; the key is the first column unless named), `GET` of the name (its rows) or of all ({@link LookupsAnswer}), `DELETE`.
 */
export type LookupsAnswer = { tables: { name: string; key: string; columns: string[]; rows: number }[] };

/**
 * `POST /api/v1/histogram`: counts by level over the full range, never capped. `step` and `t` are seconds since 1970 (fractions
 * for steps below one second); `t` is the start of its bucket and a multiple of `step`; empty buckets are left out.
 */
export const histogramRequest = z.object({
  query: queryText.default(''),
  start: z.string().optional(),
  end: z.string().optional(),
  buckets: z.number().int().min(1).max(1000).default(120),
});
export type HistogramAnswer = {
  step: number;
  start: string;
  end: string;
  total: number;
  buckets: { t: number; counts: Record<string, number> }[];
  partial: boolean;
  reason: string | null;
  /** Of a partial answer: the part of the range that is counted, whole buckets. */
  covered?: Covered;
  elapsedMs: number;
};

/**
 * `POST /api/v1/fields`: fields of the newest `sample` matching records with their top values, for facets. `json`: of messages that are JSON objects, the first
 * level of it, what is an attribute of the record too left out.
 */
export const fieldsRequest = z.object({
  query: queryText.default(''),
  start: z.string().optional(),
  end: z.string().optional(),
  sample: z.number().int().min(100).max(20000).default(2000),
});
export type FieldsAnswer = {
  sampled: number;
  fields: {
    name: string;
    kind: 'label' | 'attribute' | 'column' | 'json';
    distinct: number;
    values: { value: string; count: number }[];
  }[];
  elapsedMs: number;
};

/**
 * `POST /api/v1/patterns`: the kinds of lines among all matching records, by the templates mined at ingest; most records first. `<_>` stands for what varies:
 * `|> "<pattern>"` finds the records of one. `step` and the times of `series` are as in the histogram.
 */
export const patternsRequest = z.object({
  query: queryText.default(''),
  start: z.string().optional(),
  end: z.string().optional(),
  buckets: z.number().int().min(1).max(1000).default(60),
  limit: z.number().int().min(1).max(1000).default(300),
});
export type PatternsAnswer = {
  step: number;
  start: string;
  end: string;
  /** Matching records. */
  total: number;
  /** Those of patterns that are not listed. */
  others: number;
  patterns: {
    pattern: string;
    /** False for the shape of lines that came within seconds: once they are stored they may be of a pattern that is listed as well. */
    mined: boolean;
    total: number;
    levels: Record<string, number>;
    /** Event times of its first and last record in the range, ns since 1970. */
    first: string;
    last: string;
    series: [number, number][];
  }[];
  partial: boolean;
  reason: string | null;
  elapsedMs: number;
};

/**
 * `POST /api/v1/tail` (same body as query, logs only): a `meta` frame, then `rows` frames as records become visible, in order of
 * acceptance, each record once, and a `progress` frame every second. With `start` the newest `limit` records since then
 * come first, oldest first. A reader that falls too far behind is told in a `warning` frame how many records were skipped.
 * Ends only with the connection, or with an `error` frame.
 */

/** `POST /api/v1/check`: parse only; for underlining while typing. */
export type CheckAnswer =
  | {
      ok: true;
      /** As in the frame `meta`. */
      kind: 'logs' | 'metric' | 'table' | 'sequences';
      /** Of EQL the text itself. */
      logql: string;
      /** `search`: words and fields (docs/search.md). */
      language: 'logql' | 'search' | 'eql';
      /** Of a search text: its normal form with every AND, OR and parenthesis written out. */
      reading?: string;
      /** Of a search text: what may have been meant otherwise. */
      notes: string[];
    }
  | { ok: false; error: { code: string; message: string; line?: number; column?: number } };

/**
 * `POST /api/v1/complete`: what may stand at the cursor, by the grammar, and by what is stored: names and values come from streams and from the newest
 * records that the rest of the query matches in the range. Never an error for a text that is broken: it is being typed.
 */
export const completeRequest = z.object({
  query: z.string().max(limits.queryTextBytesMax).transform(wellFormed).default(''),
  /** Offset in UTF-16 units; default the end. */
  cursor: z.number().int().min(0).optional(),
  start: z.string().optional(),
  end: z.string().optional(),
});
export type Completion = {
  kind: 'function' | 'stage' | 'operator' | 'keyword' | 'field' | 'value';
  label: string;
  /** Replaces the text from `from` to `to`. */
  insert: string;
  detail?: string;
  /** Of values and fields: records that have it, among those looked at. */
  count?: number;
};
export type CompleteAnswer = {
  from: number;
  to: number;
  /** Best first, at most 50. */
  items: Completion[];
  /** Newest records looked at for values and fields, at most; 0 when the grammar and the streams answered alone. */
  sampled: number;
};

/**
 * `POST /api/v1/explain`, body as query: what it means and what it would read, without running it. Estimates are upper bounds for reading every
 * matching record; a query for the newest rows stops earlier.
 */
export type ExplainAnswer = {
  kind: 'logs' | 'metric' | 'eql';
  language: 'logql' | 'search' | 'eql';
  reading?: string;
  notes: string[];
  /** Normal form, one stage per line. EQL has none in LogQL. */
  logql?: string;
  /** The query's tree; integers beyond 53 bits are text. */
  tree: unknown;
  /** The statement that finds the matching records, the metric's, or that finds candidates for the steps of an EQL sequence. Empty: there is no record. */
  sql: string;
  estimate: {
    /** Upper bounds: rows in the blocks that are left by all indexes, and bytes of the columns that the query needs. */
    rows: number;
    bytes: number;
    parts: number;
    granules: number;
    /** Records not yet in parts; they are in memory and always looked at. */
    unsealed: number;
  };
  /** In the order in which they are applied; what is left of the tenant's own parts and granules after each. */
  indexes: {
    name: string;
    type: string;
    condition?: string;
    parts: { before: number; after: number };
    granules: { before: number; after: number };
  }[];
  /** No index helped beyond tenant and time. */
  fullScan: boolean;
};

/** `POST /api/v1/export` body: a query request plus `format`; streams every matching record, uncapped. */
export const exportRequest = queryRequest
  .omit({ limit: true })
  .extend({ format: z.enum(['ndjson', 'csv', 'parquet']).default('ndjson') });

/**
 * `GET /api/v1/quarantine?limit=100&before=<next of the page before>`: what could not be stored as a record, newest first.
 * `next` is null on the last page.
 */
export const quarantineRequest = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z
    .string()
    .regex(/^\d{1,20},\d{1,20},\d{1,10}$/)
    .optional(),
});
export type QuarantineAnswer = {
  rows: {
    /** ns since 1970, decimal text. */
    received: string;
    seq: string;
    door: string;
    /** 1-based line in the request body, 0 when it had none. */
    line: number;
    reason: string;
    /** The bytes as they came, base64. */
    raw: string;
  }[];
  next: string | null;
};

/** `GET /api/v1/status`: for the UI's status line and `weir doctor`. */
export type StatusAnswer = {
  version: string;
  engine: { up: boolean; version: string; restarts: number };
  records: number;
  oldest: string | null;
  newest: string | null;
  wal: { segments: number; bytes: number };
  lagSeconds: number;
  demo: boolean;
};
