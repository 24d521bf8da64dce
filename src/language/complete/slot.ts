import { logqlSlot } from './logql-slot.ts';
import { searchSlot } from './search-slot.ts';

/** Something that may stand at the cursor whatever is stored. */
export type Suggestion = {
  kind: 'function' | 'stage' | 'operator' | 'keyword' | 'field' | 'value';
  label: string;
  insert: string;
  detail?: string;
};

/**
 * What the grammar allows at the cursor. The text from `from` to `to` is what a choice replaces; `typed` of it stands before the cursor. `fields`
 * and `values` are to be looked up: names of fields, or the values of one.
 */
export type Slot = {
  from: number;
  to: number;
  typed: string;
  suggestions: Suggestion[];
  /** How the name of a field is written here. */
  fields?: (name: string) => { label: string; insert: string } | undefined;
  /** The value of a label may be typed here, to become a whole condition. */
  labelValues?: (label: string, value: string) => { insert: string; detail: string };
  /** Only stream labels may stand here. */
  labelsOnly?: boolean;
  values?: { field: string; write: (value: string) => string };
};

/** Text that makes LogQL of what begins with it. The same rule as search-text.ts, for texts that are not finished. */
const startsAsLogql = /^\s*(?:\{|\||![=~]\s*["`])|^[\s(+-]*(?:[a-z_]+\s*(?:\(|by\b|without\b)|\(\s*\{)/i;

/** What may stand at `cursor` (an offset in UTF-16 units). Never throws: a text that is being typed is broken most of the time. */
export function slotAt(text: string, cursor: number): Slot {
  const at = Math.max(0, Math.min(cursor, text.length));
  if (startsAsLogql.test(text.slice(0, at))) return logqlSlot(text, at, 0);
  const slot = searchSlot(text, at);
  return typeof slot === 'number' ? logqlSlot(text, at, slot) : slot;
}
