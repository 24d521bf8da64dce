import { useEffect, useState } from 'react';
import type { QueryRow } from '../../../query/contract.ts';
import type { ApiError } from '../../api.ts';
import { isAbort, streamQuery, toApiError } from '../../api.ts';
import { levelLetter, levelOf } from '../../parts/level.ts';
import { usePreferences } from '../../parts/preferences.ts';
import { quote } from './query-edit.ts';
import { rowTexts } from './row-dom.ts';
import { cursorOf } from './row-text.ts';
import { clockText, dateText, type Zone } from './time-format.ts';
import { millisOf } from './time-range.ts';

const stepRows = 20;
/** How far before and after the record is looked, ns. */
const reach = 3_600_000_000_000n;

type Side = { rows: QueryRow[]; more: boolean; loading: boolean };
const nothing: Side = { rows: [], more: true, loading: false };

/** What the record's own stream said before and after it, unfiltered: neighbours by time and, within one moment, by order of arrival. */
export function ContextView({ row, zone }: { row: QueryRow; zone: Zone }) {
  const [before, setBefore] = useState(nothing);
  const [after, setAfter] = useState(nothing);
  const [error, setError] = useState<ApiError | null>(null);
  const [abort] = useState(() => new AbortController());

  const load = async (direction: 'backward' | 'forward', side: Side, set: (side: Side) => void) => {
    set({ ...side, loading: true });
    const from = side.rows.at(-1) ?? row;
    const rows: QueryRow[] = [];
    try {
      const at = BigInt(row.ts);
      const frames = streamQuery(
        {
          query: selectorOf(row),
          start: String(at - reach),
          end: String(at + reach),
          direction,
          after: cursorOf(from),
          limit: stepRows,
        },
        abort.signal,
      );
      for await (const frame of frames) if (frame.type === 'rows') rows.push(...frame.rows);
      set({ rows: [...side.rows, ...rows], more: rows.length === stepRows, loading: false });
    } catch (failure) {
      if (isAbort(failure)) return;
      setError(toApiError(failure));
      set({ ...side, loading: false });
    }
  };

  useEffect(() => {
    void load('backward', nothing, setBefore);
    void load('forward', nothing, setAfter);
    // Loaded once per record: the view is keyed by it. Leaving it stops what is on its way.
    return () => abort.abort();
  }, []);

  return (
    <section className="context" data-testid="context">
      <p className="context-note">
        Stream <code>{selectorOf(row)}</code>, filters off
      </p>
      {error && <div className="panel-error">{error.message}</div>}
      <More side={before} label="earlier" onMore={() => void load('backward', before, setBefore)} />
      <div className="context-rows">
        {before.rows.toReversed().map(each => (
          <Line key={each.seq} row={each} zone={zone} />
        ))}
        <Line row={row} zone={zone} here />
        {after.rows.map(each => (
          <Line key={each.seq} row={each} zone={zone} />
        ))}
      </div>
      <More side={after} label="later" onMore={() => void load('forward', after, setAfter)} />
    </section>
  );
}

const selectorOf = (row: QueryRow): string =>
  `{${Object.entries(row.labels)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(', ')}}`;

function More({ side, label, onMore }: { side: Side; label: string; onMore: () => void }) {
  if (side.loading) return <div className="context-more dim">loading …</div>;
  if (!side.more) return <div className="context-more dim">nothing {label} within an hour</div>;
  return (
    <button type="button" className="facet-more" onClick={onMore}>
      {stepRows} {label}
    </button>
  );
}

function Line({ row, zone, here }: { row: QueryRow; zone: Zone; here?: boolean }) {
  const at = millisOf(row.ts);
  const texts = rowTexts(row, { wrap: false, asSent: usePreferences().json === 'as sent' });
  return (
    <div
      className={`context-row row-${levelOf(row.level)} ${here ? 'selected' : ''}`}
      aria-current={here ? 'true' : undefined}
      title={`${dateText(at, zone)} ${clockText(at, zone)}`}
    >
      <span className="row-time">{clockText(at, zone)}</span>
      <span className="row-level">{levelLetter(row.level)}</span>
      <span className="row-message">
        {texts.message}
        {texts.json && <span className="row-tail">{texts.tail}</span>}
      </span>
    </div>
  );
}
