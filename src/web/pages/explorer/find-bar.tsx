import { useEffect, useRef, useState } from 'react';
import type { QueryRow } from '../../../query/contract.ts';
import { shortCount } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { countMatches } from './find.ts';

/** Find in the loaded rows, in place of the browser's find, which sees only the few rows in the page. Enter goes on, Shift+Enter back. */
export function FindBar({
  rows,
  version,
  text,
  onText,
  onStep,
  onClose,
  onQuery,
}: {
  rows: readonly QueryRow[];
  version: number;
  text: string;
  onText: (text: string) => void;
  onStep: (step: 1 | -1) => void;
  onClose: () => void;
  onQuery: (text: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [count, setCount] = useState<number | null>(null);
  useEffect(() => input.current?.select(), []);
  useEffect(() => {
    let stale = false;
    setCount(null);
    if (!text) return;
    const timer = setTimeout(
      () => void countMatches(rows, text.toLowerCase(), () => stale).then(n => n !== null && setCount(n)),
      120,
    );
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [rows, version, text]);
  return (
    <div className="find" role="search" data-testid="find-bar">
      <input
        ref={input}
        className="input"
        aria-label="Find in the loaded records"
        placeholder="Find in loaded records"
        data-testid="find-input"
        value={text}
        onChange={event => onText(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') onStep(event.shiftKey ? -1 : 1);
          else if (event.key === 'Escape') onClose();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <span className="find-count" role="status" data-testid="find-count">
        {text === '' ? '' : count === null ? '…' : `${count.toLocaleString('en')} of ${shortCount(rows.length)} loaded`}
      </span>
      <button type="button" className="quiet" title="Previous  Shift+Enter" onClick={() => onStep(-1)}>
        <Icon name="up" />
      </button>
      <button type="button" className="quiet" title="Next  Enter" onClick={() => onStep(1)}>
        <Icon name="down" />
      </button>
      <button
        type="button"
        className="button"
        disabled={!text}
        title="Add it to the query, which searches every record of the range"
        onClick={() => onQuery(text)}
      >
        Search all records
      </button>
      <button type="button" className="quiet" title="Close  Esc" onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  );
}
