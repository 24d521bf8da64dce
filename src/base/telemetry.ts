import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** All metrics of the process; `/metrics` prints them. One function per event below; outcomes are fixed sets, so label values stay few. */
export const registry = new Registry();
// How late the event loop is, looked at ten times a second: a hundred times, the default, is 0.3 % of a core whether there is work or not.
collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });

const received = new Counter({
  name: 'weir_received_records_total',
  help: 'records taken in at a door',
  labelNames: ['door'],
  registers: [registry],
});
const receivedBytes = new Counter({
  name: 'weir_received_bytes_total',
  help: 'bytes taken in at a door, after decompression',
  labelNames: ['door'],
  registers: [registry],
});
const acked = new Counter({
  name: 'weir_acked_records_total',
  help: 'records in the log and fsynced',
  labelNames: ['door'],
  registers: [registry],
});
const rejected = new Counter({
  name: 'weir_rejected_requests_total',
  help: 'requests refused before anything was accepted',
  labelNames: ['door', 'reason'],
  registers: [registry],
});
const quarantined = new Counter({
  name: 'weir_quarantined_records_total',
  help: 'records kept in quarantine',
  labelNames: ['door', 'reason'],
  registers: [registry],
});
const ackSeconds = new Histogram({
  name: 'weir_ack_seconds',
  help: 'request read to answer sent',
  labelNames: ['door'],
  buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
  registers: [registry],
});
const logBytes = new Gauge({ name: 'weir_wal_bytes', help: 'bytes of the retained log', registers: [registry] });
const logSegments = new Gauge({
  name: 'weir_wal_segments',
  help: 'segments of the retained log',
  registers: [registry],
});
const logGroups = new Counter({
  name: 'weir_wal_groups_total',
  help: 'groups of batches written with one sync',
  registers: [registry],
});
const logBatches = new Counter({
  name: 'weir_wal_batches_total',
  help: 'batches in the log and fsynced',
  registers: [registry],
});
const logAppendedBytes = new Counter({
  name: 'weir_wal_appended_bytes_total',
  help: 'bytes appended to the log and fsynced',
  registers: [registry],
});
const logSyncSeconds = new Histogram({
  name: 'weir_wal_sync_seconds',
  help: 'one fdatasync of the log',
  buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
  registers: [registry],
});
const logRefused = new Counter({
  name: 'weir_wal_refused_total',
  help: 'batches that the log refused',
  labelNames: ['reason'],
  registers: [registry],
});
const logDamage = new Counter({
  name: 'weir_wal_damage_total',
  help: 'damaged places found in the log and put into its quarantine',
  registers: [registry],
});
const logLostRows = new Counter({
  name: 'weir_wal_lost_rows_total',
  help: 'records of the log known to be unreadable',
  registers: [registry],
});

export function batchReceived(door: string, records: number, bytes: number): void {
  received.inc({ door }, records);
  receivedBytes.inc({ door }, bytes);
}
export function batchAcked(door: string, records: number, seconds: number): void {
  acked.inc({ door }, records);
  ackSeconds.observe({ door }, seconds);
}
export function requestRejected(door: string, reason: string): void {
  rejected.inc({ door, reason });
}
export function recordsQuarantined(door: string, reason: string, records: number): void {
  quarantined.inc({ door, reason }, records);
}
export function logSize(segments: number, bytes: number): void {
  logSegments.set(segments);
  logBytes.set(bytes);
}
/** A group of `batches` became durable; `bytes` are those of the frames. */
export function logAppended(batches: number, bytes: number, syncSeconds: number): void {
  logGroups.inc();
  logBatches.inc(batches);
  logAppendedBytes.inc(bytes);
  logBytes.inc(bytes);
  logSyncSeconds.observe(syncSeconds);
}
export function appendRefused(reason: string): void {
  logRefused.inc({ reason });
}
/** A damaged place was met for the first time; `rows` as far as known. */
export function logDamaged(rows: number): void {
  logDamage.inc();
  logLostRows.inc(rows);
}

/** A gauge whose value is asked for at scrape time; the owner of the number hands over how to read it. */
export function gaugeFrom(name: string, help: string, read: () => number): void {
  // Opened again in one process (tests), the newest owner answers.
  registry.removeSingleMetric(name);
  const gauge = new Gauge({
    name,
    help,
    registers: [],
    collect() {
      this.set(read());
    },
  });
  registry.registerMetric(gauge);
}

const engineQueries = new Histogram({
  name: 'weir_engine_query_seconds',
  help: 'statements of the engine, from sending to the last row',
  labelNames: ['kind', 'outcome'],
  buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60],
  registers: [registry],
});
const engineStarts = new Counter({
  name: 'weir_engine_starts_total',
  help: 'starts of the engine by what made them necessary',
  labelNames: ['reason'],
  registers: [registry],
});

/** `kind` is run, stream or raw; `outcome` is ok or an error code. */
export function engineQueryEnded(kind: string, outcome: string, seconds: number): void {
  engineQueries.observe({ kind, outcome }, seconds);
}
/** `reason` is first, crashed, hung or refused. */
export function engineStarted(reason: string): void {
  engineStarts.inc({ reason });
}

const insertSeconds = new Histogram({
  name: 'weir_insert_seconds',
  help: 'one tick: log to visible',
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  registers: [registry],
});
const inserted = new Counter({
  name: 'weir_inserted_records_total',
  help: 'records taken from the log',
  registers: [registry],
});
const insertedBytes = new Counter({
  name: 'weir_inserted_bytes_total',
  help: 'payload bytes taken from the log',
  registers: [registry],
});
const sealSeconds = new Histogram({
  name: 'weir_seal_seconds',
  help: 'one seal: tail to durable parts',
  buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  registers: [registry],
});
const sealed = new Counter({
  name: 'weir_sealed_records_total',
  help: 'records sealed into parts',
  registers: [registry],
});
const dropped = new Counter({
  name: 'weir_pipeline_dropped_records_total',
  help: 'records dropped by a step of the configured pipeline',
  labelNames: ['step'],
  registers: [registry],
});
const retained = new Counter({
  name: 'weir_retention_dropped_records_total',
  help: 'records dropped by retention',
  labelNames: ['reason'],
  registers: [registry],
});
const deleted = new Counter({
  name: 'weir_deleted_records_total',
  help: 'records removed by delete requests',
  registers: [registry],
});
const retries = new Counter({
  name: 'weir_insert_retries_total',
  help: 'ticks and seals tried again, by cause',
  labelNames: ['cause'],
  registers: [registry],
});
const refilled = new Counter({
  name: 'weir_refilled_segments_total',
  help: 'log segments whose missing rows were put into the store again',
  registers: [registry],
});

const unlearnt = new Counter({
  name: 'weir_shapes_unlearnt_total',
  help: 'shapes of messages that no template of their own was kept for, because a limit was reached',
  registers: [registry],
});

export function tickInserted(seconds: number, records: number, bytes: number): void {
  insertSeconds.observe(seconds);
  inserted.inc(records);
  insertedBytes.inc(bytes);
}
export function tailSealed(seconds: number, records: number): void {
  sealSeconds.observe(seconds);
  sealed.inc(records);
}
/** `step` is `<position from 1>:<kind>`, so there are as many values as the config has steps. */
export function pipelineDropped(step: string, records: number): void {
  dropped.inc({ step }, records);
}
/** `reason` is age or disk. */
export function retentionDropped(reason: string, records: number): void {
  retained.inc({ reason }, records);
}
export function recordsDeleted(records: number): void {
  deleted.inc(records);
}
/** `cause` is disk_full, io, engine or other. */
export function insertRetried(cause: string): void {
  retries.inc({ cause });
}
export function segmentsRefilled(segments: number): void {
  refilled.inc(segments);
}
export function shapesUnlearnt(shapes: number): void {
  unlearnt.inc(shapes);
}
