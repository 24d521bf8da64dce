import type { QueryRow } from '../../../query/contract.ts';
import { cleanForLine, cleanForRow } from '../../parts/clean-text.ts';
import { levelLetter, levelOf } from '../../parts/level.ts';
import { fieldValue, type RowText, rowText } from './row-text.ts';
import { type Group, groupPx, type ListRow, missingText } from './sequence-rows.ts';
import type { Zone } from './time-format.ts';
import { clockText, dateText } from './time-format.ts';
import { millisOf } from './time-range.ts';

/** How rows look; all rows of the list alike. */
export type RowLook = {
  wrap: boolean;
  /** Messages that are JSON objects as they came, not with what they say first. */
  asSent: boolean;
  columns: readonly { name: string; width: number }[];
  zone: Zone;
  /** Show the date before the clock where it changes. */
  dates: boolean;
  /** Lower-case texts marked in the message. */
  words: readonly string[];
  /** Lower-case text of find-in-results, marked differently; empty when not searching. */
  find: string;
};

const tabs = /\t/g;

/** Message and tail as a row shows them. */
export function rowTexts(row: QueryRow, look: Pick<RowLook, 'wrap' | 'asSent'>): RowText {
  const clean = look.wrap ? (text: string) => cleanForRow(text).replace(tabs, '    ') : cleanForLine;
  const { message, tail, json } = rowText(row, look.asSent);
  return { message: clean(message), tail: tail && `  ${clean(tail)}`, json };
}

const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** Registries of the CSS Custom Highlight API; marks cost no elements. Without the API rows are unmarked. */
const highlights = (['match', 'find'] as const).map(name => {
  if (typeof CSS === 'undefined' || !('highlights' in CSS)) return null;
  const highlight = new Highlight();
  CSS.highlights.set(name, highlight);
  return highlight;
});

const rowsByElement = new WeakMap<Element, RowDom>();

/**
 * One row of the page: few elements and text nodes that are refilled when the row is used for another record. Text only ever
 * gets in as text nodes.
 */
export class RowDom {
  readonly element = document.createElement('div');
  /** Number of the record shown. */
  number = Number.NaN;
  row: ListRow | null = null;
  #around: HTMLElement[] = [];
  readonly #time = document.createTextNode('');
  readonly #badge = document.createTextNode('');
  readonly #cells: Text[] = [];
  readonly #message = document.createTextNode('');
  readonly #tail = document.createTextNode('');
  #top = Number.NaN;
  #height = Number.NaN;
  #json = false;
  #marks: [Highlight, StaticRange][] = [];

  /** The row that an element of the page belongs to. */
  static of(element: Element | null): RowDom | null {
    const row = element?.closest('.row');
    return (row && rowsByElement.get(row)) ?? null;
  }

  constructor(look: RowLook) {
    rowsByElement.set(this.element, this);
    this.element.setAttribute('role', 'row');
    this.#cell('row-time', this.#time).style.width = `${timeWidth(look)}ch`;
    this.#cell('row-level', this.#badge);
    for (const column of look.columns) {
      const text = document.createTextNode('');
      this.#cells.push(text);
      this.#cell('row-cell', text).style.width = `${column.width}ch`;
    }
    const message = this.#cell('row-message', this.#message);
    const tail = document.createElement('span');
    tail.className = 'row-tail';
    tail.append(this.#tail);
    message.append(tail);
  }

  fill(number: number, row: ListRow, before: QueryRow | undefined, look: RowLook): void {
    this.number = number;
    this.row = row;
    if (this.element.id) this.element.id = `row-${number}`;
    const at = millisOf(row.ts);
    const date =
      look.dates && (!before || dateText(millisOf(before.ts), look.zone) !== dateText(at, look.zone))
        ? `${dateText(at, look.zone).slice(5)} `
        : '';
    this.#time.data = date + clockText(at, look.zone);
    this.#badge.data = levelLetter(row.level);
    look.columns.forEach((column, i) => {
      const cell = this.#cells[i];
      if (cell) cell.data = cut(cleanForLine(fieldValue(row, column.name)), column.width);
    });
    this.#surround(row.group, look);
    const texts = rowTexts(row, look);
    this.#message.data = texts.message;
    this.#tail.data = texts.tail;
    this.#json = texts.json;
    this.mark(look);
  }

  /** Called for every row in view in every frame: touches the page only where something differs. */
  place(top: number, height: number, selected: boolean): void {
    const { style } = this.element;
    if (top !== this.#top) style.top = `${top}px`;
    if (height !== this.#height) style.height = `${height}px`;
    this.#top = top;
    this.#height = height;
    const name = `row row-${levelOf(this.row?.level ?? '')}${this.row?.context ? ' row-context' : ''}${selected ? ' selected' : ''}`;
    if (name === this.element.className) return;
    this.element.className = name;
    this.element.id = selected ? `row-${this.number}` : '';
    this.element.setAttribute('aria-selected', String(selected));
  }

  /** Height its text really takes, for rows whose glyphs the character grid cannot foretell. */
  textHeight(): number {
    return this.#message.parentElement?.offsetHeight ?? 0;
  }

  mark(look: RowLook): void {
    this.unmark();
    for (const text of this.#json ? [this.#message, this.#tail] : [this.#message])
      for (const word of look.words) this.#markText(text, word, highlights[0] ?? null);
    if (!look.find) return;
    for (const text of [this.#message, this.#tail, ...this.#cells])
      this.#markText(text, look.find, highlights[1] ?? null);
  }

  unmark(): void {
    for (const [highlight, range] of this.#marks) highlight.delete(range);
    this.#marks = [];
  }

  #markText(node: Text, word: string, highlight: Highlight | null): void {
    if (!highlight) return;
    const text = node.data.toLowerCase();
    // Lower case of a few letters is longer; offsets would be wrong then.
    if (text.length !== node.data.length) return;
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
      const range = new StaticRange({
        startContainer: node,
        startOffset: at,
        endContainer: node,
        endOffset: at + word.length,
      });
      highlight.add(range);
      this.#marks.push([highlight, range]);
    }
  }

  /** The head of a sequence above its first record, and what is said of missing events above and below. */
  #surround(group: Group | undefined, look: RowLook): void {
    if (this.#around.length === 0 && !group) return;
    for (const each of this.#around) each.remove();
    this.#around = [];
    const { above, below } = groupPx(group);
    this.element.style.paddingTop = above > 0 ? `${above + (look.wrap ? 2 : 0)}px` : '';
    const line = (name: string, ...texts: string[]): HTMLElement => {
      const element = document.createElement('span');
      element.className = name;
      element.setAttribute('role', 'gridcell');
      for (const text of texts) {
        const part = document.createElement('span');
        part.textContent = cleanForLine(text);
        element.append(part);
      }
      this.#around.push(element);
      return element;
    };
    const missing = (count: number, at: { top: number } | { bottom: number }): HTMLElement => {
      const element = line('group-missing', missingText(count));
      element.style.paddingLeft = `calc(${timeWidth(look)}ch + 39px)`;
      for (const [side, px] of Object.entries(at)) element.style.setProperty(side, `${px}px`);
      return element;
    };
    const before: HTMLElement[] = [];
    if (group?.head) before.push(line('group-head', group.head.keys, group.head.span));
    if (group && group.missingBefore > 0)
      before.push(missing(group.missingBefore, { top: groupPx({ ...group, missingBefore: 0 }).above }));
    this.element.prepend(...before);
    if (group && below > 0) this.element.append(missing(group.missingAfter, { bottom: 0 }));
  }

  #cell(name: string, text: Text): HTMLElement {
    const cell = document.createElement('span');
    cell.className = name;
    cell.setAttribute('role', 'gridcell');
    cell.append(text);
    this.element.append(cell);
    return cell;
  }
}

/** Characters of the time column. */
export const timeWidth = (look: { dates: boolean }): number => (look.dates ? 18 : 12);
