import { type Ref, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { QueryRow } from '../../../query/contract.ts';
import { Icon } from '../../parts/icon.tsx';
import { usePreferences } from '../../parts/preferences.ts';
import type { ListEvents, ListSource } from './list-view.ts';
import { ListView } from './list-view.ts';
import { timeWidth } from './row-dom.ts';
import { fieldValue } from './row-text.ts';
import { dateText } from './time-format.ts';
import { millisOf } from './time-range.ts';

export type ListHandle = Pick<ListView, 'reveal' | 'toEnd' | 'firstNumber' | 'pageRows'> & { focus: () => void };

export type LogListProps = {
  source: ListSource;
  /** Changes whenever the rows did. */
  version: number;
  columns: readonly string[];
  wrap: boolean;
  words: readonly string[];
  find: string;
  selected: number | null;
  /** Keep the newest row, at the end, in view. */
  follow: boolean;
  onOpen: ListEvents['open'];
  onMoved: ListEvents['moved'];
  onColumn: (name: string) => void;
  handle: Ref<ListHandle>;
};

const rowHeights = { compact: 20, normal: 24 };

/** The list of records: a header by React, rows by {@link ListView}. */
export function LogList({
  source,
  version,
  columns,
  wrap,
  words,
  find,
  selected,
  follow,
  onOpen,
  onMoved,
  onColumn,
  handle,
}: LogListProps) {
  const { density, zone, json } = usePreferences();
  const asSent = json === 'as sent';
  const scroller = useRef<HTMLDivElement>(null);
  const view = useRef<ListView | null>(null);
  const events = useRef<ListEvents>({ open: onOpen, moved: onMoved });
  const [day, setDay] = useState('');
  const zoneNow = useRef(zone);
  zoneNow.current = zone;
  events.current = { open: onOpen, moved: onMoved };

  useLayoutEffect(() => {
    if (!scroller.current) return;
    const list = new ListView(scroller.current, {
      open: number => events.current.open(number),
      moved: at => {
        setDay(at.first ? dateText(millisOf(at.first.ts), zoneNow.current) : '');
        events.current.moved(at);
      },
    });
    view.current = list;
    return () => list.destroy();
  }, []);

  const dates = spansDays(source.rows, zone);
  // Widths come from the first rows and then stay, so that columns do not dance while rows arrive.
  const enough = source.rows.length >= 100 ? 'many' : source.rows.length > 0 ? 'some' : 'none';
  const widths = useMemo(
    () => columns.map(name => ({ name, width: columnWidth(name, source.rows) })),
    [columns, source.key, enough],
  );
  const look = useMemo(
    () => ({ wrap, asSent, columns: widths, zone, dates, words, find, rowHeight: rowHeights[density] }),
    [wrap, asSent, widths, zone, dates, words, find, density],
  );

  useLayoutEffect(() => {
    view.current?.show(source, look, selected, follow);
  }, [source.key, version, look, selected, follow]);

  useImperativeHandle(handle, () => ({
    reveal: (number, where) => view.current?.reveal(number, where),
    toEnd: () => view.current?.toEnd(),
    firstNumber: () => view.current?.firstNumber() ?? 0,
    pageRows: () => view.current?.pageRows() ?? 1,
    focus: () => scroller.current?.focus({ preventScroll: true }),
  }));

  useEffect(() => {
    // A scroll bar takes width from the rows but not from the header; this keeps their columns in line.
    const node = scroller.current;
    node?.parentElement?.style.setProperty('--scrollbar', `${node.offsetWidth - node.clientWidth}px`);
  }, [version]);

  return (
    <div className={`list density-${density} ${wrap ? 'list-wrap' : ''}`}>
      <div className="list-head" aria-hidden="true">
        <span className="row-time" style={{ width: `${timeWidth({ dates })}ch` }}>
          {day || 'time'}
        </span>
        <span className="row-level" />
        {widths.map(column => (
          <span key={column.name} className="row-cell" style={{ width: `${column.width}ch` }}>
            <button
              type="button"
              className="head-column"
              title={`Remove column ${column.name}`}
              onClick={() => onColumn(column.name)}
            >
              <span>{column.name}</span>
              <Icon name="close" />
            </button>
          </span>
        ))}
        <span className="row-message">message</span>
      </div>
      <div
        ref={scroller}
        className="list-scroll"
        role="grid"
        aria-label="Records"
        aria-readonly="true"
        tabIndex={0}
        data-testid="log-list"
      />
    </div>
  );
}

const sampleRows = 200;

function columnWidth(name: string, rows: readonly QueryRow[]): number {
  let widest = name.length + 2;
  for (const row of rows.slice(0, sampleRows)) widest = Math.max(widest, fieldValue(row, name).length);
  return Math.min(28, Math.max(6, widest));
}

function spansDays(rows: readonly QueryRow[], zone: 'local' | 'utc'): boolean {
  const [first, last] = [rows[0], rows.at(-1)];
  return Boolean(first && last && dateText(millisOf(first.ts), zone) !== dateText(millisOf(last.ts), zone));
}
