import { numberOf } from './convert.ts';
import { quoteName, quoteString } from './sql-writer.ts';

/**
 * A field whose numbers records hold as a column of their own, so that `unwrap` need not unpack all attributes of every record to get one
 * (docs/decisions/0010). Two columns stand for a label of a stored record: its number, or its text where it is there and is no number.
 */
export type NumberColumn = {
  /** Nullable(Float64): what `unwrap` makes of the label; NULL when it is missing, empty or no number. */
  number: string;
  /** String: the label where it is there and is no number, else empty. */
  text: string;
};

export const numberColumn = (name: string): NumberColumn => ({
  number: quoteName(`number_${name}`),
  text: quoteName(`text_${name}`),
});

/** How the two columns are made of those of a record: the label as LogQL sees it before any stage (row.ts). */
export function numberColumnDefinitions(name: string): { name: string; type: string; expression: string }[] {
  const label = `labels[${quoteString(name)}]`;
  const attribute = `attributes[${quoteString(name)}]`;
  const value = `if(${label} = '' AND ${attribute} != '', ${attribute}, ${label})`;
  return [
    { name: `number_${name}`, type: 'Nullable(Float64)', expression: numberOf(value) },
    { name: `text_${name}`, type: 'String', expression: `if(isNull(${numberOf(value)}), ${value}, '')` },
  ];
}
