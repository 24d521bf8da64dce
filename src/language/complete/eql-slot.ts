import { functionNames } from '../eql/functions.ts';
import type { Slot, Suggestion } from './slot.ts';

/** Text that EQL queries begin with, also where they are not finished: one category and `where`, `sequence by`, `sequence [`, `sample by`. */
export const startsAsEql =
  /^\s*(?:sequence\s*!?\[|sequence\s+(?:by|with)\s|sample\s+by\s|(?:[A-Za-z_@]\w*|"[^"\n]*")\s+where\s)/;

const some = (kind: Suggestion['kind'], detail: string, ...labels: string[]): Suggestion[] =>
  labels.map(label => ({ kind, label, insert: label, detail }));

const comparisons = [
  ...some('operator', 'compare', '== ', '!= ', '< ', '<= ', '> ', '>= '),
  ...some('operator', 'any case, * and ?', ': '),
  ...some('operator', 'wildcards', 'like ', 'like~ '),
  ...some('operator', 'expression (RE2)', 'regex ', 'regex~ '),
  ...some('operator', 'one of', 'in ("', 'in~ ("', 'not in ("'),
];
const joins = some('operator', 'combine', 'and ', 'or ');
const operands: Suggestion[] = [
  ...some('operator', 'without', 'not '),
  ...some('keyword', 'constant', 'true', 'false', 'null'),
  ...functionNames.map(
    (name): Suggestion => ({ kind: 'function', label: name, insert: `${name}(`, detail: 'function' }),
  ),
];
const steps = [
  ...some('keyword', 'the next event', '['),
  ...some('keyword', 'no such event', '!['),
  ...some('keyword', 'join key of this step', 'by '),
  ...some('keyword', 'so many of these', 'with runs='),
  ...some('keyword', 'ends what is open', 'until ['),
  ...some('keyword', 'first or last matches', '| head ', '| tail '),
];

/** Blanks for comments and for what strings hold, of the same length; `open`: where a string begins that is not closed. */
function masked(text: string): { text: string; open?: number } {
  const piece = /"""[^]*?"""|"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g;
  const closed = text.replace(piece, found =>
    found.startsWith('"') ? `"${'_'.repeat(found.length - 2)}"` : ' '.repeat(found.length),
  );
  // Every quote that is left over opens a string; closed ones hold none.
  const bare = closed.replace(/"_*"/g, found => '_'.repeat(found.length));
  const open = bare.indexOf('"');
  return open < 0 ? { text: closed } : { text: closed, open };
}

/** How a field is asked for in what is stored. */
const stored = (name: string): string =>
  name
    .replace(/^\?/, '')
    .replace(/`/g, '')
    .replace(/[^A-Za-z0-9_]/g, '_');
const written = (name: string): { label: string; insert: string } => ({
  label: name,
  insert: /^[A-Za-z_@][\w.]*$/.test(name) ? name : `\`${name}\``,
});
const comparedField = /(`[^`\n]+`|\??[\w.@]+)\s*(?:[=!]=|[<>]=?|:|like~?|regex~?|(?:not\s+)?in~?)\s*(?:\([^()]*)?$/;

/** What may stand at `cursor` of an EQL query. Never throws. */
export function eqlSlot(text: string, cursor: number): Slot {
  const { text: before, open } = masked(text.slice(0, cursor));
  const rest = /^[\w.~]*/.exec(text.slice(cursor))?.[0].length ?? 0;
  if (open !== undefined) {
    const field = comparedField.exec(before.slice(0, open))?.[1];
    // What is behind the cursor belongs to the string up to its end, when that comes before a blank.
    const to = cursor + (/^[^\s"\\]{0,1000}"/.exec(text.slice(cursor, cursor + 1001))?.[0].length ?? 0);
    const typed = text.slice(open + 1, cursor);
    const slot: Slot = { from: open, to, typed, suggestions: [], alone: true };
    return field === undefined ? slot : { ...slot, values: { field: stored(field), write: JSON.stringify } };
  }
  const typed = /[\w.@?~`]*$/.exec(before)?.[0] ?? '';
  const from = cursor - typed.length;
  const slot = (suggestions: Suggestion[], more: Partial<Slot> = {}): Slot => ({
    from,
    to: cursor + rest,
    typed: typed.replace(/^[?`]+/, ''),
    suggestions,
    alone: true,
    ...more,
  });
  const fields = { fields: written };
  const head = before.slice(0, from);
  const bracket = head.lastIndexOf('[');
  const inside = bracket > head.lastIndexOf(']');
  const pipe = inside ? undefined : /\|([^|]*)$/.exec(head)?.[1]?.trim();
  if (pipe === '') {
    const counts = /^\s*(?:sequence|sample)\b/.test(before) ? [] : ['count ', 'unique ', 'sort '];
    return slot(some('stage', 'pipe', 'head ', 'tail ', ...counts));
  }
  if (pipe !== undefined) return /^(?:count|unique|sort)(?:$|\s.*,$|$)/.test(pipe) ? slot([], fields) : slot([]);
  const isChain = /^\s*(?:sequence|sample)\b/.test(before);
  const scope = inside ? head.slice(bracket + 1) : head;
  if (isChain && !inside) return chainSlot(head, slot, fields);
  const condition = /\bwhere\b([^]*)$/.exec(scope)?.[1];
  if (condition === undefined)
    return scope.trim() === ''
      ? slot(some('keyword', 'every category', 'any where '), {
          values: { field: 'event_category', write: value => `${value} where ` },
        })
      : slot(some('keyword', 'condition', 'where '));
  if (/(?:[=!]=|[<>]=?|:)\s*$/.test(condition)) {
    const field = comparedField.exec(condition)?.[1];
    return slot(operands, field === undefined ? fields : { values: { field: stored(field), write: JSON.stringify } });
  }
  if (/(?:^|\b(?:and|or|not)|[(,+*/%-])\s*$/.test(condition)) return slot(operands, fields);
  const ended = inside ? some('keyword', 'end of the event', ']') : some('keyword', 'pipe', '| ');
  return /(?:==|!=|[<>]=?|:|\b(?:like|regex|in)~?)\s*\(?[^()\s]+\)?\s*$/.test(condition)
    ? slot([...joins, ...ended])
    : slot([...comparisons, ...joins, ...ended]);
}

/** Between the events of a sequence or sample. */
function chainSlot(
  head: string,
  slot: (suggestions: Suggestion[], more?: Partial<Slot>) => Slot,
  fields: Pick<Slot, 'fields'>,
): Slot {
  const after = head.slice(head.lastIndexOf(']') + 1);
  if (/\bby\s*$|\bby\s[^[]*,\s*$/.test(after)) return slot([], fields);
  if (/\bwith\s*$/.test(after)) return slot(some('keyword', 'option', head.includes(']') ? 'runs=' : 'maxspan='));
  if (head.includes(']')) return slot(steps);
  return slot([
    ...some('keyword', 'time from first to last', 'with maxspan='),
    ...some('keyword', 'the first event', '[', '!['),
  ]);
}
