import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AnswerSink } from './lanes.ts';
import { codeOf } from './request.ts';

/**
 * So long an answer is held back to be sent as one piece with its length; most are complete by then. It is also time enough for the errors of
 * planning, so that what is sent after it comes from a query that runs.
 */
const heldMillis = 15;
/** More than this is not held back. */
const heldBytesMax = 256 * 1024;

const contentTypes: Record<string, string> = {
  JSONEachRow: 'application/x-ndjson',
  JSONEachRowWithProgress: 'application/x-ndjson',
  JSON: 'application/json',
  CSV: 'text/csv',
  CSVWithNames: 'text/csv',
  Parquet: 'application/octet-stream',
};

/** The answer to one request, written as the HTTP interface of ClickHouse does (version 25.11 and later: tagged exceptions). */
export class HttpAnswer implements AnswerSink {
  readonly #response: ServerResponse;
  readonly #format: string;
  readonly #tag = randomBytes(8).toString('hex');
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, queryId: string, format: string) {
    this.#response = response;
    this.#format = format;
    response.setHeader('X-ClickHouse-Query-Id', queryId);
    response.setHeader('X-ClickHouse-Format', format);
    response.setHeader('X-ClickHouse-Timezone', 'UTC');
    response.setHeader('X-ClickHouse-Exception-Tag', this.#tag);
    response.setHeader('Content-Type', contentTypes[format] ?? 'text/plain; charset=UTF-8');
  }

  /** The query has its snapshot: after a moment the headers tell the client, even if the first row is far. */
  started(): void {
    this.#timer ??= setTimeout(() => this.#send(), heldMillis);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#response.flushHeaders();
    for (const bytes of this.#held) this.#response.write(bytes);
    this.#held = [];
  }

  async chunk(bytes: Uint8Array, isLast = false): Promise<void> {
    if (!this.#response.headersSent) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      // A timer wakes the thread even when it was cleared in time.
      if (isLast) return;
      if (this.#heldBytes <= heldBytesMax) this.started();
      else this.#send();
    } else if (!this.#response.destroyed) {
      this.#response.write(bytes);
    }
    if (!this.#response.writableNeedDrain) return;
    await new Promise<void>(resolve => {
      const go = (): void => {
        this.#response.off('drain', go).off('close', go);
        resolve();
      };
      // 'close' comes when the client went away; the request is then cancelled elsewhere
      this.#response.on('drain', go).on('close', go);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    if (this.#response.headersSent) this.#response.end();
    else {
      const body = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held);
      this.#response.writeHead(200, { 'Content-Length': this.#heldBytes });
      this.#response.end(body);
    }
  }

  /** Tell the error: as status and body when nothing was sent yet, else behind what was sent, so that no client takes the answer for complete. */
  fail(error: Error): void {
    clearTimeout(this.#timer);
    const message = error.message.startsWith('Code:')
      ? error.message
      : `Code: ${codeOf(error.message)}. DB::Exception: ${error.message}. (UNKNOWN_EXCEPTION)`;
    if (!this.#response.headersSent) {
      this.#response.writeHead(500, {
        'X-ClickHouse-Exception-Code': String(codeOf(message)),
        'Content-Type': 'text/plain; charset=UTF-8',
      });
      this.#response.end(`${message}\n`);
    } else if (this.#format === 'JSONEachRowWithProgress') {
      this.#response.end(`${JSON.stringify({ exception: message })}\n`);
    } else {
      const text = `${message}\n`;
      this.#response.end(
        `\r\n__exception__\r\n${this.#tag}\r\n${text}${Buffer.byteLength(text)} ${this.#tag}\r\n__exception__\r\n`,
      );
    }
  }
}
