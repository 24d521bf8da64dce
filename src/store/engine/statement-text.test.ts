import { expect, test } from 'vitest';
import type { EngineRequest } from './request.ts';
import { killTarget, pipeText, SessionState, statementText, wholeText } from './statement-text.ts';

const request = (sql: string, format = 'CSV', settings: Record<string, string> = {}): EngineRequest => ({
  sql,
  queryId: 'q1',
  format,
  settings: new Map(Object.entries(settings)),
  database: 'default',
  queryClass: 'user',
});

test('a SELECT gets its format and settings behind it', () => {
  const statement = statementText(request('SELECT 1 -- one', 'JSONEachRow', { max_threads: '1', log_comment: "it's" }));
  expect(statement.mode).toBe('chunks');
  expect(wholeText(statement)).toBe(
    "/*weir:q1*/ SELECT 1 -- one\nFORMAT JSONEachRow SETTINGS max_threads = 1, log_comment = 'it\\'s'",
  );
});

test('a FORMAT in the text wins over the default', () => {
  const statement = statementText(request('select 1 \nFORMAT Parquet ;\n'));
  expect(statement).toMatchObject({ mode: 'pipe', format: 'Parquet', body: 'select 1' });
  expect(pipeText(statement, '/x')).toMatch(
    /^\/\*weir:q1\*\/ INSERT INTO FUNCTION file\('\/x', 'Parquet'\) SETTINGS min_.* = 1 select 1$/,
  );
});

test.each([
  ['/* a */ -- b\n ((select 1))', 'chunks'],
  ['WITH 1 AS x SELECT x', 'chunks'],
  ['SHOW TABLES', 'whole'],
  ['INSERT INTO t SELECT 1', 'whole'],
  ['CREATE TABLE t (a Int8) ENGINE = Memory', 'whole'],
])('%s is answered in mode %s', (sql, mode) => {
  expect(statementText(request(sql)).mode).toBe(mode);
});

test('settings of an INSERT go into the session once, and are taken back', () => {
  const state = new SessionState();
  const insert = statementText(request('INSERT INTO t SELECT 1', 'CSV', { max_threads: '1', a: 'b' }));
  expect(state.prepare(insert)).toBe("SET max_threads = 1, a = 'b'; ");
  expect(state.prepare(insert)).toBe('');
  expect(state.prepare({ ...insert, sessionSettings: new Map([['a', 'c']]), database: 'w' })).toBe(
    "USE `w`; SET a = 'c', max_threads = DEFAULT; ",
  );
});

test('SET and USE are refused, KILL is understood', () => {
  expect(() => statementText(request('SET max_threads = 1'))).toThrow(/Code: 36.*SET would be lost/);
  expect(killTarget(" KILL QUERY WHERE query_id = 'ab-1' ASYNC")).toBe('ab-1');
  expect(killTarget('KILL QUERY WHERE 1')).toBeUndefined();
});
