import { useEffect, useRef, useState } from 'react';
import type { CompleteAnswer, Completion } from '../../../query/contract.ts';
import { completeQuery } from '../../api.ts';
import { nanosOf, type Span } from './time-range.ts';

/** Pause in typing after which the server is asked. */
const pauseMs = 100;
const shownMost = 12;

export type CompletionList = {
  items: Completion[];
  /** Offset that the list stands below. */
  from: number;
  /** Index of the chosen item, -1 for none: then Enter runs the query. */
  chosen: number;
  choose(index: number): void;
  close(): void;
  /** Ask for what may stand at the cursor of a text; the list opens when there is something. */
  ask(text: string, cursor: number): void;
  /** The text with an item in place, and where the cursor then is. */
  take(text: string, item: Completion): { text: string; cursor: number };
};

/**
 * The list below the query box. While an answer is on its way the last one is narrowed by what was typed meanwhile, so the list neither flickers
 * nor lags behind; an answer to an older text is dropped.
 */
export function useCompletion(span: Span): CompletionList {
  const [answer, setAnswer] = useState<CompleteAnswer | null>(null);
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(-1);
  const running = useRef<{ abort: AbortController; timer: number } | null>(null);

  const stop = () => {
    if (!running.current) return;
    clearTimeout(running.current.timer);
    running.current.abort.abort();
    running.current = null;
  };
  useEffect(() => stop, []);

  const lower = typed.toLowerCase();
  const items = (answer?.items ?? []).filter(item => item.label.toLowerCase().includes(lower)).slice(0, shownMost);
  const useless = items.length === 1 && items[0]?.insert === typed;

  return {
    items: useless ? [] : items,
    from: answer?.from ?? 0,
    chosen: Math.min(chosen, items.length - 1),
    choose: setChosen,
    close() {
      stop();
      setAnswer(null);
      setChosen(-1);
    },
    ask(text, cursor) {
      stop();
      setChosen(-1);
      // The same word goes on: narrow what is there. Another one: nothing of it fits.
      const same = answer !== null && cursor >= answer.from && /^[^\s()]*$/.test(text.slice(answer.from, cursor));
      setTyped(same ? text.slice(answer.from, cursor).replace(/^["`]/, '') : '');
      if (answer && same) setAnswer({ ...answer, to: Math.max(cursor, answer.to) });
      else setAnswer(null);
      const abort = new AbortController();
      const timer = window.setTimeout(() => {
        completeQuery({ query: text, cursor, start: nanosOf(span.from), end: nanosOf(span.to) }, abort.signal).then(
          next => {
            setTyped(text.slice(next.from, cursor).replace(/^["`]/, ''));
            setAnswer(next);
          },
          // Not reachable, or another request took over: no list is no harm.
          () => undefined,
        );
      }, pauseMs);
      running.current = { abort, timer };
    },
    take(text, item) {
      const { from = 0, to = from } = answer ?? {};
      return { text: text.slice(0, from) + item.insert + text.slice(to), cursor: from + item.insert.length };
    },
  };
}
