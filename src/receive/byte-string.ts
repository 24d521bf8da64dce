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

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** Half of a surrogate pair has no UTF-8; its bytes are what UTF-8 would make of its number, so that nothing of it is lost. */
const half = (unit: number): ByteString =>
  String.fromCharCode(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));

/**
 * JSON.parse whose strings are byte strings. Escapes beyond ASCII become the UTF-8 bytes they stand for. With `exact`, numbers are
 * given as their text, since a JavaScript number cannot hold 64-bit integers. Half a surrogate pair, as senders leave it where they cut a text within an
 * emoji, becomes three bytes that are not UTF-8. Throws {@link JsonFault} when the text is no JSON.
 */
export function parseJson(bytes: Buffer, exact = false): unknown {
  let text = byteString(bytes);
  if (text.includes('\\u')) {
    text = text.replace(escape, (whole: string, first?: string, second?: string) => {
      if (first === undefined) return whole;
      const unit = Number.parseInt(first, 16);
      const low = second === undefined ? undefined : Number.parseInt(second, 16);
      if (isHigh(unit) && low !== undefined) return fromText(String.fromCharCode(unit, low));
      const character =
        isHigh(unit) || isLow(unit)
          ? half(unit)
          : unit < 0x80
            ? whole.slice(0, 6)
            : fromText(String.fromCharCode(unit));
      return low === undefined ? character : character + half(low);
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
