import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { drainPending, Session } from 'chdb';
import type { Level } from '../../src/base/record.ts';
import { compileCondition } from '../../src/language/condition.ts';
import { factColumns, PartsHistory, readFacts } from '../../src/store/parts-history.ts';
import type {
  DeleteRequest,
  Deletes,
  OnVisible,
  PartsView,
  Question,
  RunBytes,
  RunQuery,
  Sources,
} from '../../src/flow.ts';

/** A record as the tests write it; what is left out gets a plain value. */
export type TestRecord = {
  tenant?: string;
  /** ns since 1970. */
  ts: bigint;
  message: string;
  service?: string;
  level?: Level;
  severity?: number;
  labels?: Record<string, string>;
  attributes?: Record<string, string>;
  traceId?: string;
  template?: string;
};

const columns = `tenant LowCardinality(String), timestamp DateTime64(9, 'UTC'), received DateTime64(9, 'UTC'), seq UInt64,
  service LowCardinality(String), severity UInt8, level LowCardinality(String), stream UInt64, labels Map(LowCardinality(String), String),
  message String, trace_id String, span_id String, attributes Map(LowCardinality(String), String), template LowCardinality(String),
  door LowCardinality(String), class LowCardinality(String)`;
const selectStreams = (from: string): string =>
  `SELECT toDate(received) AS received, tenant, toDate(timestamp) AS day, stream, any(labels) AS labels, any(service) AS service,
min(timestamp) AS first, max(timestamp) AS last, count() AS rows, sum(length(message)) AS bytes FROM ${from} AS r
GROUP BY toDate(r.received), r.tenant, toDate(r.timestamp), r.stream SETTINGS prefer_column_name_to_alias = 1`;
const quarantineColumns = `tenant LowCardinality(String), received DateTime64(9, 'UTC'), seq UInt64, door LowCardinality(String), line UInt32, reason String, raw String`;

const second = 1_000_000_000n;

/** The real engine over the tables of decision 1, in this process: parts, one tail, streams, quarantine. Ticks and seals are called by the test. */
export class ChdbStore {
  readonly folder = mkdtempSync(join(tmpdir(), 'weir-query-'));
  readonly session = new Session(this.folder, {
    connectionArgs: [
      '--output_format_json_quote_64bit_integers=1',
      '--max_query_size=67108864',
      '--optimize_and_compare_chain=0',
      '--optimize_redundant_comparisons=0',
    ],
  });
  readonly sources: Sources = {
    records: ['`weir`.`records`', '(SELECT * FROM `weir`.`tail_1` WHERE seq > 0)'],
    quarantine: ['`weir`.`quarantine`'],
    streams: ['`weir`.`streams`', `(${selectStreams('weir.tail_1')})`],
    templates: '`weir`.`templates`',
  };
  /** The next answers say that they were cut off, and why. */
  cutOff: string | null = null;
  /** The next questions are refused with it. */
  fault: Error | null = null;
  /** SQL of every question, newest last. */
  readonly asked: string[] = [];
  running = 0;
  readonly history = new PartsHistory();
  #inTail = 0;
  #sealing = false;
  #seq = (1n << 32n) + 1n;
  #sealed: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<(from: bigint, to: bigint) => void>();

  constructor() {
    this.history.learnt(this.history.generation, undefined);
    this.session.query('CREATE DATABASE weir');
    this.session.query(
      `CREATE TABLE weir.records (${columns}) ENGINE = MergeTree PARTITION BY (class, toDate(received)) ORDER BY (tenant, timestamp)`,
    );
    this.session.query(`CREATE TABLE weir.tail_1 (${columns}) ENGINE = Memory`);
    this.session.query('CREATE TABLE weir.templates (tenant String, id String, pattern String) ENGINE = Memory');
    this.session.query(
      `CREATE TABLE weir.quarantine (${quarantineColumns}) ENGINE = MergeTree ORDER BY (tenant, received)`,
    );
    this.session.query(
      `CREATE TABLE weir.streams (received Date, tenant LowCardinality(String), day Date, stream UInt64, labels Map(LowCardinality(String), String), service LowCardinality(String),
        first DateTime64(9, 'UTC'), last DateTime64(9, 'UTC'), rows UInt64, bytes UInt64) ENGINE = MergeTree ORDER BY (tenant, day, stream)`,
    );
  }

  /** A tick: the records become visible in the tail, in order, and whoever follows is told. */
  async tick(records: TestRecord[]): Promise<void> {
    const from = this.#seq;
    const received = Date.now();
    const lines = records.map(r => {
      const seq = this.#seq++;
      const service = r.service ?? 'web';
      const labels = { service_name: service, ...r.labels };
      return JSON.stringify({
        tenant: r.tenant ?? 'default',
        timestamp: `${new Date(Number(r.ts / 1_000_000n)).toISOString().slice(0, 19).replace('T', ' ')}.${(r.ts % second).toString().padStart(9, '0')}`,
        received: (received / 1000).toFixed(3),
        seq: seq.toString(),
        service,
        severity: r.severity ?? 9,
        level: r.level ?? 'info',
        labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
        stream: String(
          BigInt.asUintN(
            64,
            BigInt(
              `0x${createHash('md5')
                .update(JSON.stringify([r.tenant, labels]))
                .digest('hex')
                .slice(0, 15)}`,
            ),
          ),
        ),
        message: r.message,
        trace_id: r.traceId ?? '',
        attributes: r.attributes ?? {},
        template: r.template ?? '',
        door: 'json',
        class: 'default',
      });
    });
    this.#inTail += records.length;
    await this.session.insert({
      table: 'weir.tail_1',
      values: Buffer.from(`${lines.join('\n')}\n`),
      format: 'JSONEachRow',
    });
    for (const listener of this.#listeners) listener(from, this.#seq);
  }

  /** In memory, and with the real hiding; nothing is removed. */
  readonly deletes: Deletes = {
    add: async fresh => {
      const request: DeleteRequest = { ...fresh, id: `d${this.#requests.length}`, state: 'received' };
      compileCondition(request.query);
      this.#requests.push(request);
      return request;
    },
    list: tenant => this.#requests.filter(request => request.tenant === tenant),
    cancel: async (tenant, id) => {
      const at = this.#requests.findIndex(request => request.tenant === tenant && request.id === id);
      if (this.#requests[at]?.state === 'received') this.#requests.splice(at, 1);
      else return at < 0 ? 'unknown' : 'processing';
      return 'cancelled';
    },
    hidden: tenant =>
      this.deletes
        .list(tenant)
        .map(
          ({ query, start, end }) =>
            `tenant = '${tenant}' AND toUnixTimestamp64Nano(timestamp) BETWEEN ${start} AND ${end} AND (${compileCondition(query)})`,
        ),
  };
  readonly #requests: DeleteRequest[] = [];

  /** The tail becomes parts. Questions are held off meanwhile, as by the real hand-over: each sees a row in one place only. */
  async seal(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sealed = promise;
    this.#sealing = true;
    while (this.running > 0) await new Promise(done => setTimeout(done, 2));
    if (this.#inTail > 0) {
      const facts = this.session.query(
        `SELECT ${factColumns('timestamp', 'timestamp')} FROM weir.tail_1`,
        'JSONEachRow',
      );
      this.history.added(readFacts(JSON.parse(facts) as Record<string, unknown>));
    }
    this.#inTail = 0;
    for (const sql of [
      `INSERT INTO weir.streams ${selectStreams('weir.tail_1')}`,
      'INSERT INTO weir.records SELECT * FROM weir.tail_1',
      'TRUNCATE TABLE weir.tail_1',
    ])
      await this.session.queryAsync(sql);
    this.#sealing = false;
    resolve();
  }

  readonly partsNow = (): PartsView | undefined => (this.#sealing ? undefined : this.history.view(this.#inTail === 0));

  readonly run: RunQuery = async question => {
    const { result, sql } = await this.#ask(question, 'JSONEachRow');
    const cutOff = this.cutOff;
    const rows = (async function* () {
      const text = result.text();
      const lines = text === '' ? [] : text.trimEnd().split('\n');
      for (let at = 0; at < lines.length; at += 500) {
        if (question.signal?.aborted) throw new Error(`killed: ${sql}`);
        yield lines.slice(at, at + 500).map(line => JSON.parse(line) as Record<string, unknown>);
      }
    })();
    return {
      rows,
      summary: () => ({
        readRows: result.rowsRead,
        readBytes: result.bytesRead,
        elapsedMs: result.elapsed * 1000,
        partial: cutOff !== null,
        reason: cutOff,
      }),
    };
  };

  readonly runBytes: RunBytes = async question => {
    const { result } = await this.#ask(question, question.format);
    return Readable.from([Buffer.from(result.bytes())]);
  };

  readonly onVisible: OnVisible = listener => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get followers(): number {
    return this.#listeners.size;
  }

  async #ask(question: Question, format: string) {
    await this.#sealed;
    if (this.fault) throw this.fault;
    const parts = this.partsNow();
    const sql = question.sql({ ...this.sources, ...(parts && { parts }) });
    this.asked.push(sql);
    const settings = Object.entries(question.settings ?? {}).map(
      ([name, value]) => `${name} = ${typeof value === 'number' ? value : `'${value}'`}`,
    );
    const text = settings.length > 0 ? `${sql} SETTINGS ${settings.join(', ')}` : sql;
    this.running++;
    try {
      return { result: await this.session.queryAsync(text, { format }), sql };
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${text}`, { cause: error });
    } finally {
      this.running--;
    }
  }

  /** Statements whose reader has gone are waited for: the process has one data directory, and the next store wants another. */
  async close(): Promise<void> {
    this.session.close();
    await drainPending();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
