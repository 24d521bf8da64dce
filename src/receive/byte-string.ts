/**
 * Text of senders is kept as *byte strings*: JavaScript strings whose characters are the bytes (0 to 255) of the text. Nothing is
 * decoded, so what is not UTF-8 stays as it came, and V8 holds one byte a character. ASCII is the same in both.
 */
export type ByteString = string;

/** The bytes `from` to `to` of `bytes`. */
export const byteString = (bytes: Buffer, from = 0, to = bytes.length): ByteString =>
  bytes.toString('latin1', from, to);

/** The bytes of a byte string. */
export const bytesOf = (text: ByteString): Buffer => Buffer.from(text, 'latin1');

/** The UTF-8 bytes of ordinary text, as a byte string. */
export const fromText = (text: string): ByteString => byteString(Buffer.from(text, 'utf8'));

/** Ordinary text of a byte string; bytes that are not UTF-8 become U+FFFD. For messages and names, never for data. */
export const toText = (text: ByteString): string => (/[\x80-\xff]/.test(text) ? bytesOf(text).toString('utf8') : text);

/** What a JSON string may not hold as it is. */
const special = /["\\\x00-\x1f]/;

/** As JSON.stringify, for short texts that need no escapes most of the time. */
export const jsonString = (text: ByteString): ByteString => (special.test(text) ? JSON.stringify(text) : `"${text}"`);

const escape = /\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|[^])/g;

/** JSON.parse as the engine has it: the reviver is told the source text of primitive values. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/** Thrown by {@link parseJson}; the caller knows how its protocol says so. */
export class JsonFault extends Error {}

/**
 * JSON.parse whose strings are byte strings. Escapes beyond ASCII become the UTF-8 bytes they stand for. With `exact`, numbers are
 * given as their text, since a JavaScript number cannot hold 64-bit integers. Throws {@link JsonFault} with the place when the text is
 * no JSON or has a lone surrogate escape, which has no UTF-8.
 */
export function parseJson(bytes: Buffer, exact = false): unknown {
  let text = byteString(bytes);
  if (text.includes('\\u')) {
    text = text.replace(escape, (whole: string, high?: string, low?: string, at?: number) => {
      if (high === undefined) return whole;
      const unit = Number.parseInt(high, 16);
      if (unit >= 0xd800 && unit <= 0xdfff && (low === undefined || unit > 0xdbff))
        throw new JsonFault(`lone surrogate escape at byte ${(at ?? 0) + 1}`);
      if (low !== undefined && unit >= 0xd800 && unit <= 0xdbff)
        return fromText(String.fromCharCode(unit, Number.parseInt(low, 16)));
      const character = unit < 0x80 ? whole.slice(0, 6) : fromText(String.fromCharCode(unit));
      if (low === undefined) return character;
      throw new JsonFault(`lone surrogate escape at byte ${(at ?? 0) + 7}`);
    });
  }
  try {
    if (!exact) return JSON.parse(text) as unknown;
    return (JSON.parse as ParseWithSource)(text, (_, value, context) =>
      typeof value === 'number' ? (context.source ?? String(value)) : value,
    );
  } catch (error) {
    throw new JsonFault(toText((error as Error).message.slice(0, 300)));
  }
}
