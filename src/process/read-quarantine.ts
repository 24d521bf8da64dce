import { quoteString } from '../language/sql-writer.ts';
import type { FrameGroup } from './frame-groups.ts';
import type { ReadLines } from './payload.ts';
import { rowOrigin } from './row-origin.ts';

/** A SELECT of the columns of `quarantine` from the payload's quarantine rows (base/record.ts). */
export function readQuarantine(group: FrameGroup, lines: ReadLines): string {
  const origin = rowOrigin(group.pieces, 'r');
  return `SELECT ${origin.tenant} AS tenant, ${origin.received} AS received, ${origin.seq} AS seq, ${quoteString(group.door)} AS door,
line, reason, base64Decode(raw) AS raw
FROM (SELECT rowNumberInAllBlocks() AS r, * FROM ${lines('JSONEachRow', 'raw String, reason String, line UInt64')})`;
}
