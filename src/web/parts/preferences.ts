import { useSyncExternalStore } from 'react';

/** Matters of taste, kept in this browser and not in links. */
export type Preferences = {
  theme: 'system' | 'dark' | 'light';
  density: 'compact' | 'normal';
  zone: 'local' | 'utc';
  /** Messages that are JSON objects, in lists. */
  json: 'message first' | 'as sent';
  facets: boolean;
  /** Width of the details, px. */
  drawer: number;
};

/** On narrow screens the fields cover the list, so they wait to be asked for. */
const initial: Preferences = {
  theme: 'system',
  density: 'compact',
  zone: 'local',
  json: 'message first',
  facets: innerWidth > 760,
  drawer: 520,
};
const key = 'weir.preferences';
const listeners = new Set<() => void>();
let current = read();

function read(): Preferences {
  try {
    return { ...initial, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Preferences>) };
  } catch {
    // Storage is off or holds something else: defaults do.
    return initial;
  }
}

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(key, JSON.stringify(current));
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
  applyTheme();
  for (const listener of listeners) listener();
}

/** Puts the theme where the style sheets look for it; `system` leaves the choice to them. */
export function applyTheme(): void {
  if (current.theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = current.theme;
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, () => current);
