import { looksEql } from '../../../query/eql/contract.ts';

/** A stretch of query text for colouring. */
export type QueryToken = {
  kind: 'string' | 'operator' | 'name' | 'stage' | 'function' | 'number' | 'comment' | 'plain';
  text: string;
};

const stages =
  'AND|OR|NOT|json|logfmt|pattern|regexp|unpack|line_format|label_format|keep|drop|decolorize|unwrap|search|by|without|on|ignoring|and|or|unless|offset|bool|ip';
const eqlStages =
  'sequence|sample|by|with|maxspan|runs|until|where|any|and|or|not|in|like|regex|true|false|null|head|tail|count|unique|sort';
const lexerOf = (words: string, comment: RegExp): RegExp =>
  new RegExp(
    [
      comment,
      /(?<string>"(?:\\[\s\S]|[^"\\])*"?|`[^`]*`?)/,
      /(?<operator>\|=|\|~|!=|!~|=~|==|>=|<=|\|>|!>|[|=<>{}()[\],+*/%^:-])/,
      /(?<number>(?:\d+(?:\.\d+)?(?:[nuµm]?s|[mhdwy]))+(?!\w)|\d+(?:\.\d+)?(?:[kKMGTPE]?i?[bB])?(?!\w))/,
      new RegExp(
        `(?<stage>(?<![\\w-])(?:${words})\\b(?![-.\\w]|\\s*[=!~<>])|(?<=\\|\\s*)(?:distinct|sort|limit|stats|context|lookup)\\b)`,
      ),
      /(?<function>[A-Za-z_]\w*(?=\s*\())/,
      /(?<name>[A-Za-z_][\w:.]*(?=\s*(?:=|!=|!~|>|<)|:(?!\/\/|:)))/,
      /(?<plain>\s+|\w+|[\s\S])/,
    ]
      .map(part => part.source)
      .join('|'),
    'g',
  );

const lexer = lexerOf(stages, /(?<comment>#[^\n]*)/);
const eqlLexer = lexerOf(eqlStages, /(?<comment>\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))/);

/** Tokens whose texts joined are the query, whatever it holds. For colour only: meaning is the server's business. */
export function queryTokens(query: string): QueryToken[] {
  const tokens: QueryToken[] = [];
  for (const match of query.matchAll(looksEql(query) ? eqlLexer : lexer)) {
    const kind = (Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0] ??
      'plain') as QueryToken['kind'];
    const last = tokens.at(-1);
    if (last && last.kind === kind && kind === 'plain') last.text += match[0];
    else tokens.push({ kind, text: match[0] });
  }
  return tokens;
}

/** Offset in the text of a 1-based line and column; the end of the text when beyond it. */
export function offsetAt(text: string, line: number, column: number): number {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf('\n', start);
    if (next < 0) return text.length;
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  return Math.min(start + Math.max(0, column - 1), end < 0 ? text.length : end);
}

/** A fault's text without the place that it begins with; the place is shown beside it. */
export const faultText = (message: string): string =>
  message.replace(/^(?:parse error at line \d+, col \d+|(?:Found 1 problem\n)?line \d+:\d+): /, '');

/** What to underline for a fault at an offset: the word there, else the one sign; at the end of the text its last sign. */
export function faultSpan(text: string, offset: number): { from: number; to: number } {
  if (offset >= text.length)
    return { from: Math.max(0, text.trimEnd().length - 1), to: Math.max(1, text.trimEnd().length) };
  const word = /^(?:"(?:\\.|[^"\\])*"?|\w+)/.exec(text.slice(offset));
  return { from: offset, to: offset + Math.max(1, word?.[0].length ?? 1) };
}
