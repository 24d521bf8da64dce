/** Changes to search text made by clicking, as query-edit.ts makes them to LogQL. */

type Operator = '=' | '!=';

const terms = /[-!]?[\w.@-]+[:=]"(?:\\.|[^"\\])*"|[-!]?"(?:\\.|[^"\\])*"?|\S+/g;

const termsOf = (text: string): string[] => Array.from(text.matchAll(terms), found => found[0]);

/** Search text and the LogQL stages behind its first single pipe. */
export function splitPipe(query: string): { head: string; tail: string } {
  for (const found of query.matchAll(/"(?:\\.|[^"\\])*"?|\|\||\||\\[\s\S]/g))
    if (found[0] === '|') return { head: query.slice(0, found.index).trim(), tail: query.slice(found.index) };
  return { head: query.trim(), tail: '' };
}

const writeValue = (value: string): string =>
  /^[0-9A-Za-z_][\w.@-]*$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;

/** The name that search text has for a field that LogQL knows as `name`. */
const searchName = (name: string): string =>
  name === 'service_name' ? 'service' : name === 'detected_level' ? 'level' : name;

/** Everything in parentheses when an OR outside of any would otherwise take only a part of it. */
function grouped(text: string): string {
  let bare = text.replace(/"(?:\\.|[^"\\])*"?/g, '');
  for (let before = ''; before !== bare; ) [before, bare] = [bare, bare.replace(/\([^()]*\)/g, '')];
  return /(?:^|\s)(?:OR|or|\|\|)(?:\s|$)/.test(bare) ? `(${text})` : text;
}

function append(query: string, drop: (term: string) => boolean, term: string): string {
  const { head, tail } = splitPipe(query);
  const kept = termsOf(head).filter(part => !drop(part));
  // Only whole terms between others go: inside of groups a term may be what an operator hangs on.
  const plain = !/[()]|(?:^|\s)(?:AND|OR|NOT|and|or|not|&&|\|\|)(?=\s|$)/.test(head.replace(/"(?:\\.|[^"\\])*"?/g, ''));
  const rest = plain ? kept.join(' ') : grouped(head);
  return [rest, term, tail].filter(Boolean).join(' ');
}

/** The text with a condition on a field; its opposite goes, and so does another equality on the same name. */
export function addTerm(query: string, logqlName: string, value: string, operator: Operator): string {
  const name = searchName(logqlName);
  const positive = `${name}:${writeValue(value)}`;
  const term = operator === '=' ? positive : `-${positive}`;
  const { head } = splitPipe(query);
  if (termsOf(head).includes(term)) return query;
  const opposite = operator === '=' ? `-${positive}` : positive;
  const sameName = new RegExp(`^${name.replace(/[.$]/g, '\\$&')}[:=](?![<>[({*])`);
  return append(query, part => part === opposite || (operator === '=' && sameName.test(part)), term);
}

/** The text that finds only records with (or without) a text in the line. */
export const addPhrase = (query: string, text: string, operator: '|=' | '!='): string =>
  append(query, () => false, `${operator === '|=' ? '' : '-'}"${text.replace(/["\\]/g, '\\$&')}"`);

/** The level that the text is narrowed to, if any. */
export const levelTerm = (query: string): string | null => {
  const found = termsOf(splitPipe(query).head).find(term => /^level:\w+$/.test(term));
  return found?.slice('level:'.length) ?? null;
};

/** The text narrowed to one level, or with that narrowing taken away (null). */
export function narrowLevel(query: string, level: string | null): string {
  if (level !== null) return addTerm(query, 'level', level, '=');
  const { head, tail } = splitPipe(query);
  const found = levelTerm(query);
  const rest = termsOf(head)
    .filter(term => term !== `level:${found}`)
    .join(' ');
  return [rest, tail].filter(Boolean).join(' ');
}

/** Words and phrases that a search text looks for in lines, lower case: no fields, nothing negated, of wildcards the longest part. */
export function termsToMark(query: string): string[] {
  const words: string[] = [];
  let negated = false;
  for (const [term] of splitPipe(query).head.matchAll(terms)) {
    const bare = term.replace(/^[(+]+/, '').replace(/\)+$/, '');
    const skip = negated;
    negated = /^(?:NOT|-\(?|!)$/.test(bare);
    if (skip || negated || /^(?:AND|OR|&&|\|\||)$/.test(bare) || /^[-!]/.test(bare)) continue;
    if (/^(?:message|msg|anywhere):/.test(bare)) words.push(longest(bare.replace(/^\w+:/, '')));
    else if (!/^[A-Za-z_@][\w.@-]*(?::(?!\/\/|:)|[=<>]|!=)./.test(bare) && !/^\/.*\/i?$/.test(bare))
      words.push(longest(bare));
  }
  return words.map(word => word.toLowerCase()).filter(Boolean);
}

const longest = (term: string): string =>
  term.startsWith('"')
    ? term.replace(/^"|"$/g, '').replace(/\\(["\\])/g, '$1')
    : term
        .split(/[*?]+/)
        .reduce((best, part) => (part.length > best.length ? part : best), '')
        .replace(/\\(.)/g, '$1');
