import { and, quoteNumber, quoteString } from '../sql-writer.ts';

/**
 * A value as SQL. Every expression may be NULL: what is missing. `text` is a field, whose type only its content tells; `integer` is
 * SQL (or `'1'`, `'0'`) that says whether a number is whole by type, which decides how it is divided and written.
 */
export type Value =
  | { type: 'text' | 'string' | 'boolean' | 'time'; sql: string }
  | { type: 'number'; sql: string; integer: string }
  | { type: 'null' };

export const unknownBoolean = "CAST(NULL, 'Nullable(UInt8)')";
const unknownString = "CAST(NULL, 'Nullable(String)')";
const unknownNumber = "CAST(NULL, 'Nullable(Float64)')";

export const isLiteralSql = (sql: string): boolean => /^(?:'(?:[^'\\]|\\.)*'|toFloat64\([^()]*\)|[01])$/.test(sql);

/** `sql` where none of the arguments is NULL. */
export function whenKnown(args: readonly string[], sql: string): string {
  const open = args.filter(arg => !isLiteralSql(arg));
  return open.length === 0 ? sql : `if(${open.map(arg => `isNull(${arg})`).join(' OR ')}, NULL, ${sql})`;
}

/** Text as Java writes doubles: 42.0, 42.5. */
const floatText = (x: string): string =>
  `if(${x} = trunc(${x}), concat(toString(toInt128(${x})), '.0'), toString(${x}))`;

/** Nullable(String). */
export function asText(value: Value): string {
  switch (value.type) {
    case 'null':
      return unknownString;
    case 'text':
    case 'string':
      return value.sql;
    case 'boolean':
      return `if(isNull(${value.sql}), NULL, if(${value.sql}, 'true', 'false'))`;
    case 'time':
      return `concat(replaceOne(toString(toDateTime64(${value.sql}, 3, 'UTC')), ' ', 'T'), 'Z')`;
    case 'number': {
      const { sql, integer } = value;
      const whole = `toString(toInt128(${sql}))`;
      const text =
        integer === '1' ? whole : integer === '0' ? floatText(sql) : `if(${integer}, ${whole}, ${floatText(sql)})`;
      return whenKnown([sql], text);
    }
  }
}

/** Nullable(Float64): NULL for text that is no number. */
export function asNumber(value: Value): { sql: string; integer: string } {
  switch (value.type) {
    case 'null':
      return { sql: unknownNumber, integer: '1' };
    case 'number':
      return value;
    case 'boolean':
      return { sql: `toFloat64(${value.sql})`, integer: '1' };
    case 'time':
      return { sql: `toFloat64(toUnixTimestamp64Milli(${value.sql}))`, integer: '1' };
    case 'text':
    case 'string': {
      // The engine also reads "nan" and "inf", which are words here.
      const read = `toFloat64OrNull(${value.sql})`;
      return { sql: `if(isFinite(${read}), ${read}, NULL)`, integer: `isNotNull(toInt64OrNull(${value.sql}))` };
    }
  }
}

/** Nullable(UInt8). */
export function asBoolean(value: Value): string {
  switch (value.type) {
    case 'boolean':
      return value.sql;
    case 'text':
    case 'string':
      return `multiIf(${value.sql} = 'true', 1, ${value.sql} = 'false', 0, NULL)`;
    default:
      return unknownBoolean;
  }
}

export const numberLiteral = (value: number, integer: boolean): Value => ({
  type: 'number',
  sql: quoteNumber(value),
  integer: integer ? '1' : '0',
});

export const stringLiteral = (value: string): Value => ({ type: 'string', sql: quoteString(value) });

/** Both whole. */
export const bothWhole = (a: { integer: string }, b: { integer: string }): string => and([a.integer, b.integer]);
