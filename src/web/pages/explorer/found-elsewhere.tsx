import { usePreferences } from '../../parts/preferences.ts';
import type { Lookup } from './result.ts';
import { momentText, rangeText } from './time-format.ts';
import { absolute, type Span, type TimeRange } from './time-range.ts';

/** Says that an id is not from the chosen range, and from when its records are. */
export function FoundElsewhere({
  lookup,
  range,
  span,
  onRange,
}: {
  lookup: Lookup;
  range: TimeRange;
  span: Span;
  onRange: (range: TimeRange) => void;
}) {
  const { zone } = usePreferences();
  const everything = lookup.start.startsWith('-');
  const chosen = rangeText(range, zone).replace('Last', 'last');
  return (
    <div className="notice" role="status" data-testid="found-elsewhere">
      Not in the {chosen}, but {everything ? 'elsewhere in what is stored' : 'before it'}: records from{' '}
      {momentText(span.from, zone)} to {momentText(span.to, zone)}. {!everything && 'Older ones were not looked for.'}{' '}
      <button type="button" className="button" onClick={() => onRange(absolute(span.from, span.to))}>
        Stay in this range
      </button>
      {!everything && (
        <button type="button" className="button" onClick={() => onRange(absolute(0, Date.now()))}>
          Look in all time
        </button>
      )}
    </div>
  );
}
