import { describe, expect, it } from 'vitest';
import { CliError } from './exit-code.ts';
import { clockText, dayText, durationSeconds, timeRange } from './time.ts';

const now = new Date(2026, 8, 3, 15, 30, 0).getTime();
const local = (year: number, month: number, day: number, hour = 0, minute = 0, second = 0): string =>
  `${new Date(year, month, day, hour, minute, second).getTime()}000000`;
const range = (since: string) => timeRange({ since }, now);

describe('the range of a question', () => {
  it('is the last hour when nothing is said', () => {
    expect(timeRange({}, now)).toEqual({ start: `${now - 3_600_000}000000`, end: `${now}000000` });
  });

  it.each([
    ['2h', 7200],
    ['90m', 5400],
    ['1h30m', 5400],
    ['3 days', 259_200],
    ['1.5h', 5400],
    ['45s', 45],
    ['1500ms', 1.5],
  ])('takes the duration %s', (text, seconds) => {
    expect(durationSeconds(text)).toBe(seconds);
    expect(range(text)).toEqual({ start: `${now - seconds * 1000}000000`, end: `${now}000000` });
  });

  it('takes days and clock times of this machine', () => {
    expect(range('yesterday 14:00')).toEqual({ start: local(2026, 8, 2, 14), end: `${now}000000` });
    expect(range('yesterday').start).toBe(local(2026, 8, 2));
    expect(range('today 09:30:15').start).toBe(local(2026, 8, 3, 9, 30, 15));
    expect(range('14:05').start).toBe(local(2026, 8, 3, 14, 5));
    expect(range('2026-09-01').start).toBe(local(2026, 8, 1));
    expect(range('2026-09-01 08:15').start).toBe(local(2026, 8, 1, 8, 15));
  });

  it('takes a clock time that is still to come as that of yesterday', () => {
    expect(range('23:50').start).toBe(local(2026, 8, 2, 23, 50));
  });

  it('takes ranges, also past midnight and within a day', () => {
    expect(range('14:05..14:20')).toEqual({ start: local(2026, 8, 3, 14, 5), end: local(2026, 8, 3, 14, 20) });
    expect(range('23:50..00:10')).toEqual({ start: local(2026, 8, 2, 23, 50), end: local(2026, 8, 3, 0, 10) });
    expect(range('16:05..16:20')).toEqual({ start: local(2026, 8, 2, 16, 5), end: local(2026, 8, 2, 16, 20) });
    expect(range('2026-09-01 08:00..09:00')).toEqual({ start: local(2026, 8, 1, 8), end: local(2026, 8, 1, 9) });
    expect(range('2026-09-01..2026-09-01')).toEqual({ start: local(2026, 8, 1), end: local(2026, 8, 2) });
    expect(timeRange({ from: '14:05', to: '14:20' }, now).end).toBe(local(2026, 8, 3, 14, 20));
    expect(range('2h..1h').end).toBe(`${now - 3_600_000}000000`);
  });

  it('keeps nanoseconds of RFC 3339 and of numbers', () => {
    const to = '2026-09-03T15:00:00Z';
    expect(timeRange({ from: '2026-09-03T12:00:00.123456789Z', to }, now).start).toBe('1788436800123456789');
    expect(timeRange({ from: '2026-09-03T14:00:00.5+02:00', to }, now).start).toBe('1788436800500000000');
    expect(timeRange({ from: '1788436800', to }, now).start).toBe('1788436800000000000');
    expect(timeRange({ from: '1788436800123456789', to }, now).start).toBe('1788436800123456789');
  });

  it.each([
    [{ since: 'soon' }, '"soon" is not a time'],
    [{ since: '25:00' }, '"25:00" is not a time'],
    [{ since: '2026-02-30' }, '"2026-02-30" is not a time'],
    [{ since: '1h', from: '2h' }, 'give one of them'],
    [{ since: '1h..2h' }, 'before it starts'],
    [{ since: '3h..2h', to: '1h' }, 'more than two ends'],
  ])('refuses %j', (options, reason) => {
    expect(() => timeRange(options, now)).toThrow(CliError);
    expect(() => timeRange(options, now)).toThrow(reason);
  });

  it('shows times in the zone of this machine', () => {
    const ns = local(2026, 8, 3, 14, 5, 9);
    expect(clockText(`${BigInt(ns) + 42_000_000n}`)).toBe('14:05:09.042');
    expect(dayText(ns)).toMatch(/^2026-09-03 [+-]\d\d:\d\d$/);
  });
});
