/** Changes of one letter (insert, remove, replace, swap neighbours) from `a` to `b`. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Longer names are compared no further: nobody mistypes so much. */
const lengthMax = 60;

/** The name that `text` was probably meant to be, in any case; undefined when none is near. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  const wanted = text.toLowerCase().slice(0, lengthMax);
  const allowed = Math.max(1, Math.floor(wanted.length / 3));
  let best: { name: string; far: number } | undefined;
  for (const name of names) {
    if (Math.abs(name.length - wanted.length) > allowed) continue;
    const far = distance(wanted, name.toLowerCase());
    if (far <= allowed && far < (best?.far ?? Number.POSITIVE_INFINITY)) best = { name, far };
  }
  return best?.name;
}
