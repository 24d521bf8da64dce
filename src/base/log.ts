import { pino } from 'pino';

/** Weir's own log: NDJSON on stderr, so that stdout stays free for data. Level is set once from the config. */
export const log = pino(
  { name: 'weir', level: process.env.WEIR_LOG_LEVEL ?? 'info', base: { pid: process.pid } },
  pino.destination(2),
);
