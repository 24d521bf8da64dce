import { useMemo, useState } from 'react';
import { Icon } from '../../parts/icon.tsx';
import { setPreferences, usePreferences } from '../../parts/preferences.ts';
import { Histogram, HistogramTable, Legend } from './histogram.tsx';
import { histogramOf } from './histogram-data.ts';
import { isolatedLevel, isolateLevel } from './query-edit.ts';
import { absolute } from './time-range.ts';
import type { useExplorer } from './use-explorer.ts';

/** How many records there are, when, and of which level; the switches of what stands below. */
export function Volume({
  explorer,
  patterns,
  onPatterns,
}: {
  explorer: ReturnType<typeof useExplorer>;
  patterns: boolean;
  /** None while a tail runs: it shows records. */
  onPatterns: (() => void) | null;
}) {
  const { state, execute, edit, histogram: answer } = explorer;
  const preferences = usePreferences();
  const histogram = useMemo(() => (answer.data ? histogramOf(answer.data) : null), [answer.data]);
  const [table, setTable] = useState(false);
  return (
    <section className="volume" aria-label="Volume" aria-busy={answer.loading}>
      <div className="volume-head">
        <button
          type="button"
          className={`quiet ${preferences.facets ? 'quiet-on' : ''}`}
          aria-pressed={preferences.facets}
          title="Fields  f"
          data-testid="facets-toggle"
          onClick={() => setPreferences({ facets: !preferences.facets })}
        >
          <Icon name="facets" />
        </button>
        <span className="volume-total" data-testid="total">
          {answer.data && `${answer.data.partial ? 'at least ' : ''}${answer.data.total.toLocaleString('en')} records`}
        </span>
        <Legend
          data={histogram}
          answer={answer.data}
          isolated={isolatedLevel(state.query)}
          onLevel={level => edit(query => isolateLevel(query, level))}
        />
        <span className="spacer" />
        {onPatterns && (
          <button
            type="button"
            className={`quiet quiet-text ${patterns ? 'quiet-on' : ''}`}
            aria-pressed={patterns}
            title="Kinds of lines  p"
            data-testid="patterns-toggle"
            onClick={onPatterns}
          >
            Patterns
          </button>
        )}
        <button
          type="button"
          className={`quiet ${table ? 'quiet-on' : ''}`}
          aria-pressed={table}
          title="Histogram as a table"
          data-testid="histogram-as-table"
          onClick={() => setTable(!table)}
        >
          <Icon name="table" />
        </button>
      </div>
      {answer.error ? (
        <div className="panel-error" data-testid="histogram-error">
          Histogram: {answer.error.message}
        </div>
      ) : histogram ? (
        table ? (
          <HistogramTable data={histogram} zone={preferences.zone} />
        ) : (
          <Histogram data={histogram} onZoom={({ from, to }) => execute({ range: absolute(from, to), live: false })} />
        )
      ) : (
        <div className="histogram-blank" />
      )}
    </section>
  );
}
