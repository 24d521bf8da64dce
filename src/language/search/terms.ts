import type { SearchCondition } from '../tree.ts';

/** A value or a bare word as it was written. */
export type Term = {
  from: number;
  to: number;
  /** Without quotes and escapes. */
  text: string;
  quoted: boolean;
  /** Parentheses that the word opened and did not close: `fn(x,`. */
  open?: number;
  /** With `*` and `?` that were not escaped; all other signs that could be taken for them carry a backslash. */
  pattern?: string;
  /** Of a quoted text: places that its words may be out of order, `"a b"~2`. */
  slop?: number;
  /** Of a word: letters that it may be away, `roam~1`. */
  edits?: number;
};

/** The operator between a field and its value. */
export type FieldOperator = ':' | '=' | '!=' | '=~' | '!~' | '>' | '>=' | '<' | '<=';
/** `name op`, read up to the value. */
export type FieldStart = { name: string; op: FieldOperator; from: number; to: number; blankAfter: boolean };

const levelWord = /^(?:trace|debug|info|warn|err|crit|fatal)/i;
const nameThenOperator =
  /((?:[A-Za-z_@](?:(?:[\w.@-]|\\.)*[\w@])?)|"(?:[^"\\\n]|\\.)+")([ \t]*)(>=|<=|==|!=|=~|!~|:=|[:=><])([ \t]*)/y;
const addressed =
  /^(?:arn|urn|mailto|jdbc)$|\.(?:com|org|net|io|dev|local|internal|svc|lan|cluster|localdomain)$|[\w.-]@/i;
/** True for what stands before a colon in addresses: `arn:aws:..`, `api.example.com:443`, `root@web1:/var`. A field of that name is written in quotes. */
export const isAddress = (name: string): boolean => addressed.test(name);
const sourceFile = /\.(?:c|cc|cpp|cs|ex|go|h|java|js|jsx|kt|mjs|php|py|rb|rs|scala|swift|ts|tsx|vue)$|^localhost$/i;

/**
 * A field and its operator at `at`, or undefined where the text is none: addresses (`http://`, `db.local:5432`), names with `::`, arrows, times, drives (`C:\\`), places in
 * source files (`main.go:42`), parameters (`x=1&y=2`), words in angle brackets (`in <module>`), and a colon or sign with nothing after it.
 */
export function fieldAt(text: string, at: number): FieldStart | undefined {
  nameThenOperator.lastIndex = at;
  const [whole, name = '', before = '', operator = '', after = ''] = nameThenOperator.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const to = at + whole.length;
  const rest = text.slice(to, to + 400);
  // `a : b` is a field, `a :b` is not likely to be one; the other operators may lean to either side.
  if (rest === '' || /^[\s)|]/.test(rest) || (operator === ':' && before !== '' && after === '')) return undefined;
  if (/^[:=<>!~]/.test(rest) && !(operator === ':' && /^(?:>=|<=|==?|!=|>|<)[^=<>]/.test(rest))) return undefined;
  if (
    operator === ':' &&
    after === '' &&
    (rest.startsWith('//') || (name.length === 1 && /^(?:\\[A-Za-z]|\/)/.test(rest)))
  )
    return undefined;
  if (operator === ':' && after === '' && isAddress(name)) return undefined;
  if (/^:?=$/.test(operator) && after === '' && /^[^\s&"]*&[\w.%-]+=/.test(rest)) return undefined;
  if (/^[<>]$/.test(operator) && !/^(?:["']|[+-]?[\d.]|now\b)/.test(rest) && !levelWord.test(rest)) return undefined;
  if (operator === ':' && after === '' && sourceFile.test(name) && /^\d+\b/.test(rest)) return undefined;
  // `"https://host/": x509` is a quoted text and no name; `"level": "error"` is one.
  if (name.startsWith('"') && /[/:]/.test(name)) return undefined;
  if (after !== '' && /^(?:AND|OR|NOT|&&|\|\|)(?=[\s(]|$)/.test(rest)) return undefined;
  const nested = operator === ':' ? /^(>=|<=|==?|!=|>|<)([ \t]*)/.exec(rest) : null;
  const op = (nested?.[1] ?? operator).replace(/^(?:==|:=)$/, '=') as FieldOperator;
  return {
    name: name.startsWith('"') ? unescape(name.slice(1, -1)) : name.replace(/\\(.)/g, '$1'),
    op,
    from: at,
    to: to + (nested?.[0].length ?? 0),
    blankAfter: operator === ':' && nested === null && after !== '' && before === '',
  };
}

/** The text of a quoted phrase: `\"` and `\\` are a quote and a backslash, any other backslash is itself. */
export const unescape = (quoted: string): string => quoted.replace(/\\(["\\])/g, '$1');

/** A quoted text at `at`; undefined when its quote is not closed. */
export function quotedAt(text: string, at: number): Term | undefined {
  const found = /"((?:[^"\\]|\\[\s\S])*)"/y;
  found.lastIndex = at;
  const [whole, inner = ''] = found.exec(text) ?? [];
  return whole === undefined ? undefined : { from: at, to: at + whole.length, text: unescape(inner), quoted: true };
}

/** `/expression/` or `/expression/i` at `at`, whole up to the next blank; paths such as `/api/v1/` are none. */
export function regexAt(text: string, at: number): { regex: string; to: number } | undefined {
  const found = /\/((?:[^/\\\n]|\\.)+)\/(i?)(?=[\s)]|$)/y;
  found.lastIndex = at;
  const [whole, inner = '', flag] = found.exec(text) ?? [];
  if (whole === undefined || inner !== inner.trim()) return undefined;
  return { regex: (flag === 'i' ? '(?i)' : '') + inner.replace(/\\\//g, '/'), to: at + whole.length };
}

const wildcardSpecial = /[*?\\]/;

const stages =
  'json|logfmt|pattern|regexp|unpack|decolorize|line_format|label_format|drop|keep|search|lookup|distinct|sort|limit|stats|context';
const pipe = new RegExp(
  String.raw`\|(?:[|=~>\s]|$|(?:${stages})\b|[A-Za-z_]\w*\s*(?:[=!]=|[=!]~|[<>]=?|=)\s*["\d])`,
  'y',
);

/** True where the `|` at `at`, without a blank before it, begins a stage or an OR; else it is a sign of a word such as `a|b`. */
function isPipe(text: string, at: number): boolean {
  pipe.lastIndex = at;
  return pipe.test(text);
}

export type WordOptions = {
  /** A `)` that the word has not opened ends it. */
  closes: boolean;
  /** Parentheses that words before it opened and did not close. */
  open: number;
  /** The value of a field: a `?` at its end is a wildcard too, and a comma or semicolon there is none of it. */
  isValue: boolean;
};

/**
 * A word at `at`: up to a blank, a pipe, or a `)` that is not its own. A backslash takes the next sign as it is. `?` is a wildcard
 * between other signs only, so that a question stays a question; in the value of a field also at its ends.
 */
export function wordAt(text: string, at: number, { closes, open, isValue }: WordOptions): Term {
  let plain = '';
  let pattern = '';
  let wild = false;
  let depth = open;
  let piped = false;
  let to = at;
  for (; to < text.length; to++) {
    const sign = text[to] ?? '';
    if (/\s/.test(sign) || (sign === '|' && to > at && !piped && isPipe(text, to))) break;
    piped ||= sign === '|';
    const next = text[to + 1] ?? '';
    if (sign === ')') {
      if (depth === 0 && closes) break;
      depth = Math.max(0, depth - 1);
    }
    if (sign === '(') depth++;
    if (isValue && to > at && /[,;]/.test(sign) && /^(?:\s|$)/.test(next)) break;
    if (sign === '\\' && next !== '' && !/[A-Za-z0-9]/.test(next)) {
      plain += next;
      pattern += wildcardSpecial.test(next) ? `\\${next}` : next;
      to++;
    } else if (sign === '\\' && to === at && /^\\(?:and|or|not)(?=[\s)]|$)/i.test(text.slice(to, to + 5))) {
      // An escaped operator is the word.
    } else {
      const isWild =
        sign === '*' ||
        (sign === '?' && (isValue ? to > at || /[\p{L}\d?]/u.test(next) : to > at && /[\w*?.\\-]/.test(next)));
      wild ||= isWild;
      plain += sign;
      pattern += isWild || !wildcardSpecial.test(sign) ? sign : `\\${sign}`;
    }
  }
  return {
    from: at,
    to,
    text: plain,
    quoted: false,
    ...(depth > 0 && { open: depth }),
    ...(wild && { pattern: pattern.replace(/(\\.)|\*{2,}/gsu, (_, escaped?: string) => escaped ?? '*') }),
  };
}

/** The parts of a pattern: literal texts, and `*` or `?` between them. */
export function patternParts(pattern: string): (string | { wild: '*' | '?' })[] {
  const parts: (string | { wild: '*' | '?' })[] = [];
  for (const [found] of pattern.matchAll(/\\.|[^\\]/gsu)) {
    if (found === '*' || found === '?') parts.push({ wild: found });
    else {
      const sign = found.length > 1 && found.startsWith('\\') ? found.slice(1) : found;
      const last = parts.at(-1);
      if (typeof last === 'string') parts[parts.length - 1] = last + sign;
      else parts.push(sign);
    }
  }
  return parts;
}

/** A condition without needless nesting: `and` of `and`s is one, one item stands for itself, a double negation is none. */
export function tidy(condition: SearchCondition): SearchCondition {
  if (condition.type === 'not') {
    const item = tidy(condition.item);
    return item.type === 'not' ? item.item : { type: 'not', item };
  }
  if (condition.type !== 'and' && condition.type !== 'or') return condition;
  const { type } = condition;
  const items = condition.items.map(tidy).flatMap(item => (item.type === type ? item.items : [item]));
  const [only] = items;
  return items.length === 1 && only ? only : { type, items };
}
