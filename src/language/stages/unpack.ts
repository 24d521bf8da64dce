import { extract } from '../extract.ts';
import { withLine } from '../row.ts';
import { endsAsObject, jsonFault, jsonValue, notJsonObject } from '../json-fields.ts';
import { quoteString } from '../sql-writer.ts';
import type { Unpack } from '../tree.ts';
import { firstOfEach, sanitized } from './extraction.ts';
import type { StageDefinition } from './stage.ts';

/** `unpack`: of a JSON object with a text `_entry` the other string fields become labels and `_entry` the line. */
export const unpack: StageDefinition<Unpack> = {
  parse: () => ({ kind: 'unpack' }),
  print: () => 'unpack',
  apply(_, row) {
    const { scope } = row;
    const noObject = `NOT startsWith(${row.line}, '{')`;
    const fields = scope.bind(`arrayFilter(p -> startsWith(p.2, '"'), JSONExtractKeysAndValuesRaw(${row.line}))`);
    const entry = scope.bind(`arrayFirst(p -> p.1 = '_entry', ${fields}).2`);
    const pairs = scope.bind(
      `arrayMap(p -> (${sanitized('p.1')}, ${jsonValue('p.2')}), arrayFilter(p -> p.1 != '_entry' AND ${entry} != '', ${fields}))`,
    );
    const unpacked = extract(row, {
      raw(name) {
        const found = scope.bind(`arrayFirst(p -> p.1 = ${quoteString(name)}, ${pairs})`);
        return { value: `${found}.2`, present: `${found}.1 != ''` };
      },
      rawMap: () => scope.bind(firstOfEach(pairs)),
      error: `if(${row.line} != '' AND (${noObject} OR ${notJsonObject(row)}), 'JSONParserErr', '')`,
      details: `if(${noObject}, 'expecting json object(6), but it is not', ${jsonFault(row)})`,
      cleanWhenFound: endsAsObject(row),
    });
    return { row: withLine(unpacked, `if(${entry} != '', ${jsonValue(entry)}, ${row.line})`) };
  },
};
