/** Bytes `start` to `end` of a body, `end` exclusive. */
export type Span = { start: number; end: number };

const isSpace = (c: number | undefined): boolean => c === 0x20 || c === 0x09 || c === 0x0d || c === 0x0a;

export function skipBlank(b: Buffer, from: number): number {
  let i = from;
  while (isSpace(b[i])) i++;
  return i;
}

/** True when there is nothing but JSON white space from `from` on. */
export const isBlank = (b: Buffer, from: number): boolean => skipBlank(b, from) === b.length;

/** Index of the quote that closes the string whose first byte is at `from`, or -1: a raw line end closes nothing. */
function closingQuote(b: Buffer, from: number): number {
  for (let i = from; i < b.length; i++) {
    const c = b[i];
    if (c === 0x22) return i;
    if (c === 0x0a) return -1;
    if (c === 0x5c) i++;
  }
  return -1;
}

/**
 * End of the value at `from` by brackets and quotes alone, or -1; whether it is valid is for the scanner to say. A bare word ends at
 * a blank, comma or bracket.
 */
function valueEnd(b: Buffer, from: number): number {
  let depth = 0;
  for (let i = from; i < b.length; i++) {
    const c = b[i];
    if (c === 0x22) {
      i = closingQuote(b, i + 1);
      if (i < 0) return -1;
    } else if (c === 0x7b || c === 0x5b) {
      depth++;
      continue;
    } else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return i;
      depth--;
    } else if (depth > 0) continue;
    else if (c === 0x2c || isSpace(c)) return i;
    else continue;
    if (depth === 0) return i + 1;
  }
  return -1;
}

/**
 * The elements of a body that is an array; undefined when it does not begin with `[`. `end` is where the array ends; with a `fault`, it is
 * where the first element begins that cannot be told from what follows it.
 */
export function splitArray(b: Buffer): { spans: Span[]; end: number; fault?: string } | undefined {
  let i = skipBlank(b, 0);
  if (b[i] !== 0x5b) return undefined;
  const spans: Span[] = [];
  i = skipBlank(b, i + 1);
  if (b[i] === 0x5d) return { spans, end: i + 1 };
  for (;;) {
    const start = i;
    const end = valueEnd(b, start);
    if (end < 0) return { spans, end: start, fault: `array element ${spans.length + 1} is not closed` };
    if (end === start) return { spans, end: start, fault: `array element ${spans.length + 1}: a value is expected` };
    i = skipBlank(b, end);
    if (b[i] !== 0x2c && b[i] !== 0x5d) {
      return { spans, end: start, fault: `a comma or ] is expected after array element ${spans.length + 1}` };
    }
    spans.push({ start, end });
    if (b[i] === 0x5d) return { spans, end: i + 1 };
    i = skipBlank(b, i + 1);
  }
}

/** The objects of a body that is objects one after the other and nothing else (pretty-printed ones, say); undefined when it is not. */
export function splitConcatenated(b: Buffer): Span[] | undefined {
  const spans: Span[] = [];
  for (let i = skipBlank(b, 0); i < b.length; i = skipBlank(b, i)) {
    if (b[i] !== 0x7b) return undefined;
    const end = valueEnd(b, i);
    // The byte behind an object becomes its line end, so it must not be the next object.
    if (end < 0 || !isSpace(b[end])) return undefined;
    spans.push({ start: i, end });
    i = end;
  }
  return spans;
}
