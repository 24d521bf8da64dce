import { assert } from './errors.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Every bound of the program: value, unit in the name, reason. Those that users set are the defaults of base/config.ts. */
export const limits = {
  /** Request body after decompression. 64 MiB is OTLP's recommended limit. */
  bodyBytesMax: 64 * MiB,
  /** Compressed body as it comes over the wire. */
  wireBytesMax: 64 * MiB,
  /** What the doors hold at once: bodies being read, inflated, decoded and waiting for their fsync; past it 429. */
  receiveBytesMax: 384 * MiB,
  /** Memory of bodies kept for the next ones. */
  bodyMemoryKeptBytes: 32 * MiB,
  /** Rows of one request once decoded, where labels are repeated on every row; past it 413. */
  decodedBytesMax: 256 * MiB,
  /** A request is cut into batches of about this size, so that a tick of the process room takes whole frames. */
  batchBytesMax: 8 * MiB,
  /** A body that sends nothing for this long is given up, so that slow senders hold no memory. */
  bodyIdleMillisMax: 15_000,
  /** At a stop, requests that are in get this long to be answered: a record whose ack is lost is sent again and is there twice. */
  stopMillisMax: 4_000,
  /** Header lines of one request; more are ignored by Node, so this is far above what clients send. */
  headersMax: 200,
  /** Labels of one stream; Loki's own default is 15. */
  streamLabelsMax: 64,
  /** Bytes of a label's name and value, as in Loki. */
  labelNameBytesMax: 1024,
  labelValueBytesMax: 2048,
  /** One record. Longer lines are quarantined with a reason, never cut. */
  recordBytesMax: 4 * MiB,
  /** Union of top-level keys the engine reads as columns for one json batch; lines that go past it are canonicalised in JS. */
  jsonKeysMax: 256,
  /** Errors listed one by one in the answer to an ingest request; the counts are always exact. */
  ingestErrorsListedMax: 100,
  /** Batches waiting for their fsync, in bytes, before 429. */
  pendingAppendBytesMax: 128 * MiB,
  /** One log segment file. Small enough to delete in steps, large enough that creation fsyncs do not matter. */
  walSegmentBytes: 64 * MiB,
  /** Batches written and synced together: enough for the disk's full speed, little enough that the first of them does not wait for the last. */
  walGroupBytesMax: 16 * MiB,
  /** Newest payloads of the log kept in memory until they are taken: two groups of the largest size. Who is further behind reads the disk. */
  walRecentBytesMax: 32 * MiB,
  /** Summary of a segment beside it; a segment with so many batch ids that its own would be larger has none, and each start reads it. */
  walSummaryBytesMax: 32 * MiB,
  /** Segments of which a start has only read the summaries are verified this long after it, when the engine has its own start behind it ... */
  walVerifyAfterMillis: 60_000,
  /** ... and this fast: two hundredths of a core, little beside what a disk gives, all of the log within nine minutes. */
  walVerifyBytesPerSecond: 16 * MiB,
  /** Agent batch ids remembered for retries, about 150 bytes of memory each; beyond it the oldest are forgotten. */
  walBatchIdsMax: 200_000,
  /** One frame's header JSON. */
  walHeaderBytesMax: 1 * MiB,
  /** How long a stored segment is kept so that an unclean start can fill gaps of the store. */
  walKeepHours: 24,
  /** Size cap of stored segments kept beyond need. */
  walKeepBytes: 8 * 1024 * MiB,
  /** Free bytes below which the log refuses appends, so that recovery and retention can still work. */
  walReserveBytes: 64 * MiB,
  /** A tick moves at most this much payload from the log into the tail. Larger ones cost less and need more memory (docs/decisions/0026). */
  tickBytes: 24 * MiB,
  /**
   * Least time between the beginnings of two ticks; after a pause the next one starts at once. Visible within 250 ms p99 of the ack leaves no more, and
   * planning the statement costs some CPU-ms every time, so no less (docs/decisions/0009) ...
   */
  tickMillisMin: 100,
  /** ... and after a tick of more than a quarter of `tickBytes`, where statements are what limits the throughput. */
  tickMillisBusy: 150,
  /** Fields with number columns: two columns each in every part and statement that writes one. */
  numberColumnsMax: 16,
  /** The tail is sealed into one part at this size ... */
  sealBytes: 64 * MiB,
  /** ... or at this age, so that a quiet system does not keep records in memory only (the log has them anyway). */
  sealMillis: 30_000,
  /** Templates of one tenant; messages that would found more belong to the one template that fits everything. */
  templatesMax: 5_000,
  /** Distinct shapes of messages that one seal learns from, the most frequent first; the rest belongs to the template that fits everything. */
  shapesPerSealMax: 20_000,
  /** Tenants whose templates are in memory; those of others are read again when they are needed. */
  templateTenantsMax: 50,
  /** Shapes of a tenant whose template is remembered, about 150 bytes each; others are looked up in the tree again. */
  shapesKnownMax: 100_000,
  /** Query defaults, per query. */
  queryMillisMax: 60_000,
  queryRowsMax: 5_000,
  /** Up to here rows are asked for as a page, whose labels are made here; more come as a stream made by the engine. Also as far as the engine puts off reading columns. */
  pageRowsMax: 10_000,
  /** Signs of the labels kept of streams that pages have shown, some hundred each. */
  knownStreamsCharactersMax: 8 * MiB,
  /** Signs of the rows of a page written as JSON: an answer is one string, and V8 makes none above 512 MiB. */
  pageTextMax: 384 * MiB,
  /** Bytes that the engine gives in one piece; more are streamed. */
  smallAnswerBytesMax: 32 * MiB,
  /** A lookup table: its rows stand in the statements that use it. */
  lookupBytesMax: 1 * MiB,
  lookupRowsMax: 10_000,
  lookupColumnsMax: 50,
  /** Lookup tables of one tenant ... */
  lookupTablesMax: 100,
  /** ... and tenants whose tables are in memory; those of others are read again when they ask. */
  lookupTenantsMax: 50,
  /** Records that `| context` shows on each side of a match. */
  contextRecordsMax: 1_000,
  /** Rows of one answer to people's own SQL. */
  sqlRowsMax: 10_000,
  /** Loki: points per series. */
  queryPointsMax: 11_000,
  querySeriesMax: 500,
  /** Values of metric answers kept for queries that come again, about 60 bytes each; the longest unused go first. */
  keptPointsMax: 300_000,
  /** Loki: end minus start of one query, 30 days and an hour. */
  queryLengthHours: 721,
  /** Loki: series of one answer of index/volume. */
  volumeSeriesMax: 1_000,
  queryTextBytesMax: 128 * KiB,
  /** One rule group as YAML; far above what people write. */
  rulesBytesMax: 1 * MiB,
  /** Rule groups of a tenant; each is read whenever rules are listed. */
  ruleGroupsMax: 2_000,
  /** Words and conditions of one search text; each is a condition the engine has to analyse. */
  searchTermsMax: 300,
  /** Different events one EQL sequence may name; each has a bit of 64 in the rows that the engine hands over. */
  eqlStepsMax: 60,
  /** SQL that an EQL query may become; the engine parses 256 KiB. */
  eqlSqlBytesMax: 250 * KiB,
  /** The same with every named part written out wherever it is used, in characters; the engine's analyser takes about four times as much. */
  eqlSpelledOutMax: 2_000_000,
  /** Comparisons and tests of one EQL query with its filter; the engine analyses each for about 2 ms. */
  eqlConditionsMax: 400,
  /** Hits of one EQL answer: events, sequences or samples. Elasticsearch's own bound. */
  eqlSizeMax: 10_000,
  /** Events of one EQL answer, all sequences together. */
  eqlEventsMax: 50_000,
  /** Events and keys held by EQL sequences that are still open, about 290 bytes each; past it the answer is partial. */
  eqlHeldEventsMax: 1_000_000,
  /** Combinations of the values of its fields by which one event takes part in sequences and samples. */
  eqlKeysPerEventMax: 1000,
  /** EQL searches that go on after their request was answered, and answers that are kept to be fetched. */
  eqlKeptSearchesMax: 200,
  eqlKeptBytesMax: 64 * MiB,
  /** Milliseconds that they may be kept, and are unless the request says otherwise. */
  eqlKeepMillisMax: 30 * 86_400_000,
  eqlKeepMillis: 5 * 86_400_000,
  /** Questions about fields of which it is remembered where they have been asked, about 300 bytes each. */
  eqlLooksMax: 10_000,
  /** Paths of `filter_path`. */
  eqlFilterPathsMax: 100,
  /** Questions of people and dashboards that run at once; more would only take turns on few cores. */
  queriesAtOnce: 4,
  /** Exports that run at once; a slow reader holds its place, so they have places of their own. */
  exportsAtOnce: 2,
  /** Live tails ask after each tick; one place lets them take turns and never crowd out questions. */
  tailQueriesAtOnce: 1,
  /** Questions waiting for a place before 429 ... */
  queriesQueuedMax: 200,
  /** ... and how long each waits. */
  queryQueueMillis: 10_000,
  /** Live tails open at once. */
  tailsMax: 100,
  /** Records one look of a live tail fetches. */
  tailRowsMax: 2_000,
  /** A live tail that is behind by this much skips to now and says how many records it skipped. */
  tailLagMillis: 10_000,
  /** A client that takes no byte of a streamed answer for this long is cut off, so that it cannot hold a place for ever. */
  slowReaderMillis: 60_000,
  /** Sessions of the embedded engine: each runs one query at a time. */
  engineSessions: 8,
  /** Engine that does not answer a probe for this long is killed and restarted. */
  engineHangMillis: 30_000,
} as const;

assert(limits.walSegmentBytes >= limits.bodyBytesMax, 'a segment must hold the largest batch');
assert(limits.sealBytes >= limits.tickBytes, 'a seal must hold a tick');
assert(limits.recordBytesMax <= limits.bodyBytesMax, 'a body must hold the largest record');
assert(
  limits.receiveBytesMax >= limits.wireBytesMax + limits.bodyBytesMax + limits.decodedBytesMax,
  'the largest request must fit when it is alone',
);
