import { escapeRegex, quoteString } from './sql-writer.ts';

/** `<ip> - <_> text`: literals and captures in turn. A capture without name is `_`. */
export type PatternPart = { literal: string } | { capture: string };
export type ParsedPattern = { parts: PatternPart[]; fault?: string };

/** Reads the text of a `pattern` parser (`named`) or of a `|>` filter, where only `<_>` captures. */
export function parsePattern(text: string, { named }: { named: boolean }): ParsedPattern {
  const parts: PatternPart[] = [];
  let read = 0;
  const literal = (to: number): void => {
    if (to > read) parts.push({ literal: text.slice(read, to) });
  };
  for (const found of text.matchAll(/<([a-zA-Z_]\w*)>/g)) {
    const name = found[1] ?? '_';
    if (!named && name !== '_')
      return { parts, fault: `named capture <${name}> is not allowed in a line filter; use <_>` };
    literal(found.index);
    read = found.index + found[0].length;
    if (parts.at(-1) && 'capture' in (parts.at(-1) as PatternPart))
      return { parts, fault: 'found consecutive capture: put text between the captures' };
    parts.push({ capture: name });
  }
  literal(text.length);
  const names = parts.flatMap(part => ('capture' in part && part.capture !== '_' ? [part.capture] : []));
  if (named && names.length === 0) return { parts, fault: 'at least one named capture is required' };
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return twice === undefined ? { parts } : { parts, fault: `duplicate capture name (${twice})` };
}

/** `|> "text"`: the whole line matches, each capture takes at least one character; without captures: equality. */
export function lineMatchesPattern(line: string, text: string): string {
  const { parts } = parsePattern(text, { named: false });
  if (!parts.some(part => 'capture' in part)) return `${line} = ${quoteString(text)}`;
  const regex = parts.map(part => ('capture' in part ? '.+' : escapeRegex(part.literal))).join('');
  return `match(${line}, ${quoteString(`^(?s:${regex})$`)})`;
}
