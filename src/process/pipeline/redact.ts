import { quoteString } from '../../language/sql-writer.ts';
import { fieldPresent, fieldText, setField } from './field.ts';
import type { Step } from './step.ts';

export type RedactKind = 'email' | 'ipv4' | 'card' | 'token';

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

/** RE2, with a cheap test in front that lets most messages pass untouched. */
const expressions: Record<
  Exclude<RedactKind, 'card'>,
  { hint: (text: string) => string; regex: string; keepFirst?: boolean }[]
> = {
  email: [
    {
      hint: text => `position(${text}, '@') > 0`,
      regex:
        "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\\.[A-Za-z]{2,}",
    },
  ],
  // A fifth number, or a letter or `v` before it, makes it a version and not an address.
  ipv4: [
    {
      hint: text => `match(${text}, '\\\\d\\\\.\\\\d')`,
      regex: `(^|[^\\w.])(?:${octet}\\.){3}${octet}\\b`,
      keepFirst: true,
    },
  ],
  token: [
    {
      hint: text => `positionCaseInsensitive(${text}, 'bearer') > 0`,
      regex: '(\\b[Bb][Ee][Aa][Rr][Ee][Rr]\\s+)[A-Za-z0-9._~+/-]{8,}=*',
      keepFirst: true,
    },
    {
      hint: text => `position(${text}, 'eyJ') > 0`,
      regex: '\\beyJ[A-Za-z0-9_-]{5,}\\.[A-Za-z0-9_-]{5,}\\.[A-Za-z0-9_-]*',
    },
  ],
};

/** Runs of 13 to 19 digits with single blanks or dashes between, that begin like a card number. */
const cardRegex = '\\b[2-6](?:[ -]?\\d){12,18}\\b';

/** Luhn's checksum over the digits of a text (SQL), 1 when it holds. */
export function luhnValid(text: string): string {
  const digits = `arrayMap(c -> toUInt8OrZero(c), ngrams(reverse(replaceRegexpAll(${text}, '[^0-9]', '')), 1))`;
  return `(arraySum((d, i) -> if(i % 2 = 1, d, if(d > 4, d * 2 - 9, d * 2)), ${digits}, arrayEnumerate(${digits})) % 10 = 0)`;
}

/** Replace card numbers whose checksum holds; other long numbers (ids, times) stay. */
function redactCards(text: string, replacement: string): string {
  const valid = `arrayFilter(c -> ${luhnValid('c')}, extractAll(${text}, ${quoteString(cardRegex)}))`;
  return `if(match(${text}, ${quoteString('\\d{4}[ -]?\\d{4}')}), arrayFold((acc, c) -> replaceAll(acc, c, ${replacement}), ${valid}, ${text}), ${text})`;
}

/** `replacement` as the substitution of a regular expression, where a backslash would refer to a group. */
const substitution = (replacement: string, keepFirst = false): string =>
  quoteString(`${keepFirst ? '\\1' : ''}${replacement.replaceAll('\\', '\\\\')}`);

/** One step per pattern: each works on what the one before has left. */
export function redact(
  fields: readonly string[],
  kinds: readonly RedactKind[],
  regexes: readonly string[],
  replacement: string,
): Step[] {
  const steps: Step[] = [];
  const add = (change: (text: string) => string): void => {
    // Fields of one map build on each other, so each is a step of its own.
    for (const field of fields)
      steps.push({ changes: setField(field, change(`toString(${fieldText(field)})`), fieldPresent(field)) });
  };
  for (const kind of kinds) {
    if (kind === 'card') add(text => redactCards(text, quoteString(replacement)));
    else
      for (const { hint, regex, keepFirst } of expressions[kind])
        add(
          text =>
            `if(${hint(text)}, replaceRegexpAll(${text}, ${quoteString(regex)}, ${substitution(replacement, keepFirst)}), ${text})`,
        );
  }
  for (const regex of regexes)
    add(text => `replaceRegexpAll(${text}, ${quoteString(regex)}, ${substitution(replacement)})`);
  return steps;
}
