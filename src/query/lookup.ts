import { second, type TimeRange } from './time-range.ts';

const day = 86_400n * second;
/** Every time a record can have: 1900 to 2262. */
export const always: TimeRange = { start: -2_208_988_800n * second, end: 9_223_372_036n * second };

/**
 * Where an id is looked for, one after the other until it is found: the range that was asked for, what the last day and the last week before its end add
 * to it, and everything (which may name the earlier ones again: they had nothing).
 */
export function lookupRanges(asked: TimeRange): TimeRange[] {
  const ranges = [asked];
  let from = asked.start;
  for (const width of [day, 7n * day]) {
    const start = asked.end - width;
    if (start >= from) continue;
    ranges.push({ start, end: from });
    from = start;
  }
  return [...ranges, always];
}
