import { and, quoteString } from './sql-writer.ts';

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

/** The longest text between captures; `''` when there is none. */
export const longestText = (text: string): string =>
  parsePattern(text, { named: false }).parts.reduce(
    (longest, part) => ('literal' in part && part.literal.length > longest.length ? part.literal : longest),
    '',
  );

/**
 * `|> "text"`: text before the first capture stands anywhere in the line (as in Loki, which anchors the end only), a capture ends at the first place
 * where the text after it stands and is never empty, and nothing is left behind the last text; without captures: equality. `bind` names what is used
 * more than once.
 */
export function lineMatchesPattern(line: string, text: string, bind: (sql: string) => string): string {
  const { parts } = parsePattern(text, { named: false });
  if (!parts.some(part => 'capture' in part)) return `${line} = ${quoteString(text)}`;
  const conditions: string[] = [];
  let rest = line;
  parts.forEach((part, i) => {
    if ('capture' in part) {
      if (i === parts.length - 1) conditions.push(`${rest} != ''`);
      return;
    }
    const literal = quoteString(part.literal);
    const from = `length(${literal})`;
    if (i === 0) {
      const first = bind(`position(${rest}, ${literal})`);
      conditions.push(`${first} > 0`);
      rest = bind(`substring(${rest}, ${first} + ${from})`);
      return;
    }
    const at = bind(`position(${rest}, ${literal})`);
    conditions.push(`${at} > 1`);
    if (i === parts.length - 1) conditions.push(`${at} + ${from} = length(${rest}) + 1`);
    rest = bind(`substring(${rest}, ${at} + ${from})`);
  });
  return and(conditions);
}
