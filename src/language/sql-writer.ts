/**
 * The only place that turns names and values into SQL text. Everything a user can type reaches the engine through these functions;
 * what they return can be pasted anywhere an expression may stand.
 *
 * Values are inlined because parameterised queries are serialised process-wide in the embedded engine.
 */

/**
 * Bytes that are not UTF-8 are carried in JavaScript strings as lone surrogates U+DC80..U+DCFF, one per byte 0x80..0xFF
 * (Python's `surrogateescape`). {@link quoteString} writes them back as bytes; any other lone surrogate becomes U+FFFD.
 */
export const byteMark = (byte: number): string => String.fromCharCode(0xdc00 + byte);

const named: Record<string, string> = { '\\': '\\\\', "'": "\\'", '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const hex = (code: number): string => `\\x${code.toString(16).padStart(2, '0')}`;

/** A SQL string literal for any text: quotes, backslashes, NUL and other control characters, and raw bytes (see {@link byteMark}). */
export function quoteString(value: string): string {
  const escaped = value.replace(/[\\'\u0000-\u001f\u007f]|[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, found => {
    const code = found.charCodeAt(0);
    if (found.length === 2) return found;
    if (code >= 0xdc80 && code <= 0xdcff) return hex(code - 0xdc00);
    if (code >= 0xd800) return '\ufffd';
    return named[found] ?? hex(code);
  });
  return `'${escaped}'`;
}

/** A SQL string literal for raw bytes. */
export function quoteBytes(value: Uint8Array): string {
  return `unhex('${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}')`;
}

/** A column, table or alias name, always quoted. */
export function quoteName(name: string): string {
  return `\`${quoteString(name).slice(1, -1).replaceAll("\\'", "'").replaceAll('`', '\\`')}\``;
}

/** What stands after FROM: `db.table`, each part quoted, or a text of `Sources` (flow.ts), which is quoted already or a SELECT in parentheses. */
export function quoteTable(name: string): string {
  if (/^[`(]/.test(name)) return name;
  return name.split('.').map(quoteName).join('.');
}

/** A Float64 literal; NaN and infinities included. */
export function quoteNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const text = Object.is(value, -0) ? '-0.' : String(value);
  return `toFloat64(${text})`;
}

/** An integer literal that fits Int64 or UInt64. */
export function quoteInteger(value: bigint | number): string {
  return BigInt(value).toString();
}

/** A DateTime64(9) value from ns since 1970. */
export function quoteTime(ns: bigint): string {
  return `fromUnixTimestamp64Nano(toInt64(${ns}), 'UTC')`;
}

/** An array of already written SQL expressions. */
export const writeArray = (items: readonly string[]): string => `[${items.join(', ')}]`;

/** An array of string literals; typed even when empty. */
export function quoteStrings(values: readonly string[]): string {
  return values.length === 0 ? 'emptyArrayString()' : writeArray(values.map(quoteString));
}

/** A `Map(String, String)` literal. */
export function quoteMap(values: Readonly<Record<string, string>>): string {
  const entries = Object.entries(values);
  if (entries.length === 0) return "CAST(map(), 'Map(String, String)')";
  return `map(${entries.flatMap(([key, value]) => [quoteString(key), quoteString(value)]).join(', ')})`;
}

/** A literal for the right side of LIKE that matches values containing `needle`. */
export function quoteLikeContains(needle: string): string {
  return quoteString(`%${needle.replace(/[\\%_]/g, '\\$&')}%`);
}

/** `text` as a regular expression (RE2) that matches exactly it. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}

/** Conjunction; no conditions is true. */
export function and(conditions: readonly string[]): string {
  if (conditions.includes('0')) return '0';
  const kept = conditions.filter(c => c !== '1');
  if (kept.length === 0) return '1';
  return kept.length === 1 ? (kept[0] ?? '1') : kept.map(c => `(${c})`).join(' AND ');
}

/** Disjunction; no conditions is false. */
export function or(conditions: readonly string[]): string {
  if (conditions.includes('1')) return '1';
  const kept = conditions.filter(c => c !== '0');
  if (kept.length === 0) return '0';
  return kept.length === 1 ? (kept[0] ?? '0') : kept.map(c => `(${c})`).join(' OR ');
}

/** A SELECT in parentheses: the rows of `source` (see {@link quoteTable}) for which none of the conditions holds. One level each, so that aliases within conditions never meet. */
export const rowsWithout = (source: string, conditions: readonly string[]): string =>
  conditions.reduce((from, condition) => `(SELECT * FROM ${from} WHERE NOT ifNull(${condition}, 0))`, source);
