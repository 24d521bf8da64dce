import type { RowLook } from './row-dom.ts';
import { RowDom, rowTexts } from './row-dom.ts';
import type { RowLayout } from './row-layout.ts';
import { rowWindow, uniformLayout, variableLayout, wrappedLines } from './row-layout.ts';
import { plainLine } from './row-text.ts';
import { groupPx, type ListRow } from './sequence-rows.ts';
import { preciseText } from './time-format.ts';

/** Rows to show; row i has the number `base + i`. Another `key` means another list: scrolling starts anew. */
export type ListSource = { key: unknown; rows: readonly ListRow[]; base: number };
export type ListLook = RowLook & { rowHeight: number };
export type ListEvents = {
  /** A row was clicked, not dragged over. */
  open: (number: number) => void;
  /** The view moved: first visible row, and whether either end of the rows is near. */
  moved: (view: { first: ListRow | undefined; nearStart: boolean; nearEnd: boolean; atEnd: boolean }) => void;
};

const overscan = 4;
/** Rows from an end at which the next page is asked for. */
const nearRows = 200;
const paddingPx = 4;
const sortMs = 150;

/**
 * The list: some sixty rows of a pool, placed over a box as high as all rows. Rows in view keep their elements while scrolling, in
 * reading order, so that text can be selected over them; the rows a selection starts and ends in stay until it is gone.
 */
export class ListView {
  readonly #scroller: HTMLElement;
  readonly #box = document.createElement('div');
  readonly #events: ListEvents;
  readonly #abort = new AbortController();
  #source: ListSource = { key: undefined, rows: [], base: 0 };
  #look: ListLook | null = null;
  #selected: number | null = null;
  #follow = false;
  #layout: RowLayout = uniformLayout(0, 20);
  #shown = new Map<number, RowDom>();
  #spare: RowDom[] = [];
  #pinned = new Set<number>();
  #heights = new WeakMap<ListRow, number>();
  #cells = 0;
  #sorting: ReturnType<typeof setTimeout> | undefined;
  #press: { x: number; y: number } | null = null;

  constructor(scroller: HTMLElement, events: ListEvents) {
    this.#scroller = scroller;
    this.#events = events;
    this.#box.className = 'list-box';
    this.#box.setAttribute('role', 'presentation');
    scroller.append(this.#box);
    const { signal } = this.#abort;
    scroller.addEventListener('scroll', () => this.#render(), { passive: true, signal });
    scroller.addEventListener('pointerdown', event => this.#pressed(event), { signal });
    // Not `click`: pressing sorts the rows for a selection, and a row that was moved meanwhile gets no click.
    scroller.addEventListener('pointerup', event => this.#released(event), { signal });
    document.addEventListener('selectionchange', () => this.#pin(), { signal });
    scroller.addEventListener('copy', event => this.#copy(event), { signal });
    const resized = new ResizeObserver(() => {
      if (this.#look) this.show(this.#source, this.#look, this.#selected, this.#follow);
    });
    resized.observe(scroller);
    signal.addEventListener('abort', () => resized.disconnect());
  }

  destroy(): void {
    this.#abort.abort();
    clearTimeout(this.#sorting);
    for (const row of this.#shown.values()) row.unmark();
    this.#box.remove();
  }

  /** Shows rows. What the reader looks at stays where it is, whatever was added or let go around it; with `follow` the last row stays in view. */
  show(source: ListSource, look: ListLook, selected: number | null, follow: boolean): void {
    const anchor = this.#anchor();
    const columnsChanged = this.#look && shape(this.#look) !== shape(look);
    const lookChanged = this.#look !== look;
    const listChanged = this.#source.key !== source.key;
    if (columnsChanged || listChanged) this.#drop(Boolean(columnsChanged));
    this.#source = { ...source };
    this.#look = look;
    this.#selected = selected;
    this.#follow = follow;
    this.#arrange();
    if (follow) this.#scroller.scrollTop = this.#layout.total;
    else if (listChanged) this.#scroller.scrollTop = 0;
    else if (anchor) {
      const index = anchor.number - source.base;
      const top = index < 0 ? 0 : this.#layout.top(Math.min(index, source.rows.length)) + anchor.offset;
      if (Math.abs(this.#scroller.scrollTop - top) >= 1) this.#scroller.scrollTop = top;
    }
    this.#render(lookChanged);
  }

  /** Scrolls as little as needed, or puts the row a third from the top. */
  reveal(number: number, where: 'nearest' | 'third'): void {
    const index = number - this.#source.base;
    if (index < 0 || index >= this.#source.rows.length) return;
    const top = this.#layout.top(index);
    const bottom = top + this.#layout.height(index);
    const { scrollTop, clientHeight } = this.#scroller;
    if (where === 'third') this.#scroller.scrollTop = top - clientHeight / 3;
    else if (top < scrollTop) this.#scroller.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.#scroller.scrollTop = bottom - clientHeight;
    this.#render();
  }

  toEnd(): void {
    this.#scroller.scrollTop = this.#layout.total;
    this.#render();
  }

  /** Number of the first row in view, for keys that start from where the reader is. */
  firstNumber(): number {
    return this.#source.base + Math.max(0, this.#layout.at(this.#scroller.scrollTop));
  }

  /** Rows that fit into the view. */
  pageRows(): number {
    return Math.max(1, Math.floor(this.#scroller.clientHeight / (this.#look?.rowHeight ?? 20)) - 1);
  }

  /** The row to hold on to: the chosen one while it is in view, else the first in view. */
  #anchor(): { number: number; offset: number } | null {
    if (this.#layout.count === 0) return null;
    const { scrollTop, clientHeight } = this.#scroller;
    const chosen = this.#selected === null ? -1 : this.#selected - this.#source.base;
    const top = chosen >= 0 && chosen < this.#layout.count ? this.#layout.top(chosen) : -1;
    const index = top >= scrollTop && top < scrollTop + clientHeight ? chosen : this.#layout.at(scrollTop);
    return { number: this.#source.base + index, offset: scrollTop - this.#layout.top(index) };
  }

  #arrange(): void {
    const look = this.#look;
    if (!look) return;
    const { rows } = this.#source;
    if (look.wrap) {
      const cells = this.#measureCells(look);
      if (cells !== this.#cells) this.#heights = new WeakMap();
      this.#cells = cells;
    }
    // Sequences begin with their head.
    if (look.wrap || rows[0]?.group) {
      const heights = new Float64Array(rows.length);
      rows.forEach((row, i) => (heights[i] = this.#heightOf(row, look)));
      this.#layout = variableLayout(heights);
    } else this.#layout = uniformLayout(rows.length, look.rowHeight);
    this.#box.style.height = `${this.#layout.total}px`;
    this.#scroller.setAttribute('aria-rowcount', String(rows.length));
  }

  #heightOf(row: ListRow, look: ListLook): number {
    const { above, below } = groupPx(row.group);
    if (!look.wrap) return look.rowHeight + above + below;
    const known = this.#heights.get(row);
    if (known) return known;
    const { message, tail } = rowTexts(row, look);
    const lines = wrappedLines(message + tail, this.#cells);
    const height = lines * (look.rowHeight - paddingPx) + paddingPx + above + below;
    this.#heights.set(row, height);
    return height;
  }

  /** Characters of a message line: measured on a row laid out for this, since fonts and zoom decide. */
  #measureCells(look: ListLook): number {
    const probe = new RowDom(look);
    probe.element.className = 'row probe';
    this.#box.append(probe.element);
    const message = probe.element.querySelector<HTMLElement>('.row-message');
    const width = message?.clientWidth ?? 0;
    if (message) message.textContent = 'x'.repeat(100);
    const range = document.createRange();
    if (message?.firstChild) range.setEnd(message.firstChild, 10);
    if (message?.firstChild) range.setStart(message.firstChild, 0);
    const cell = range.getBoundingClientRect().width / 10;
    probe.element.remove();
    return cell > 0 ? Math.max(10, Math.floor(width / cell + 0.01)) : 80;
  }

  #render(refill = false): void {
    const look = this.#look;
    if (!look) return;
    const { rows, base } = this.#source;
    const { scrollTop, clientHeight } = this.#scroller;
    const { from, to } = rowWindow(this.#layout, scrollTop, clientHeight, overscan);
    for (const [number, row] of this.#shown) {
      const index = number - base;
      const inView = index >= from && index < to && rows[index] === row.row;
      if (inView || (this.#pinned.has(number) && rows[index] === row.row)) continue;
      this.#shown.delete(number);
      this.#spare.push(row);
    }
    let corrected = false;
    for (const number of this.#wanted(base + from, base + to).toReversed()) {
      const index = number - base;
      const record = rows[index];
      if (!record) continue;
      let row = this.#shown.get(number);
      if (!row || refill) {
        row ??= this.#spare.pop() ?? new RowDom(look);
        row.fill(number, record, rows[index - 1], look);
        this.#shown.set(number, row);
        corrected ||= this.#odd(record, look);
      }
      row.place(this.#layout.top(index), this.#layout.height(index), number === this.#selected);
      if (row.element.parentNode !== this.#box) this.#box.append(row.element);
    }
    for (const row of this.#spare) {
      row.unmark();
      row.element.remove();
    }
    this.#sortSoon();
    const active = this.#selected !== null && this.#shown.has(this.#selected) ? `row-${this.#selected}` : null;
    if (active) this.#scroller.setAttribute('aria-activedescendant', active);
    else this.#scroller.removeAttribute('aria-activedescendant');
    if (corrected && this.#correct(look)) return;
    this.#events.moved({
      first: rows[this.#layout.count ? this.#layout.at(scrollTop) : 0],
      nearStart: from < nearRows,
      nearEnd: to > rows.length - nearRows,
      atEnd: scrollTop + clientHeight >= this.#layout.total - 2,
    });
  }

  /** Moving elements costs more than refilling them, so reading order is restored when scrolling pauses, and at once when a selection may begin. */
  #sortSoon(): void {
    clearTimeout(this.#sorting);
    this.#sorting = setTimeout(() => this.#sort(), sortMs);
  }

  #sort(): void {
    clearTimeout(this.#sorting);
    let next: ChildNode | null = null;
    for (const [, row] of [...this.#shown].toSorted(([a], [b]) => b - a)) {
      if (row.element.nextSibling !== next || row.element.parentNode !== this.#box)
        this.#box.insertBefore(row.element, next);
      next = row.element;
      row.element.setAttribute('aria-rowindex', String(row.number - this.#source.base + 1));
    }
  }

  #wanted(from: number, to: number): number[] {
    const numbers = Array.from({ length: to - from }, (_, i) => from + i);
    const outside = [...this.#pinned].filter(number => this.#shown.has(number) && (number < from || number >= to));
    return outside.length ? [...outside, ...numbers].toSorted((a, b) => a - b) : numbers;
  }

  /** True when the character grid may be wrong about the row: signs outside the Latin, Greek and Cyrillic blocks. */
  #odd(row: ListRow, look: ListLook): boolean {
    return look.wrap && /[^\u0000-\u04ff]/.test(row.message);
  }

  /** Puts right the heights of such rows by what they really take. */
  #correct(look: ListLook): boolean {
    let wrong = false;
    for (const { row, textHeight } of [...this.#shown.values()].map(dom => ({
      row: dom.row,
      textHeight: dom.textHeight(),
    }))) {
      if (!row || !this.#odd(row, look)) continue;
      const { above, below } = groupPx(row.group);
      const height = textHeight + paddingPx + above + below;
      if (textHeight > 0 && Math.abs((this.#heights.get(row) ?? 0) - height) > 1) {
        this.#heights.set(row, height);
        wrong = true;
      }
    }
    if (wrong) this.show(this.#source, look, this.#selected, this.#follow);
    return wrong;
  }

  #drop(forGood: boolean): void {
    for (const row of this.#shown.values()) {
      row.unmark();
      row.element.remove();
      if (!forGood) this.#spare.push(row);
    }
    if (forGood) this.#spare = [];
    this.#shown.clear();
    this.#pinned.clear();
    this.#heights = new WeakMap();
  }

  #pressed(event: PointerEvent): void {
    this.#press = { x: event.clientX, y: event.clientY };
    this.#sort();
  }

  #released(event: PointerEvent): void {
    const press = this.#press;
    if (
      !press ||
      event.button !== 0 ||
      Math.hypot(event.clientX - press.x, event.clientY - press.y) >= 4 ||
      !document.getSelection()?.isCollapsed
    )
      return;
    const number = numberOf(document.elementFromPoint(event.clientX, event.clientY));
    if (number !== null) this.#events.open(number);
  }

  #pin(): void {
    const selection = document.getSelection();
    const ends =
      selection && !selection.isCollapsed ? [numberOf(selection.anchorNode), numberOf(selection.focusNode)] : [];
    this.#pinned = new Set(ends.filter(number => number !== null));
  }

  /** A selection over several rows copies all of them from the records: those scrolled away are not in the page. */
  #copy(event: ClipboardEvent): void {
    const [first, last] = [...this.#pinned].toSorted((a, b) => a - b);
    const look = this.#look;
    if (first === undefined || last === undefined || !look) return;
    const rows = this.#source.rows.slice(Math.max(0, first - this.#source.base), last - this.#source.base + 1);
    event.clipboardData?.setData(
      'text/plain',
      rows.map(row => plainLine(row, preciseText(row.ts, look.zone))).join('\n'),
    );
    event.preventDefault();
  }
}

const shape = (look: ListLook): string =>
  JSON.stringify([
    look.wrap,
    look.asSent,
    look.rowHeight,
    look.dates,
    look.columns.map(column => [column.name, column.width]),
  ]);

function numberOf(target: EventTarget | null): number | null {
  const element = target instanceof Element ? target : target instanceof Node ? target.parentElement : null;
  return RowDom.of(element)?.number ?? null;
}
