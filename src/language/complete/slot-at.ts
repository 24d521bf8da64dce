import { eqlSlot, startsAsEql } from './eql-slot.ts';
import { logqlSlot } from './logql-slot.ts';
import { searchSlot } from './search-slot.ts';
import type { Slot } from './slot.ts';

/** Text that makes LogQL of what begins with it. The same rule as search-text.ts, for texts that are not finished. */
const startsAsLogql = /^\s*(?:\{|\||![=~>]\s*["`])|^[\s(+-]*(?:[a-z_]+\s*(?:\(|by\b|without\b)|\(\s*\{)/i;

/** What may stand at `cursor` (an offset in UTF-16 units). Never throws: a text that is being typed is broken most of the time. */
export function slotAt(text: string, cursor: number): Slot {
  const at = Math.max(0, Math.min(cursor, text.length));
  // What stands behind the cursor tells what the beginning of a text is part of.
  if (startsAsEql.test(text.slice(0, at)) || startsAsEql.test(text)) return eqlSlot(text, at);
  if (startsAsLogql.test(text.slice(0, at))) return logqlSlot(text, at, 0);
  const slot = searchSlot(text, at);
  return typeof slot === 'number' ? logqlSlot(text, at, slot) : slot;
}
