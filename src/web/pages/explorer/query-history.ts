const key = 'weir.queries';
const most = 100;

/** Queries run in this browser, latest first. */
export function queryHistory(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(stored) ? stored.filter(entry => typeof entry === 'string') : [];
  } catch {
    // Storage is off or holds something else: there is no past.
    return [];
  }
}

export function rememberQuery(query: string): void {
  if (!query.trim()) return;
  try {
    localStorage.setItem(
      key,
      JSON.stringify([query, ...queryHistory().filter(entry => entry !== query)].slice(0, most)),
    );
  } catch {
    // Storage is off or full: the query runs all the same.
  }
}
