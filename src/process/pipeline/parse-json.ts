import { quoteString } from '../../language/sql-writer.ts';
import { mapType } from '../service.ts';
import { fieldText } from './field.ts';
import type { Step } from './step.ts';

/**
 * Keys of a JSON object become attributes: strings as their text, everything else as JSON text; nulls are left out. Text that is no
 * JSON object stays as it is. Fields that the record has already keep their place and take the parsed value.
 */
export function parseJson(field: string, prefix: string): Step {
  const text = fieldText(field);
  const pairs = `JSONExtractKeysAndValuesRaw(${text})`;
  const value = `if(startsWith(p.2, '"'), JSONExtractString(concat('[', p.2, ']'), 1), p.2)`;
  const found = `mapFromArrays(arrayMap(p -> concat(${quoteString(prefix)}, p.1), arrayFilter(p -> p.2 != 'null', ${pairs})), arrayMap(p -> ${value}, arrayFilter(p -> p.2 != 'null', ${pairs})))`;
  return {
    changes: {
      attributes: `if(startsWith(trimLeft(${text}), '{'), mapUpdate(attributes, CAST(${found}, '${mapType}')), attributes)`,
    },
  };
}
