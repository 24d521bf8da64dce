import { type ErrorCode, WeirError } from '../base/errors.ts';

/** What the engine refused, with the engine's own number: callers that must tell a full disk (243) from a bad statement look at `engineCode`. */
export class EngineFault extends WeirError {
  /** ClickHouse error code, 0 when the connection itself failed. */
  readonly engineCode: number;
  constructor(code: ErrorCode, values: Record<string, string | number>, engineCode: number, cause?: unknown) {
    super(code, values, { cause });
    this.engineCode = engineCode;
  }
}

/** Engine codes that mean the disk, not the statement, is at fault: the caller pauses and tries again. NOT_ENOUGH_SPACE, CANNOT_FSYNC, CANNOT_WRITE_TO_FILE_DESCRIPTOR. */
const diskCodes = new Set([243, 204, 75]);
export const isDiskFault = (error: unknown): error is EngineFault =>
  error instanceof EngineFault && diskCodes.has(error.engineCode);

/** Code and text of ClickHouse's `Code: N. DB::Exception: text`. */
export type EngineMessage = { code: number; text: string };

export function parseEngineMessage(message: string): EngineMessage {
  const [, code, text] = /Code: (\d+)\.?\s*(.*)/s.exec(message) ?? [];
  return { code: Number(code ?? 1002), text: (text ?? message).trim() };
}

/** The limit as the engine's message gives it: `maximum: 300 ms`, `maximum: 256.00 MiB`. */
const maximum = (text: string, otherwise: string): string => /maximum: ([\d.]+ \w+)/.exec(text)?.[1] ?? otherwise;

const tooLarge = 'the query is larger than the engine takes once it is compiled; use fewer stages or nest less';

/** The error a user may see: names the limit and how to pass it, never the SQL. */
export function engineFault({ code, text }: EngineMessage, queryId: string): EngineFault {
  const limit = (reason: string): EngineFault => new EngineFault('query_limit', { reason }, code, new Error(text));
  const refused = (reason: string): EngineFault => new EngineFault('bad_query', { reason }, code, new Error(text));
  const failed = new EngineFault('query_failed', { code, id: queryId }, code, new Error(text));
  switch (code) {
    case 159:
    case 160:
      return limit(
        `it ran longer than ${maximum(text, 'allowed')}; narrow the time range or the selector, or raise limits.query_timeout`,
      );
    case 241:
      return limit(
        /Query memory limit/.test(text)
          ? `it needed more memory than ${maximum(text, 'one query may have')}; narrow the time range or group by fewer labels, or raise limits.query_memory`
          : 'the engine as a whole is out of memory; ask again when fewer queries run, or raise memory',
      );
    case 158:
    case 307:
    case 396:
      return limit('it read or gave more rows than allowed; narrow the time range or the selector');
    case 427:
      return refused(
        'a regular expression of the query is larger than the engine compiles; write smaller repeat counts or less alternatives',
      );
    case 62:
    case 36:
      return /query size|query tree|too (?:deep|big)/i.test(text) ? refused(tooLarge) : failed;
    case 167:
    case 168:
    case 306:
      return refused(tooLarge);
    case 394:
      return new EngineFault('query_cancelled', {}, code);
    case 202:
      return new EngineFault('overloaded', { reason: 'too many queries wait for the engine', seconds: 1 }, code);
    default:
      return failed;
  }
}

const downCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'EPROTO',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Map whatever the HTTP client threw. */
export function toFault(error: unknown, queryId: string): WeirError {
  if (error instanceof WeirError) return error;
  const { code, message = '' } = error as { code?: string; message?: string };
  // ClickHouseError carries the number as text
  if (code !== undefined && /^\d+$/.test(code)) return engineFault({ code: Number(code), text: message }, queryId);
  if (downCodes.has(code ?? '') || /socket hang up|aborted|terminated|premature/i.test(message))
    return new EngineFault('engine_down', {}, 0, error);
  return new EngineFault('query_failed', { code: code ?? 'no answer', id: queryId }, 0, error);
}
