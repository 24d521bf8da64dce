/**
 * Which fields of a sender's object mean what, in order of preference; the first one present (and not null) wins. A name the
 * sender gave in {@link FieldHints} takes the place of its list. One table for the doors that build rows themselves and for the
 * SQL that reads `json` payloads. See docs/decisions/0001-record-and-table.md.
 */
export const fieldCandidates = {
  time: ['timestamp', 'time', '@timestamp', 'ts'],
  message: ['message', 'msg', 'log', 'body'],
  traceId: ['trace_id', 'traceId', 'traceID', 'trace.id', 'traceid'],
  spanId: ['span_id', 'spanId', 'spanID', 'span.id', 'spanid'],
  /** Read for the level, and kept as attributes. */
  level: ['level', 'severity', 'lvl', 'severity_text', 'loglevel', 'levelname', 'log.level'],
  severityNumber: ['severity_number', 'severityNumber'],
  /** All of them become stream labels under their own names, beside those the sender lists. */
  labels: ['service_name', 'service', 'app', 'application'],
} as const satisfies Record<string, readonly string[]>;

/** Stream labels that give `service_name` when the sender has not set it (Loki's `discover_service_name`), else {@link unknownService}. */
export const serviceNameLabels = [
  'service',
  'app',
  'application',
  'app_name',
  'name',
  'app_kubernetes_io_name',
  'container',
  'container_name',
  'k8s_container_name',
  'component',
  'workload',
  'job',
  'k8s_job_name',
] as const;

export const unknownService = 'unknown_service';

/** Names of labels and structured metadata that state a level; Loki looks at them in this order. */
export const levelNames = [
  'detected_level',
  'level',
  'LEVEL',
  'Level',
  'severity',
  'SEVERITY',
  'Severity',
  'lvl',
  'LVL',
  'Lvl',
  'severity_text',
  'Severity_Text',
  'SEVERITY_TEXT',
] as const;

/**
 * A time given as a bare number is read by its magnitude: each unit ends where it could be no time the store holds (the year 2262), and
 * the next smaller one begins. `digits` is the number of zeros to nanoseconds.
 */
export const timeMagnitudes = [
  { max: 9_223_372_036n, digits: 9 },
  { max: 9_223_372_036_854n, digits: 6 },
  { max: 9_223_372_036_854_775n, digits: 3 },
] as const;

/**
 * Units that a sender may state for its numbers: ns of one unit, and the number that is 1970. `filetime` is what Windows counts, 100 ns since 1601: by its magnitude such a
 * number would be ns, in the years 1973 to 1975.
 */
export const timeUnits = {
  s: { ns: 1_000_000_000n, epoch: 0n },
  ms: { ns: 1_000_000n, epoch: 0n },
  us: { ns: 1_000n, epoch: 0n },
  ns: { ns: 1n, epoch: 0n },
  filetime: { ns: 100n, epoch: 116_444_736_000_000_000n },
} as const;
export type TimeUnit = keyof typeof timeUnits;

/** What DateTime64(9) of the engine can hold: 1900-01-01T00:00:00Z to 2262-04-11T23:47:16.854775807Z, in ns since 1970. */
export const eventTimeMinNs = -2_208_988_800_000_000_000n;
export const eventTimeMaxNs = 9_223_372_036_854_775_807n;

/**
 * The names under which keys are stored as attributes: as they are where LogQL can name them, else sanitised by Loki's rule (every character
 * outside `[A-Za-z0-9_]` becomes `_`, a leading digit gets one in front). A key whose sanitised name is taken keeps its own, so nothing is lost.
 */
export function attributeNames(keys: readonly string[]): Map<string, string> {
  const valid = /^[A-Za-z_][A-Za-z0-9_]*$/;
  const taken = new Set(keys);
  return new Map(
    keys.map(key => {
      if (valid.test(key)) return [key, key];
      const name = key.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
      if (name === '' || taken.has(name)) return [key, key];
      taken.add(name);
      return [key, name];
    }),
  );
}
