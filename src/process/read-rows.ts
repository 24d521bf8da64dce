import { unknownService } from '../base/fields.ts';
import { quoteString } from '../language/sql-writer.ts';
import type { FrameGroup } from './frame-groups.ts';
import { findLevel, levelOfOtel, levelOfSeverity, severityOfText } from './level.ts';
import type { ReadLines } from './payload.ts';
import type { RecordReading } from './record-reading.ts';
import { rowOrigin } from './row-origin.ts';
import { mapType } from './service.ts';

/** See CanonicalRow of base/record.ts. Keys become LowCardinality in whole columns: key by key in the parser is three times dearer. */
const structure =
  't Nullable(Int64), m String, l Map(String, String), a Map(String, String), n UInt8, v String, i String, p String';

/** Where senders that state no level put one all the same, as Loki looks for it. */
const levelPlaces = [
  "l['detected_level']",
  "l['level']",
  "l['severity']",
  "l['lvl']",
  "a['detected_level']",
  "a['level']",
  "a['severity']",
  "a['lvl']",
];

/** Records of the payload's canonical rows. */
export function readRows(group: FrameGroup, lines: ReadLines): RecordReading {
  const origin = rowOrigin(group.pieces, 'r');
  const stated = `multiIf(v != '', v, n > 0, '', arrayFirst(x -> x != '', [${levelPlaces.join(', ')}]))`;
  const text = `CAST(multiIf(stated != '', stated, n > 0, '', ${findLevel('m')}), 'LowCardinality(String)')`;
  return {
    values: {
      tenant: origin.tenant,
      timestamp: "if(isNull(t), received, fromUnixTimestamp64Nano(assumeNotNull(t), 'UTC'))",
      received: 'received',
      seq: origin.seq,
      service: `if(l['service_name'] = '', ${quoteString(unknownService)}, l['service_name'])`,
      severity: "multiIf(n > 0, n, stated != '', found, 0)",
      level: `if(n BETWEEN 1 AND 24, ${levelOfOtel('n')}, ${levelOfSeverity('found')})`,
      labels: `CAST(mapSort(l), '${mapType}')`,
      message: 'm',
      trace_id: 'i',
      span_id: 'p',
      attributes: `CAST(a, '${mapType}')`,
      door: quoteString(group.door),
    },
    from: `(SELECT *, ${severityOfText(text)} AS found FROM (SELECT *, ${origin.received} AS received, ${stated} AS stated
FROM (SELECT rowNumberInAllBlocks() AS r, * FROM ${lines('JSONEachRow', structure)})))`,
  };
}
