import { withLine } from '../row.ts';
import { quoteString } from '../sql-writer.ts';
import type { Decolorize } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

/** ANSI control sequences: CSI and the OSC ones that end with BEL. */
const sequences =
  '[\\x{1B}\\x{9B}][\\[\\]()#;?]*(?:(?:(?:[a-zA-Z0-9]*(?:;[a-zA-Z0-9]*)*)?\\x{07})|(?:(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-PRZcf-ntqry=><~]))';

/** Removes ANSI colour codes from the line. */
export const decolorize: StageDefinition<Decolorize> = {
  parse: () => ({ kind: 'decolorize' }),
  print: () => 'decolorize',
  apply: (_, row) => ({ row: withLine(row, `replaceRegexpAll(${row.line}, ${quoteString(sequences)}, '')`) }),
};
