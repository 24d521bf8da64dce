import type { TokenReader } from '../reader.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../tree.ts';

/**
 * What a stage does to a record: the row after it, and the condition (over the row before it) under which the record goes on. `implied` follows from `where` and costs less:
 * what it is false for need not be looked at by `where`.
 */
export type Applied = { row: Row; where?: string; implied?: string };

/** Everything a stage can do. `parse` is called after its keyword (or, without keyword, at its first token). */
export type StageDefinition<S extends Stage> = {
  parse(reader: TokenReader): S;
  /** LogQL, without the leading `| ` (line filters bring their own operator). */
  print(stage: S): string;
  apply(stage: S, row: Row): Applied;
};

/** A user's regular expression for searching in a line, with Go's meaning of `.` (no newline); the engine's default differs. */
export const lineRegex = (regex: string): string => `(?-s)${regex}`;

/** A user's regular expression for a whole label value. */
export const wholeRegex = (regex: string): string => `^(?s:${regex})$`;
