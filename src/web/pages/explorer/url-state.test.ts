import { expect, test } from 'vitest';
import type { ExplorerState } from './url-state.ts';
import { fromSearch, initialState, toSearch } from './url-state.ts';

test('defaults make an empty link', () => {
  expect(toSearch(initialState)).toBe('');
  expect(fromSearch('')).toEqual(initialState);
});

test('state survives the link', () => {
  const state: ExplorerState = {
    query: '{service_name="a&b"} |= "50% = ü" | json',
    range: { kind: 'absolute', from: 1_788_445_800_123, to: 1_788_445_900_000 },
    direction: 'forward',
    columns: ['service', 'http.route', 'odd,name'],
    wrap: true,
    limit: 100_000,
    at: '1788445800123456789,4294967297',
    live: true,
    view: 'patterns',
  };
  expect(fromSearch(`?${toSearch(state)}`)).toEqual(state);
  const relative = { ...initialState, range: { kind: 'relative', seconds: 900 } as const, columns: [] };
  expect(toSearch(relative)).toBe('last=15m&columns=');
  expect(fromSearch(toSearch(relative))).toEqual(relative);
});

test('a mangled link opens with defaults', () => {
  expect(fromSearch('?from=soon&to=later&last=x&rows=7&at=12&columns=%25E0%25A4')).toEqual({
    ...initialState,
    columns: ['%E0%A4'],
  });
  expect(fromSearch('?from=2026-09-03T10:00:00Z&to=2026-09-03T09:00:00Z').range).toEqual(initialState.range);
});
