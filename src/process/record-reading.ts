import { recordColumns } from '../base/record.ts';

/** The columns of a record that its payload decides, in the order in which a tick inserts them. */
export const readColumns = ['tenant', ...recordColumns] as const;

/** SQL of how records are read from a payload: the value of each column (those of others may be named in it), and what stands after FROM. */
export type RecordReading = { values: Record<(typeof readColumns)[number], string>; from: string };
