import { type RefObject, useEffect, useRef, useState } from 'react';
import type { QueryRow } from '../../../query/contract.ts';
import { copyText } from '../../parts/copy.ts';
import type { ListSource } from './list-view.ts';
import type { ListHandle } from './log-list.tsx';
import { cursorOf } from './row-text.ts';
import { absolute, millisOf } from './time-range.ts';
import { toSearch } from './url-state.ts';
import type { useExplorer } from './use-explorer.ts';

export type DetailsTab = 'fields' | 'context';

/**
 * The chosen record, by its number in the list, and the drawer that shows it. The record itself is kept too: live tail may
 * let it go while it is being read. A permalink's record is chosen as soon as it is there.
 */
export function useSelection(
  { state, span, result }: ReturnType<typeof useExplorer>,
  source: ListSource,
  version: number,
  list: RefObject<ListHandle | null>,
) {
  const [chosen, setChosen] = useState<{ number: number; row: QueryRow; key: unknown } | null>(null);
  const [tab, setTab] = useState<DetailsTab | null>(null);
  const [notice, setNotice] = useState('');
  const opened = useRef<string | null>(null);
  const current = chosen && chosen.key === source.key ? chosen : null;

  const choose = (number: number) => {
    const row = source.rows[number - source.base];
    if (!row) return;
    setChosen({ number, row, key: source.key });
    list.current?.reveal(number, 'nearest');
  };
  const open = (which: DetailsTab = 'fields', number?: number) => {
    const target = number ?? current?.number ?? list.current?.firstNumber();
    if (target === undefined) return;
    choose(target);
    setTab(which);
  };
  const step = (by: 1 | -1) => choose(current ? current.number + by : (list.current?.firstNumber() ?? source.base));
  const close = () => {
    if (tab) setTab(null);
    else setChosen(null);
    list.current?.focus();
  };

  /** A link with an absolute range: it shows the same record to anyone, whenever it is opened. */
  const permalink = () => {
    const row = current?.row ?? source.rows[0];
    if (!row) return location.href;
    const at = millisOf(row.ts);
    const range = absolute(Math.min(span.from, at), Math.max(span.to, at + 1));
    return `${location.origin}${location.pathname}?${toSearch({ ...state, range, live: false, at: cursorOf(row) })}`;
  };
  const copyLink = async () => {
    const copied = await copyText(permalink());
    say(
      copied
        ? current
          ? 'Copied a link to this record'
          : 'Copied a link to this view'
        : 'The browser refused to copy',
    );
  };
  const say = (text: string) => {
    setNotice(text);
    setTimeout(() => setNotice(now => (now === text ? '' : now)), 2500);
  };

  useEffect(() => {
    if (state.at === null || state.live) {
      opened.current = null;
      return;
    }
    const run = `${state.at} ${span.from}`;
    if (
      opened.current === run ||
      result.phase !== 'done' ||
      result.previous === 'loading' ||
      result.run?.at !== state.at
    )
      return;
    opened.current = run;
    const index = result.indexOf(state.at);
    if (index < 0)
      return setNotice(
        'The record of this link is not in the answer: it does not match the query, or it has been deleted by retention.',
      );
    const row = result.rows[index];
    if (row) setChosen({ number: result.base + index, row, key: result.rows });
    setTab('fields');
    list.current?.reveal(result.base + index, 'third');
  }, [state.at, version]);

  // The drawer closes with the list its record was in.
  useEffect(() => {
    if (chosen && chosen.key !== source.key) setTab(null);
  }, [source.key]);

  return {
    number: current?.number ?? null,
    row: current?.row ?? null,
    tab: current ? tab : null,
    notice,
    choose,
    open,
    step,
    close,
    permalink,
    copyLink,
  };
}
