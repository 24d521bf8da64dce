import { parseDuration } from './time-parse.ts';
import type { TimeRange } from './time-range.ts';
import { absolute, durationText } from './time-range.ts';

/** Everything a shared link has to carry; what is a matter of taste (theme, density, zone) stays in the browser. */
export type ExplorerState = {
  query: string;
  range: TimeRange;
  direction: 'backward' | 'forward';
  /** Fields shown as columns before the message. */
  columns: string[];
  wrap: boolean;
  /** What stands in the middle: records, or the kinds of lines among them. */
  view: 'records' | 'patterns';
  /** Rows fetched at first; more come while scrolling. */
  limit: number;
  /** `<ts ns>,<seq>` of the record a permalink points at. */
  at: string | null;
  live: boolean;
};

export const limitChoices = [1_000, 10_000, 100_000] as const;

export const initialState: ExplorerState = {
  query: '',
  range: { kind: 'relative', seconds: 3_600 },
  direction: 'backward',
  columns: ['service'],
  wrap: false,
  view: 'records',
  limit: limitChoices[0],
  at: null,
  live: false,
};

/** State as a query string without `?`, defaults left out so that links stay short. */
export function toSearch(state: ExplorerState): string {
  const params = new URLSearchParams();
  if (state.query) params.set('q', state.query);
  if (state.range.kind === 'absolute') {
    params.set('from', new Date(state.range.from).toISOString());
    params.set('to', new Date(state.range.to).toISOString());
  } else if (durationText(state.range.seconds) !== '1h') params.set('last', durationText(state.range.seconds));
  if (state.direction === 'forward') params.set('sort', 'oldest');
  if (state.columns.join() !== initialState.columns.join())
    params.set('columns', state.columns.map(encodeURIComponent).join());
  if (state.wrap) params.set('wrap', '1');
  if (state.view === 'patterns') params.set('view', 'patterns');
  if (state.limit !== initialState.limit) params.set('rows', String(state.limit));
  if (state.at) params.set('at', state.at);
  if (state.live) params.set('live', '1');
  return params.toString();
}

/** State of a query string. What it does not say or says wrongly is the default: a mangled link still opens. */
export function fromSearch(search: string): ExplorerState {
  const params = new URLSearchParams(search);
  const columns = params.get('columns');
  const limit = Number(params.get('rows'));
  const at = params.get('at') ?? '';
  return {
    query: params.get('q') ?? '',
    range: rangeOf(params),
    direction: params.get('sort') === 'oldest' ? 'forward' : 'backward',
    columns: columns === null ? initialState.columns : columns.split(',').filter(Boolean).map(decode),
    wrap: params.get('wrap') === '1',
    view: params.get('view') === 'patterns' ? 'patterns' : 'records',
    limit: limitChoices.find(choice => choice === limit) ?? initialState.limit,
    at: /^\d+,\d+$/.test(at) ? at : null,
    live: params.get('live') === '1',
  };
}

function rangeOf(params: URLSearchParams): TimeRange {
  const from = Date.parse(params.get('from') ?? '');
  const to = Date.parse(params.get('to') ?? '');
  if (from < to) return absolute(from, to);
  const seconds = parseDuration(params.get('last') ?? '');
  return seconds ? { kind: 'relative', seconds } : initialState.range;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
