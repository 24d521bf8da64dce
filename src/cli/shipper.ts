import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { bodyOf, call, type Connection, failureOf } from './connection.ts';
import { CliError, exitCode } from './exit-code.ts';
import type { LineBlock } from './lines.ts';

/** A line that waits this long is sent, so that `tail -f | weir send` is live. */
const flushMillis = 200;
const batchBytes = 4 * 1024 * 1024;
/** Bytes that wait for the server before the reader has to wait. */
const pendingBytesMax = 16 * 1024 * 1024;
const backoffMillisMin = 200;
const backoffMillisMax = 10_000;
const reasonsKept = 5;

export type Totals = {
  /** Records that the server has in its log. */
  accepted: number;
  quarantined: number;
  /** Records that the server refused for good. */
  rejected: number;
  bytes: number;
  retries: number;
  /** The first few reasons of quarantine and refusal. */
  reasons: string[];
};

export type Shipper = {
  totals: Totals;
  /** Bytes taken and not yet acknowledged. */
  pendingBytes(): number;
  /** Lines taken and not yet acknowledged. */
  pendingLines(): number;
  /** Takes a block; resolves when more may come (back pressure). Rejects when sending has failed for good. */
  add(block: LineBlock): Promise<void>;
  /** Resolves when everything is acknowledged. Rejects when sending has failed for good. */
  flush(): Promise<void>;
  /** Frees the connection; what is not acknowledged is given up. */
  close(): void;
};

/** The answer of /ingest/*. */
type Counts = { accepted?: number; quarantined?: number; errors?: { line: number; reason: string }[] };

function countsOf(text: string): Counts | undefined {
  try {
    const answer = JSON.parse(text) as Counts;
    return typeof answer.quarantined === 'number' ? answer : undefined;
  } catch {
    return undefined;
  }
}

type Batch = { kind: 'json' | 'text'; pieces: Uint8Array[]; bytes: number; lines: number; since: number };

export type ShipperOptions = {
  connection: Connection;
  /** Query parameters of /ingest/*: service, label.<name>, time_field ... */
  parameters: Record<string, string>;
  /** Milliseconds to go on trying one batch; 0 = for ever. */
  retryForMs: number;
  /** Told once when the server stops answering and once when it answers again. */
  onTrouble(text: string): void;
};

/**
 * Sends lines in batches, one request at a time so that their order is kept. A batch is tried again on 429, 502, 503, 504 and when the connection
 * fails, with the same batch id (`X-Weir-Agent`, `X-Weir-Epoch`, `X-Weir-Sequence`), so that a server that knows it takes it once.
 */
export function createShipper(options: ShipperOptions): Shipper {
  const totals: Totals = { accepted: 0, quarantined: 0, rejected: 0, bytes: 0, retries: 0, reasons: [] };
  const agent = new (options.connection.url.startsWith('https:') ? https : http).Agent({
    keepAlive: true,
    maxSockets: 1,
  });
  const giveUp = new AbortController();
  const identity = {
    'x-weir-agent': `${hostname().replace(/[^\w.-]/g, '_')}-${randomBytes(6).toString('hex')}`,
    'x-weir-epoch': String(Math.floor(Date.now() / 1000)),
  };
  const search = new URLSearchParams(options.parameters).toString();
  let sequence = 0;
  const open = new Map<'json' | 'text', Batch>();
  let pendingBytes = 0;
  let pendingLines = 0;
  let flushing = false;
  let failed: unknown;
  let pumping: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let waiting: (() => void)[] = [];

  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const resolve of all) resolve();
  };

  const note = (reason: string): void => {
    if (totals.reasons.length < reasonsKept) totals.reasons.push(reason);
  };

  /** One attempt. `true` = done with this batch, text = try again because of it. */
  async function attempt(batch: Batch, number: number): Promise<true | { again: string; afterMs: number }> {
    let response: http.IncomingMessage;
    try {
      response = await call(options.connection, {
        method: 'POST',
        path: `/ingest/${batch.kind}${search && `?${search}`}`,
        body: batch.pieces,
        type: batch.kind === 'json' ? 'application/x-ndjson' : 'text/plain; charset=utf-8',
        headers: { ...identity, 'x-weir-sequence': String(number) },
        agent,
        signal: giveUp.signal,
      });
      const status = response.statusCode ?? 0;
      if (status === 413) {
        await bodyOf(response);
        await halve(batch);
        return true;
      }
      if (status === 429 || status === 502 || status === 503 || status === 504) {
        const seconds = Number(response.headers['retry-after'] ?? 0);
        const text = await bodyOf(response);
        return {
          again: `the server answers ${status}: ${text.slice(0, 200)}`,
          afterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
        };
      }
      const text = await bodyOf(response);
      const answer = countsOf(text);
      // 400 with counts: every record of the batch was kept in quarantine, none refused.
      if (answer === undefined && (status < 200 || status > 299)) throw failureOf(options.connection, status, text);
      count(batch, answer ?? {});
      return true;
    } catch (error) {
      if (error instanceof CliError && error.exit === exitCode.connection && error.cause !== undefined)
        return { again: error.message, afterMs: 0 };
      throw error;
    }
  }

  function count(batch: Batch, answer: Counts): void {
    totals.accepted += answer.accepted ?? batch.lines;
    totals.quarantined += answer.quarantined ?? 0;
    totals.bytes += batch.bytes;
    for (const fault of answer.errors ?? []) note(fault.reason);
  }

  /** A body too large for the server goes in two halves, down to single lines. */
  async function halve(batch: Batch): Promise<void> {
    const whole = Buffer.concat(batch.pieces);
    const middle = batch.lines < 2 ? -1 : whole.indexOf(10, Math.floor(whole.length / 2));
    const cut = middle === whole.length - 1 ? whole.lastIndexOf(10, middle - 1) : middle;
    if (batch.lines < 2 || cut < 0) {
      totals.rejected += batch.lines;
      note(`a line of ${whole.length} bytes is larger than the server takes`);
      return;
    }
    for (const part of [whole.subarray(0, cut + 1), whole.subarray(cut + 1)]) {
      let lines = 0;
      for (let at = part.indexOf(10); at >= 0; at = part.indexOf(10, at + 1)) lines++;
      await deliver({ kind: batch.kind, pieces: [part], bytes: part.length, lines, since: batch.since });
    }
  }

  async function deliver(batch: Batch): Promise<void> {
    const number = ++sequence;
    const begun = Date.now();
    let pause = backoffMillisMin;
    let troubled = false;
    for (;;) {
      const outcome = await attempt(batch, number);
      if (outcome === true) {
        if (troubled) options.onTrouble('the server answers again');
        return;
      }
      if (giveUp.signal.aborted) throw new CliError(exitCode.connection, outcome.again);
      if (options.retryForMs > 0 && Date.now() - begun > options.retryForMs)
        throw new CliError(
          exitCode.connection,
          `gave up after ${Math.round((Date.now() - begun) / 1000)} s: ${outcome.again}`,
        );
      if (!troubled) options.onTrouble(`${outcome.again}; trying again`);
      troubled = true;
      totals.retries++;
      await wait(Math.max(outcome.afterMs, pause * (0.5 + Math.random())), undefined, { signal: giveUp.signal }).catch(
        () => undefined,
      );
      pause = Math.min(backoffMillisMax, pause * 2);
    }
  }

  const oldest = (): Batch | undefined => [...open.values()].sort((a, b) => a.since - b.since)[0];

  async function pump(): Promise<void> {
    for (let batch = oldest(); batch !== undefined; batch = oldest()) {
      const age = Date.now() - batch.since;
      const full = [...open.values()].some(b => b.bytes >= batchBytes);
      if (!flushing && !full && age < flushMillis) {
        timer ??= setTimeout(() => {
          timer = undefined;
          start();
        }, flushMillis - age);
        return;
      }
      open.delete(batch.kind);
      await deliver(batch);
      pendingBytes -= batch.bytes;
      pendingLines -= batch.lines;
      wake();
    }
  }

  function start(): void {
    pumping ??= pump()
      .catch((error: unknown) => {
        failed = error;
      })
      .finally(() => {
        pumping = undefined;
        wake();
        // Lines that came between the end of the loop and now.
        if (open.size > 0 && timer === undefined && !failed) start();
      });
  }

  return {
    totals,
    pendingBytes: () => pendingBytes,
    pendingLines: () => pendingLines,
    add: async block => {
      if (failed) throw failed;
      const batch = open.get(block.kind) ?? { kind: block.kind, pieces: [], bytes: 0, lines: 0, since: Date.now() };
      batch.pieces.push(block.bytes);
      batch.bytes += block.bytes.length;
      batch.lines += block.lines;
      open.set(block.kind, batch);
      pendingBytes += block.bytes.length;
      pendingLines += block.lines;
      if (timer === undefined || batch.bytes >= batchBytes) start();
      while (pendingBytes > pendingBytesMax && !failed) await new Promise<void>(resolve => waiting.push(resolve));
      if (failed) throw failed;
    },
    flush: async () => {
      flushing = true;
      while (pendingLines > 0 && !failed) {
        start();
        await pumping;
      }
      flushing = false;
      if (failed) throw failed;
    },
    close: () => {
      clearTimeout(timer);
      giveUp.abort();
      agent.destroy();
    },
  };
}
