import { useEffect, useState } from 'react';
import type { ApiError } from '../../api.ts';
import { isAbort, toApiError } from '../../api.ts';

/** One part of the page that loads by itself and fails by itself; the last good answer stays while the next is on its way. */
export type Panel<T> = { data: T | null; error: ApiError | null; loading: boolean };

const empty = { data: null, error: null, loading: false };

/** Loads whenever `key` changes; null loads nothing and shows nothing. */
export function usePanel<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Panel<T> {
  const [panel, setPanel] = useState<Panel<T>>(empty);
  useEffect(() => {
    if (key === null) return setPanel(empty);
    const abort = new AbortController();
    setPanel(last => ({ ...last, loading: true }));
    load(abort.signal).then(
      data => setPanel({ data, error: null, loading: false }),
      error => {
        if (!isAbort(error)) setPanel({ data: null, error: toApiError(error), loading: false });
      },
    );
    return () => abort.abort();
    // `load` is a new function on every render; `key` names what it loads.
  }, [key]);
  return panel;
}
