import { useEffect, useMemo, useRef, useState } from 'react';
import type { QueryRow } from '../../../query/contract.ts';
import { looksEql } from '../../../query/eql/contract.ts';
import { unreachable } from '../../api.ts';
import { shortCount } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { isError } from '../../parts/level.ts';
import { setPreferences, usePreferences } from '../../parts/preferences.ts';
import { Details } from './details.tsx';
import { Cancelled, Failed, NoRecords, Waiting } from './empty.tsx';
import { Facets } from './facets.tsx';
import { nextIndex, rowHas } from './find.ts';
import { FindBar } from './find-bar.tsx';
import { FoundElsewhere } from './found-elsewhere.tsx';
import { Help } from './help.tsx';
import { LiveBar } from './live-bar.tsx';
import type { ListHandle } from './log-list.tsx';
import { LogList } from './log-list.tsx';
import { MetricView } from './metric-view.tsx';
import { TableView } from './table-view.tsx';
import {
  addFilter,
  addLineFilter,
  addPattern,
  type Field,
  looksMetric,
  type Operator,
  searchWords,
} from './query-edit.ts';
import { PatternsView } from './patterns-view.tsx';
import { QueryInput } from './query-input.tsx';
import { StatusLine } from './status-line.tsx';
import { shift, zoomOut } from './time-range.ts';
import { TimePicker } from './time-picker.tsx';
import { useExplorer } from './use-explorer.ts';
import { useKeys } from './use-keys.ts';
import { useSelection } from './use-selection.ts';
import { Volume } from './volume.tsx';
import { ViewMenu } from './view-menu.tsx';

/** The explorer: question above, histogram, fields at the left, records in the middle, one record at the right. */
export function Explorer() {
  const explorer = useExplorer();
  const { state, result, tail, execute, edit } = explorer;
  const preferences = usePreferences();
  const list = useRef<ListHandle>(null);
  const queryBox = useRef<HTMLTextAreaElement>(null);
  const [find, setFind] = useState<string | null>(null);
  const [help, setHelp] = useState(false);
  const [paused, setPaused] = useState(false);

  const live = state.live;
  const rows = live ? tail.rows : result.rows;
  const base = live ? tail.base : result.base;
  const version = live ? explorer.tailVersion : explorer.resultVersion;
  // The array is a new one exactly when another list begins; while rows come and go it is changed in place.
  const source = { key: rows, rows, base };
  const selection = useSelection(explorer, source, version, list);
  const needle = (find ?? '').toLowerCase();
  const stale = !live && result.stale;
  // Rows of the query before are no matches of this one.
  const words = useMemo(() => (stale ? [] : searchWords(state.query)), [state.query, stale]);
  // Histogram and fields are of searches and LogQL.
  const eql = looksEql(state.query);
  const total = eql ? null : (explorer.histogram.data?.total ?? null);
  const metric = looksMetric(state.query) || result.kind === 'metric';
  // Told once, in the place of the rows: the other panels would say the same.
  const unread = !live && (result.error?.code === 'bad_query' || (unreachable(result.error) && !rows.length));
  const patterns = state.view === 'patterns' && !live && !metric && !eql && !result.table && !unread;
  const waiting = explorer.status.data?.records === 0 && rows.length === 0;

  const filter = (field: Field, value: string, operator: Operator) =>
    edit(query => addFilter(query, field, value, operator));
  const toggleColumn = (name: string) =>
    explorer.adjust({
      columns: state.columns.includes(name)
        ? state.columns.filter(column => column !== name)
        : [...state.columns, name],
    });
  const togglePause = () => {
    setPaused(tail.following);
    tail.follow(!tail.following);
  };
  // Matches of EQL are found among events that are there; nothing follows them.
  const noTail = !live && looksEql(explorer.text);
  const toggleLive = () => {
    if (noTail) return;
    setPaused(false);
    execute({ live: !live });
  };
  const togglePatterns = () => explorer.adjust({ view: state.view === 'patterns' ? 'records' : 'patterns' });
  const jump = (step: 1 | -1, passes: (row: QueryRow) => boolean) => {
    const from =
      selection.number === null
        ? (list.current?.firstNumber() ?? base) - base - (step > 0 ? 1 : 0)
        : selection.number - base;
    const index = nextIndex(rows, from, step, passes);
    if (index >= 0) selection.choose(base + index);
  };
  const findNext = (step: 1 | -1) => {
    if (needle) jump(step, row => rowHas(row, needle));
  };
  const closeFind = () => {
    setFind(null);
    list.current?.focus();
  };

  useKeys({
    '/': () => {
      queryBox.current?.focus();
      // The query is gone on with; a box that never had the focus would put what is typed before it.
      queryBox.current?.setSelectionRange(explorer.text.length, explorer.text.length);
    },
    j: () => selection.step(1),
    ArrowDown: () => selection.step(1),
    k: () => selection.step(-1),
    ArrowUp: () => selection.step(-1),
    g: () => selection.choose(base),
    G: () => selection.choose(base + rows.length - 1),
    Enter: () => selection.open(),
    c: () => selection.open('context'),
    y: () => void selection.copyLink(),
    e: () => jump(1, row => isError(row.level)),
    E: () => jump(-1, row => isError(row.level)),
    n: () => findNext(1),
    N: () => findNext(-1),
    ...(find === null && { find: () => setFind('') }),
    d: () => document.querySelector<HTMLElement>('[data-testid="time-button"]')?.click(),
    '[': () => execute({ range: shift(state.range, -1, Date.now()) }),
    ']': () => execute({ range: shift(state.range, 1, Date.now()) }),
    z: () => execute({ range: zoomOut(state.range, Date.now()) }),
    p: togglePatterns,
    t: toggleLive,
    ...(live && { ' ': togglePause }),
    u: explorer.undo,
    f: () => setPreferences({ facets: !preferences.facets }),
    w: () => explorer.adjust({ wrap: !state.wrap }),
    '?': () => setHelp(true),
    Escape: () => (find !== null ? closeFind() : selection.close()),
  });

  useEffect(() => {
    document.title = state.query ? `${state.query.slice(0, 60)} · Weir` : 'Weir';
  }, [state.query]);

  const running = result.phase === 'running';
  return (
    <div className="page">
      <header className="top">
        <a className="brand" href={location.pathname} title="Weir: start afresh">
          <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
            <path d="M1 4.500c2.300-1.700 4.700-1.700 7 0s4.700 1.700 7 0M1 8.500c2.300-1.700 4.700-1.700 7 0s4.700 1.700 7 0M4 12.500c1.600-1 2.800-1 4 0s2.400 1 4 0" />
          </svg>
          <span>weir</span>
        </a>
        <QueryInput
          text={explorer.text}
          onText={explorer.setText}
          onRun={query => execute({ query: query.trim() })}
          error={live ? tail.error : result.error}
          box={queryBox}
          span={explorer.span}
        />
        <div className="top-actions">
          <TimePicker range={state.range} onRange={range => execute({ range, live: false })} />
          {running ? (
            <button type="button" className="button run" data-testid="cancel" onClick={() => result.cancel()}>
              <Icon name="stop" /> Cancel
            </button>
          ) : (
            <button
              type="button"
              className="button run"
              data-testid="run"
              title="Enter"
              onClick={() => execute({ live: false })}
            >
              <Icon name="play" /> Run
            </button>
          )}
          <button
            type="button"
            className={`button ${live ? 'button-on' : ''}`}
            aria-pressed={live}
            data-testid="live"
            title={noTail ? 'EQL has no live tail' : 'Live tail  t'}
            disabled={noTail}
            onClick={toggleLive}
          >
            <i className={`pulse ${live ? '' : 'pulse-off'}`} /> Live
          </button>
          <ViewMenu
            state={state}
            span={explorer.span}
            onExecute={execute}
            onAdjust={explorer.adjust}
            onHelp={() => setHelp(true)}
          />
        </div>
      </header>
      {explorer.status.data?.demo && (
        <div className="banner" data-testid="demo-banner">
          <b>Demo data.</b> These records are made up, with an incident to find. Start with <code>--no-demo</code> to
          see only your own.
        </div>
      )}
      {!metric && !eql && !waiting && !unread && (
        <Volume explorer={explorer} onPatterns={live ? null : togglePatterns} patterns={patterns} />
      )}
      <main className="body">
        {preferences.facets && !metric && !eql && !waiting && !unread && (
          <Facets
            panel={explorer.fields}
            total={total}
            columns={state.columns}
            onFilter={filter}
            onColumn={toggleColumn}
          />
        )}
        <section className={`center ${stale ? 'stale' : ''}`} aria-busy={stale}>
          {live && <LiveBar tail={tail} paused={paused} onPause={togglePause} />}
          {find !== null && (
            <FindBar
              rows={rows}
              version={version}
              text={find}
              onText={setFind}
              onStep={findNext}
              onClose={closeFind}
              onQuery={text => edit(query => addLineFilter(query, text, '|='))}
            />
          )}
          {selection.notice && (
            <div className="notice" role="status" data-testid="notice">
              {selection.notice}
            </div>
          )}
          {!live && result.lookup && rows.length > 0 && (
            <FoundElsewhere
              lookup={result.lookup}
              range={state.range}
              span={explorer.span}
              onRange={range => execute({ range })}
            />
          )}
          {waiting ? (
            <Waiting />
          ) : !live && result.phase === 'failed' && result.error && !rows.length ? (
            <Failed query={state.query} error={result.error} onRetry={() => execute()} />
          ) : patterns && !(result.phase === 'done' && !rows.length) ? (
            <PatternsView
              panel={explorer.patterns}
              span={explorer.span}
              onPattern={(pattern, operator) => {
                execute({
                  query: addPattern(explorer.text.trim(), pattern, operator),
                  ...(operator === '|>' && { view: 'records' }),
                });
              }}
            />
          ) : !live && result.table ? (
            <TableView table={result.table} />
          ) : metric ? (
            <MetricView series={result.series} version={version} />
          ) : !live && result.phase === 'cancelled' && !rows.length ? (
            <Cancelled onRetry={() => execute()} />
          ) : !live && result.phase === 'done' && !rows.length ? (
            <NoRecords
              query={state.query}
              range={state.range}
              status={explorer.status.data}
              onRange={range => execute({ range })}
              onClear={() => execute({ query: '' })}
              everywhere={result.lookup !== null}
            />
          ) : (
            <LogList
              source={source}
              version={version}
              columns={state.columns}
              wrap={state.wrap}
              words={words}
              find={needle}
              selected={selection.number}
              follow={live && tail.following}
              onOpen={number => selection.open('fields', number)}
              onMoved={view => {
                if (live) {
                  if (!paused) tail.follow(view.atEnd);
                } else if (result.phase === 'done' && !result.pageError) {
                  if (view.nearEnd) void result.loadNext();
                  if (view.nearStart) void result.loadPrevious();
                }
              }}
              onColumn={toggleColumn}
              handle={list}
            />
          )}
          {!live &&
            rows.length > 0 &&
            (result.phase === 'failed' || result.phase === 'cancelled' || result.pageError) && (
              <div className="notice" role="alert" data-testid="stopped">
                {result.error
                  ? `The query broke off: ${result.error.message}. `
                  : result.pageError
                    ? `More could not be loaded: ${result.pageError.message}. `
                    : 'Cancelled. '}
                <button
                  type="button"
                  className="button"
                  onClick={() => (result.phase === 'failed' ? execute() : void result.loadNext())}
                >
                  {result.phase === 'failed' ? 'Run again' : 'Load more'}
                </button>
              </div>
            )}
        </section>
        {selection.row && selection.tab && (
          <Details
            row={selection.row}
            tab={selection.tab}
            onTab={tab => selection.open(tab)}
            columns={state.columns}
            onClose={selection.close}
            onStep={selection.step}
            onFilter={filter}
            onColumn={toggleColumn}
            permalink={selection.permalink}
          />
        )}
      </main>
      <StatusLine
        result={result}
        live={live ? rows.length : null}
        // Rows that were picked, or have neighbours among them, are no part of all that match.
        total={!live && result.whole ? null : total}
        stale={stale}
        totalPartial={explorer.histogram.data?.partial ?? false}
        status={explorer.status}
      />
      {help && <Help onClose={() => setHelp(false)} />}
      <div className="offscreen" role="status">
        {running ? 'Query running' : `${shortCount(rows.length)} records loaded`}
      </div>
    </div>
  );
}
