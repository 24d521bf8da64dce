import { eventTimeMaxNs as nsMax, eventTimeMinNs, type TimeUnit, timeUnits } from '../base/fields.ts';

/**
 * Event times as senders write them -> DateTime64(9). Numbers are s, ms, us or ns by magnitude: each unit ends where the next smaller could
 * not be a time the column holds (years 1678 to 2262), so no date from 1970-04 on is ambiguous. Text: RFC 3339 and ISO 8601 with up to 9
 * decimals after `.` or `,` and any zone, RFC 2822, Apache's `20/Nov/2026:10:00:00 +0000`, `Nov 20 10:00:00 2026`.
 *
 * Nullable(DateTime64(9)) of a String expression (a column name; it is repeated); NULL when it cannot be read. Only texts that do not look
 * like `2026-...` take the slow way. Written short: the engine analyses the text of every tick. `stated`: what numbers count, where the sender says so.
 */
export function parseTime(text: string, stated?: TimeUnit): string {
  // Commas before decimals (log4j, Python), and Apache's day/month/year, written as the parser knows them.
  const comma = "'(\\\\d),(\\\\d)', '\\\\1.\\\\2'";
  const slashes = "'^(\\\\d{1,2})/([A-Za-z]{3})/(\\\\d{4}):', '\\\\1 \\\\2 \\\\3 '";
  const dotted = `replaceRegexpOne(replaceRegexpOne(${text}, ${comma}), ${slashes})`;
  const number = `${text}_number`;
  const size = `abs(${number})`;
  const unit = `multiIf(${size} <= ${nsMax / 1_000_000_000n}, 1000000000, ${size} <= ${nsMax / 1_000_000n}, 1000000, ${size} <= ${nsMax / 1_000n}, 1000, 1)`;
  const sized = `if(${size} < ${nsMax}, fromUnixTimestamp64Nano(toInt64(assumeNotNull(${number}) * ${unit}), 'UTC'), NULL)`;
  return `multiIf(${isUsual(text)}, ${parseText(text)},
isNotNull(toDecimal128OrNull(${text}, 9) AS ${number}), ${stated === undefined ? sized : inUnit(number, stated)},
match(${text}, '^[^0].*(?:[1-9][0-9]{3}|[A-Za-z]{3} +[0-9])|^[1-9][0-9]{3}'), ${parseText(dotted)}, NULL)`;
}

/** `2026-...` without a comma. */
const isUsual = (text: string): string =>
  `substring(${text}, 5, 1) = '-' AND ${text} >= '1' AND position(${text}, ',') = 0`;
const parseText = (text: string): string => `parseDateTime64BestEffortOrNull(${text}, 9, 'UTC')`;

/** As {@link parseTime} for texts like `2026-...` and NULL for all others: a third of the expressions that the engine has to analyse. */
export const parseUsualTime = (text: string): string => `if(${isUsual(text)}, ${parseText(text)}, NULL)`;

/** A number (Decimal) of a unit; NULL outside what the column holds. */
function inUnit(number: string, unit: TimeUnit): string {
  const { ns, epoch } = timeUnits[unit];
  const [low, high] = [eventTimeMinNs / ns + epoch, nsMax / ns + epoch];
  const since = epoch === 0n ? `assumeNotNull(${number})` : `(assumeNotNull(${number}) - ${epoch})`;
  return `if(${number} >= ${low} AND ${number} < ${high}, fromUnixTimestamp64Nano(toInt64(${since} * ${ns}), 'UTC'), NULL)`;
}
