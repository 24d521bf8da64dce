import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** All metrics of the process; `/metrics` prints them. One function per event below; outcomes are fixed sets, so label values stay few. */
export const registry = new Registry();
collectDefaultMetrics({ register: registry });

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

/** A gauge whose value is asked for at scrape time; the owner of the number hands over how to read it. */
export function gaugeFrom(name: string, help: string, read: () => number): void {
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

const engineQueries = new Histogram({ name: 'weir_engine_query_seconds', help: 'statements of the engine, from sending to the last row', labelNames: ['kind', 'outcome'], buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60], registers: [registry] });
const engineStarts = new Counter({ name: 'weir_engine_starts_total', help: 'starts of the engine by what made them necessary', labelNames: ['reason'], registers: [registry] });

/** `kind` is run, stream or raw; `outcome` is ok or an error code. */
export function engineQueryEnded(kind: string, outcome: string, seconds: number): void {
  engineQueries.observe({ kind, outcome }, seconds);
}
/** `reason` is first, crashed, hung or refused. */
export function engineStarted(reason: string): void {
  engineStarts.inc({ reason });
}
