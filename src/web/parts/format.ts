/** Numbers for people: `950`, `12.3 k`, `2.31 M`. */
export function shortCount(n: number): string {
  if (n < 10_000) return n.toLocaleString('en');
  for (const [unit, sign] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (n >= unit) return `${(n / unit).toPrecision(3)}\u00a0${sign}`.replace(/e\+\d+/, '');
  }
  return String(n);
}

/** Bytes in powers of 1000, as disks and networks count them. */
export function shortBytes(n: number): string {
  if (n < 1000) return `${n} B`;
  for (const [unit, sign] of [
    [1e12, 'TB'],
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (n >= unit) return `${(n / unit).toFixed(n / unit < 10 ? 1 : 0)} ${sign}`;
  }
  return `${n} B`;
}

/** A time span with at most two units: `12 ms`, `1.4 s`, `3 m 20 s`, `2 h`, `4 d 3 h`. */
export function shortSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0).replace(/\.0$/, '')} s`;
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const first = units.findIndex(([, size]) => ms >= size);
  return units
    .slice(first, first + 2)
    .map(([name, size], i) => {
      const whole = Math.floor((i === 0 ? ms : ms % (units[first]?.[1] ?? 1)) / size);
      return whole ? `${whole} ${name}` : '';
    })
    .filter(Boolean)
    .join(' ');
}

/** A number of an answer: six digits are what an eye can use, whole numbers stay whole. What is no number (`+Inf`) stays as it is. */
export function numberText(text: string): string {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) return text;
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) < 1e6 ? 6 : 15 });
}
