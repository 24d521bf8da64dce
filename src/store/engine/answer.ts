import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AnswerSink } from './lanes.ts';
import { codeOf } from './request.ts';

/** An error of planning comes at once; a query that has run this long without one has begun its answer. */
const startedMillis = 15;

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
  #startTimer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, queryId: string, format: string) {
    this.#response = response;
    this.#format = format;
    response.setHeader('X-ClickHouse-Query-Id', queryId);
    response.setHeader('X-ClickHouse-Format', format);
    response.setHeader('X-ClickHouse-Timezone', 'UTC');
    response.setHeader('X-ClickHouse-Exception-Tag', this.#tag);
    response.setHeader('Content-Type', contentTypes[format] ?? 'text/plain; charset=UTF-8');
  }

  /** Lets the client know by the headers that the query has its snapshot, even if the first row is far. */
  started(): void {
    this.#startTimer = setTimeout(() => this.#response.flushHeaders(), startedMillis);
  }

  async chunk(bytes: Uint8Array): Promise<void> {
    clearTimeout(this.#startTimer);
    if (this.#response.destroyed || this.#response.write(bytes)) return;
    // 'close' comes when the client went away; the request is then cancelled elsewhere
    await Promise.race([once(this.#response, 'drain'), once(this.#response, 'close')]);
  }

  end(): void {
    clearTimeout(this.#startTimer);
    this.#response.end();
  }

  /** Tell the error: as status and body when nothing was sent yet, else behind what was sent, so that no client takes the answer for complete. */
  fail(error: Error): void {
    clearTimeout(this.#startTimer);
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
