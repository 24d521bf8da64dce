import { type PointerEvent, useState } from 'react';
import type { QueryRow } from '../../../query/contract.ts';
import { copyText } from '../../parts/copy.ts';
import { Icon } from '../../parts/icon.tsx';
import { levelOf } from '../../parts/level.ts';
import { setPreferences, usePreferences } from '../../parts/preferences.ts';
import { ContextView } from './context-view.tsx';
import { FieldTable } from './field-table.tsx';
import { MessageView } from './message-view.tsx';
import type { Field, Operator } from './query-edit.ts';
import { preciseText } from './time-format.ts';

export type DetailsProps = {
  row: QueryRow;
  tab: 'fields' | 'context';
  onTab: (tab: 'fields' | 'context') => void;
  columns: readonly string[];
  onClose: () => void;
  onStep: (step: 1 | -1) => void;
  onFilter: (field: Field, value: string, operator: Operator) => void;
  onColumn: (name: string) => void;
  permalink: () => string;
};

const narrowest = 320;

/** One record in full, beside the list. Its left edge can be dragged. */
export function Details({ row, tab, onTab, columns, onClose, onStep, onFilter, onColumn, permalink }: DetailsProps) {
  const { drawer, zone } = usePreferences();
  const [copied, setCopied] = useState('');
  const copy = async (what: string, text: string) => {
    setCopied((await copyText(text)) ? what : 'refused');
    setTimeout(() => setCopied(''), 1500);
  };
  return (
    <aside className="details" style={{ width: `${drawer}px` }} aria-label="Record" data-testid="details">
      <Grip width={drawer} />
      <header className="details-head">
        <span className={`badge level-${levelOf(row.level)}`} data-testid="details-level">
          {row.level}
        </span>
        <span className="details-time" title={preciseText(row.ts, 'utc')}>
          {preciseText(row.ts, zone).replace('T', ' ')}
        </span>
        <span className="spacer" />
        <button type="button" className="quiet" title="Previous record  k" onClick={() => onStep(-1)}>
          <Icon name="up" />
        </button>
        <button type="button" className="quiet" title="Next record  j" onClick={() => onStep(1)}>
          <Icon name="down" />
        </button>
        <button
          type="button"
          className="quiet"
          title="Copy a link to this record  y"
          data-testid="details-link"
          onClick={() => void copy('link', permalink())}
        >
          <Icon name="link" />
        </button>
        <button
          type="button"
          className="quiet"
          title="Copy the message"
          data-testid="details-copy"
          onClick={() => void copy('message', row.message)}
        >
          <Icon name="copy" />
        </button>
        <button type="button" className="quiet" title="Close  Esc" data-testid="details-close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div className="tabs" role="tablist">
        <button
          type="button"
          role="tab"
          aria-selected={tab === 'fields'}
          onClick={() => onTab('fields')}
          data-testid="tab-fields"
        >
          Record
        </button>
        <button
          type="button"
          role="tab"
          aria-selected={tab === 'context'}
          onClick={() => onTab('context')}
          data-testid="tab-context"
          title="What the same stream said before and after  c"
        >
          Context
        </button>
        <span className="tabs-note" role="status">
          {copied === 'refused' ? 'The browser refused to copy' : copied ? `Copied the ${copied}` : ''}
        </span>
      </div>
      <div className="details-body">
        {tab === 'fields' ? (
          <>
            <MessageView key={row.seq} row={row} onFilter={onFilter} onCopy={text => void copy('value', text)} />
            <FieldTable
              row={row}
              columns={columns}
              onFilter={onFilter}
              onColumn={onColumn}
              onCopy={text => void copy('value', text)}
            />
          </>
        ) : (
          <ContextView key={row.seq} row={row} zone={zone} />
        )}
      </div>
    </aside>
  );
}

/** The drawer's left edge: drag, or arrow keys when focused. */
function Grip({ width }: { width: number }) {
  const set = (px: number) =>
    setPreferences({ drawer: Math.round(Math.max(narrowest, Math.min(px, innerWidth - 240))) });
  const drag = (event: PointerEvent) => {
    const target = event.currentTarget;
    target.setPointerCapture(event.pointerId);
    const move = (moved: globalThis.PointerEvent) => set(innerWidth - moved.clientX);
    target.addEventListener('pointermove', move as EventListener);
    target.addEventListener('pointerup', () => target.removeEventListener('pointermove', move as EventListener), {
      once: true,
    });
  };
  return (
    <div
      className="grip"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the record"
      aria-valuenow={width}
      tabIndex={0}
      onPointerDown={drag}
      onKeyDown={event => {
        if (event.key === 'ArrowLeft') set(width + 40);
        else if (event.key === 'ArrowRight') set(width - 40);
      }}
    />
  );
}
