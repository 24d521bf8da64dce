import { quoteString } from '../language/sql-writer.ts';
import type { FrameGroup } from './frame-groups.ts';
import { rowOrigin } from './row-origin.ts';

/** A SELECT of the columns of `quarantine` from a spool of quarantine rows (base/record.ts). */
export function readQuarantine(group: FrameGroup, path: string): string {
  const origin = rowOrigin(group.pieces, 'r');
  return `SELECT ${origin.tenant} AS tenant, ${origin.received} AS received, ${origin.seq} AS seq, ${quoteString(group.door)} AS door,
line, reason, base64Decode(raw) AS raw
FROM (SELECT rowNumberInAllBlocks() AS r, * FROM file(${quoteString(path)}, JSONEachRow, 'raw String, reason String, line UInt64'))`;
}
