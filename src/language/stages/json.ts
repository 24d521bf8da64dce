import {
  endsAsObject,
  jsonAtPath,
  jsonFault,
  jsonField,
  jsonMap,
  keyFault,
  notJsonObject,
  notJsonStart,
  parseJsonPath,
} from '../json-fields.ts';
import { or } from '../sql-writer.ts';
import { extract, type Extractor } from '../extract.ts';
import { choose, missing, namedValues, type Row, storedHas } from '../row.ts';
import type { Json } from '../tree.ts';
import { parseExtractions, printExtractions } from './extraction.ts';
import type { StageDefinition } from './stage.ts';

/** Only the named paths; a missing path gives the label with an empty value, unless there is a label of that name. */
function selected(row: Row, stage: Json): Extractor {
  // A line that starts like no JSON has no labels at all, an empty one has no error either.
  const readable = row.scope.bind(`match(${row.line}, '^[{\\\\["]')`);
  const values = new Map(
    stage.extractions.map(({ name, path }) => {
      const taken = or([storedHas(name), row.label('parsed', name).present]);
      const steps = parseJsonPath(path) ?? [];
      const optional = jsonAtPath(row, steps, readable, choose(taken, 'NULL', "''"));
      return [name, { value: `ifNull(${optional}, '')`, present: `isNotNull(${optional})`, optional }];
    }),
  );
  const keys = stage.extractions.flatMap(({ path }) => {
    const [key, ...deeper] = parseJsonPath(path) ?? [];
    return typeof key === 'string' && deeper.length === 0 ? [key] : [];
  });
  const fault = keyFault(row, keys);
  return {
    raw: name => values.get(name) ?? missing,
    rawMap: () => namedValues(values),
    error: `if((${row.line} != '' AND ${notJsonStart(row)}) OR ${fault} != '', 'JSONParserErr', '')`,
    details: fault,
    cleanWhenFound: '0',
    replaces: true,
  };
}

/** `json [label="path", ...]`: every field of the object, or the named paths, as labels. */
export const json: StageDefinition<Json> = {
  parse(reader) {
    const extractions = parseExtractions(reader).map(({ extraction, at }) => {
      if (parseJsonPath(extraction.path) === undefined)
        reader.cannotRun(`cannot parse expression [${extraction.path}]: not a JSON path such as a.b[0]["c d"]`, at);
      return extraction;
    });
    return { kind: 'json', extractions };
  },

  print: stage => `json${printExtractions(stage.extractions)}`,

  apply(stage, row) {
    const all: Extractor = {
      raw: name => jsonField(row, name),
      rawMap: () => jsonMap(row),
      error: `if(${notJsonObject(row)}, 'JSONParserErr', '')`,
      details: jsonFault(row),
      cleanWhenFound: endsAsObject(row),
    };
    return { row: extract(row, stage.extractions.length > 0 ? selected(row, stage) : all) };
  },
};
