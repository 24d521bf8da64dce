import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { createClient } from '@clickhouse/client';
import { log } from '../base/log.ts';
import { engineQueryEnded } from '../base/telemetry.ts';
import { WeirError } from '../base/errors.ts';
import type { SqlProgress, SqlRows, SqlSettings, Statement } from '../flow.ts';
import { EngineFault, engineFault, parseEngineMessage, toFault } from './engine-fault.ts';
import { answerHeader, classHeader } from './engine/request.ts';
import { followProgress } from './live-progress.ts';
import { type EngineResponse, socketSender } from './socket-sender.ts';

/** Where the engine is: the embedded child's socket, or a ClickHouse server's URL (`http://user:password@host:8123`). */
export type EngineAddress = { socketPath: string } | { url: string };

export type ClientOptions = {
  /** Settings of every `stream` and `raw`, below the statement's own: the limits of users' queries. */
  userSettings?: SqlSettings;
};

/** FUNCTION_THROW_IF_VALUE_IS_NON_ZERO. */
const thrownByStatement = 395;

/** The only way to the engine. Every rejection is a WeirError, mostly an EngineFault; none shows SQL. */
export type StoreClient = {
  /** Run to the end, rows as objects. Runs in the sessions kept for Weir's own work. */
  run(statement: Statement): Promise<Record<string, unknown>[]>;
  /**
   * Run a SELECT and give its rows as the engine produces them. Resolves as soon as the query has its snapshot of the data (embedded engine:
   * at once; a server: with its first bytes), so a caller may change tables then. Breaking off the loop or aborting kills the query.
   */
  stream(statement: Statement, onProgress?: (progress: SqlProgress) => void): Promise<SqlRows>;
  /** Run a SELECT and give its answer as bytes of `format` (Parquet, CSVWithNames, JSONEachRow ...), with bounded memory. Resolves like `stream`. */
  raw(statement: Statement, format: string): Promise<AsyncIterable<Uint8Array>>;
  /** Stop a waiting or running statement. Resolves when the engine was told, not when it stopped. */
  kill(queryId: string): Promise<void>;
  /** True when the engine answers a trivial statement within `timeoutMs`. An error of the engine is an answer too. */
  alive(timeoutMs: number): Promise<boolean>;
  close(): Promise<void>;
};

/** Own limits decide how long a query takes; this only frees a request whose peer vanished. */
const requestMillisMax = 24 * 3600e3;
/** ClickHouse ends a failed answer with at most 16 KiB of message; so many bytes are looked at before they count as data. */
const exceptionBytesMax = 32 * 1024;

/** A server takes 1 MiB of address by default (`http_max_uri_size`), in which the settings go as well. */
const addressBytesMax = 900_000;

const rowSettings: SqlSettings = { output_format_json_quote_64bit_integers: 1 };

/** The exception at the end of a tagged answer, if it failed after its first byte. */
function exceptionIn(tail: Buffer, tag: string): string | undefined {
  const end = tail.lastIndexOf(`${tag}\r\n__exception__\r\n`);
  const begin = tail.indexOf(`\r\n__exception__\r\n${tag}\r\n`);
  return end > begin && begin >= 0 ? tail.toString('utf8', begin, end) : undefined;
}

/** Bytes of an answer, its last ones held back until it is known that they are data and not an exception. */
async function* checkedBytes(response: EngineResponse, queryId: string): AsyncGenerator<Buffer> {
  const tag = String(response.response_headers['x-clickhouse-exception-tag'] ?? '');
  let held: Buffer = Buffer.alloc(0);
  for await (const bytes of response.stream as AsyncIterable<Buffer>) {
    const all = held.length > 0 ? Buffer.concat([held, bytes]) : bytes;
    const free = Math.max(0, all.length - exceptionBytesMax);
    if (free > 0) yield all.subarray(0, free);
    held = all.subarray(free);
  }
  const exception = tag === '' ? undefined : exceptionIn(held, tag);
  if (exception !== undefined) throw engineFault(parseEngineMessage(exception), queryId);
  if (held.length > 0) yield held;
}

/** Complete lines of the answer, joined as one JSON array per piece: one call of JSON.parse for many rows. */
async function* jsonPieces(stream: Readable): AsyncGenerator<unknown[]> {
  let rest: Buffer[] = [];
  const parse = (lines: Buffer): unknown[] => {
    try {
      return JSON.parse(`[${lines.toString('utf8').trimEnd().replaceAll('\n', ',')}]`) as unknown[];
    } catch (error) {
      // An engine that fails in the middle of a row says so behind the half of it.
      const tail = lines.subarray(-exceptionBytesMax).toString('utf8').trimEnd();
      const at = tail.lastIndexOf('{"exception":');
      if (at < 0) throw error;
      return [JSON.parse(tail.slice(at))];
    }
  };
  for await (const bytes of stream as AsyncIterable<Buffer>) {
    const end = bytes.lastIndexOf(10) + 1;
    if (end > 0) {
      const whole = bytes.subarray(0, end);
      yield parse(rest.length > 0 ? Buffer.concat([...rest, whole]) : whole);
      rest = [];
    }
    if (end < bytes.length) rest.push(bytes.subarray(end));
  }
  if (rest.length > 0) yield parse(Buffer.concat(rest));
}

type ProgressLine = { row?: Record<string, unknown>; progress?: Record<string, string>; exception?: string };

function toProgress(p: Record<string, string>): SqlProgress {
  return {
    readRows: Number(p.read_rows ?? 0),
    readBytes: Number(p.read_bytes ?? 0),
    totalRows: Number(p.total_rows_to_read ?? 0),
    elapsedMs: Number(p.elapsed_ns ?? 0) / 1e6,
  };
}

const serverClient = (url: string): ReturnType<typeof createClient> =>
  createClient({
    url,
    request_timeout: requestMillisMax,
    // a server closes idle connections after 3 s or more
    keep_alive: { enabled: true, idle_socket_ttl: 2_000 },
    log: { level: 127 },
  });

/** Connect lazily: nothing is sent before the first statement. */
export function openClient(address: EngineAddress, options: ClientOptions = {}): StoreClient {
  const socket = 'socketPath' in address ? socketSender(address.socketPath) : undefined;
  const server = 'url' in address ? serverClient(address.url) : undefined;
  const userSettings: SqlSettings = {
    ...rowSettings,
    ...options.userSettings,
    // the embedded engine does so by itself
    ...(server && { cancel_http_readonly_queries_on_client_close: 1 }),
  };

  async function send(
    statement: Statement,
    queryId: string,
    queryClass: string,
    settings: SqlSettings,
  ): Promise<EngineResponse> {
    const { sql, signal } = statement;
    signal?.throwIfAborted();
    const all = { ...settings, ...statement.settings };
    const headers = { [classHeader]: queryClass, ...(statement.small && { [answerHeader]: 'small' }) };
    if (socket) return socket.send({ sql, queryId, settings: all, headers, signal });
    if (!server) throw new Error('BUG: the engine has neither a socket nor a URL');
    const parameters = {
      query: sql,
      query_id: queryId,
      abort_signal: signal,
      clickhouse_settings: all,
      http_headers: headers,
    };
    if (!statement.body) return server.exec(parameters);
    // The statement goes into the address then.
    if (encodeURIComponent(sql).length > addressBytesMax)
      throw new EngineFault(
        'overloaded',
        { reason: 'the statement of a tick is too long for a server', seconds: 1 },
        202,
      );
    return server.exec({ ...parameters, values: Readable.from(statement.body, { objectMode: false }) });
  }

  /** Run `work` with everything that must hold for any statement: errors mapped and logged, time measured. */
  async function counted<T>(
    kind: 'run' | 'stream' | 'raw',
    statement: Statement,
    queryId: string,
    start: number,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const fault = statement.signal?.aborted
        ? new WeirError('query_cancelled', {}, { cause: error })
        : toFault(error, queryId);
      engineQueryEnded(kind, fault.code, (performance.now() - start) / 1000);
      // What a statement of ours throws on purpose, its caller expects: a time that the quick reading of a batch does not know.
      const thrown = fault instanceof EngineFault && fault.engineCode === thrownByStatement;
      log[fault.code === 'query_failed' && !thrown ? 'warn' : 'debug'](
        { queryId, code: fault.code, err: fault.cause ?? fault },
        'query failed',
      );
      log.debug({ queryId, sql: statement.sql }, 'its statement');
      throw fault;
    }
  }

  /**
   * The pieces of an answer, with the same care for errors that come late. Leaving early or aborting, even before the first piece is asked for,
   * closes the connection, which kills the query.
   */
  function guarded<T>(
    kind: 'stream' | 'raw',
    statement: Statement,
    queryId: string,
    start: number,
    response: EngineResponse,
    pieces: AsyncGenerator<T>,
  ): AsyncIterableIterator<T> {
    const leave = (): void => {
      statement.signal?.removeEventListener('abort', leave);
      response.stream.destroy();
    };
    statement.signal?.addEventListener('abort', leave, { once: true });
    // without a reader nobody else would take the error of a connection that breaks
    response.stream.on('error', () => {});
    return {
      async next() {
        try {
          const next = await counted(kind, statement, queryId, start, () => pieces.next());
          if (next.done) {
            leave();
            engineQueryEnded(kind, 'ok', (performance.now() - start) / 1000);
          }
          return next;
        } catch (error) {
          leave();
          throw error;
        }
      },
      async return() {
        leave();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  const run: StoreClient['run'] = async statement => {
    const queryId = statement.queryId ?? randomUUID();
    const start = performance.now();
    const rows = await counted('run', statement, queryId, start, async () => {
      const response = await send(statement, queryId, 'service', { ...rowSettings, default_format: 'JSONEachRow' });
      const stop = (): void => void response.stream.destroy();
      statement.signal?.addEventListener('abort', stop, { once: true });
      const pieces: Buffer[] = [];
      for await (const piece of checkedBytes(response, queryId)) pieces.push(piece);
      statement.signal?.removeEventListener('abort', stop);
      const text = Buffer.concat(pieces).toString('utf8').trimEnd();
      return text === '' ? [] : (JSON.parse(`[${text.replaceAll('\n', ',')}]`) as Record<string, unknown>[]);
    });
    engineQueryEnded('run', 'ok', (performance.now() - start) / 1000);
    return rows;
  };

  return {
    run,

    async stream(statement, onProgress) {
      const queryId = statement.queryId ?? randomUUID();
      const start = performance.now();
      // A server tells its progress in the answer while the statement runs, the embedded engine only together with rows.
      const millis = Number(statement.settings?.max_execution_time ?? 0) * 1000;
      const unfollow = socket && onProgress ? followProgress(run, queryId, millis, onProgress) : () => {};
      const response = await counted('stream', statement, queryId, start, () =>
        send(statement, queryId, 'user', {
          ...userSettings,
          default_format: 'JSONEachRowWithProgress',
        }),
      ).catch((error: unknown) => {
        unfollow();
        throw error;
      });
      response.stream.once('close', unfollow);
      async function* rows(): AsyncGenerator<Record<string, unknown>[]> {
        for await (const piece of jsonPieces(response.stream) as AsyncGenerator<ProgressLine[]>) {
          const batch: Record<string, unknown>[] = [];
          for (const line of piece) {
            if (line.row) batch.push(line.row);
            else if (line.progress) onProgress?.(toProgress(line.progress));
            else if (line.exception !== undefined) throw engineFault(parseEngineMessage(line.exception), queryId);
          }
          if (batch.length > 0) yield batch;
        }
      }
      return guarded('stream', statement, queryId, start, response, rows());
    },

    async raw(statement, format) {
      const queryId = statement.queryId ?? randomUUID();
      const start = performance.now();
      const response = await counted('raw', statement, queryId, start, () =>
        send(statement, queryId, 'user', { ...userSettings, default_format: format }),
      );
      return guarded<Uint8Array>('raw', statement, queryId, start, response, checkedBytes(response, queryId));
    },

    async kill(queryId) {
      await run({ sql: `KILL QUERY WHERE query_id = '${queryId.replaceAll(/[^\w.:-]/g, '')}' ASYNC` });
    },

    async alive(timeoutMs) {
      const queryId = randomUUID();
      try {
        const response = await send(
          { sql: 'SELECT 1', signal: AbortSignal.timeout(timeoutMs) },
          queryId,
          'control',
          {},
        );
        for await (const _ of response.stream);
        return true;
      } catch (error) {
        return /^\d+$/.test((error as { code?: string }).code ?? '');
      }
    },

    async close() {
      await server?.close();
      socket?.close();
    },
  };
}
