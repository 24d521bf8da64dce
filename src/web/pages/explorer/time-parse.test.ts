import { describe, expect, test } from 'vitest';
import { momentText, preciseText, rangeText } from './time-format.ts';
import { parseTimeRange } from './time-parse.ts';
import { absolute, durationText, nanosOf, shift, spanOf, zoomOut } from './time-range.ts';

const now = Date.UTC(2026, 8, 3, 14, 30, 0);
const parse = (text: string) => {
  const parsed = parseTimeRange(text, now, 'utc');
  if (!parsed.ok) return parsed.reason;
  return parsed.range.kind === 'relative' ? parsed.range.seconds : rangeText(parsed.range, 'utc');
};

describe('what people type', () => {
  test.each([
    ['2h', 7_200],
    ['-90m', 5_400],
    ['1h30m', 5_400],
    ['last 3 days', 259_200],
    ['15 min', 900],
    ['today', '2026-09-03 00:00 – 2026-09-04 00:00'],
    ['yesterday', '2026-09-02 00:00 – 2026-09-03 00:00'],
    ['yesterday 14:00', '2026-09-02 14:00 – 2026-09-03 14:30'],
    ['yesterday 2pm..3pm', '2026-09-02 14:00 – 15:00'],
    ['14:05..14:20', '2026-09-03 14:05 – 14:20'],
    ['14:05:10.250 .. 14:05:11', '2026-09-03 14:05:10.250 – 14:05:11'],
    ['22:00..23:00', '2026-09-02 22:00 – 23:00'],
    ['23:50..00:10', '2026-09-02 23:50 – 2026-09-03 00:10'],
    ['14:05', '2026-09-03 14:05 – 14:30'],
    ['20:00', '2026-09-02 20:00 – 2026-09-03 14:30'],
    ['2026-08-30', '2026-08-30 00:00 – 2026-08-31 00:00'],
    ['2026-08-30 10:00..10:15', '2026-08-30 10:00 – 10:15'],
    ['2026-08-30..2026-08-31', '2026-08-30 00:00 – 2026-09-01 00:00'],
    ['2026-08-30T10:00:00Z..2026-08-30T12:00:00+01:00', '2026-08-30 10:00 – 11:00'],
    ['3h..1h', '2026-09-03 11:30 – 13:30'],
    ['13:00..now', '2026-09-03 13:00 – 14:30'],
    ['1788400000..1788400060', '2026-09-03 01:46:40 – 01:47:40'],
    ['1788400000000000000..1788400060123', '2026-09-03 01:46:40 – 01:47:40'],
  ])('%s', (text, expected) => {
    expect(parse(text)).toBe(expected);
  });

  test.each([
    ['', /no time given/],
    ['soon', /"soon" is not a time; try 2h/],
    ['14:05..late', /"late" is not a time/],
    ['2026-02-30', /is not a time/],
    ['25:00', /is not a time/],
    ['14:20..2026-09-03 14:05', /ends before it starts/],
    ['2027-01-01', /2027-01-01/],
    ['1..2..3', /more than two ends/],
    ['5 parsecs', /is not a time/],
  ])('%s is refused or kept as typed', (text, expected) => {
    expect(String(parse(text))).toMatch(expected);
  });

  test('local time goes through the zone of the machine', () => {
    const parsed = parseTimeRange('2026-08-30 10:00..10:15', now, 'local');
    expect(parsed).toEqual({
      ok: true,
      range: {
        kind: 'absolute',
        from: new Date(2026, 7, 30, 10).getTime(),
        to: new Date(2026, 7, 30, 10, 15).getTime(),
      },
    });
  });

  test('what the page writes is read back', () => {
    const range = absolute(now - 123_456, now);
    expect(parseTimeRange(`${momentText(now - 123_456, 'utc')}..${momentText(now, 'utc')}`, now + 1e9, 'utc')).toEqual({
      ok: true,
      range,
    });
  });
});

test('ranges shift, zoom and stay in bounds', () => {
  expect(spanOf(shift({ kind: 'relative', seconds: 3_600 }, -1, now), now)).toEqual({
    from: now - 5_400_000,
    to: now - 1_800_000,
  });
  expect(zoomOut({ kind: 'relative', seconds: 3_600 }, now)).toEqual({ kind: 'relative', seconds: 7_200 });
  expect(zoomOut(absolute(now - 2_000, now - 1_000), now)).toEqual(absolute(now - 3_000, now));
  expect(absolute(-5, -9)).toEqual({ kind: 'absolute', from: 0, to: 1 });
});

test('texts of time', () => {
  expect([90, 3_600, 86_400, 172_800, 5_400].map(durationText)).toEqual(['90s', '1h', '24h', '2d', '90m']);
  expect(nanosOf(now)).toBe('1788445800000000000');
  expect(preciseText('1788445800123456789', 'utc')).toBe('2026-09-03T14:30:00.123456789Z');
  expect(preciseText('5', 'utc')).toBe('1970-01-01T00:00:00.000000005Z');
});
