import { attributeNames, fieldCandidates } from '../base/fields.ts';
import { quoteName, quoteString } from '../language/sql-writer.ts';
import type { FrameGroup } from './frame-groups.ts';
import { findLevel, levelOfOtel, levelOfSeverity, severityOfText } from './level.ts';
import { timeType, type WantedColumns } from './line-columns.ts';
import type { Payload, ReadLines } from './payload.ts';
import type { RecordReading } from './record-reading.ts';
import { rowOrigin } from './row-origin.ts';
import { type LabelColumn, labelsAndService, mapType, sameMap } from './service.ts';
import { parseTime, parseUsualTime } from './timestamp.ts';

/**
 * - `timed`: as `usual`, but that columns made of the lines may have times in them; they are written like `2026-11-20T10:00:00.000Z` (see line-columns-code.ts), or making the columns fails.
 * - `usual`: as `plain`, for times like `2026-11-20T10:00:00.000Z` only; the statement fails (code 395) for others as well. A fifth less to plan.
 * - `plain`: one pass over the bytes; the statement fails (code 395) when a row has no message or a time that cannot be read.
 * - `thorough`: reads the lines as text beside the fields, so that such rows keep their whole line and the unreadable time. About a third dearer.
 */
export const jsonReadings = ['timed', 'usual', 'plain', 'thorough'] as const;
export type JsonReading = (typeof jsonReadings)[number];

/** Engine code of `throwIf`. */
export const needsThorough = 395;

/** What the keys of a group are, each list in order of preference. */
type KeysByMeaning = Record<
  'time' | 'message' | 'trace' | 'span' | 'labels' | 'level' | 'severity' | 'attributes',
  string[]
>;

function keysByMeaning({ keys, hints }: FrameGroup): KeysByMeaning {
  const known = new Set(keys);
  const present = (wanted: readonly string[]): string[] => wanted.filter(k => known.has(k));
  const consumed = {
    time: present(hints.timeField === undefined ? fieldCandidates.time : [hints.timeField]),
    message: present(hints.messageField === undefined ? fieldCandidates.message : [hints.messageField]),
    trace: present(fieldCandidates.traceId),
    span: present(fieldCandidates.spanId),
    labels: present([...new Set([...fieldCandidates.labels, ...(hints.labelFields ?? [])])]),
  };
  const gone = new Set(Object.values(consumed).flat());
  return {
    ...consumed,
    level: present(fieldCandidates.level),
    severity: present(fieldCandidates.severityNumber),
    attributes: keys.filter(k => !gone.has(k)),
  };
}

/** Where records may have an attribute or not by what other fields they have: a key that lost to a better one. */
const anyLoses = ({ time, message, trace, span }: KeysByMeaning): boolean =>
  [time, message, trace, span].some(of => of.length > 1);

/** Columns that are enough for a reading of the group, in place of its lines; undefined when it wants the lines. */
export function wantedColumns(group: FrameGroup, reading: JsonReading): WantedColumns | undefined {
  const { keys } = group;
  const meaning = keysByMeaning(group);
  if (asMap(keys) || reading === 'thorough' || meaning.message.length === 0) return undefined;
  if (anyLoses(meaning)) return { keys };
  const { attributes, ...others } = meaning;
  const wanted = new Set(Object.values(others).flat());
  const [time] = meaning.time;
  return {
    keys: keys.filter(key => wanted.has(key)),
    ids: [...meaning.trace, ...meaning.span],
    ...(reading === 'timed' && time !== undefined && !group.gaps.has(time) && { time }),
    ...(attributes.length > 0 && { map: { column: `${freeMark(keys)}attributes`, names: attributeNames(attributes) } }),
  };
}

/** Records of a payload of JSON objects; see docs/decisions/0001 for what each key becomes. */
export function readJson(
  group: FrameGroup,
  { lines: read, columns, lowerIds }: Pick<Payload, 'lines' | 'columns' | 'lowerIds'>,
  reading: JsonReading,
): RecordReading {
  const { keys, hints, pieces } = group;
  const mark = freeMark(keys);
  const column = new Map(keys.map((key, i) => [key, `${mark}${i}`]));
  const at = (key: string): string => column.get(key) ?? 'NULL';
  const isFilled = (key: string): boolean => !asMap(keys) && !group.gaps.has(key);
  /** The first of these keys that a row has, as Nullable(String), or as String when one of them is always there. */
  const firstOf = (of: readonly string[]): { sql: string; filled: boolean } => {
    const sure = of.findIndex(isFilled);
    const tried = (sure < 0 ? of : of.slice(0, sure + 1)).map(at);
    const sql = tried.length > 1 ? `coalesce(${tried.join(', ')})` : (tried[0] ?? 'NULL');
    return { sql, filled: sure >= 0 };
  };
  const textOf = (of: readonly string[]): string => {
    const { sql, filled } = firstOf(of);
    return filled ? sql : `ifNull(${sql}, '')`;
  };
  const meaning = keysByMeaning(group);
  const { time, message, trace, span, labels, level: stated, severity: number } = meaning;
  const row = `${mark}row`;
  const line = `${mark}line`;
  const withLines = reading === 'thorough' || message.length === 0;
  const origin = rowOrigin(pieces, row);

  // Times
  const timeText = firstOf(time);
  const usual = reading === 'timed' || reading === 'usual';
  const parsed = usual ? parseUsualTime(`${mark}text`) : parseTime(`${mark}text`, hints.timeUnit);
  const isTime = columns?.time !== undefined;
  const unread = `isNotNull(${mark}time) AND isNull(${mark}at)`;
  const timestamp =
    time.length === 0
      ? 'received'
      : isTime
        ? timeText.sql
        : reading !== 'thorough'
          ? timeText.filled
            ? `if(throwIf(isNull(${mark}at), 'unreadable time') = 0, assumeNotNull(${mark}at), received)`
            : `if(isNotNull(${mark}at), assumeNotNull(${mark}at), if(throwIf(isNotNull(${mark}time), 'unreadable time') = 0, received, received))`
          : `if(isNotNull(${mark}at), assumeNotNull(${mark}at), received)`;

  // Message: the field, or the whole line
  const { sql: field, filled: alwaysMessage } = firstOf(message);
  const whole =
    message.length === 0
      ? line
      : alwaysMessage
        ? field
        : reading !== 'thorough'
          ? `ifNull(${field}, toString(throwIf(isNull(${field}), 'no message')))`
          : `ifNull(${field}, ${line})`;

  // Attributes: what is not consumed; of the candidates those that lost in this row
  const attributes: Entry[] = meaning.attributes.map(k => [k, at(k), isFilled(k)]);
  for (const group of [time, message, trace, span])
    group.slice(1).forEach((key, i) => {
      const better = group.slice(0, i + 1).map(k => `isNotNull(${at(k)})`);
      attributes.push([key, `if(${better.join(' OR ')}, ${at(key)}, NULL)`, false]);
    });
  if (reading === 'thorough')
    time.forEach((key, i) => {
      const taken = [...time.slice(0, i).map(k => `isNull(${at(k)})`), unread];
      const entry: Entry = [key, `if(${taken.join(' AND ')}, ${at(key)}, NULL)`, false];
      const lost = attributes.findIndex(([k]) => k === key);
      if (lost < 0) attributes.push(entry);
      else attributes[lost] = [key, `coalesce(${entry[1]}, ${attributes[lost]?.[1]})`, false];
    });

  const names = attributeNames(attributes.map(([key]) => key));

  // Level: stated by a field, else found in the message
  const found = findLevel('message');
  const alwaysStated = firstOf(stated).filled;
  const spelling = alwaysStated
    ? `${mark}stated`
    : stated.length === 0
      ? found
      : `if(${mark}stated != '', ${mark}stated, ${found})`;
  const severityNumber = `${mark}number`;
  const bySpelling = levelOfSeverity(
    `(${severityOfText(`CAST(${spelling}, 'LowCardinality(String)')`)} AS ${mark}found)`,
  );
  const level =
    number.length === 0
      ? bySpelling
      : `if(${severityNumber} BETWEEN 1 AND 24, ${levelOfOtel(severityNumber)}, ${bySpelling})`;
  const spelled = alwaysStated
    ? `${mark}found`
    : stated.length === 0
      ? '0'
      : `if(${mark}stated != '', ${mark}found, 0)`;
  const severity =
    number.length === 0 ? spelled : `if(${severityNumber} BETWEEN 1 AND 24, ${severityNumber}, ${spelled})`;

  const labelColumns: LabelColumn[] = labels.map(name => ({ name, sql: at(name), filled: isFilled(name) }));
  const { labels: labelMap, service } = labelsAndService(hints.labels ?? {}, labelColumns);
  const id = (of: readonly string[]): string =>
    of.length === 0 ? "''" : lowerIds === true && columns?.ids !== undefined ? textOf(of) : lowerHex(textOf(of));

  const fields = `SELECT rowNumberInAllBlocks() AS ${row}${(columns?.keys ?? keys).map(k => `, ${sourceOf(keys, k)} AS ${at(k)}`).join('')}${columns?.map ? `, ${columns.map.column}` : ''} FROM ${source(group, read, columns)}`;
  const inner = withLines
    ? `SELECT * FROM (${fields}) AS f PASTE JOIN (SELECT line AS ${line} FROM ${read('LineAsString', 'line String')}) AS l`
    : fields;
  const texts = [
    `${origin.received} AS received`,
    ...(time.length === 0 || isTime
      ? []
      : [`${timeText.sql} AS ${mark}time`, `assumeNotNull(${mark}time) AS ${mark}text`, `${parsed} AS ${mark}at`]),
    ...(stated.length === 0 ? [] : [`${textOf(stated)} AS ${mark}stated`]),
    ...(number.length === 0 ? [] : [`toUInt8OrZero(${textOf(number)}) AS ${severityNumber}`]),
  ];
  return {
    values: {
      tenant: origin.tenant,
      timestamp,
      received: 'received',
      seq: origin.seq,
      service,
      severity: `toUInt8(${severity})`,
      level,
      labels: labelMap,
      message: whole,
      trace_id: id(trace),
      span_id: id(span),
      attributes: columns?.map?.column ?? mapOf(attributes.map(([key, ...value]) => [names.get(key) ?? key, ...value])),
      door: quoteString(group.door),
    },
    from: `(SELECT *, ${texts.join(', ')} FROM (${inner}))`,
  };
}

/** A prefix for our column names that no key starts with. */
function freeMark(keys: readonly string[]): string {
  let mark = 'w_';
  while (keys.some(k => k.startsWith(mark))) mark += '_';
  return mark;
}

/** Name, SQL of the value, and whether that is a String rather than a Nullable(String) that is NULL where a row has no such attribute. */
type Entry = [string, string, boolean];

/** Ids in lower case where they are hex; the usual lower-case id costs a comparison only. */
const lowerHex = (id: string): string =>
  `if(lower(${id}) = ${id}, ${id}, if(match(${id}, '^[0-9A-Fa-f]+$'), lower(${id}), ${id}))`;

function mapOf(entries: readonly Entry[]): string {
  if (entries.length === 0) return sameMap({});
  const all = `map(${entries.map(([k, sql]) => `${quoteString(k)}, ${sql}`).join(', ')})`;
  const present = entries.every(([, , filled]) => filled) ? all : `mapFilter((k, v) -> isNotNull(v), ${all})`;
  return `CAST(${present}, '${mapType}')`;
}

/** The empty key cannot be a column of the engine: such groups are read as maps, several times dearer. */
const asMap = (keys: readonly string[]): boolean => keys.includes('');

function source({ keys, gaps }: FrameGroup, read: ReadLines, columns: WantedColumns | undefined): string {
  if (asMap(keys)) return read('CustomSeparated', 'fields Map(String, Nullable(String))');
  const typeOf = (key: string): string =>
    key === columns?.time ? timeType : gaps.has(key) ? 'Nullable(String)' : 'String';
  const structure = (columns?.keys ?? keys).map(k => `${quoteName(k)} ${typeOf(k)}`);
  if (columns?.map) structure.push(`${columns.map.column} ${mapType}`);
  return read(columns ? 'Native' : 'JSONEachRow', structure.join(', '));
}

const sourceOf = (keys: readonly string[], key: string): string =>
  asMap(keys) ? `if(mapContains(fields, ${quoteString(key)}), fields[${quoteString(key)}], NULL)` : quoteName(key);
