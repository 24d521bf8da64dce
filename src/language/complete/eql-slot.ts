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
const compared: Suggestion[] = [
  ...some('keyword', 'constant', 'true', 'false', 'null'),
  ...functionNames.map(
    (name): Suggestion => ({ kind: 'function', label: name, insert: `${name}(`, detail: 'function' }),
  ),
];
const operands: Suggestion[] = [...some('operator', 'without', 'not '), ...compared];
const spans = some('value', 'time from first to last', '10s', '1m', '5m', '1h', '1d');
const counts = some('value', 'so many of these', '2', '3', '5', '10');
const nextStep = some('keyword', 'the next event', '[');
const by = some('keyword', 'join key of this step', 'by ');
const ends = some('keyword', 'first or last matches', '| head ', '| tail ');

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
  const fields = { fields: written, paths: true } as const;
  // Inside of an operator nothing can stand.
  if (/[=!<>]$/.test(before) && text[cursor] === '=') return slot([]);
  const head = before.slice(0, from);
  const bracket = head.lastIndexOf('[');
  const inside = bracket > head.lastIndexOf(']');
  const pipe = inside ? undefined : /\|([^|]*)$/.exec(head)?.[1]?.trim();
  if (pipe === '') {
    if (/^\s*sample\b/.test(before)) return slot([]);
    const ended = /^\s*sequence\b/.test(before) || /\|\s*count\b/.test(head);
    return slot(some('stage', 'pipe', 'head ', 'tail ', ...(ended ? [] : ['count ', 'unique ', 'sort '])));
  }
  if (pipe !== undefined) return /^(?:count|unique|sort)(?:$|\s.*,$|$)/.test(pipe) ? slot([], fields) : slot([]);
  const isChain = /^\s*(?:sequence|sample)\b/.test(before);
  const scope = inside ? head.slice(bracket + 1) : head;
  if (isChain && !inside) return chainSlot(head, slot, fields);
  const condition = /\bwhere\b([^]*)$/.exec(scope)?.[1];
  if (condition === undefined) return categorySlot(scope, text.slice(cursor + rest), slot);
  const half = /(?:^|[^=!<>])([=!])$/.exec(before)?.[1];
  if (half !== undefined) return { ...slot(comparisons), from: cursor - 1, typed: half };
  if (/(?:[=!]=|[<>]=?|:|\b(?:like|regex)~?|\bin~?\s*\((?:[^()]*,)?)\s*$/.test(condition)) {
    const field = comparedField.exec(condition)?.[1];
    const isText = /(?::|\b(?:like|regex)~?)\s*$/.test(condition);
    const isOrdered = /[<>]=?\s*$/.test(condition);
    const constants = isText ? [] : compared.filter(({ kind }) => !isOrdered || kind === 'function');
    if (field === undefined) return slot(constants, isText ? {} : fields);
    return slot(constants, { values: { field: stored(field), write: JSON.stringify } });
  }
  if (/(?:^|\b(?:and|or|not)|[(,+*/%-])\s*$/.test(condition)) return slot(operands, fields);
  const ended = inside ? some('keyword', 'end of the event', ']') : some('keyword', 'pipe', '| ');
  return /(?:==|!=|[<>]=?|:|\b(?:like|regex|in)~?)\s*(?:\(?[^()\s]+\)?|\([^()]*\))\s*$/.test(condition)
    ? slot([...joins, ...ended])
    : slot([...comparisons, ...joins, ...ended]);
}

/** A category that can be written without quotes. */
const categoryText = (value: string): string =>
  /^(?!(?:where|any|sequence|sample|join|and|or|not)$)[A-Za-z_@]\w*$/.test(value) ? value : JSON.stringify(value);

function categorySlot(
  scope: string,
  after: string,
  slot: (suggestions: Suggestion[], more?: Partial<Slot>) => Slot,
): Slot {
  const followed = /^\s*where\b/.test(after);
  if (scope.trim() !== '') return slot(some('keyword', 'condition', 'where '));
  if (/^\s*(?:by|with)\b|^\s*!?\[/.test(after)) return slot([]);
  const end = followed ? '' : ' where ';
  return slot(some('keyword', 'every category', `any${end}`), {
    values: { field: 'event_category', write: value => categoryText(value) + end },
  });
}

/** Between the events of a sequence or sample. */
function chainSlot(
  head: string,
  slot: (suggestions: Suggestion[], more?: Partial<Slot>) => Slot,
  fields: Pick<Slot, 'fields' | 'paths'>,
): Slot {
  const after = head.slice(head.lastIndexOf(']') + 1);
  const isSample = /^\s*sample\b/.test(head);
  const begun = head.includes(']');
  if (/\bby\s*$|\bby\s[^[]*,\s*$/.test(after)) return slot([], fields);
  if (/\bwith\s*$/.test(after)) return slot(isSample ? [] : some('keyword', 'option', begun ? 'runs=' : 'maxspan='));
  if (/\bmaxspan\s*=\s*$/.test(after)) return slot(spans);
  if (/\bruns\s*=\s*$/.test(after)) return slot(counts);
  if (/\buntil\s*$/.test(after)) return slot(some('keyword', 'the event that ends', '['));
  const joined = /\bby\b/.test(after) ? [] : by;
  const missing = isSample ? [] : some('keyword', 'no such event', '![');
  if (!begun) {
    const limit = isSample || /\bwith\b/.test(after) ? [] : some('keyword', 'time from first to last', 'with maxspan=');
    return slot([
      ...(/^\s*(?:sequence|sample)\s*$/.test(head) ? joined : []),
      ...limit,
      ...some('keyword', 'the first event', '['),
      ...missing,
    ]);
  }
  if (isSample) return slot([...nextStep, ...joined]);
  if (/\buntil\s*\[[^\]]*\][^\]]*$/.test(head)) return slot([...joined, ...ends]);
  const repeated = /\bwith\b/.test(after);
  const isMissing = /!\[[^[]*$/.test(head);
  return slot([
    ...nextStep,
    ...missing,
    ...(repeated ? [] : joined),
    ...(repeated || isMissing ? [] : some('keyword', 'so many of these', 'with runs=')),
    ...some('keyword', 'ends what is open', 'until ['),
    ...ends,
  ]);
}
