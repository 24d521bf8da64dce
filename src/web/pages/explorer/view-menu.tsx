import { useState } from 'react';
import { Icon } from '../../parts/icon.tsx';
import { Menu } from '../../parts/menu.tsx';
import { setPreferences, usePreferences } from '../../parts/preferences.ts';
import { type ExportFormat, exportRecords } from './export-records.ts';
import type { ExplorerState } from './url-state.ts';
import { limitChoices } from './url-state.ts';
import { nanosOf, type Span } from './time-range.ts';

/** How the page looks, how much it loads, and the way to get everything out. */
export function ViewMenu({
  state,
  span,
  onExecute,
  onAdjust,
  onHelp,
}: {
  state: ExplorerState;
  span: Span;
  onExecute: (change: Partial<ExplorerState>) => void;
  onAdjust: (change: Partial<Pick<ExplorerState, 'wrap'>>) => void;
  onHelp: () => void;
}) {
  const preferences = usePreferences();
  return (
    <Menu align="right" testid="view-menu" title="View" className="button icon-button" label={<Icon name="settings" />}>
      {close => (
        <div className="view-panel">
          <Choice
            name="Theme"
            value={preferences.theme}
            choices={['system', 'dark', 'light']}
            onChoose={theme => setPreferences({ theme })}
          />
          <Choice
            name="Rows"
            value={preferences.density}
            choices={['compact', 'normal']}
            onChoose={density => setPreferences({ density })}
          />
          <Choice
            name="Lines"
            value={state.wrap ? 'wrap' : 'cut'}
            choices={['cut', 'wrap']}
            onChoose={choice => onAdjust({ wrap: choice === 'wrap' })}
          />
          <Choice
            name="JSON lines"
            value={preferences.json}
            choices={['message first', 'as sent']}
            onChoose={json => setPreferences({ json })}
          />
          <Choice
            name="Order"
            value={state.direction === 'backward' ? 'newest first' : 'oldest first'}
            choices={['newest first', 'oldest first']}
            onChoose={choice => onExecute({ direction: choice === 'newest first' ? 'backward' : 'forward' })}
          />
          <Choice
            name="Load first"
            value={state.limit.toLocaleString('en')}
            choices={limitChoices.map(limit => limit.toLocaleString('en'))}
            onChoose={choice =>
              onExecute({ limit: limitChoices.find(limit => limit.toLocaleString('en') === choice) ?? limitChoices[0] })
            }
          />
          <Export query={state.query} span={span} />
          <button
            type="button"
            className="button"
            data-testid="help-button"
            onClick={() => {
              close();
              onHelp();
            }}
          >
            <Icon name="help" /> Keys
          </button>
        </div>
      )}
    </Menu>
  );
}

function Choice<T extends string>({
  name,
  value,
  choices,
  onChoose,
}: {
  name: string;
  value: T;
  choices: readonly T[];
  onChoose: (choice: T) => void;
}) {
  return (
    <div className="choice" role="group" aria-label={name}>
      <span>{name}</span>
      <div className="switch">
        {choices.map(choice => (
          <button
            type="button"
            key={choice}
            className={`chip ${choice === value ? 'chip-on' : ''}`}
            aria-pressed={choice === value}
            data-testid={`choice-${choice.replace(/\W/g, '-')}`}
            onClick={() => onChoose(choice)}
          >
            {choice}
          </button>
        ))}
      </div>
    </div>
  );
}

function Export({ query, span }: { query: string; span: Span }) {
  const [note, setNote] = useState('');
  const start = async (format: ExportFormat) => {
    setNote('preparing …');
    setNote(
      await exportRecords({ query, start: nanosOf(span.from), end: nanosOf(span.to), format }, bytes =>
        setNote(`${(bytes / 1e6).toFixed(1)} MB …`),
      ),
    );
  };
  return (
    <div className="choice">
      <span>Export all</span>
      <div className="switch">
        {(['ndjson', 'csv', 'parquet'] as const).map(format => (
          <button
            type="button"
            key={format}
            className="chip"
            data-testid={`export-${format}`}
            onClick={() => void start(format)}
          >
            {format}
          </button>
        ))}
      </div>
      {note && (
        <span className="choice-note" role="status">
          {note}
        </span>
      )}
    </div>
  );
}
