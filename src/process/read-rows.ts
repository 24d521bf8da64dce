import { quoteString } from '../language/sql-writer.ts';
import type { FrameGroup } from './frame-groups.ts';
import { detectLevel, levelOfNumber, levelOfText, severityOfText } from './level.ts';
import { rowOrigin } from './row-origin.ts';
import { mapType, unknownService } from './service.ts';

/** See CanonicalRow of base/record.ts. */
const structure = `t Nullable(Int64), m String, l ${mapType}, a ${mapType}, n UInt8, v String, i String, p String`;

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

/** A SELECT of the record columns from a spool of canonical rows. */
export function readRows(group: FrameGroup, path: string): string {
  const origin = rowOrigin(group.pieces, 'r');
  const stated = `CAST(multiIf(v != '', v, n > 0, '', arrayFirst(x -> x != '', [${levelPlaces.join(', ')}])), 'LowCardinality(String)')`;
  const known = `if(${levelOfText('stated')} = '', ${levelOfNumber('n')}, ${levelOfText('stated')})`;
  return `SELECT ${origin.tenant} AS tenant, if(isNull(t), received, fromUnixTimestamp64Nano(assumeNotNull(t), 'UTC')) AS timestamp,
received, ${origin.seq} AS seq, if(l['service_name'] = '', ${quoteString(unknownService)}, l['service_name']) AS service,
if(n > 0, n, ${severityOfText('stated')}) AS severity, if(known = '', ${detectLevel('m')}, known) AS level, mapSort(l) AS labels,
m AS message, i AS trace_id, p AS span_id, a AS attributes, ${quoteString(group.door)} AS door
FROM (SELECT *, ${known} AS known FROM (SELECT *, ${origin.received} AS received, ${stated} AS stated
FROM (SELECT rowNumberInAllBlocks() AS r, * FROM file(${quoteString(path)}, JSONEachRow, ${quoteString(structure)}))))`;
}
