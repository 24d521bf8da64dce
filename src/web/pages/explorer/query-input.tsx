import { type KeyboardEvent, type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { CheckAnswer, Completion } from '../../../query/contract.ts';
import type { ApiError } from '../../api.ts';
import { checkQuery, isAbort } from '../../api.ts';
import { completionId, Completions, optionId } from './completion-list.tsx';
import { queryHistory } from './query-history.ts';
import { faultSpan, faultText, offsetAt, queryTokens } from './query-tokens.ts';
import { Explain, Reading } from './reading.tsx';
import type { Span } from './time-range.ts';
import { useCompletion } from './use-completion.ts';

type Checked = {
  text: string;
  fault: Fault | null;
  /** The fault came up when the query was run: a text may parse and still name a field that no record has. */
  ran?: true;
  /** Of the last text that was understood; stays until the next is known, so that the line below does not flicker. */
  understood: Extract<CheckAnswer, { ok: true }> | null;
};
type Fault = { message: string; line?: number; column?: number };

/** Pause in typing after which the server is asked whether the text parses. */
const checkMs = 250;

/**
 * The query box: a plain textarea over a coloured copy of its text. Enter runs, Shift+Enter starts a line, Up and Down at the edges of
 * the text go through what was run before. Faults are underlined where the server found them and told below the box. While typing a list offers what may
 * stand at the cursor: Down and Up choose, Enter and Tab take what is chosen (Tab the first when nothing is), Esc closes; Ctrl+Space opens it. With nothing
 * chosen Enter runs the query, list or not.
 */
export function QueryInput({
  text,
  onText,
  onRun,
  error,
  box,
  span,
}: {
  text: string;
  onText: (text: string) => void;
  onRun: (text: string) => void;
  error: ApiError | null;
  box: RefObject<HTMLTextAreaElement | null>;
  span: Span;
}) {
  const [checked, setChecked] = useState<Checked>({ text: '', fault: null, understood: null });
  const [explained, setExplained] = useState(false);
  const list = useCompletion(span);
  /** Where the cursor has to be once the text that was set is in the box. */
  const caret = useRef<number | null>(null);
  const recall = useRef<{ at: number; draft: string }>({ at: -1, draft: '' });

  useEffect(() => {
    if (!text.trim()) return setChecked({ text, fault: null, understood: null });
    const abort = new AbortController();
    const timer = setTimeout(() => {
      checkQuery(text, abort.signal).then(
        answer =>
          setChecked(known => {
            if (!answer.ok) return { text, fault: answer.error, understood: null };
            return known.ran && known.text === text
              ? { ...known, understood: answer }
              : { text, fault: null, understood: answer };
          }),
        // Not reachable: running the query will say so in its own place. What was understood of another text is no longer true.
        (failure: unknown) => {
          if (!isAbort(failure)) setChecked({ text, fault: null, understood: null });
        },
      );
    }, checkMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);

  useEffect(() => {
    if (error && (error.code === 'bad_query' || error.line !== undefined))
      setChecked(known => ({
        text,
        fault: error,
        ran: true,
        understood: known.text === text ? known.understood : null,
      }));
    else if (!error)
      setChecked(known => (known.ran ? { text: known.text, fault: null, understood: known.understood } : known));
    // Only a new error is news; the text it belongs to is the one that was run.
  }, [error]);

  useLayoutEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.height = '0';
    area.style.height = `${area.scrollHeight}px`;
    if (caret.current !== null) area.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  });

  const open = list.items.length > 0;
  // What is still being typed is broken by nature: with the list open nothing is underlined yet.
  const fault = checked.text === text && !open ? checked.fault : null;
  const take = (item: Completion) => {
    const taken = list.take(text, item);
    caret.current = taken.cursor;
    onText(taken.text);
    // What has to be followed by something goes on with a list of that.
    if (/[:=([{ ]$/.test(item.insert)) list.ask(taken.text, taken.cursor);
    else list.close();
  };
  const run = () => {
    recall.current = { at: -1, draft: '' };
    list.close();
    onRun(text);
  };
  /** A key for the open list; false when it is none. */
  const listKey = (event: KeyboardEvent<HTMLTextAreaElement>): boolean => {
    const { items, chosen } = list;
    if (event.key === 'ArrowDown') list.choose((chosen + 1) % items.length);
    else if (event.key === 'ArrowUp' && chosen >= 0) list.choose(chosen - 1);
    else if (event.key === 'Escape') list.close();
    else {
      const taken = items[event.key === 'Tab' ? Math.max(0, chosen) : chosen];
      if (!taken || event.shiftKey || (event.key !== 'Enter' && event.key !== 'Tab')) return false;
      take(taken);
    }
    event.preventDefault();
    return true;
  };
  const key = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    const area = event.currentTarget;
    if (open && listKey(event)) return;
    const above = text.slice(0, area.selectionStart);
    if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      list.ask(text, area.selectionStart);
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      run();
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
          role="combobox"
          aria-label="Query: words and field:value, LogQL, or EQL"
          aria-autocomplete="list"
          aria-expanded={open}
          aria-controls={completionId}
          aria-activedescendant={open && list.chosen >= 0 ? optionId(list.chosen) : undefined}
          aria-invalid={fault !== null}
          aria-describedby={fault ? 'query-fault' : undefined}
          placeholder='Search words, "a phrase", field:value, an id, LogQL or EQL'
          onChange={event => {
            recall.current.at = -1;
            onText(event.target.value);
            list.ask(event.target.value, event.target.selectionStart);
          }}
          onKeyDown={key}
          onBlur={() => list.close()}
          onClick={() => list.close()}
        />
        {open && <Completions list={list} text={text} onTake={take} />}
      </div>
      {fault && (
        <div className="query-fault" id="query-fault" role="status" data-testid="query-fault">
          {fault.line !== undefined && (
            <span className="query-fault-place">
              {fault.line > 1 || text.includes('\n') ? `line ${fault.line}, ` : ''}column {fault.column ?? 1}
            </span>
          )}
          {faultText(fault.message)}
        </div>
      )}
      {!fault && (
        <Reading
          answer={text.trim() ? checked.understood : null}
          open={explained}
          onToggle={() => setExplained(!explained)}
          onExample={onRun}
        />
      )}
      {explained && !fault && text.trim() && (
        <Explain query={checked.understood ? checked.text : text} span={span} onClose={() => setExplained(false)} />
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
