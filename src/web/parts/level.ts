/** Levels in the order in which they are stacked and listed: gravest first. `unknown` and texts that are no level come last. */
export const levelOrder = ['fatal', 'critical', 'error', 'warn', 'info', 'debug', 'trace', 'unknown'] as const;
export type LevelName = (typeof levelOrder)[number];

const letters: Record<LevelName, string> = {
  fatal: 'F',
  critical: 'C',
  error: 'E',
  warn: 'W',
  info: 'I',
  debug: 'D',
  trace: 'T',
  unknown: '·',
};

export const levelOf = (level: string): LevelName =>
  (levelOrder as readonly string[]).includes(level) ? (level as LevelName) : 'unknown';

/** One letter, so that a level is never told by colour alone. */
export const levelLetter = (level: string): string => letters[levelOf(level)];

/** True for records that "next error" stops at. */
export const isError = (level: string): boolean => level === 'error' || level === 'critical' || level === 'fatal';
