/**
 * Event times as senders write them -> DateTime64(9). Numbers are s, ms, us or ns by magnitude: each unit ends where the next smaller could
 * not be a time the column holds (years 1678 to 2262), so no date from 1970-04 on is ambiguous. Text: RFC 3339 and ISO 8601 with up to 9
 * decimals after `.` or `,` and any zone, RFC 2822, Apache's `20/Nov/2026:10:00:00 +0000`, `Nov 20 10:00:00 2026`.
 */
const nsMax = 9_223_372_036_854_775_807n;

const scaled = (number: string): string => {
  const size = `abs(${number})`;
  return `${number} * multiIf(${size} <= ${nsMax / 1_000_000_000n}, 1000000000, ${size} <= ${nsMax / 1_000_000n}, 1000000, ${size} <= ${nsMax / 1_000n}, 1000, 1)`;
};

/** Nullable(DateTime64(9)) of a String expression; NULL when it cannot be read. Only texts that do not look like `2026-...` take the slow way. */
export function parseTime(text: string): string {
  const iso = `parseDateTime64BestEffortOrNull(${text}, 9, 'UTC')`;
  // Commas before decimals (log4j, Python), and Apache's day/month/year, written as the parser knows them.
  const dotted = `replaceRegexpOne(replaceRegexpOne(${text}, '(\\\\d),(\\\\d)', '\\\\1.\\\\2'), '^(\\\\d{1,2})/([A-Za-z]{3})/(\\\\d{4}):', '\\\\1 \\\\2 \\\\3 ')`;
  const decimal = `toDecimal128OrNull(${text}, 9)`;
  const slow = `multiIf(
isNotNull(toInt64OrNull(${text})), fromUnixTimestamp64Nano(toInt64(${scaled(`assumeNotNull(toInt64OrNull(${text}))`)}), 'UTC'),
isNotNull(${decimal}) AND abs(assumeNotNull(${decimal})) < ${nsMax}, fromUnixTimestamp64Nano(toInt64(${scaled(`CAST(assumeNotNull(${decimal}), 'Decimal(38, 9)')`)}), 'UTC'),
match(${text}, '^[^0]') AND match(${text}, '[1-9]\\\\d{3}|[A-Za-z]{3} +\\\\d'), parseDateTime64BestEffortOrNull(${dotted}, 9, 'UTC'),
NULL)`;
  return `if(substring(${text}, 5, 1) = '-' AND ${text} >= '1' AND position(${text}, ',') = 0, ${iso}, ${slow})`;
}
