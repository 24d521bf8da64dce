import { describe, expect, it } from 'vitest';
import { defaultStep, lokiRangeOf, parseDuration, parseLokiTime, parseTime, rangeOf } from './time-range.ts';

const at = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;

describe('times of the Loki API', () => {
  it.each([
    ['4', 4_000_000_000n],
    ['1700000000', 1_700_000_000_000_000_000n],
    ['1700000000123456789', 1_700_000_000_123_456_789n],
    ['1700000000.123456789', 1_700_000_000_123_456_789n],
    ['1700000000.5', 1_700_000_000_500_000_000n],
    ['-1.5', -1_500_000_000n],
    ['17000000001', 17_000_000_001n],
    ['2026-05-01T10:00:00Z', at('2026-05-01T10:00:00Z')],
    ['2026-05-01T10:00:00.000000001Z', at('2026-05-01T10:00:00Z') + 1n],
    ['2026-05-01T12:00:00.5+02:00', at('2026-05-01T10:00:00.5Z')],
  ])('%s', (text, ns) => expect(parseLokiTime('start', text)).toBe(ns));

  it.each(['', 'now', '2026-05-01', '12h', '99999999999999999999', '1e30', '1e309'])('refuses %j and quotes it', text =>
    expect(() => parseLokiTime('start', text)).toThrow(`start: cannot read "${text}"`),
  );
});

describe('times of our own API', () => {
  it('reads decimal ns of any size, and RFC 3339', () => {
    expect(parseTime('start', '0')).toBe(0n);
    expect(parseTime('start', '1700000000123456789')).toBe(1_700_000_000_123_456_789n);
    expect(parseTime('start', '1970-01-01T00:00:00.000000007Z')).toBe(7n);
    expect(() => parseTime('end', '1.5')).toThrow('end: cannot read "1.5"');
  });
});

describe('durations', () => {
  it.each([
    ['15', 15_000_000_000n],
    ['0.5', 500_000_000n],
    ['15000ms', 15_000_000_000n],
    ['1h30m', 5_400_000_000_000n],
    ['1.5h', 5_400_000_000_000n],
    ['1d', 86_400_000_000_000n],
    ['10us', 10_000n],
  ])('%s', (text, ns) => expect(parseDuration('step', text)).toBe(ns));

  it.each(['5 minutes', '1e309', `${'9'.repeat(400)}h`])('refuses %s', text =>
    expect(() => parseDuration('step', text)).toThrow(/^step: cannot parse ".+" to a valid duration/),
  );
});

describe('ranges', () => {
  const parameters = (values: Record<string, string>) => (name: string) => values[name];

  it('counts since back from the earlier of end and now', () => {
    const past = lokiRangeOf(parameters({ end: '1700000000', since: '10m' }));
    expect(past).toEqual({ start: 1_699_999_400_000_000_000n, end: 1_700_000_000_000_000_000n });
    const { start, end } = lokiRangeOf(parameters({ end: '9000000000' }));
    expect(end).toBe(9_000_000_000_000_000_000n);
    expect(Number(start / 1_000_000n)).toBeCloseTo(Date.now() - 3_600_000, -4);
  });

  it('begins with the first time there is when since is longer', () => {
    for (const since of ['1e30', '100000y'])
      expect(lokiRangeOf(parameters({ since, end: '5' })).start).toBe(-9_223_372_036_854_775_807n);
  });

  it('is the last hour when nothing is said', () => {
    const { start, end } = rangeOf({});
    expect(end - start).toBe(3_600_000_000_000n);
  });

  it('refuses an end before the start', () =>
    expect(() => rangeOf({ start: '10', end: '5' })).toThrow(
      'end timestamp must not be before or equal to start time',
    ));

  it('has a default step of a 250th, at least a second', () => {
    expect(defaultStep({ start: 0n, end: 3600_000_000_000n })).toBe(14_000_000_000n);
    expect(defaultStep({ start: 0n, end: 1_000_000_000n })).toBe(1_000_000_000n);
  });
});
