import { type KeyboardEvent, type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { ApiError } from '../../api.ts';
import { checkQuery } from '../../api.ts';
import { queryHistory } from './query-history.ts';
import { faultSpan, offsetAt, queryTokens } from './query-tokens.ts';

type Fault = { message: string; line?: number; column?: number };

/** Pause in typing after which the server is asked whether the text parses. */
const checkMs = 250;

/**
 * The query box: a plain textarea over a coloured copy of its text. Enter runs, Shift+Enter starts a line, Up and Down at the edges of
 * the text go through what was run before. Faults are underlined where the server found them and told below the box.
 */
export function QueryInput({
  text,
  onText,
  onRun,
  error,
  box,
}: {
  text: string;
  onText: (text: string) => void;
  onRun: (text: string) => void;
  error: ApiError | null;
  box: RefObject<HTMLTextAreaElement | null>;
}) {
  const [checked, setChecked] = useState<{ text: string; fault: Fault | null }>({ text: '', fault: null });
  const recall = useRef<{ at: number; draft: string }>({ at: -1, draft: '' });

  useEffect(() => {
    if (!text.trim()) return setChecked({ text, fault: null });
    const abort = new AbortController();
    const timer = setTimeout(() => {
      checkQuery(text, abort.signal).then(
        answer => setChecked({ text, fault: answer.ok ? null : answer.error }),
        // Not reachable: running the query will say so in its own place.
        () => undefined,
      );
    }, checkMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);

  useEffect(() => {
    if (error && (error.code === 'bad_query' || error.line !== undefined)) setChecked({ text, fault: error });
    // Only a new error is news; the text it belongs to is the one that was run.
  }, [error]);

  useLayoutEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.height = '0';
    area.style.height = `${area.scrollHeight}px`;
  });

  const fault = checked.text === text ? checked.fault : null;
  const key = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    const area = event.currentTarget;
    const above = text.slice(0, area.selectionStart);
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      recall.current = { at: -1, draft: '' };
      onRun(text);
    } else if (event.key === 'Escape') {
      area.blur();
    } else if (event.key === 'ArrowUp' && !above.includes('\n')) go(event, 1);
    else if (event.key === 'ArrowDown' && !text.slice(area.selectionEnd).includes('\n')) go(event, -1);
  };
  const go = (event: KeyboardEvent, step: 1 | -1) => {
    const past = queryHistory();
    const at = recall.current.at + step;
    if (at < -1 || at >= past.length) return;
    event.preventDefault();
    if (recall.current.at === -1) recall.current.draft = text;
    recall.current.at = at;
    onText(at === -1 ? recall.current.draft : (past[at] ?? ''));
  };

  return (
    <div className="query">
      <div className={`query-box ${fault ? 'has-fault' : ''}`}>
        <Colours text={text} fault={fault} />
        <textarea
          ref={box}
          className="query-text"
          data-testid="query-input"
          value={text}
          rows={1}
          spellCheck={false}
          autoCapitalize="off"
          autoCorrect="off"
          autoComplete="off"
          aria-label="Query: words, or LogQL"
          aria-invalid={fault !== null}
          aria-describedby={fault ? 'query-fault' : undefined}
          placeholder='Search words, "a phrase", or LogQL'
          onChange={event => {
            recall.current.at = -1;
            onText(event.target.value);
          }}
          onKeyDown={key}
        />
      </div>
      {fault && (
        <div className="query-fault" id="query-fault" role="status" data-testid="query-fault">
          {fault.line !== undefined && (
            <span className="query-fault-place">
              {fault.line > 1 || text.includes('\n') ? `line ${fault.line}, ` : ''}column {fault.column ?? 1}
            </span>
          )}
          {fault.message}
        </div>
      )}
    </div>
  );
}

/** The text again, coloured, exactly under the one being typed. */
function Colours({ text, fault }: { text: string; fault: Fault | null }) {
  const parts = useMemo(() => {
    const bad = fault?.line === undefined ? null : faultSpan(text, offsetAt(text, fault.line, fault.column ?? 1));
    let at = 0;
    return queryTokens(text).flatMap(token => {
      const from = at;
      at += token.text.length;
      if (!bad || bad.to <= from || bad.from >= at) return [{ kind: token.kind, text: token.text, bad: false, from }];
      const cut = [from, Math.max(from, bad.from), Math.min(at, bad.to), at];
      return [0, 1, 2]
        .map(i => ({ kind: token.kind, text: text.slice(cut[i], cut[i + 1]), bad: i === 1, from: cut[i] ?? 0 }))
        .filter(part => part.text);
    });
  }, [text, fault]);
  return (
    <div className="query-colours" aria-hidden="true">
      {parts.map(part => (
        <span key={part.from} className={`q-${part.kind}${part.bad ? ' q-bad' : ''}`}>
          {part.text}
        </span>
      ))}
      {'\u200b'}
    </div>
  );
}
