import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { looksEql } from '../../../query/eql/contract.ts';
import {
  fetchFields,
  fetchHistogram,
  fetchPatterns,
  fetchStatus,
  streamQuery,
  streamTail,
  unreachable,
} from '../../api.ts';
import type { Observable } from './observable.ts';
import { looksMetric } from './query-edit.ts';
import { rememberQuery } from './query-history.ts';
import { ResultModel } from './result.ts';
import { TailFeed } from './tail-feed.ts';
import { millisOf, nanosOf, type Span, spanOf } from './time-range.ts';
import type { ExplorerState } from './url-state.ts';
import { fromSearch, toSearch } from './url-state.ts';
import { usePanel } from './use-panel.ts';

const statusMs = 10_000;
const waitingMs = 1_500;
/** How often the histogram of a live tail moves on. */
const liveMs = 10_000;

const frame = (run: () => void) => void requestAnimationFrame(run);

/** Redraws with the model and gives its version, which changes whenever its contents did. */
const useModel = (model: Observable): number => useSyncExternalStore(model.subscribe, () => model.version);

/**
 * The page's state and what can be done with it. Running a query makes one history entry and starts its parts side by side:
 * rows, histogram and fields, of which each may fail alone.
 */
export function useExplorer() {
  const [state, setState] = useState(() => fromSearch(location.search));
  const [text, setText] = useState(state.query);
  const [span, setSpan] = useState<Span>(() => spanOf(state.range, Date.now()));
  const [runs, setRuns] = useState(0);
  const [result] = useState(() => new ResultModel(streamQuery, frame));
  const [tail] = useState(() => new TailFeed({ tail: streamTail, now: Date.now }, frame));
  const now = useRef({ state, text });
  now.current = { state, text };
  const undone = useRef<string[]>([]);

  const begin = (next: ExplorerState, text = next.query) => {
    const span = spanOf(next.range, Date.now());
    setState(next);
    setText(text);
    setSpan(span);
    setRuns(count => count + 1);
    if (next.live) {
      result.clear();
      void tail.start(next.query);
    } else {
      tail.stop();
      void result.start({
        query: next.query,
        start: nanosOf(span.from),
        end: nanosOf(span.to),
        direction: next.direction,
        limit: next.limit,
        at: next.at,
        widen: next.range.kind === 'relative',
      });
    }
  };

  /** Runs the query with changes; a permalink's record is forgotten unless named. */
  const execute = (change: Partial<ExplorerState> = {}) => {
    const { state: before } = now.current;
    const next = { ...before, query: now.current.text.trim(), at: null, ...change };
    if (next.query !== before.query) undone.current.push(before.query);
    rememberQuery(next.query);
    const search = toSearch(next);
    if (search !== toSearch(before)) history.pushState(null, '', search ? `?${search}` : location.pathname);
    begin(next);
  };

  /** Changes how things look; no query is run and no history made. */
  const adjust = (change: Partial<Pick<ExplorerState, 'columns' | 'wrap' | 'view'>>) => {
    const next = { ...now.current.state, ...change };
    const search = toSearch(next);
    history.replaceState(null, '', search ? `?${search}` : location.pathname);
    setState(next);
  };

  /** Runs the query after an edit of its text. */
  const edit = (change: (query: string) => string) => execute({ query: change(now.current.text.trim()) });

  const undo = () => {
    const query = undone.current.pop();
    if (query === undefined) return;
    execute({ query });
    undone.current.pop();
  };

  useEffect(() => {
    begin(now.current.state);
    const back = () => begin(fromSearch(location.search));
    window.addEventListener('popstate', back);
    return () => {
      window.removeEventListener('popstate', back);
      result.cancel();
      tail.stop();
    };
    // Once: the page's first query comes from its address.
  }, []);

  const alone = looksMetric(state.query) || looksEql(state.query);
  useModel(result);
  const found = foundSpan(result);
  const shown = found ?? span;
  const scope = { query: state.query, start: nanosOf(shown.from), end: nanosOf(shown.to) };
  const liveTick = useTick(state.live ? liveMs : null);
  const liveSpan = state.live ? spanOf(state.range, Date.now()) : shown;
  const parts = runs && !alone ? `${runs}.${found?.from ?? ''}` : null;
  const histogram = usePanel(parts === null ? null : `${parts}.${liveTick}`, signal =>
    fetchHistogram(
      {
        query: state.query,
        start: nanosOf(liveSpan.from),
        end: nanosOf(liveSpan.to),
        buckets: Math.min(160, Math.max(30, Math.floor(innerWidth / 10))),
      },
      signal,
    ),
  );
  const fields = usePanel(parts, signal => fetchFields(scope, signal));
  const patterns = usePanel(state.view === 'patterns' && !state.live ? parts : null, signal =>
    fetchPatterns(scope, signal),
  );

  const [empty, setEmpty] = useState(false);
  const lost = unreachable(result.error);
  const statusTick = useTick(empty || lost ? waitingMs : statusMs);
  const status = usePanel(`${runs}.${statusTick}`, fetchStatus);
  useEffect(() => {
    if (!status.data) return;
    // The server is back. What is being typed stays.
    if (lost) begin(now.current.state, now.current.text);
    const none = status.data.records === 0;
    // The first log has come: show it without being asked.
    if (empty && !none) execute();
    setEmpty(none);
  }, [status.data]);

  return {
    state,
    text,
    setText,
    span: shown,
    result,
    resultVersion: useModel(result),
    tail,
    tailVersion: useModel(tail),
    histogram,
    fields,
    patterns,
    status,
    execute,
    adjust,
    edit,
    undo,
  };
}

/** The stretch of an id that was found beyond the range, with some room around its records. */
function foundSpan({ lookup, rows, phase }: ResultModel): Span | null {
  const [first, last] = [rows[0], rows.at(-1)];
  if (!lookup || !first || !last || phase !== 'done') return null;
  const ends = [millisOf(first.ts), millisOf(last.ts)];
  const [from, to] = [Math.min(...ends), Math.max(...ends) + 1];
  const room = Math.max(60_000, (to - from) / 10);
  return { from: from - room, to: to + room };
}

/** A number that goes up every so many ms while the page is visible; null stands still. */
function useTick(ms: number | null): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (ms === null) return;
    const timer = setInterval(() => {
      if (!document.hidden) setTick(count => count + 1);
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
  return tick;
}
