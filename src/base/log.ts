import { pino } from 'pino';
import { logText } from './log-text.ts';

const file = pino.destination(2);
const forPeople = process.stderr.isTTY;
const colour = forPeople && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

/** Weir's own log on stderr, so that stdout stays free for data: text on a terminal, NDJSON elsewhere. Level is set once from the config. */
export const log = pino(
  { name: 'weir', level: process.env.WEIR_LOG_LEVEL ?? 'info', base: { pid: process.pid } },
  forPeople ? { write: line => file.write(logText(line, colour)) } : file,
);
