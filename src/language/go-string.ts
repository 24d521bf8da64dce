import { byteMark } from './sql-writer.ts';

const simple: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};
const piece = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\"]))|[^\\]+/gy;

/** Text of a Go string literal with its quotes (`"..."` or backticks); undefined when an escape is wrong. Bytes that are no UTF-8 become {@link byteMark}s. */
export function unquote(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner.replaceAll('\r', '');
  if (!inner.includes('\\')) return inner;
  const bytes: number[] = [];
  piece.lastIndex = 0;
  let read = 0;
  for (let found = piece.exec(inner); found !== null; found = piece.exec(inner)) {
    read = piece.lastIndex;
    const [whole, hex, octal, short, long, letter] = found;
    const byte =
      hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : undefined;
    const point = short ?? long;
    if (byte !== undefined) {
      if (byte > 255) return undefined;
      bytes.push(byte);
    } else if (point !== undefined) {
      const code = Number.parseInt(point, 16);
      if (code > 0x10ffff) return undefined;
      // Half of a surrogate pair is no character; Loki puts the replacement character, as Buffer does.
      bytes.push(...Buffer.from(String.fromCodePoint(code)));
    } else bytes.push(...Buffer.from(letter === undefined ? whole : (simple[letter] ?? '')));
  }
  return read === inner.length ? decode(Uint8Array.from(bytes)) : undefined;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Array.from(bytes, byte => (byte < 0x80 ? String.fromCharCode(byte) : byteMark(byte))).join('');
  }
}

const escapes: Record<string, string> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '"': '\\"', '\\': '\\\\' };

/** `text` as a double-quoted Go string literal. */
export function quote(text: string): string {
  const escaped = text.replace(/[\\"\u0000-\u001f\u007f]|[\ud800-\udbff][\udc00-\udfff]|[\udc80-\udcff]/g, found => {
    if (found.length === 2) return found;
    const code = found.charCodeAt(0);
    return escapes[found] ?? `\\x${(code >= 0xdc80 ? code - 0xdc00 : code).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}
