import type { TokenReader } from './reader.ts';
import { readRegex } from './regex.ts';
import type { Matcher, MatchOperator } from './tree.ts';
import { quote } from './go-string.ts';

export const matchOperators: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];

/** `name op "value"`, the name already read or not; the expression of `=~` and `!~` is checked. */
export function parseMatcher(reader: TokenReader): Matcher {
  const name = reader.name('a label name').text;
  const operator = reader.peek();
  if (operator.type !== 'operator' || !(matchOperators as readonly string[]).includes(operator.text))
    throw reader.unexpected('one of = != =~ !~');
  reader.next();
  const value = reader.string('a string');
  const matcher: Matcher = { name, op: operator.text as MatchOperator, value: value.value };
  if (matcher.op === '=~' || matcher.op === '!~') checkRegex(reader, value.value, value);
  return matcher;
}

/** Throws a parse error at `token` when `regex` is not RE2. */
export function checkRegex(reader: TokenReader, regex: string, token = reader.peek()): ReturnType<typeof readRegex> {
  const fault = regexFault(regex);
  if (fault !== undefined) throw reader.rule(fault, token);
  return readRegex(regex);
}

/** Why `regex` is not RE2, in Go's words. */
export function regexFault(regex: string): string | undefined {
  try {
    readRegex(regex);
    return undefined;
  } catch (error) {
    return `error parsing regexp: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function matchesEmpty(matcher: Matcher): boolean {
  switch (matcher.op) {
    case '=':
      return matcher.value === '';
    case '!=':
      return matcher.value !== '';
    case '=~':
      return readRegex(matcher.value).matchesEmpty;
    case '!~':
      return !readRegex(matcher.value).matchesEmpty;
  }
}

/** `{a="b", ..}`. Unless `allowAll`, at least one matcher must not match the empty value, as Loki demands. */
export function parseSelector(reader: TokenReader, allowAll: boolean): Matcher[] {
  const open = reader.operator('{');
  const matchers: Matcher[] = [];
  if (!reader.takeOperator('}')) {
    do matchers.push(parseMatcher(reader));
    while (reader.takeOperator(','));
    if (!reader.takeOperator('}')) throw reader.unexpected('"," or "}"');
  }
  if (!allowAll && matchers.every(matchesEmpty)) {
    throw reader.rule(
      'queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will',
      open,
    );
  }
  return matchers;
}

export const printMatcher = ({ name, op, value }: Matcher): string => `${name}${op}${quote(value)}`;
export const printSelector = (selector: readonly Matcher[]): string => `{${selector.map(printMatcher).join(', ')}}`;
