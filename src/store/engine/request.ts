import type { IncomingMessage } from 'node:http';
import { randomUUID } from 'node:crypto';

/** An error as ClickHouse tells it: `Code: N. DB::Exception: text. (NAME)`. */
export class EngineError extends Error {
  readonly code: number;
  constructor(code: number, text: string, name: string) {
    super(`Code: ${code}. DB::Exception: ${text}. (${name})`);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** The code in an engine's message, 1002 (UNKNOWN_EXCEPTION) when there is none. */
export const codeOf = (message: string): number => Number(/Code: (\d+)/.exec(message)?.[1] ?? 1002);

/**
 * Whose statement it is. Each class has its own sessions, so that queries of users never hold up ingest nor ingest them;
 * `control` (probes, KILL) always finds its own session free.
 */
export type QueryClass = 'user' | 'service' | 'control';
export const classHeader = 'x-weir-class';
/** `small`: see statement-text.ts. */
export const answerHeader = 'x-weir-answer';

/** One statement as the HTTP interface of ClickHouse takes it. */
export type EngineRequest = {
  sql: string;
  queryId: string;
  format: string;
  settings: Map<string, string>;
  database: string;
  queryClass: QueryClass;
  /** The asker expects at most some hundred rows. */
  small?: boolean;
};

/** URL parameters of the interface that are not settings of the query. Authentication is the socket's file mode. */
const interfaceParameters = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'user',
  'password',
  'quota_key',
  'session_id',
  'session_timeout',
  'session_check',
  'role',
  'wait_end_of_query',
  'buffer_size',
  'compress',
  'decompress',
  'enable_http_compression',
  'http_zlib_compression_level',
  'send_progress_in_http_headers',
]);

/** SQL with inline data. Data goes in by `file()`, so this is only for small inserts. */
const bodyBytesMax = 64 * 2 ** 20;

function readBody(request: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const pieces: Buffer[] = [];
  let size = 0;
  request.on('data', (piece: Buffer) => {
    size += piece.length;
    if (size <= bodyBytesMax) pieces.push(piece);
    else {
      pieces.length = 0;
      reject(
        new EngineError(
          307,
          `Body is larger than ${bodyBytesMax} bytes; read data with the table function file()`,
          'TOO_MANY_BYTES',
        ),
      );
    }
  });
  request.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
  request.on('error', reject);
  return promise;
}

/** Rejects with an {@link EngineError} when the request asks for what the embedded engine does not do. */
export async function readRequest(request: IncomingMessage): Promise<EngineRequest> {
  const url = request.url ?? '/';
  const parameters = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '');
  const body = request.method === 'GET' ? '' : await readBody(request);
  const sql = [parameters.get('query') ?? '', body].filter(text => text !== '').join('\n');
  if (sql.trim() === '') throw new EngineError(62, 'Syntax error: the query is empty', 'SYNTAX_ERROR');
  const settings = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (interfaceParameters.has(name)) continue;
    if (name.startsWith('param_'))
      throw new EngineError(
        36,
        `Query parameters (${name}) are not supported by the embedded engine, which would run such queries one at a time; inline the value`,
        'BAD_ARGUMENTS',
      );
    if (!/^[a-z]\w*$/i.test(name))
      throw new EngineError(
        115,
        `Setting '${name}' is neither a builtin setting nor started with the prefix 'SQL_'`,
        'UNKNOWN_SETTING',
      );
    settings.set(name, value);
  }
  const queryId = parameters.get('query_id') ?? '';
  const queryClass = request.headers[classHeader];
  return {
    sql,
    // it is put into a comment of the statement, see Statement text below
    queryId: /^[\w.:-]{1,128}$/.test(queryId) ? queryId : randomUUID(),
    format: parameters.get('default_format') ?? 'TabSeparated',
    settings,
    database: parameters.get('database') ?? 'default',
    queryClass: queryClass === 'service' || queryClass === 'control' ? queryClass : 'user',
    small: request.headers[answerHeader] === 'small',
  };
}
