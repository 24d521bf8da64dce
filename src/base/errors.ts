/**
 * Every error the outside world can see: code -> HTTP status, whether the client should retry, message template.
 * Messages quote the bad value and name the limit. Retry classes follow what shippers do: 2xx drop from buffer, 429/502/503/504 retry,
 * other 4xx drop for ever; so overload and transient failures are never 500 and never 400.
 */
export const errorTable = {
  not_found: { status: 404, retry: false, text: 'no such path: {path}' },
  method_not_allowed: { status: 405, retry: false, text: '{method} is not allowed here; use {allowed}' },
  unsupported_type: { status: 415, retry: false, text: 'content type {type} is not supported here; use {supported}' },
  unsupported_encoding: {
    status: 415,
    retry: false,
    text: 'content encoding {encoding} is not supported; use {supported}',
  },
  body_too_large: {
    status: 413,
    retry: false,
    text: 'body is larger than {limit} bytes after decompression (limits.body_bytes); send smaller batches',
  },
  decoded_too_large: {
    status: 413,
    retry: false,
    text: 'the records take more than {limit} bytes once their labels are repeated on each; send smaller batches',
  },
  body_timeout: {
    status: 503,
    retry: true,
    text: 'the body stopped arriving for {seconds} s; nothing of this request was accepted',
  },
  no_streams: { status: 422, retry: false, text: 'a push needs at least one stream; "streams" is empty' },
  bad_request: { status: 400, retry: false, text: '{reason}' },
  bad_query: { status: 400, retry: false, text: '{reason}' },
  unauthorized: { status: 401, retry: false, text: 'missing or unknown token; send Authorization: Bearer <token>' },
  forbidden: { status: 403, retry: false, text: 'this token is for tenant "{tenant}"; the request asks for "{asked}"' },
  overloaded: { status: 429, retry: true, text: 'too much at once: {reason}; retry after {seconds} s' },
  disk_full: {
    status: 503,
    retry: true,
    text: 'the log cannot be written: {reason}; nothing of this request was accepted',
  },
  log_failed: {
    status: 503,
    retry: true,
    text: 'the log cannot be written: {reason}; nothing of this request was accepted',
  },
  log_unusable: { status: 503, retry: false, text: 'the log cannot be opened: {reason}' },
  shutting_down: { status: 503, retry: true, text: 'weir is stopping' },
  engine_down: {
    status: 503,
    retry: true,
    text: 'the query engine is restarting; ingest goes on, ask again in a moment',
  },
  query_limit: { status: 422, retry: false, text: 'the query passed its limit: {reason}' },
  query_failed: {
    status: 500,
    retry: false,
    text: 'the query failed in the engine ({code}); see the server log, query id {id}',
  },
  lookups_unavailable: {
    status: 503,
    retry: true,
    text: 'the lookup table cannot be written: {reason}; nothing was changed',
  },
  sql_disabled: {
    status: 403,
    retry: false,
    text: 'raw SQL is off; set sql.enabled: true in weir.yaml (embedded engine only: a ClickHouse server has users and grants of its own)',
  },
  no_such_query: { status: 404, retry: false, text: 'no query named "{id}" is running' },
  no_such_delete: { status: 404, retry: false, text: '{reason}' },
  no_such_rules: { status: 404, retry: false, text: '{reason}' },
  rules_unavailable: { status: 503, retry: true, text: 'the rules cannot be read or written: {reason}' },
  query_cancelled: { status: 499, retry: false, text: 'the query was cancelled' },
  config_invalid: { status: 500, retry: false, text: '{reason}' },
} as const satisfies Record<string, { status: number; retry: boolean; text: string }>;

export type ErrorCode = keyof typeof errorTable;

/** An error of the world (not of ours): carries a code of the table, the filled-in message, and where it was. */
export class WeirError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retry: boolean;
  /** Seconds for Retry-After; set when `retry`. */
  retryAfter: number;
  /** 1-based position in a query or config text, when there is one. */
  line: number | undefined;
  column: number | undefined;

  constructor(
    code: ErrorCode,
    values: Record<string, string | number> = {},
    options: { cause?: unknown; line?: number; column?: number; retryAfter?: number } = {},
  ) {
    const entry = errorTable[code];
    super(
      entry.text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? '')),
      { cause: options.cause },
    );
    this.name = 'WeirError';
    this.code = code;
    this.status = entry.status;
    this.retry = entry.retry;
    this.retryAfter = options.retryAfter ?? 1;
    this.line = options.line;
    this.column = options.column;
  }

  /** The JSON body every HTTP endpoint of ours (not of foreign protocols) answers with. */
  toBody(): { error: { code: ErrorCode; message: string; line?: number; column?: number } } {
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(this.line !== undefined && { line: this.line, column: this.column }),
      },
    };
  }
}

/** For our own mistakes only: a broken invariant crashes, the log makes that safe. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`BUG: ${message}`);
}
