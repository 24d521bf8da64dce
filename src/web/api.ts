import type {
  CheckAnswer,
  CompleteAnswer,
  ExplainAnswer,
  FieldsAnswer,
  HistogramAnswer,
  PatternsAnswer,
  QueryFrame,
  QueryRequest,
  StatusAnswer,
} from '../query/contract.ts';
import { readLines } from './ndjson.ts';

/** An answer that is no answer: what the server said, or that it could not be reached (`unreachable`, `cut_off`). */
export class ApiError extends Error {
  readonly code: string;
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(error: { code: string; message: string; line?: number; column?: number }) {
    super(error.message);
    this.name = 'ApiError';
    this.code = error.code;
    this.line = error.line;
    this.column = error.column;
  }
}

/** True for the rejection of a request that we aborted ourselves. */
export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';

/** True when no server answered at all. */
export const unreachable = (error: ApiError | null): boolean => error?.code === 'unreachable';

/** Any thrown thing as an ApiError, so that every panel can show it in place. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError({ code: 'page_error', message: error instanceof Error ? error.message : String(error) });
}

async function request(path: string, body: unknown, signal: AbortSignal | undefined): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      signal: signal ?? null,
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError({ code: 'unreachable', message: `the server at ${location.origin} does not answer` });
  }
  if (response.ok) return response;
  throw new ApiError(await errorOf(response));
}

async function errorOf(response: Response): Promise<{ code: string; message: string; line?: number; column?: number }> {
  const text = await response.text();
  try {
    const parsed = JSON.parse(text) as { error?: { code: string; message: string; line?: number; column?: number } };
    if (parsed.error?.message) return parsed.error;
  } catch {
    // Not JSON: a proxy in between answered; its status and words are all there is.
  }
  return { code: `http_${response.status}`, message: `HTTP ${response.status} ${text.slice(0, 200)}`.trim() };
}

const post = async <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
  (await (await request(path, body, signal)).json()) as T;

/** Frames of a running query. Ends after `end`; throws an ApiError on an `error` frame or when the connection breaks before the end. */
export async function* streamQuery(body: QueryRequest, signal: AbortSignal): AsyncGenerator<QueryFrame> {
  for await (const frame of frames('/api/v1/query', body, signal)) {
    yield frame;
    if (frame.type === 'end') return;
  }
  throw new ApiError({ code: 'cut_off', message: 'the connection closed before the answer was complete' });
}

/** `rows` and `progress` frames of a live tail; ends when the server closes the connection. */
export const streamTail = (body: QueryRequest, signal: AbortSignal): AsyncGenerator<QueryFrame> =>
  frames('/api/v1/tail', body, signal);

async function* frames(path: string, body: QueryRequest, signal: AbortSignal): AsyncGenerator<QueryFrame> {
  const response = await request(path, body, signal);
  if (!response.body) return;
  try {
    for await (const line of readLines(response.body)) {
      const frame = JSON.parse(line) as QueryFrame;
      if (frame.type === 'error') throw new ApiError(frame.error);
      yield frame;
    }
  } catch (error) {
    if (isAbort(error) || error instanceof ApiError) throw error;
    throw new ApiError({ code: 'cut_off', message: 'the connection broke before the answer was complete' });
  }
}

/** What histogram and fields are asked about. Times are ns since 1970 as decimal text. */
export type Scope = { query: string; start: string; end: string };

export const fetchHistogram = (scope: Scope & { buckets: number }, signal: AbortSignal) =>
  post<HistogramAnswer>('/api/v1/histogram', scope, signal);

export const fetchFields = (scope: Scope, signal: AbortSignal) => post<FieldsAnswer>('/api/v1/fields', scope, signal);

export const fetchPatterns = (scope: Scope, signal: AbortSignal) =>
  post<PatternsAnswer>('/api/v1/patterns', scope, signal);

export const completeQuery = (body: Scope & { cursor: number }, signal: AbortSignal) =>
  post<CompleteAnswer>('/api/v1/complete', body, signal);

export const explainQuery = (scope: Scope, signal: AbortSignal) =>
  post<ExplainAnswer>('/api/v1/explain', scope, signal);

export const fetchStatus = async (signal: AbortSignal): Promise<StatusAnswer> =>
  (await (await request('/api/v1/status', undefined, signal)).json()) as StatusAnswer;

/** Every matching record as a file's bytes. */
export async function requestExport(body: Scope & { format: string }): Promise<ReadableStream<Uint8Array>> {
  const response = await request('/api/v1/export', body, undefined);
  if (!response.body) throw new ApiError({ code: 'cut_off', message: 'the server answered without a body' });
  return response.body;
}

/** A query that does not parse is an answer here, not an error, whatever status it came with. */
export async function checkQuery(query: string, signal: AbortSignal): Promise<CheckAnswer> {
  try {
    return await post<CheckAnswer>('/api/v1/check', { query }, signal);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'bad_query') {
      const { code, message, line, column } = error;
      return { ok: false, error: { code, message, line, column } };
    }
    throw error;
  }
}
