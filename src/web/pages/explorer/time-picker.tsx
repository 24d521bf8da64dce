import { useState } from 'react';
import { Icon } from '../../parts/icon.tsx';
import { Menu } from '../../parts/menu.tsx';
import { setPreferences, usePreferences } from '../../parts/preferences.ts';
import { momentText, offsetText, rangeText } from './time-format.ts';
import { parseTimeRange } from './time-parse.ts';
import type { TimeRange } from './time-range.ts';
import { presets, shift, spanOf, zoomOut } from './time-range.ts';

/** The range with its three moves (earlier, later, wider) and a panel of presets, two ends and free text. */
export function TimePicker({ range, onRange }: { range: TimeRange; onRange: (range: TimeRange) => void }) {
  const { zone } = usePreferences();
  return (
    <div className="time" role="group" aria-label="Time range">
      <button
        type="button"
        className="button icon-button"
        title="Half a range earlier  ["
        data-testid="time-earlier"
        onClick={() => onRange(shift(range, -1, Date.now()))}
      >
        <Icon name="left" />
      </button>
      <Menu
        align="right"
        testid="time-button"
        title="Time range  d"
        className="button time-button"
        label={
          <>
            <Icon name="clock" />
            <span>{rangeText(range, zone)}</span>
            <span className="dim">{offsetText(Date.now(), zone).replace('Z', 'UTC')}</span>
          </>
        }
      >
        {close => (
          <TimePanel
            range={range}
            onRange={chosen => {
              onRange(chosen);
              close();
            }}
          />
        )}
      </Menu>
      <button
        type="button"
        className="button icon-button"
        title="Half a range later  ]"
        data-testid="time-later"
        onClick={() => onRange(shift(range, 1, Date.now()))}
      >
        <Icon name="right" />
      </button>
      <button
        type="button"
        className="button icon-button"
        title="Zoom out  z"
        data-testid="time-zoom-out"
        onClick={() => onRange(zoomOut(range, Date.now()))}
      >
        <Icon name="zoomOut" />
      </button>
    </div>
  );
}

function TimePanel({ range, onRange }: { range: TimeRange; onRange: (range: TimeRange) => void }) {
  const { zone } = usePreferences();
  const now = Date.now();
  const span = spanOf(range, now);
  const [free, setFree] = useState('');
  const [from, setFrom] = useState(momentText(span.from, zone));
  const [to, setTo] = useState(momentText(span.to, zone));
  const [fault, setFault] = useState('');
  const apply = (text: string) => {
    const parsed = parseTimeRange(text, Date.now(), zone);
    if (parsed.ok) onRange(parsed.range);
    else setFault(parsed.reason);
  };
  const preview = free.trim() ? parseTimeRange(free, now, zone) : null;
  return (
    <div className="time-panel">
      <form
        onSubmit={event => {
          event.preventDefault();
          apply(free);
        }}
      >
        <input
          autoFocus
          className="input"
          data-testid="time-free"
          aria-label="Time in words"
          placeholder="2h, yesterday 14:00, 14:05..14:20"
          value={free}
          onChange={event => setFree(event.target.value)}
        />
        <div className="hint" role="status">
          {preview
            ? preview.ok
              ? `${rangeText(preview.range, zone)}  ·  Enter`
              : preview.reason
            : 'Type a time, or choose'}
        </div>
      </form>
      <div className="presets">
        {presets.map(preset => (
          <button
            type="button"
            key={preset.label}
            className={`chip ${range.kind === 'relative' && range.seconds === preset.seconds ? 'chip-on' : ''}`}
            data-testid={`time-${preset.label}`}
            onClick={() => onRange({ kind: 'relative', seconds: preset.seconds })}
          >
            {preset.label}
          </button>
        ))}
      </div>
      <form
        className="ends"
        onSubmit={event => {
          event.preventDefault();
          apply(`${from}..${to}`);
        }}
      >
        <label>
          From
          <input
            className="input"
            data-testid="time-from"
            value={from}
            onChange={event => setFrom(event.target.value)}
          />
        </label>
        <label>
          To
          <input className="input" data-testid="time-to" value={to} onChange={event => setTo(event.target.value)} />
        </label>
        <button type="submit" className="button" data-testid="time-apply">
          Apply
        </button>
      </form>
      {fault && <div className="hint fault">{fault}</div>}
      <div className="switch" role="group" aria-label="Time zone">
        {(['local', 'utc'] as const).map(choice => (
          <button
            type="button"
            key={choice}
            className={`chip ${zone === choice ? 'chip-on' : ''}`}
            aria-pressed={zone === choice}
            data-testid={`zone-${choice}`}
            onClick={() => setPreferences({ zone: choice })}
          >
            {choice === 'utc' ? 'UTC' : `Local ${offsetText(now, 'local')}`}
          </button>
        ))}
      </div>
    </div>
  );
}
