import { quoteString } from '../language/sql-writer.ts';
import type { FrameGroup } from './frame-groups.ts';
import { findLevel, levelOfSeverity, severityOfText } from './level.ts';
import type { ReadLines } from './payload.ts';
import { rowOrigin } from './row-origin.ts';
import { labelsAndService, mapType } from './service.ts';

/** A SELECT of the record columns from the payload's plain lines. Bytes stay as they are: CR, NUL and invalid UTF-8 included. */
export function readText(group: FrameGroup, lines: ReadLines): string {
  const origin = rowOrigin(group.pieces, 'r');
  const { labels, service } = labelsAndService(group.hints.labels ?? {}, []);
  return `SELECT ${origin.tenant} AS tenant, received, received AS timestamp, ${origin.seq} AS seq, ${service} AS service,
toUInt8(0) AS severity, ${levelOfSeverity(severityOfText(`CAST(${findLevel('message')}, 'LowCardinality(String)')`))} AS level, ${labels} AS labels, message, '' AS trace_id, '' AS span_id,
CAST(map(), '${mapType}') AS attributes, ${quoteString(group.door)} AS door
FROM (SELECT r, message, ${origin.received} AS received
FROM (SELECT rowNumberInAllBlocks() AS r, line AS message FROM ${lines('LineAsString', 'line String')}))`;
}
