import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Expression } from '../../language/eql/tree.ts';
import { allOf, always, leastOf, oneOf, without, wordsOf } from './filter-words.ts';
import type { QueryStringOptions } from './query-string.ts';

/**
 * `simple_query_string`: `+` and, `|` or, `-` not, `"phrases"`, `beginnings*`, parentheses. Never a syntax error: what makes no sense is left out, as in Elasticsearch. Distances
 * (`~2`) are refused with `bad_request`.
 */
export function simpleQueryStringTest(text: string, options: QueryStringOptions): Expression {
  // As Lucene's SimpleQueryParser has it.
  if (text.trim() === '*') return always(true);
  const tokens = text.match(/"(?:[^"\\]|\\.)*"(?:~\d+)?\*?|[+|()]|-(?=\S)|(?:[^\s"+|()\\]|\\.)+/gs) ?? [];
  if (tokens.length > limits.searchTermsMax)
    throw new WeirError('bad_request', {
      reason: `[filter] simple_query_string: more than ${limits.searchTermsMax} terms`,
    });
  let at = 0;
  /** From left to right, `+` and `|` bind alike. */
  const group = (depth: number, least?: (total: number) => number): Expression | undefined => {
    let items: Expression[] = [];
    let joined: 'and' | 'or' | undefined;
    let operator: 'and' | 'or' | undefined;
    let negated = false;
    const combined = (way: 'and' | 'or'): Expression =>
      way === 'and' ? allOf(items) : least === undefined ? oneOf(items) : leastOf(least(items.length), items);
    while (at < tokens.length) {
      const token = tokens[at++] ?? '';
      if (token === ')' && depth > 0) break;
      if (token === '+' || token === '|') operator = token === '+' ? 'and' : 'or';
      if (token === '-') negated = !negated;
      if ('+|-)'.includes(token)) continue;
      const of = token === '(' ? group(depth + 1) : term(token, options);
      if (of !== undefined) {
        const way = operator ?? options.operator;
        if (joined !== undefined && way !== joined) items = [combined(joined)];
        if (items.length > 0) joined = way;
        // A negated term is one of the ways to match beside others that are joined by "or".
        items.push(negated ? without(of) : of);
      }
      operator = undefined;
      negated = false;
    }
    return items.length === 0 ? undefined : combined(joined ?? 'or');
  };
  return group(0, options.least) ?? always(false);
}

function term(token: string, { fields, tests }: QueryStringOptions): Expression | undefined {
  const text = token.replace(/\\(.)/gs, '$1');
  if (/~\d*\*?$/.test(token) && !token.endsWith('\\~'))
    throw new WeirError('bad_request', {
      reason: `[filter] simple_query_string: fuzzy terms and distances (${token}) are not supported`,
    });
  if (text.startsWith('"') && text.length > 1) {
    const phrase = text.replace(/^"|"$/g, '');
    return wordsOf(phrase).length === 0 ? undefined : oneOf(fields.map(name => tests.phrase(name, phrase)));
  }
  if (text.endsWith('*') && text.length > 1) return oneOf(fields.map(name => tests.wildcard(name, text)));
  return wordsOf(text).length === 0 ? undefined : oneOf(fields.map(name => tests.words(name, text)));
}
