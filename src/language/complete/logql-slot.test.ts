import { describe, expect, it } from 'vitest';
import { slotAt } from './slot-at.ts';

/** `¦` is the cursor. */
const at = (marked: string) => slotAt(marked.replace('¦', ''), marked.indexOf('¦'));
const labels = (marked: string): string =>
  at(marked)
    .suggestions.map(({ label }) => label)
    .join(' ');
const lines = '|= != |~ !~ |';
const sets = '+ - * / % ^ > >= < <= == != and or unless';

describe('LogQL while typing', () => {
  it.each([
    // text, what may stand there and nothing else
    ['{a="b"} | line_format ¦"{{.a}}"', ''],
    ['{a="b"} | line_format "x" ¦', lines],
    ['{a="b"} |= "x" ¦', `${lines} or`],
    ['{a="b"} | json ¦', lines],
    ['{a="b"} | json | != "x" ¦', `${lines} or`],
    ['{a="b"} | c="d" ¦', `${lines} and or`],
    ['{a="b"} | c>5 ¦', `${lines} and or`],
    ['{a="b"} | c >¦= 5', ''],
    ['{a=¦~"b"}', ''],
    ['rate({a="b"}[5m]¦)', ') offset'],
    ['sum by (a) (rate({a="b"}[5m])¦)', sets],
    ['sum(rate({a="b"}[5m])) ¦', `by without ${sets}`],
    ['sum(rate({a="b"}[5m])) by (a) ¦', sets],
    ['sum by (a) ¦', '('],
    ['rate(¦', '{'],
    ['quantile_over_time(¦', '0.95'],
    ['quantile_over_time(0.95, ¦', '{'],
    ['topk(¦', '10'],
    ['{a="b"} | stats count() ¦', 'by as , |'],
    ['{a="b"} | stats count() by c ¦', ', |'],
    ['{a="b"} | stats count() by c | ¦', 'sort limit distinct'],
    ['{a="b"} | sort c | ¦', 'stats sort limit distinct'],
    ['{a="b"} | context 2 | ¦', 'sort limit distinct'],
    ['{a="b"} | sort c ¦', 'desc asc , |'],
    ['{a="b"} | sort c desc ¦', ', |'],
    ['{a="b"} | limit 5 ¦', '|'],
    ['{a="b"} | limit ¦', ''],
    ['error | stats count() as n, p95(ms), sum(x) by c, d | sort ¦', 'c d n p95_ms sum_x'],
    ['error | stats count() by c | sort c, ¦', 'c count'],
  ])('%s offers only: %s', (text, wanted) => {
    expect(labels(text)).toBe(wanted);
  });

  it('compares by size with amounts only', () => {
    const values = at('{a="b"} | took > ¦').values;
    expect(['15ms', '200', '1.5KiB', 'fast', '"x"'].map(value => values?.write(value))).toEqual([
      '15ms',
      '200',
      '1.5KiB',
      undefined,
      undefined,
    ]);
    expect(at('{a="b"} | took = ¦').values?.write('fast')).toBe('"fast"');
  });

  it('takes fields behind by, sort and distinct', () => {
    for (const text of ['error | stats count() by ¦', 'error | sort ¦', '{a="b"} | distinct c, ¦'])
      expect(at(text).fields, text).toBeDefined();
  });

  it('sums up metrics, not logs', () => {
    expect(labels('sum(¦')).toContain('rate');
    expect(labels('sum(¦')).not.toContain('{');
    expect(labels('topk(5, ¦')).toContain('sum');
  });
});

describe('search text while typing', () => {
  it.each([
    ['a sta¦tus:500 b', 2, 9],
    ['a sta¦tus>=500 b', 2, 8],
    ['-sta¦tus:500', 1, 8],
  ])('the name of a field is exchanged, its value stays: %s', (text, from, to) => {
    expect(at(text)).toMatchObject({ from, to });
    expect(at(text).labelValues).toBeUndefined();
  });

  it('nothing is above or below the level unknown', () => {
    expect(labels('level:¦')).toContain('unknown');
    expect(labels('level:>=¦')).not.toContain('unknown');
    expect(labels('level >= w¦')).not.toContain('unknown');
  });
});
