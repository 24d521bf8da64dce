import { quoteString } from '../language/sql-writer.ts';
import type { FrameGroup } from './frame-groups.ts';
import { findLevel, levelOfSeverity, severityOfText } from './level.ts';
import type { ReadLines } from './payload.ts';
import type { RecordReading } from './record-reading.ts';
import { rowOrigin } from './row-origin.ts';
import { labelsAndService, sameMap } from './service.ts';

/** Records of the payload's plain lines. Bytes stay as they are: CR, NUL and invalid UTF-8 included. */
export function readText(group: FrameGroup, lines: ReadLines): RecordReading {
  const origin = rowOrigin(group.pieces, 'r');
  const { labels, service } = labelsAndService(group.hints.labels ?? {}, []);
  return {
    values: {
      tenant: origin.tenant,
      timestamp: 'received',
      received: 'received',
      seq: origin.seq,
      service,
      severity: 'toUInt8(0)',
      level: levelOfSeverity(severityOfText(`CAST(${findLevel('message')}, 'LowCardinality(String)')`)),
      labels,
      message: 'message',
      trace_id: "''",
      span_id: "''",
      attributes: sameMap({}),
      door: quoteString(group.door),
    },
    from: `(SELECT r, message, ${origin.received} AS received
FROM (SELECT rowNumberInAllBlocks() AS r, line AS message FROM ${lines('LineAsString', 'line String')}))`,
  };
}
