import { EngineError, type EngineRequest } from './request.ts';

/**
 * How an answer travels:
 * - `chunks`: formats in which pieces of an answer simply follow each other; the engine hands them over as they are computed.
 * - `small`: of these formats the JSON ones (text, always UTF-8), where the asker says that there is little of it: in one piece, without a hop between threads for each block.
 * - `pipe`: formats with a header or footer. The engine would repeat it for each piece, so it writes the file itself, into a named pipe.
 * - `whole`: everything else, in one piece: small documents, and statements without an answer.
 */
export type AnswerMode = 'chunks' | 'small' | 'pipe' | 'whole';

const chunkFormats = new Set([
  'JSONEachRow',
  'JSONEachRowWithProgress',
  'JSONCompactEachRow',
  'JSONStringsEachRow',
  'CSV',
  'TSV',
  'TabSeparated',
  'TSVRaw',
  'TabSeparatedRaw',
  'LineAsString',
  'RawBLOB',
  'RowBinary',
  'TSKV',
]);
const smallFormats = new Set(['JSONEachRow', 'JSONEachRowWithProgress']);
const pipeFormats = new Set([
  'Parquet',
  'Arrow',
  'ArrowStream',
  'ORC',
  'Avro',
  'CSVWithNames',
  'CSVWithNamesAndTypes',
  'TSVWithNames',
  'TabSeparatedWithNames',
  'JSONCompactEachRowWithNames',
  'JSONCompactEachRowWithNamesAndTypes',
]);

/** A statement made ready for a session. */
export type StatementText = {
  queryId: string;
  mode: AnswerMode;
  format: string;
  /** Text up to the FORMAT clause, without the comment that names it. */
  body: string;
  /** FORMAT and SETTINGS, for statements that have an answer; empty for others. */
  tail: string;
  /** As asked for with the statement. */
  settings: ReadonlyMap<string, string>;
  /** Those of them that must be put into the session because the statement has no place for them (INSERT, DDL). */
  sessionSettings: ReadonlyMap<string, string>;
  database: string;
};

/** chDB gives no way to choose the query id, so the statement carries it in a comment, by which `system.processes` is searched. */
export const nameComment = (queryId: string): string => `/*weir:${queryId}*/`;
/** Statement that stops the statements of this name. ASYNC, since SYNC never returns in this engine. */
export const killStatement = (queryId: string): string =>
  `KILL QUERY WHERE startsWith(query, '${nameComment(queryId)}') ASYNC`;
/** The query ids named by `KILL QUERY WHERE query_id = '…'`, the one form that clients use; undefined for other statements. */
export const killTarget = (sql: string): string | undefined =>
  /^\s*KILL\s+QUERY\s+WHERE\s+query_id\s*=\s*'([\w.:-]+)'/i.exec(sql)?.[1];

const leading = /^(?:\s|\(|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*([a-z]+)/i;
const formatClause = /\s+FORMAT\s+(\w+)\s*$/i;
const withAnswer = new Set(['SELECT', 'WITH', 'SHOW', 'DESCRIBE', 'DESC', 'EXPLAIN', 'EXISTS', 'CHECK']);

/** A setting's value as SQL: numbers bare, all else quoted. */
const valueToSql = (value: string): string =>
  /^-?\d+(\.\d+)?$/.test(value) ? value : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const assignments = (settings: Iterable<readonly [string, string]>): string =>
  [...settings].map(([name, value]) => `${name} = ${valueToSql(value)}`).join(', ');

/** Decide how to run a statement, and take it apart for that. */
export function statementText(request: EngineRequest): StatementText {
  const keyword = leading.exec(request.sql)?.[1]?.toUpperCase() ?? '';
  if (keyword === 'SET' || keyword === 'USE') {
    throw new EngineError(
      36,
      `${keyword} would be lost: each statement may run in another session; pass settings with the statement`,
      'BAD_ARGUMENTS',
    );
  }
  const common = { queryId: request.queryId, database: request.database, settings: request.settings };
  if (!withAnswer.has(keyword)) {
    if (request.settings.has('log_comment'))
      throw new EngineError(
        36,
        'log_comment is for statements that answer only: a session that has it set sees the rows of one tenant, see config-file.ts',
        'BAD_ARGUMENTS',
      );
    return {
      ...common,
      mode: 'whole',
      format: request.format,
      body: request.sql,
      tail: '',
      sessionSettings: request.settings,
    };
  }
  const text = request.sql.replace(/[\s;]+$/, '');
  const format = formatClause.exec(text)?.[1] ?? request.format;
  const select = keyword === 'SELECT' || keyword === 'WITH';
  const chunks = request.small && smallFormats.has(format) ? 'small' : 'chunks';
  return {
    ...common,
    mode: select && chunkFormats.has(format) ? chunks : select && pipeFormats.has(format) ? 'pipe' : 'whole',
    format,
    body: text.replace(formatClause, ''),
    tail: `\nFORMAT ${format}${request.settings.size > 0 ? ` SETTINGS ${assignments(request.settings)}` : ''}`,
    sessionSettings: new Map(),
  };
}

/** What the engine is given for all modes but `pipe`. */
export const wholeText = (statement: StatementText): string =>
  `${nameComment(statement.queryId)} ${statement.body}${statement.tail}`;

/** What the engine is given for mode `pipe`: it writes the document into `path` block by block. */
export function pipeText(statement: StatementText, path: string): string {
  const settings = [
    ...statement.settings,
    ['min_insert_block_size_rows', '0'],
    ['min_insert_block_size_bytes', '0'],
    ['engine_file_truncate_on_insert', '1'],
  ] as const;
  return `${nameComment(statement.queryId)} INSERT INTO FUNCTION file('${path}', '${statement.format}') SETTINGS ${assignments(settings)} ${statement.body}`;
}

/** What a session has been told so far, to tell it only what changed. */
export class SessionState {
  #database = 'default';
  #settings = new Map<string, string>();

  /** Statements, each ended by `;`, that bring the session from where it is to what `statement` needs; empty when it is there. */
  prepare(statement: StatementText): string {
    const wanted = statement.sessionSettings;
    const changed = new Map([...wanted].filter(([name, value]) => this.#settings.get(name) !== value));
    const dropped = [...this.#settings.keys()].filter(name => !wanted.has(name));
    const parts = [assignments(changed), ...dropped.map(name => `${name} = DEFAULT`)].filter(part => part !== '');
    const use = this.#database === statement.database ? '' : `USE \`${statement.database.replaceAll('`', '')}\`; `;
    this.#settings = new Map(wanted);
    this.#database = statement.database;
    return `${use}${parts.length > 0 ? `SET ${parts.join(', ')}; ` : ''}`;
  }
}
