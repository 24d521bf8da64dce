import { quoteString } from './sql-writer.ts';

/** What stands for the variable parts of a message, as in the patterns of LogQL's `|>`. */
export const gap = '<_>';

/** Words that hold a digit: numbers, ids, addresses, times, versions. One simple expression: a stricter one that tells them apart costs four times as much. */
const variable = '[A-Za-z]*[0-9][0-9A-Za-z.:_-]*';

/** Bytes of a message that its shape is made of. */
export const shapeBytesMax = 1000;

/**
 * SQL: the shape of a message: its first line (at most 1,000 bytes) with {@link gap} for every word that holds a digit, and a gap at the end when
 * something was left out. `short`: no message has more than one line or more bytes, which spares the engine planning what is done with such. It depends on nothing but the text, so the same message has the same shape on every machine and after every start.
 */
export function messageShape(message: string, short = false): string {
  const masked = (text: string): string => `replaceRegexpAll(${text}, ${quoteString(variable)}, ${quoteString(gap)})`;
  if (short) return masked(message);
  const head = `substringIndex(substringUTF8(${message}, 1, ${shapeBytesMax}), '\\n', 1)`;
  const cut = `replaceRegexpOne(concat(trimRight(${masked(head)}), ${quoteString(gap)}), ${quoteString(`(${gap})+$`)}, ${quoteString(gap)})`;
  return `if(length(${message}) > ${shapeBytesMax} OR position(${message}, '\\n') > 0, ${cut}, ${masked(message)})`;
}

/** SQL: the id of a shape, 16 hex digits; '' for an empty message. */
export const shapeId = (shape: string): string => `lower(hex(cityHash64(${shape})))`;
