import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { eventually, json, ndjson } from './ask.ts';

// The attack numbers are those of the security scorecard in docs/sql.md.

let weir: UnderTest;
const folder = mkdtempSync(join(tmpdir(), 'weir-sql-'));
const secret = join(folder, 'secret.csv');

beforeAll(async () => {
  writeFileSync(secret, 'top,hidden\n');
  const options = {
    folder,
    config: 'sql: {enabled: true, rows: 50}\nlimits: {query_timeout: 3s}\nstore: {database: logs}\n',
  };
  weir = await startWeir(options);
  const lines = (n: number, word: string): string =>
    Array.from({ length: n }, (_, i) => JSON.stringify({ service: `s${i % 3}`, message: `${word} ${i}`, n: i })).join(
      '\n',
    );
  await weir.post('/ingest/json', lines(60, 'mine'), { ...ndjson, 'x-scope-orgid': 'mine' });
  await weir.post('/ingest/json', lines(40, 'theirs'), { ...ndjson, 'x-scope-orgid': 'theirs' });
  await weir.post('/ingest/json', '{"broken\n', { ...ndjson, 'x-scope-orgid': 'theirs' });
  await eventually(
    () => values('SELECT count() FROM records', 'theirs'),
    ([n]) => n === '40',
  );
  // A stop seals: from now on the records are in parts.
  await weir.stop();
  weir = await startWeir(options);
});
afterAll(async () => {
  await weir.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Frame = {
  type: string;
  rows?: Record<string, unknown>[] | number;
  partial?: boolean;
  reason?: string | null;
  error?: { code: string; message: string; line?: number; column?: number };
};
async function sql(
  query: string,
  tenant = 'mine',
): Promise<{ status: number; rows: Record<string, unknown>[]; end?: Frame; fault: string }> {
  const reply = await weir.post('/api/v1/sql', JSON.stringify({ query }), { ...json, 'x-scope-orgid': tenant });
  if (reply.status !== 200) return { status: reply.status, rows: [], fault: reply.body };
  const frames = reply.body
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Frame);
  const end = frames.at(-1);
  return {
    status: reply.status,
    rows: frames.flatMap(f => (f.type === 'rows' && Array.isArray(f.rows) ? f.rows : [])),
    ...(end && { end }),
    fault: JSON.stringify(end?.error ?? ''),
  };
}
const values = async (query: string, tenant?: string): Promise<unknown[]> => {
  const { rows, status, fault } = await sql(query, tenant);
  expect([status, fault]).toEqual([200, '""']);
  return rows.map(r => Object.values(r)[0]);
};

/** Text of the engine's users file. */
function usersOfEngine(pid: number): string {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const [options] = children.flatMap(child => {
    const words = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0');
    return words.filter(word => word.startsWith('{'));
  });
  const { runDirectory } = JSON.parse(options ?? '{}') as { runDirectory: string };
  return readFileSync(join(runDirectory, 'users.xml'), 'utf8');
}

it('the engine filters rows by tenant when there is SQL of people, and only then', async () => {
  expect(usersOfEngine(weir.pid).match(/<filter>.*tenant = /g)).toHaveLength(4);
  const without = await startWeir();
  expect(usersOfEngine(without.pid)).not.toMatch(/<filter>/);
  await without.stop();
});

describe('what it is for', () => {
  it('answers over the records of the tenant, in parts and tail', async () => {
    expect(await values('SELECT count() FROM records')).toEqual(['60']);
    await weir.post('/ingest/json', '{"service":"fresh","message":"in the tail"}', {
      ...ndjson,
      'x-scope-orgid': 'mine',
    });
    await eventually(
      () => values("SELECT count() FROM records WHERE service = 'fresh'"),
      ([n]) => n === '1',
    );
    expect(
      (
        await sql(
          "SELECT service, count() AS n, max(toInt64OrZero(attributes['n'])) AS top FROM records GROUP BY service ORDER BY service LIMIT 3",
        )
      ).rows,
    ).toEqual([
      { service: 'fresh', n: '1', top: '0' },
      { service: 's0', n: '20', top: '57' },
      { service: 's1', n: '20', top: '58' },
    ]);
  });

  it('knows WITH, joins, windows, arrays, IN subqueries and unions', async () => {
    expect(
      await values(
        `WITH busy AS (SELECT service, count() AS n FROM records GROUP BY service), 5 AS five
SELECT concat(r.service, ' ', toString(b.n + five), ' ', toString(row_number() OVER (PARTITION BY r.service ORDER BY r.seq))) AS x
FROM records AS r JOIN busy AS b ON r.service = b.service WHERE r.service IN busy_names OR r.seq IN (SELECT min(seq) FROM records GROUP BY service)
ORDER BY x LIMIT 2`.replace('r.service IN busy_names OR ', ''),
      ),
    ).toEqual(['fresh 6 1', 's0 25 1']);
    expect(
      await values('SELECT s FROM (SELECT arraySum(arrayMap(x -> x + 1, [1, 2])) AS s UNION ALL SELECT 7) ORDER BY s'),
    ).toEqual(['5', '7']);
    expect(await values('SELECT count() FROM streams')).toEqual([expect.any(String)]);
  });

  it('cuts off aloud at the limit of rows', async () => {
    const { rows, end } = await sql('SELECT message FROM records ORDER BY seq');
    expect(rows.length).toBe(50);
    expect(end).toMatchObject({ type: 'end', partial: true, rows: 50 });
    expect(String(end?.reason)).toContain('50 rows (sql.rows)');
  });

  it('names what is wrong, where, and what was meant', async () => {
    const syntax = await sql('SELECT 1\nFROM records WHERE WHERE 2');
    expect(syntax.status).toBe(400);
    expect(JSON.parse(syntax.fault)).toMatchObject({ error: { code: 'bad_query', line: 2 } });
    expect((await sql('SELECT nosuch FROM records')).fault).toContain('nosuch');
    expect((await sql('SELECT countt() FROM records')).fault).toContain('did you mean count');
    expect((await sql("SELECT 1 + 'a'")).fault).toContain('Illegal types');
    for (const query of [
      'SELECT nosuch FROM records',
      "SELECT 1 + 'a'",
      'SELECT 1 FROM records WHERE WHERE 2',
      'SELECT toDate(message) FROM records',
    ])
      expect((await sql(query)).fault, query).not.toMatch(/tail_|logs\.|formatQuery|WITH `records`/);
  });

  it('is off unless allowed', async () => {
    const plain = await startWeir();
    try {
      const reply = await plain.post('/api/v1/sql', JSON.stringify({ query: 'SELECT 1' }), json);
      expect(reply.status).toBe(403);
      expect(reply.body).toContain('sql.enabled');
    } finally {
      await plain.stop();
    }
  });
});

describe('attacks', () => {
  const refused = async (query: string): Promise<string> => {
    const { status, rows, fault } = await sql(query);
    expect([query, status, rows]).toEqual([query, 400, []]);
    expect(fault, query).not.toContain('hidden');
    return fault;
  };

  it('2: table functions', async () => {
    for (const call of [
      `file('${secret}', CSV, 'a String, b String')`,
      "url('http://127.0.0.1:1/', CSV, 'a String')",
      "s3('http://127.0.0.1:1/b/k', CSV, 'a String')",
      "remote('127.0.0.1', system.one)",
      "mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
      `sqlite('${join(folder, 'made.db')}', 't')`,
      "executable('x.sh', TSV, 'a String')",
      'numbers(10)',
      "merge('logs', 'records')",
      "VALUES('a UInt8', 1)",
      'view(SELECT 1)',
      "input('a String')",
      "generateRandom('a String')",
      "cluster('default', system.one)",
    ])
      expect(await refused(`SELECT * FROM ${call}`)).toContain('cannot be');
    expect(existsSync(join(folder, 'made.db'))).toBe(false);
  });

  it('3: scalar functions that read the machine, also in lambdas, arguments of aggregates and filters', async () => {
    for (const call of [
      `file('${secret}')`,
      `arrayMap(x -> file(x), ['${secret}'])`,
      `sum(length(file('${secret}')))`,
      `FILE('${secret}')`,
      `\`file\`('${secret}')`,
      "getSetting('log_comment')",
      "getServerSetting('max_server_memory_usage')",
      'hostName()',
      'currentUser()',
      "dictGet('d', 'a', 1)",
      "joinGet('j', 'a', 1)",
      'sleep(1)',
      'sleepEachRow(1)',
      "catboostEvaluate('m', 1)",
      'showCertificate()',
      'evalMLMethod(1)',
      "getMacro('x')",
      'addressToLine(1)',
      "hasColumnInTable('logs', 'records', 'tenant')",
      "initializeAggregation('count')",
      'throwIf(1)',
    ])
      expect(await refused(`SELECT ${call} FROM records`)).toMatch(/not allowed|cannot/);
    await refused(`SELECT count() FROM records WHERE length(file('${secret}')) > 0`);
    await refused(`SELECT * APPLY(file) FROM (SELECT '${secret}' AS a)`);
    await refused(`SELECT * APPLY(x -> file(x)) FROM (SELECT '${secret}' AS a)`);
    await refused(`SELECT * REPLACE(file('${secret}') AS message) FROM records`);
    await refused(`SELECT sum(1) OVER (PARTITION BY file('${secret}')) FROM records`);
    await refused(`SELECT sum(1) OVER w FROM records WINDOW w AS (ORDER BY file('${secret}'))`);
    await refused(`SELECT 1 FROM records ORDER BY file('${secret}')`);
    await refused(`SELECT 1 FROM records LIMIT length(file('${secret}'))`);
  });

  it('3: files as tables, by any spelling', async () => {
    for (const table of [`\`${secret}\``, `'${secret}'`, `"${secret}"`, 'LICENSE', 'package', `logs.\`${secret}\``])
      expect(await refused(`SELECT * FROM ${table}`)).toContain('cannot be read');
    await refused(`SELECT 1 WHERE ('a', 'b') IN \`${secret}\``);
    // A name of WITH, used where its WITH does not reach.
    await refused('SELECT * FROM (WITH LICENSE AS (SELECT 1) SELECT * FROM LICENSE) AS a, LICENSE');
  });

  it('4: INTO OUTFILE and FORMAT', async () => {
    await refused(`SELECT 1 INTO OUTFILE '${join(folder, 'out')}'`);
    await refused(`SELECT 1 INTO OUTFILE '${join(folder, 'out')}' FORMAT CSV`);
    await refused(`SELECT * FROM (SELECT 1 INTO OUTFILE '${join(folder, 'out')}')`);
    for (const query of ['SELECT 1 FORMAT CSV', 'SELECT message FROM records FORMAT Null'])
      expect(await refused(query)).toContain('FORMAT and INTO OUTFILE cannot be used');
    expect(await refused('SHOW TABLES')).toContain('only SELECT is possible');
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });

  it('5: several statements, closing parentheses, comments', async () => {
    for (const query of [
      'SELECT 1; DROP TABLE logs.records',
      'SELECT 1) UNION ALL SELECT message FROM logs.records WHERE (1',
      'SELECT 1) AS a, (SELECT 2',
      'SELECT 1 /* ) */ FROM logs.records',
      'SELECT 1 -- \n FROM logs.records',
      'SELECT 1 PARALLEL WITH SELECT 2',
      'SELECT `x\n    TableIdentifier records` FROM logs.records',
      '',
      ';',
    ])
      await refused(query);
    expect(await values('SELECT count() /* a ) comment; */ FROM records -- end')).toEqual([expect.any(String)]);
  });

  it('6 and 7: other statements', async () => {
    for (const query of [
      `DESCRIBE file('${secret}')`,
      'KILL QUERY WHERE 1',
      'SYSTEM STOP MERGES',
      'DROP TABLE records',
      'TRUNCATE TABLE logs.records',
      'INSERT INTO logs.records (message) VALUES (1)',
      "INSERT INTO FUNCTION file('/tmp/x', CSV) SELECT 1",
      'ALTER TABLE logs.records DELETE WHERE 1',
      'SHOW TABLES',
      'EXPLAIN SELECT 1',
      'SELECT * FROM (EXPLAIN SELECT 1)',
      'CREATE TABLE x (a UInt8) ENGINE = Memory',
      'SET readonly = 0',
      'USE logs',
      'OPTIMIZE TABLE logs.records',
      'BACKUP TABLE logs.records TO Null',
      'CHECK TABLE logs.records',
      'EXISTS TABLE logs.records',
      'WITH 1 AS x INSERT INTO logs.records SELECT x',
    ])
      await refused(query);
    expect(await values('SELECT count() > 0 FROM records')).toEqual([1]);
  });

  it('8 and 9: other tenants, by every way to a row', async () => {
    for (const query of [
      'SELECT message FROM logs.records',
      'SELECT message FROM `logs`.`records`',
      'SELECT message FROM logs.staging',
      'SELECT message FROM staging',
      'SELECT message FROM tail_1',
      'SELECT 1 FROM records WHERE message IN logs.records',
      'SELECT 1 FROM records WHERE (message) IN (logs.records)',
      'SELECT x.message FROM records AS r JOIN logs.records AS x ON 1',
      'WITH x AS (SELECT * FROM logs.records) SELECT * FROM x',
      'WITH records AS (SELECT * FROM logs.records) SELECT * FROM records',
      'SELECT (SELECT max(message) FROM logs.records)',
      'SELECT message FROM records UNION ALL SELECT message FROM logs.records',
      'SELECT message FROM records EXCEPT SELECT message FROM logs.records',
      'SELECT message FROM records PREWHERE message IN (SELECT message FROM logs.records)',
      'SELECT message FROM records FINAL',
    ])
      await refused(query);
    for (const query of [
      "SELECT count() FROM records WHERE tenant != 'mine' OR 1 = 1",
      'SELECT count() FROM records',
      'WITH records AS (SELECT * FROM records) SELECT count() FROM records',
      'SELECT count() FROM (SELECT * FROM records)',
      'SELECT count() FROM records AS a WHERE seq IN (SELECT seq FROM records)',
    ])
      expect([query, await values(query, 'theirs')]).toEqual([query, ['40']]);
    expect(await values("SELECT count() FROM records WHERE message LIKE 'theirs%'")).toEqual(['0']);
    expect(await values('SELECT count() FROM quarantine')).toEqual(['0']);
    expect(await values('SELECT count() FROM quarantine', 'theirs')).toEqual(['1']);
    expect(await values("SELECT count() FROM streams WHERE tenant != 'mine'")).toEqual(['0']);
    expect(await values("SELECT count() FROM templates WHERE tenant != 'mine'")).toEqual(['0']);
    expect(await values('SELECT count() FROM records', 'nobody')).toEqual(['0']);
  });

  it('10: system tables and what reads the parts', async () => {
    for (const table of [
      'system.parts',
      'system.processes',
      'system.tables',
      'information_schema.tables',
      "mergeTreeIndex('logs', 'records')",
      'loop(logs.records)',
    ])
      expect(await refused(`SELECT * FROM ${table}`)).toMatch(/cannot be (read|used)/);
  });

  it('11: settings', async () => {
    for (const query of [
      'SELECT 1 SETTINGS readonly = 0',
      "SELECT count() FROM records SETTINGS log_comment = 'theirs'",
      "SELECT * FROM (SELECT count() FROM records SETTINGS log_comment = 'theirs')",
      "SELECT count() FROM records WHERE seq IN (SELECT seq FROM records SETTINGS log_comment = 'theirs')",
    ])
      expect(await refused(query)).toMatch(/SETTINGS/);
    await refused('SELECT {x:String}');
  });

  it('query bombs end at a limit, and the program goes on', { timeout: 60_000 }, async () => {
    for (const query of [
      'SELECT count() FROM records AS a, records AS b, records AS c, records AS d, records AS e, records AS f',
      'SELECT arrayJoin(range(100000000)) AS x, arrayJoin(range(100000000)) AS y ORDER BY x + y LIMIT 1',
      `SELECT ${'('.repeat(300)}1${')'.repeat(300)}`,
      'SELECT groupArray(repeat(message, 1000000)) FROM records AS a, records AS b',
      `SELECT ${Array.from({ length: 30_000 }, (_, i) => i).join('+')}`,
    ]) {
      const { status, end, fault } = await sql(query);
      const said = status >= 400 && status < 500 ? true : end?.partial === true || end?.type === 'error';
      expect([query.slice(0, 60), status, said, fault.slice(0, 200)]).toEqual([
        query.slice(0, 60),
        status,
        true,
        fault.slice(0, 200),
      ]);
      expect(status).not.toBe(500);
    }
    await sleep(500);
    expect(await values('SELECT count() > 0 FROM records')).toEqual([1]);
  });
});
