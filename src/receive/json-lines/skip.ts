/**
 * Strict JSON over bytes, without building anything: tables, positions, no allocation. Every loop stops at `\n`, hence a buffer that
 * ends with `\n` is never read past its end.
 *
 * Differences from JSON.parse, all deliberate: a lone surrogate escape is an error (it has no UTF-8); nesting deeper than
 * {@link depthMax} is an error; bytes that are not UTF-8 pass inside strings.
 */
export const depthMax = 512;

/** 1 for bytes that end the fast run through a string: quote, backslash, control characters. */
const stringStop = new Uint8Array(256);
stringStop.fill(1, 0, 0x20);
stringStop[0x22] = 1;
stringStop[0x5c] = 1;
/** 1 for the letters that may follow a backslash, `u` aside. */
const simpleEscape = new Uint8Array(256);
for (const c of '"\\/bfnrt') simpleEscape[c.charCodeAt(0)] = 1;
/** Value of a hexadecimal digit, 255 for other bytes. */
const hexValue = new Uint8Array(256).fill(255);
for (let v = 0; v < 16; v++) {
  hexValue[v.toString(16).charCodeAt(0)] = v;
  hexValue[v.toString(16).toUpperCase().charCodeAt(0)] = v;
}
/** Containers that are open while a nested value is skipped: `{` or `[` per level. */
const open = new Uint8Array(depthMax + 1);

let faultText = '';
/** Why the last skip failed. */
export const faultReason = (): string => faultText;

/** Each skip function gives the position after what it skipped, or on a fault a negative number, -1 - position, with the reason noted. */
export function fault(reason: string, at: number): number {
  faultText = reason;
  return -1 - at;
}

/** The words of `bytes`, at any alignment. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function skipSpace(b: Uint8Array, from: number): number {
  let i = from;
  let c = b[i];
  while (c === 0x20 || c === 0x09 || c === 0x0d) c = b[++i];
  return i;
}

/** The four hex digits at `i`, or -1. */
function hex4(b: Uint8Array, i: number): number {
  let value = 0;
  for (let k = i; k < i + 4; k++) {
    const digit = hexValue[b[k] as number] as number;
    if (digit === 255) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function skipEscape(b: Uint8Array, at: number): number {
  const c = b[at + 1] as number;
  if (simpleEscape[c] === 1) return at + 2;
  if (c !== 0x75) return fault('bad escape in a string', at);
  const unit = hex4(b, at + 2);
  if (unit < 0) return fault('\\u needs four hexadecimal digits', at);
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  const low = unit < 0xdc00 && b[at + 6] === 0x5c && b[at + 7] === 0x75 ? hex4(b, at + 8) : -1;
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : fault('lone surrogate escape', at);
}

/**
 * `from` is the first byte after the opening quote. Four bytes at a time: the high bit of a byte of the sum below is set when
 * there is a quote, a backslash or a control character among them ("determine if a word has a byte equal to / less than n").
 */
export function skipString(b: Uint8Array, words: DataView, from: number): number {
  let i = from;
  const last = b.length - 4;
  for (;;) {
    while (i <= last) {
      const w = words.getInt32(i, true);
      const quote = w ^ 0x22222222;
      const slash = w ^ 0x5c5c5c5c;
      const stop = ((quote - 0x01010101) & ~quote) | ((slash - 0x01010101) & ~slash) | ((w - 0x20202020) & ~w);
      const found = stop & -0x7f7f7f80;
      if (found !== 0) {
        i += (31 - Math.clz32(found & -found)) >> 3;
        break;
      }
      i += 4;
    }
    while (stringStop[b[i] as number] === 0) i++;
    const c = b[i] as number;
    if (c === 0x22) return i + 1;
    if (c !== 0x5c) return fault(c === 0x0a ? 'string is not closed' : 'raw control character in a string', i);
    i = skipEscape(b, i);
    if (i < 0) return i;
  }
}

function skipDigits(b: Uint8Array, from: number): number {
  let i = from;
  let c = b[i] as number;
  while (c >= 0x30 && c <= 0x39) c = b[++i] as number;
  return i;
}

/** A number or one of true, false, null. */
export function skipScalar(b: Uint8Array, from: number): number {
  let i = from;
  let c = b[i] as number;
  if (c === 0x2d) c = b[++i] as number;
  if (c >= 0x30 && c <= 0x39) {
    i = c === 0x30 ? i + 1 : skipDigits(b, i + 1);
    if (b[i] === 0x2e) {
      const digits = skipDigits(b, i + 1);
      if (digits === i + 1) return fault('a number needs digits after the point', digits);
      i = digits;
    }
    if (b[i] === 0x65 || b[i] === 0x45) {
      const first = b[i + 1] === 0x2b || b[i + 1] === 0x2d ? i + 2 : i + 1;
      i = skipDigits(b, first);
      if (i === first) return fault('a number needs digits in its exponent', i);
    }
    return i;
  }
  if (i === from) {
    if (c === 0x74 && b[i + 1] === 0x72 && b[i + 2] === 0x75 && b[i + 3] === 0x65) return i + 4;
    if (c === 0x6e && b[i + 1] === 0x75 && b[i + 2] === 0x6c && b[i + 3] === 0x6c) return i + 4;
    if (c === 0x66 && b[i + 1] === 0x61 && b[i + 2] === 0x6c && b[i + 3] === 0x73 && b[i + 4] === 0x65) return i + 5;
  }
  return fault('a value is expected', i);
}

/** A key with its colon; gives the position of the value. */
function skipKey(b: Uint8Array, words: DataView, from: number): number {
  if (b[from] !== 0x22) return fault('a key in quotes is expected', from);
  let i = skipString(b, words, from + 1);
  if (i < 0) return i;
  i = skipSpace(b, i);
  return b[i] === 0x3a ? skipSpace(b, i + 1) : fault('a colon is expected after a key', i);
}

/** An object or array; `from` is its bracket. Closing brackets are the opening ones + 2 in ASCII. */
export function skipNested(b: Uint8Array, words: DataView, from: number): number {
  let depth = 0;
  let i = from;
  for (;;) {
    const c = b[i] as number;
    if (c === 0x22) i = skipString(b, words, i + 1);
    else if (c === 0x7b || c === 0x5b) {
      if (depth === depthMax - 1) return fault(`nested deeper than ${depthMax}`, i);
      open[depth++] = c;
      i = skipSpace(b, i + 1);
      if (b[i] === c + 2) {
        depth--;
        i++;
      } else {
        if (c === 0x7b) i = skipKey(b, words, i);
        if (i < 0) return i;
        continue;
      }
    } else i = skipScalar(b, i);
    if (i < 0) return i;
    for (;;) {
      if (depth === 0) return i;
      const bracket = open[depth - 1] as number;
      if ((b[i] as number) <= 0x20) i = skipSpace(b, i);
      const after = b[i];
      if (after === 0x2c) {
        i = skipSpace(b, i + 1);
        if (bracket === 0x7b) i = skipKey(b, words, i);
        if (i < 0) return i;
        break;
      }
      if (after !== bracket + 2)
        return fault(`a comma or ${bracket === 0x7b ? '}' : ']'} is expected after a value`, i);
      depth--;
      i++;
    }
  }
}

/** Position after the valid JSON value at `from`; for text that a {@link LineScanner} has found valid. */
export function skipValue(b: Uint8Array, words: DataView, from: number): number {
  const c = b[from];
  if (c === 0x22) return skipString(b, words, from + 1);
  return c === 0x7b || c === 0x5b ? skipNested(b, words, from) : skipScalar(b, from);
}
