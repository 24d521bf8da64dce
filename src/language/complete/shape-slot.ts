import type { Slot, Suggestion } from './slot.ts';

/** What a token of a LogQL text is, see logql-slot.ts. */
type Token = { type: 'string' | 'word' | 'number' | 'operator'; text: string };

const some = (kind: Suggestion['kind'], detail: string, labels: readonly string[], after = ''): Suggestion[] =>
  labels.map(label => ({ kind, label, insert: label + after, detail }));

const names = ['stats', 'sort', 'limit', 'distinct', 'context'] as const;
type Shape = (typeof names)[number];
const isShape = (text: string | undefined): text is Shape => (names as readonly (string | undefined)[]).includes(text);

/** Behind the stages of a log query, never inside of a metric (language/shapes). */
export const shapes: Suggestion[] = [
  ['stats', 'a table of counts and sums by fields (extension)', ' count() by '],
  ['sort', 'order of rows (extension)', ' '],
  ['limit', 'the first rows (extension)', ' '],
  ['distinct', 'one row for each value (extension)', ' '],
  ['context', 'rows around each match (extension)', ' '],
].map(([label = '', detail = '', after = '']) => ({ kind: 'stage', label, insert: label + after, detail }));

const ends = some('operator', 'the next stage', ['|'], ' ');
const goesOn = [...some('operator', 'one more field', [','], ' '), ...ends];

/** Columns of the table that `stats` makes: of the fields behind `by`, and of its aggregations. */
function columnsOf(tokens: readonly Token[]): string[] {
  const by = tokens.findIndex(token => token.text === 'by');
  const made = (by < 0 ? tokens : tokens.slice(0, by)).flatMap(({ text, type }, i, all) => {
    if (type !== 'word' || all[i + 1]?.text !== '(') return [];
    const close = all.findIndex((token, k) => k > i && token.text === ')');
    if (close < 0) return [];
    const inside = all.slice(i + 2, close).filter(token => token.type !== 'operator');
    const alias = all[close + 1]?.text === 'as' ? all[close + 2]?.text : undefined;
    return [alias ?? [text, ...inside.map(token => token.text)].join('_')];
  });
  return [
    ...(by < 0 ? [] : tokens.slice(by + 1).flatMap(({ text, type }) => (type === 'word' ? [text] : []))),
    ...made,
  ];
}

/**
 * What may stand behind the first `distinct`, `sort`, `limit`, `stats` or `context` of a log query; undefined where there is none. `here`: the tokens before the cursor outside of
 * parentheses that are closed again, `named`: names of fields.
 */
export function shapeSlot(
  here: readonly Token[],
  named: NonNullable<Slot['fields']>,
): Pick<Slot, 'suggestions' | 'fields'> | undefined {
  const begins = here.flatMap(({ text }, i) => (text === '|' && isShape(here[i + 1]?.text) ? [i + 1] : []));
  const [first] = begins;
  const last = begins.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const table = begins.find(at => here[at]?.text === 'stats');
  const columns = (): Pick<Slot, 'suggestions' | 'fields'> => {
    if (table === undefined || table === last) return { suggestions: [], fields: named };
    const end = here.findIndex((token, i) => i > table && token.text === '|');
    return { suggestions: some('field', 'column', columnsOf(here.slice(table + 1, end))) };
  };
  const previous = here.at(-1)?.text ?? '';
  if (previous === '|') {
    const isContext = here[first]?.text === 'context';
    const out: Shape[] = ['context', ...(table !== undefined || isContext ? (['stats'] as const) : [])];
    return { suggestions: shapes.filter(({ label }) => !out.some(name => name === label)) };
  }
  if (previous === ',' || previous === 'by' || previous === 'distinct' || previous === 'sort') return columns();
  switch (here[last]?.text) {
    case 'stats':
      if (previous === 'stats' || previous === 'as') return { suggestions: [] };
      return here.slice(last).some(token => token.text === 'by')
        ? { suggestions: goesOn }
        : {
            suggestions: [
              ...some('keyword', 'groups', ['by'], ' '),
              ...some('keyword', 'a name', ['as'], ' '),
              ...goesOn,
            ],
          };
    case 'sort':
      return {
        suggestions: [
          ...(/^(?:asc|desc)$/.test(previous) ? [] : some('keyword', 'order', ['desc', 'asc'], ' ')),
          ...goesOn,
        ],
      };
    case 'distinct':
      return { suggestions: goesOn };
    default:
      return { suggestions: /^\d+$/.test(previous) ? ends : [] };
  }
}
