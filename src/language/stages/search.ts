import { quote } from '../go-string.ts';
import { readSearch, type SearchReading } from '../search/parser.ts';
import { printSearch } from '../search/print.ts';
import { searchSql } from '../search/sql.ts';
import type { Token } from '../lexer.ts';
import type { TokenReader } from '../reader.ts';
import type { Search } from '../tree.ts';
import type { StageDefinition } from './stage.ts';

/** Extension of LogQL: `search "error OR status:>=500"`, a search text (docs/search.md) as a condition. Relative dates are not known here. */
export const search: StageDefinition<Search> = {
  parse(reader) {
    const token = reader.string('a search text, as a string');
    const { condition, to } = readWithin(reader, token);
    if (to < token.value.length)
      throw reader.fault('a search text inside a stage ends at "|"; put it in quotes', token);
    return { kind: 'search', condition };
  },
  print: stage => `search ${quote(printSearch(stage.condition))}`,
  apply: (stage, row) => ({ row, where: searchSql(row, stage.condition) }),
};

/** Faults inside the string are told at the string. */
function readWithin(reader: TokenReader, token: Token): SearchReading {
  try {
    return readSearch(token.value);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^parse error at /, '') : String(error);
    throw reader.fault(`invalid search text: ${reason}`, token);
  }
}
