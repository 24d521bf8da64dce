/** The value below which the share `p` (0 to 1) of the values lies. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** One line of a result table: what, its value, the bar it is held against, and the bar's verdict. */
export type Result = {
  case: string;
  what: string;
  value: number;
  unit: string;
  target?: { most?: number; least?: number };
  note?: string;
};

export const met = (r: Result): boolean | undefined =>
  r.target === undefined
    ? undefined
    : (r.target.most === undefined || r.value <= r.target.most) &&
      (r.target.least === undefined || r.value >= r.target.least);

const shown = (value: number): string =>
  Number.isNaN(value)
    ? '-'
    : Math.abs(value) >= 100
      ? value.toFixed(0)
      : Math.abs(value) >= 10
        ? value.toFixed(1)
        : value.toFixed(2);

/** A Markdown table of results. */
export function table(results: readonly Result[]): string {
  const rows = results.map(r => {
    const bar =
      r.target === undefined
        ? ''
        : [
            r.target.least === undefined ? '' : `>= ${r.target.least}`,
            r.target.most === undefined ? '' : `<= ${r.target.most}`,
          ]
            .filter(Boolean)
            .join(', ');
    const verdict = met(r);
    return [
      r.case,
      r.what,
      `${shown(r.value)} ${r.unit}`.trim(),
      bar,
      verdict === undefined ? '' : verdict ? 'met' : 'MISSED',
      r.note ?? '',
    ];
  });
  const head = ['case', 'what', 'measured', 'target', '', 'note'];
  const width = head.map((h, i) => Math.max(h.length, ...rows.map(r => r[i]?.length ?? 0)));
  const line = (cells: string[]): string => `| ${cells.map((c, i) => c.padEnd(width[i] ?? 0)).join(' | ')} |`;
  return [line(head), `|${width.map(w => '-'.repeat(w + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}
