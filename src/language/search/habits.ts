import type { FieldStart } from './terms.ts';

// What people write that looks like a field and may be none.

/** Words that stand before a colon in lines more often than as names of fields. */
export const saying = /^(?:error|err|warning|warn|panic|fatal|failed|failure|exception|info|debug|note|kernel)$/;

/** True for the message by any of its names: it has words, other fields have one value. */
export const isMessage = (field: FieldStart): boolean => /^(?:message|msg|body)$/i.test(field.name);

/** `user.*:ann`, which KQL has. Not `valued`: behind a blank, as in `java.util.*: x`, it is more likely text. */
export function namePatternAt(text: string, at: number): { name: string; valued: boolean } | undefined {
  const found = /^([A-Za-z_@][\w.@]*\*[\w.@*]*:)(\s|$|(?![:/]))/.exec(text.slice(at, at + 300));
  return found === null
    ? undefined
    : { name: found[1] ?? '', valued: found[2] === '' && found[0].length < text.length - at };
}

/** `if (x == y)`, and `id = 5` in a statement of SQL. */
export function isCode(text: string, start: FieldStart): boolean {
  const operator = text.slice(start.from + start.name.length, start.to);
  return (
    (/^\s+==\s+$/.test(operator) && /\b(?:if|while|assert\w*|expect\w*)\b/i.test(text)) ||
    (/^\s*=\s*$/.test(operator) && /\b(?:SELECT|UPDATE|DELETE|INSERT)\b[^]*\b(?:WHERE|SET)\b/.test(text))
  );
}
