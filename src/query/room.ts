import { z } from 'zod';
import { WeirError } from '../base/errors.ts';
import type { Config } from '../base/config.ts';
import { limits } from '../base/limits.ts';
import type { Tenant } from '../base/record.ts';
import { tenantsIn } from '../base/tenant.ts';
import type { Deletes, OnVisible, PartsView, Question, RunBytes, RunQuery } from '../flow.ts';
import { type Ask, askBytesThrough, askThrough, makeLane } from './admission.ts';
import type { StatusAnswer } from './contract.ts';
import { type LookupFiles, openLookupFiles } from './lookups/tables.ts';
import { FieldCatalogue } from './eql/known-fields.ts';
import { makeVisibleHub, type VisibleHub } from './follow.ts';
import { KeptSeries } from './kept-series.ts';
import { KnownStreams } from './known-streams.ts';
import { makeRunning, type Running } from './running.ts';
import { sourcesFor } from './sources-for.ts';

/** What a role hands over. */
export type QueryDeps = {
  run: RunQuery;
  bytes: RunBytes;
  /** The parts as a question that began now would see them; undefined when that is not known. */
  partsNow: () => PartsView | undefined;
  onVisible: OnVisible;
  deletes: Deletes;
  /** Where alert and recording rules are kept. */
  rulesDirectory: string;
  lookupsDirectory: string;
  config: Pick<Config, 'limits' | 'deletes' | 'sql' | 'store'>;
  /** The program's state for `GET /api/v1/status`; called per request, so it must be cheap. */
  status: () => Omit<StatusAnswer, 'records' | 'oldest' | 'newest'>;
};

/** What all endpoints of this room share. */
export type Room = {
  lookups: LookupFiles;
  /** People's own SQL; undefined when the configuration does not allow it. */
  sql: { rowsMax: number } | undefined;
  /** Questions of people and dashboards. */
  ask: Ask;
  /** Answers of metric queries that need not be computed again. */
  kept: KeptSeries;
  /** For pages; undefined where others write into the store too. */
  streams: KnownStreams | undefined;
  /** Fields that EQL has met. */
  fields: FieldCatalogue;
  partsNow: QueryDeps['partsNow'];
  /** Looks of live tails. */
  askForTail: Ask;
  exportBytes: ReturnType<typeof askBytesThrough>;
  visible: VisibleHub;
  deletes: Deletes;
  /** So long a delete request can be cancelled. */
  cancelMillis: number;
  running: Running;
  rowsMax: number;
  seriesMax: number;
  pointsMax: number;
  /** Milliseconds between start and end of a query; 0 = no limit. */
  lengthMaxMillis: number;
  volumeSeriesMax: number;
  /** The time a question gets, ms: what it asks for, at most what the config allows. */
  timeoutMs(asked: number | undefined): number;
  status: QueryDeps['status'];
  /** Count a live tail in; rejects with `overloaded` when there are too many. Gives the function that counts it out. */
  openTail(): () => void;
};

export function makeRoom(deps: QueryDeps): Room {
  const { query_timeout: timeout, query_rows: rowsMax } = deps.config.limits;
  let tails = 0;
  const ask = askThrough(makeLane('questions', limits.queriesAtOnce), deps.run);
  const askForTail = askThrough(makeLane('tail questions', limits.tailQueriesAtOnce), deps.run);
  const exportBytes = askBytesThrough(makeLane('exports', limits.exportsAtOnce), deps.bytes);
  const readable = <Q extends Question>(tenant: Tenant, question: Q): Q => ({
    ...question,
    sql: sources => question.sql(sourcesFor(tenant, sources, deps.deletes)),
  });
  const { sql, store } = deps.config;
  return {
    lookups: openLookupFiles(deps.lookupsDirectory),
    sql: sql.enabled && store.url === undefined ? { rowsMax: sql.rows } : undefined,
    ask: (tenant, question) => ask(tenant, readable(tenant, question)),
    askForTail: (tenant, question) => askForTail(tenant, readable(tenant, question)),
    kept: new KeptSeries(
      deps.partsNow,
      tenant =>
        tenantsIn(tenant)
          .flatMap(one => deps.deletes.list(one).map(request => request.id))
          .join(' '),
      limits.keptPointsMax,
    ),
    streams: store.url === undefined ? new KnownStreams(limits.knownStreamsCharactersMax) : undefined,
    fields: new FieldCatalogue(deps.partsNow),
    partsNow: deps.partsNow,
    exportBytes: (tenant, question) => exportBytes(tenant, readable(tenant, question)),
    visible: makeVisibleHub(deps.onVisible),
    deletes: deps.deletes,
    cancelMillis: deps.config.deletes.cancel_period,
    running: makeRunning(),
    rowsMax,
    seriesMax: deps.config.limits.query_series,
    pointsMax: deps.config.limits.query_points,
    lengthMaxMillis: deps.config.limits.query_length,
    volumeSeriesMax: deps.config.limits.volume_series,
    timeoutMs: asked => Math.min(asked ?? timeout, timeout),
    status: deps.status,
    openTail() {
      if (tails >= limits.tailsMax)
        throw new WeirError(
          'overloaded',
          { reason: `${tails} live tails are open (limit ${limits.tailsMax})`, seconds: 10 },
          { retryAfter: 10 },
        );
      tails++;
      let open = true;
      return () => {
        if (open) tails--;
        open = false;
      };
    },
  };
}

/** `value` as the request type `schema`, or `bad_request` that names each wrong member. */
export function checked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const faults = result.error.issues.map(issue => {
    const found = issue.path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
      value,
    );
    const shown =
      found === undefined || typeof found === 'object' ? '' : ` (found ${JSON.stringify(found).slice(0, 100)})`;
    return `${issue.path.join('.') || 'body'}: ${issue.message}${shown}`;
  });
  throw new WeirError('bad_request', { reason: faults.join('; ') });
}
